// decimal.h - numbers as JSON writes them, without rounding.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace inlay::schema {

// 0.d1 d2 d3... times 10^exponent; d1 and the last digit are not 0. Zero has no digits.
struct Decimal {
  static constexpr int max_digits = 60, max_exponent = 330;

  bool negative = false;
  std::uint8_t count = 0;
  std::int16_t exponent = 0;
  char digits[max_digits] = {};  // values 0 to 9

  bool is_zero() const { return count == 0; }
  bool is_integer() const { return count <= exponent; }
  // Digits before the point, 0 for a number below 1; and behind it.
  std::uint32_t whole_digits() const {
    return exponent > 0 ? static_cast<std::uint32_t>(exponent) : 0;
  }
  std::uint32_t fraction_digits() const {
    return count > exponent ? static_cast<std::uint32_t>(count - exponent) : 0;
  }
  // Of the i-th place after the first one (before the point, then behind it).
  int whole_digit(std::uint32_t i) const { return digit(static_cast<int>(i)); }
  int fraction_digit(std::uint32_t i) const { return digit(exponent + static_cast<int>(i)); }

 private:
  int digit(int i) const { return i < 0 || i >= count ? 0 : digits[i]; }
};

// From the text of a JSON number. Status::limit: over 60 digits, or 10^330 and beyond.
Status parse_decimal(std::string_view text, Decimal& value);

// -1, 0, 1.
int compare(const Decimal& a, const Decimal& b);

// A count such as maxLength, also written 2.0; false: negative, no whole number, or over 2^31.
bool to_count(const Decimal& value, std::uint32_t& count);

// value = numerator / 10^scale; false: the numerator is over 2^31 (or scale over 20).
bool to_fraction(const Decimal& value, std::uint64_t& numerator, std::uint32_t& scale);

}  // namespace inlay::schema
