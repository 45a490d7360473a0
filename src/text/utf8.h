// utf8.h - reading UTF-8 one character at a time, strictly (Unicode 15, table 3-7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace inlay {

// The largest ids and positions of this folder fit 31 bits.
inline constexpr std::size_t max_text_bytes = 0x7ffffff0;

// Bytes [begin, end) of `text`; the caller knows that they are there (substr would check and
// throw).
constexpr std::string_view slice(std::string_view text, std::size_t begin, std::size_t end) {
  return {text.data() + begin, end - begin};
}

enum class Utf8 : std::uint8_t {
  whole,    // a well-formed character
  partial,  // the text ends inside a character that may still become well-formed
  broken,   // these bytes can never be part of a character
};

struct Utf8Step {
  Utf8 kind;
  std::uint8_t length;  // bytes of the character, or of its longest well-formed start (at least 1)
  char32_t point;       // when whole
};

// The character at the start of `text`, which is not empty.
constexpr Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {Utf8::whole, 1, first};
  if (first < 0xc2 || first > 0xf4) return {Utf8::broken, 1, 0};
  const std::uint8_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  // No overlong forms, no surrogates, nothing over U+10FFFF: the second byte has a tighter range.
  const std::uint32_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const std::uint32_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  char32_t point = first & (0x7fu >> length);
  for (std::uint8_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8::partial, i, 0};
    const std::uint32_t next = byte(i);
    if (next < (i == 1 ? low : 0x80) || next > (i == 1 ? high : 0xbf)) return {Utf8::broken, i, 0};
    point = (point << 6) | (next & 0x3f);
  }
  return {Utf8::whole, length, point};
}

// Bytes of the character at the start; 1 for a byte that is not part of one.
constexpr std::size_t utf8_length(std::string_view text) {
  const Utf8Step step = utf8_step(text);
  return step.kind == Utf8::whole ? step.length : 1;
}

// Writes a character (at most U+10FFFF) to `bytes`, room for four; returns their number.
constexpr std::size_t write_utf8(char32_t c, char* bytes) {
  if (c < 0x80) {
    bytes[0] = static_cast<char>(c);
    return 1;
  }
  const std::size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (std::size_t i = length; --i > 0; c >>= 6) bytes[i] = static_cast<char>(0x80 | (c & 0x3f));
  bytes[0] = static_cast<char>((0xf00u >> length & 0xf0u) | c);
  return length;
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
