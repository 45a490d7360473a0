// formats.h - the formats of strings (section 7.3 of the validation draft) as automata.
#pragma once

#include <string_view>

#include "sample/schema/automaton.h"
#include "sample/schema/numbers.h"

namespace inlay::schema {

enum class Format : std::uint8_t {
  known,        // `out` has the texts of the format
  unknown,      // no format of the draft: an annotation
  unsupported,  // one of the draft that no automaton here knows
};

// The texts of a format. Plain spelling leaves out some that few programs read: leap seconds, the
// year 0, and host names of over 8 labels, labels of over 30 characters or of IDNA (xn--...). Which
// of the latter are valid no automaton can tell: a text that is there cannot be checked for
// "hostname".
Status find_format(std::string_view name, Spelling spelling, Format& format, Automaton& out);

}  // namespace inlay::schema
