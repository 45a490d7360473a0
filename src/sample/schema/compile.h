// compile.h - from a JSON schema (draft 2020-12) to the rules of a grammar for its instances.
#pragma once

#include "sample/grammar/rules.h"
#include "sample/schema/document.h"
#include "sample/schema/numbers.h"

namespace inlay::schema {

// White space between the tokens of an instance.
enum class Space : std::uint8_t {
  none,
  bounded,  // up to one line break and 20 blanks inside brackets and behind commas, a blank behind
            // ':'
  any,      // whatever JSON allows, also around the whole
};

struct CompileOptions {
  Spelling spelling = Spelling::plain;
  Space space = Space::bounded;
  bool ordered = false;        // members come in the order of "properties"
  bool closed = false;         // without additionalProperties no other members, as if it were false
  bool one_type = false;       // a root without a type is an array or string if a keyword speaks of
                               // one, else an object
  bool check_formats = true;   // "format" is asserted; false: an annotation
  bool ignore_unique = false;  // uniqueItems is left to the host where no automaton can hold it
};

// Adds rules for the instances of a schema and makes them the root. What a schema asks for is
// honoured or refused with its JSON pointer: UNSUPPORTED (no grammar can hold it, or a reference
// leads outside), FORMAT (not a schema), LIMIT (too large), MEMORY. Texts begin with
// "schema: <pointer>: ". Time and memory are bounded whatever the schema says.
Status compile(const Document& document, const CompileOptions& options, grammar::Rules& rules,
               Error& error);

}  // namespace inlay::schema
