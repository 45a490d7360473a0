// read.h - the text of a JSON schema, read into a tree or straight into rules.
#pragma once

#include <string_view>

#include "sample/schema/compile.h"

namespace inlay::schema {

// Fills an empty document. Errors name "schema", the path of keys and the byte: FORMAT (no JSON, or
// a key twice in an object), LIMIT (over 16 MiB of texts, 400,000 values, 128 levels), MEMORY.
Status read_document(std::string_view text, Document& document, Error& error);

// Both: text in, rules out.
Status read(std::string_view text, const CompileOptions& options, grammar::Rules& rules,
            Error& error);

}  // namespace inlay::schema

namespace inlay::grammar {

// Front ends of grammars (language.h): as a program would write instances; however JSON may be
// written, for texts that are there already; and by llama.cpp's conventions (members in the order
// of "properties", no others unless the schema speaks of them, a root without a type means one,
// uniqueItems is left to the host).
Status read_schema(std::string_view text, Rules& rules, Error& error);
Status read_schema_text(std::string_view text, Rules& rules, Error& error);
Status read_schema_ordered(std::string_view text, Rules& rules, Error& error);

}  // namespace inlay::grammar
