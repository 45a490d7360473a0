// regex_classes.h - sets of characters with a name: \d \w \s, and Unicode's general categories.
#pragma once

#include <span>
#include <string_view>

#include "base/array.h"
#include "sample/grammar/bytes.h"

namespace inlay::grammar {

// Of d, w, s; a capital letter gives the same set, which is to be negated.
bool find_shorthand(char letter, std::span<const PointRange>& ranges);

// Adds the characters of a category by its short or long name ("Lu", "Uppercase_Letter",
// "gc=Lu", "General_Category=Lu", "L", "Letter" ...). Only fails for memory.
Status add_category(std::string_view name, Array<PointRange>& ranges, bool& known);

}  // namespace inlay::grammar
