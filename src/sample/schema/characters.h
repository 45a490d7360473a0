// characters.h - sets of characters by their names in patterns: \d, \s, \w, \p{Letter}.
#pragma once

#include <string_view>

#include "sample/schema/automaton.h"

namespace inlay::schema {

// Ranges in any order become ascending ones that neither touch nor overlap.
void tidy(Array<Range>& set);
// All characters that `set` (tidy) does not have.
Status complement(const Array<Range>& set, Array<Range>& out);

// Adds the characters of \d, \w or \s (ECMA-262).
Status add_class(char name, Array<Range>& set);

// Adds those of a Unicode property: a general category by its short or long name ("Lu", "Letter",
// "gc=Lu"), "Any", "ASCII". Status::unsupported: not one of them.
Status add_property(std::string_view name, Array<Range>& set);

}  // namespace inlay::schema
