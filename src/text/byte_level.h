// byte_level.h - the alphabet of byte-level BPE: every byte has a printable character (GPT-2,
// 2019).
#pragma once

#include <cstdint>
#include <string_view>

#include "text/utf8.h"

namespace inlay {

// Printable Latin-1 bytes stand for themselves.
constexpr bool byte_is_printable(std::uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

// The byte that a character stands for; -1: the character is not of the alphabet.
constexpr int byte_of_character(char32_t point) {
  if (point < 256) return byte_is_printable(point) ? static_cast<int>(point) : -1;
  if (point > 256 + 67) return -1;
  // The 68 other bytes, in ascending order, got the characters from U+0100 on.
  const int n = static_cast<int>(point) - 256;
  if (n <= 0x20) return n;               // 0x00 .. 0x20
  if (n < 0x43) return n + 0x7f - 0x21;  // 0x7f .. 0xa0
  return 0xad;
}

// The character that stands for a byte.
constexpr char32_t character_of_byte(std::uint32_t byte) {
  if (byte_is_printable(byte)) return byte;
  if (byte <= 0x20) return 0x100 + byte;
  return byte == 0xad ? 0x100 + 67 : 0x100 + byte - 0x7f + 0x21;
}

// Bytes of `text`, as many as it has characters, are written to `bytes` (room for text.size()).
// Returns their number, or -1 when a character is not of the alphabet.
constexpr std::int64_t bytes_of_text(std::string_view text, char* bytes) {
  std::int64_t count = 0;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const int byte = step.kind == Utf8::whole ? byte_of_character(step.point) : -1;
    if (byte < 0) return -1;
    bytes[count++] = static_cast<char>(byte);
    text.remove_prefix(step.length);
  }
  return count;
}

}  // namespace inlay
