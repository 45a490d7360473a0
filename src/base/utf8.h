// utf8.h - reading UTF-8 one character at a time, strictly (Unicode 15, table 3-7; RFC 3629).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace inlay {

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

// Bytes [begin, end) of `text`; the caller knows that they are there (substr would check and
// throw).
constexpr std::string_view slice(std::string_view text, std::size_t begin, std::size_t end) {
  return {text.data() + begin, end - begin};
}

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

// Offset of the first byte that is not valid UTF-8; the size of the text when there is none.
constexpr std::size_t utf8_valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step({text.data() + at, text.size() - at});
    if (step.kind != Utf8::whole) break;
    at += step.length;
  }
  return at;
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

}  // namespace inlay
