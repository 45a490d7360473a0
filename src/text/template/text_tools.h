// text_tools.h - what filters and methods of texts share.
#pragma once

#include "text/template/case.h"
#include "text/template/renderer.h"

namespace inlay::jinja {

// How a text's letters are turned.
enum class Letters : std::uint8_t { upper, lower, capitalize, title, jinja_title, swap };
Value turn_letters(Renderer& r, const Text& text, Letters letters);

// Without the characters of `which` (nullptr: white space) at its sides.
Value strip(Renderer& r, const Text& text, const Text* which, bool left, bool right);
Value replace(Renderer& r, const Text& text, const Text& from, const Text& to, std::int64_t most);
// Between `width` characters, with a fill of one character.
Value justify(Renderer& r, const Text& text, std::int64_t width, char align, char32_t fill);
// The lines as splitlines() gives them.
Value split_lines(Renderer& r, const Text& text, bool keep_ends);
Value join(Renderer& r, const Vec<Value>& items, const Text& separator, bool texts_only);

}  // namespace inlay::jinja
