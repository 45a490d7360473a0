// case.h - upper, lower and title case as Python's str methods give them.
#pragma once

#include "text/template/text_builder.h"

namespace inlay::jinja {

enum class Case : std::uint8_t { upper, lower, title };

// Appends the character in that case. False when memory is out.
bool add_cased(TextBuilder& out, char32_t c, Case wanted, Origin origin);
// Whether the character has another case (for c beyond ASCII: whether the tables name it).
bool is_cased(char32_t c);

}  // namespace inlay::jinja
