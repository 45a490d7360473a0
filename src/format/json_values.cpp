// json_values.cpp - texts, numbers and words of JSON.
#include <charconv>
#include <cstring>
#include <limits>

#include "base/diagnostics.h"
#include "base/utf8.h"
#include "format/json.h"
#include "format/json_bytes.h"
#include "format/limits.h"

namespace inlay {
namespace {

constexpr std::size_t max_number = 1024;
constexpr std::uint64_t exact_integers = std::uint64_t{1} << 53;

// A number by the grammar whose value from_chars cannot hold: is it too small (and so 0)?
bool is_tiny(std::string_view text) {
  std::int64_t place = 0;  // of the first digit that is not zero: 0 for tenths, 1 for ones ...
  bool seen = false, after_point = false;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') after_point = true;
    if (!is_digit(text[i])) continue;
    seen = seen || text[i] != '0';
    if (seen && !after_point) ++place;
    if (!seen && after_point) --place;
  }
  if (i == text.size()) return place <= 0;
  const bool negative = text[++i] == '-';
  std::int64_t exponent = 0;
  for (; i < text.size(); ++i) {
    if (is_digit(text[i]) && exponent < 1'000'000'000) exponent = exponent * 10 + (text[i] - '0');
  }
  return place + (negative ? -exponent : exponent) <= 0;
}

}  // namespace

bool JsonReader::append(const char* bytes, std::size_t count) {
  if (count > limits::string_bytes - text_.size()) {
    fail_here(Status::limit, "a string of over 16 MiB");
    return false;
  }
  if (!is_error(text_.append({bytes, count}))) return true;
  if (!is_bad()) status_ = fail_memory(error_, "a string of a JSON file");
  return false;
}

bool JsonReader::append_character(std::uint32_t code) {
  char bytes[4];
  return append(bytes, write_utf8(code, bytes));
}

// The four digits of an escape \uXXXX.
bool JsonReader::read_hex(std::uint32_t& unit) {
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = look();
    const int letter = c | 0x20;
    const bool is_letter = letter >= 'a' && letter <= 'f';
    if (!is_digit(c) && !is_letter) return syntax("a hexadecimal digit");
    unit = unit * 16 + static_cast<std::uint32_t>(is_letter ? letter - 'a' + 10 : c - '0');
    advance();
  }
  return true;
}

bool JsonReader::lone_surrogate(std::uint32_t unit) {
  char text[96];
  const std::size_t length =
      print(text, sizeof text, "surrogate {:04x} without the other one at byte {}", unit,
            window_begin_ + at_);
  fail_here(Status::format, {text, length});
  return false;
}

// What follows a backslash.
bool JsonReader::read_escape() {
  static constexpr char names[] = "\"\\/bfnrt";
  static constexpr char codes[] = "\"\\/\b\f\n\r\t";
  const int c = look();
  const void* found = c > 0 ? std::memchr(names, c, sizeof names - 1) : nullptr;
  if (!found && c != 'u') return syntax("an escape");
  advance();
  if (found) return append(codes + (static_cast<const char*>(found) - names), 1);
  std::uint32_t unit = 0, second = 0;
  if (!read_hex(unit)) return false;
  if (unit < 0xd800 || unit > 0xdfff) return append_character(unit);
  if (unit > 0xdbff) return lone_surrogate(unit);
  if (look() != '\\') return lone_surrogate(unit);
  advance();
  if (look() != 'u') return lone_surrogate(unit);
  advance();
  if (!read_hex(second)) return false;
  if (second < 0xdc00 || second > 0xdfff) return lone_surrogate(unit);
  return append_character(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
}

bool JsonReader::read_string() {
  const std::uint64_t begin = window_begin_ + at_;
  text_.clear();
  advance();
  for (;;) {
    const int c = look();
    if (c < 0x20) return syntax("'\"' or a character");
    if (c == '"') break;
    if (c == '\\') {
      advance();
      if (!read_escape()) return false;
      continue;
    }
    std::size_t stop = at_;
    while (stop < window_bytes_ && window_[stop] != '"' && window_[stop] != '\\' &&
           static_cast<unsigned char>(window_[stop]) >= 0x20) {
      ++stop;
    }
    if (!append(window_ + at_, stop - at_)) return false;
    at_ = stop;
  }
  advance();
  if (utf8_valid_prefix({text_.data(), text_.size()}) == text_.size()) return true;
  char text[64];
  fail_here(Status::format,
            {text, print(text, sizeof text, "the string at byte {} is not UTF-8", begin)});
  return false;
}

// At least one digit.
bool JsonReader::read_digits() {
  if (!is_digit(look())) return syntax("a digit");
  while (is_digit(look())) {
    if (text_.size() > max_number) {
      fail_here(Status::limit, "a number of over 1024 characters");
      return false;
    }
    if (!append(window_ + at_, 1)) return false;
    advance();
  }
  return true;
}

bool JsonReader::read_number() {
  const auto take = [&] {
    const bool done = append(window_ + at_, 1);
    advance();
    return done;
  };
  text_.clear();
  if (look() == '-' && !take()) return false;
  if (look() == '0') {
    if (!take()) return false;
  } else if (!read_digits()) {
    return false;
  }
  if (look() == '.' && !(take() && read_digits())) return false;
  if (look() == 'e' || look() == 'E') {
    if (!take()) return false;
    if ((look() == '+' || look() == '-') && !take()) return false;
    if (!read_digits()) return false;
  }
  return !is_bad();
}

bool JsonReader::read_word(std::string_view word) {
  for (const char c : word) {
    if (look() != c) return syntax("true, false or null");
    advance();
  }
  return true;
}

bool JsonReader::text(std::string_view& value) {
  if (!begin_value(Kind::string) || !read_string()) return false;
  value = {text_.data(), text_.size()};
  return true;
}

bool JsonReader::number(double& value) {
  if (!begin_value(Kind::number) || !read_number()) return false;
  const char* begin = text_.data();
  double read = 0;
  const auto result = std::from_chars(begin, begin + text_.size(), read);
  if (result.ec == std::errc::result_out_of_range) {
    if (!is_tiny({begin, text_.size()})) {
      char text[128];
      const std::size_t length =
          print(text, sizeof text, "expected a number below 1.8e308, file has {}",
                Shown({begin, text_.size()}));
      fail_here(Status::format, {text, length});
      return false;
    }
    read = *begin == '-' ? -0.0 : 0.0;
  }
  value = read;
  return true;
}

bool JsonReader::number_text(std::string_view& value) {
  if (!begin_value(Kind::number) || !read_number()) return false;
  value = {text_.data(), text_.size()};
  return true;
}

// The number in text_ as sign and magnitude; false when it is no whole number of 64 bits.
bool JsonReader::integer_text(bool& negative, std::uint64_t& magnitude) const {
  const char* begin = text_.data();
  const char* end = begin + text_.size();
  negative = *begin == '-';
  magnitude = 0;
  bool plain = true;
  for (const char* c = begin + negative; c != end && plain; ++c) plain = is_digit(*c);
  if (plain) {
    return std::from_chars(begin + negative, end, magnitude).ec == std::errc();
  }
  double value = 0;  // 1e3, 2.0
  if (std::from_chars(begin + negative, end, value).ec != std::errc()) return false;
  if (!(value <= static_cast<double>(exact_integers))) return false;
  magnitude = static_cast<std::uint64_t>(value);
  return static_cast<double>(magnitude) == value;
}

// Reads a whole number from -low to high.
bool JsonReader::integer_in(std::uint64_t low, std::uint64_t high, bool& negative,
                            std::uint64_t& magnitude) {
  if (!begin_value(Kind::number) || !read_number()) return false;
  if (integer_text(negative, magnitude) && magnitude <= (negative ? low : high)) return true;
  char text[160];
  const std::size_t length =
      print(text, sizeof text, "expected a whole number from {}{} to {}, file has {}",
            low ? "-" : "", low, high, Shown({text_.data(), text_.size()}));
  fail_here(Status::format, {text, length});
  return false;
}

bool JsonReader::integer(std::int64_t& value) {
  constexpr auto high = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!integer_in(high + 1, high, negative, magnitude)) return false;
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool JsonReader::integer(std::uint64_t& value) {
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!integer_in(0, ~std::uint64_t{0}, negative, magnitude)) return false;
  value = magnitude;
  return true;
}

bool JsonReader::integer(std::uint32_t& value) {
  bool negative = false;
  std::uint64_t magnitude = 0;
  if (!integer_in(0, 0xffffffffu, negative, magnitude)) return false;
  value = static_cast<std::uint32_t>(magnitude);
  return true;
}

bool JsonReader::boolean(bool& value) {
  if (!begin_value(Kind::boolean)) return false;
  const bool read = look() == 't';
  if (!read_word(read ? "true" : "false")) return false;
  value = read;
  return true;
}

bool JsonReader::null() { return begin_value(Kind::null) && read_word("null"); }

}  // namespace inlay
