// json.cpp - JSON strings: escapes, and U+FFFD for bytes that are not UTF-8.
#include "json.h"

namespace cli {
namespace {

// Length of the UTF-8 character at the front of `text`, 0 if there is none (Unicode, table 3-7).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !follows(1)) return 0;
  if (first < 0xe0) return 2;
  if (!follows(2)) return 0;
  if (first < 0xf0) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  const bool outside = (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return outside || !follows(3) ? 0 : 4;
}

}  // namespace

Json& Json::value(std::string_view x) {
  comma();
  text_ += '"';
  while (!x.empty()) {
    const std::size_t length = character_length(x);
    const char c = x.front();
    if (length == 0) {
      text_ += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      text_ += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text_ += x.substr(0, length);
    }
    x.remove_prefix(length ? length : 1);
  }
  text_ += '"';
  return *this;
}

}  // namespace cli
