// utf8.h - what texts and their characters are here: limits, lengths, spaces.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace inlay {

// The largest ids and positions of this folder fit 31 bits.
inline constexpr std::size_t max_text_bytes = 0x7ffffff0;

// Bytes of the character at the start; 1 for a byte that is not part of one.
constexpr std::size_t utf8_length(std::string_view text) {
  const Utf8Step step = utf8_step(text);
  return step.kind == Utf8::whole ? step.length : 1;
}

// The White_Space property.
constexpr bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";  // U+FFFD
inline constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581, a space in SentencePiece

}  // namespace inlay
