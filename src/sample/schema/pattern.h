// pattern.h - regular expressions of ECMA-262 (with the u flag), as JSON schemas use them.
//
// Refused with the reason: backreferences, \b and \B, lookbehind, lookahead elsewhere than at the
// begin of an alternative of the whole pattern (there it is an intersection).
#pragma once

#include <string_view>

#include "sample/schema/automaton.h"

namespace inlay::schema {

// The texts in which the pattern is found somewhere. `why` (256 bytes) gets the reason of a
// failure.
Status parse_pattern(std::string_view pattern, Automaton& out, char (&why)[256]);

}  // namespace inlay::schema
