// decimal.cpp - reading and comparing exact decimal numbers.
#include "sample/schema/decimal.h"

#include <algorithm>

namespace inlay::schema {

Status parse_decimal(std::string_view text, Decimal& value) {
  value = {};
  std::size_t i = 0;
  if (i < text.size() && text[i] == '-') value.negative = true, ++i;
  bool after_point = false;
  int exponent = 0, zeros = 0;  // zeros since the last digit that counts
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      after_point = true;
      continue;
    }
    const int digit = text[i] - '0';
    if (!after_point && (value.count || digit)) ++exponent;
    if (after_point && !value.count && !digit) --exponent;
    if (digit == 0) {
      zeros += value.count != 0;
      continue;
    }
    if (value.count + zeros >= Decimal::max_digits) return Status::limit;
    while (zeros > 0) value.digits[value.count++] = 0, --zeros;
    value.digits[value.count++] = static_cast<char>(digit);
  }
  if (i < text.size()) {
    ++i;
    const bool negative = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') ++i;
    int written = 0;
    for (; i < text.size(); ++i) written = std::min(100'000, written * 10 + (text[i] - '0'));
    exponent += negative ? -written : written;
  }
  if (value.is_zero()) {
    value.negative = false;
    return Status::ok;
  }
  if (exponent > Decimal::max_exponent || exponent < -Decimal::max_exponent) return Status::limit;
  value.exponent = static_cast<std::int16_t>(exponent);
  return Status::ok;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.is_zero() || b.is_zero() || a.negative != b.negative) {
    const int x = a.is_zero() ? 0 : a.negative ? -1 : 1;
    const int y = b.is_zero() ? 0 : b.negative ? -1 : 1;
    return x < y ? -1 : x > y;
  }
  int order = a.exponent < b.exponent ? -1 : a.exponent > b.exponent;
  for (int i = 0; order == 0 && i < Decimal::max_digits; ++i) {
    const int x = i < a.count ? a.digits[i] : 0, y = i < b.count ? b.digits[i] : 0;
    order = x < y ? -1 : x > y;
  }
  return a.negative ? -order : order;
}

bool to_count(const Decimal& value, std::uint32_t& count) {
  std::uint64_t numerator = 0;
  std::uint32_t scale = 0;
  if (value.negative || !to_fraction(value, numerator, scale) || scale > 0) return false;
  count = static_cast<std::uint32_t>(numerator);
  return true;
}

bool to_fraction(const Decimal& value, std::uint64_t& numerator, std::uint32_t& scale) {
  numerator = 0;
  scale = value.fraction_digits();
  if (scale > 20 || value.exponent > 11) return false;
  const int places = std::max<int>(value.count, value.exponent);
  for (int i = 0; i < places; ++i) {
    numerator = numerator * 10 + static_cast<std::uint64_t>(i < value.count ? value.digits[i] : 0);
    if (numerator > 0x7fffffffu) return false;
  }
  return true;
}

}  // namespace inlay::schema
