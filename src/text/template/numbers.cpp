// numbers.cpp - reading numbers, whole number arithmetic, rounding.
#include "text/template/numbers.h"

#include <charconv>
#include <cmath>

#include "text/template/lexer.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

constexpr std::size_t longest = 400;  // characters of a number

// Without white space around and underscores between digits; false: an underscore elsewhere.
bool clean(std::string_view text, char* bytes, std::size_t& size) {
  text.remove_prefix(space_after(text));
  text = slice(text, 0, space_before(text));
  size = 0;
  if (text.empty() || text.size() > longest) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      bytes[size++] = text[i];
      continue;
    }
    const auto is_sign = [](char c) { return c == '+' || c == '-' || c == '_' || c == '.'; };
    if (i == 0 || i + 1 == text.size() || is_sign(text[i - 1]) || is_sign(text[i + 1])) return false;
  }
  return size > 0;
}

bool equal_words(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool read_integer(std::string_view text, int base, std::int64_t& value) {
  char bytes[longest];
  std::size_t size = 0;
  if (!clean(text, bytes, size)) return false;
  const char* at = bytes;
  const char* end = bytes + size;
  const bool negative = *at == '-';
  if (*at == '-' || *at == '+') ++at;
  const auto prefixed = [&](char letter) {
    return end - at > 2 && at[0] == '0' && (at[1] | 0x20) == letter;
  };
  if ((base == 16 && prefixed('x')) || (base == 8 && prefixed('o')) || (base == 2 && prefixed('b')))
    at += 2;
  if (at == end || *at == '-' || *at == '+') return false;
  std::uint64_t magnitude = 0;
  const auto result = std::from_chars(at, end, magnitude, base);
  if (result.ec != std::errc() || result.ptr != end) return false;
  if (magnitude > std::uint64_t{INT64_MAX} + negative) return false;
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool read_real(std::string_view text, double& value) {
  char bytes[longest];
  std::size_t size = 0;
  if (!clean(text, bytes, size)) return false;
  std::string_view word(bytes, size);
  const bool negative = word[0] == '-';
  if (word[0] == '-' || word[0] == '+') word.remove_prefix(1);
  if (equal_words(word, "inf") || equal_words(word, "infinity")) {
    value = negative ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  if (equal_words(word, "nan")) {
    value = NAN;
    return true;
  }
  if (word.empty() || (word[0] != '.' && (word[0] < '0' || word[0] > '9'))) return false;
  const auto result = std::from_chars(word.data(), word.data() + word.size(), value);
  if (result.ptr != word.data() + word.size()) return false;
  if (result.ec == std::errc::result_out_of_range) {
    const std::size_t e = word.find_first_of("eE");
    const bool small = e != std::string_view::npos && e + 1 < word.size() && word[e + 1] == '-';
    value = small ? 0.0 : HUGE_VAL;
  } else if (result.ec != std::errc()) {
    return false;
  }
  if (negative) value = -value;
  return true;
}

bool read_number_literal(std::string_view text, bool is_real, Value& value) {
  if (is_real) {
    double real = 0;
    if (!read_real(text, real)) return false;
    value = Value::of(real);
    return true;
  }
  const char base = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  std::int64_t whole = 0;
  if (base == 'x' || base == 'o' || base == 'b') {
    if (text.size() > 2 && text[2] == '_') return false;
    if (!read_integer(text, base == 'x' ? 16 : base == 'o' ? 8 : 2, whole)) return false;
  } else if (!read_integer(text, 10, whole)) {
    return false;
  }
  value = Value::of(whole);
  return true;
}

bool add_whole(std::int64_t a, std::int64_t b, std::int64_t& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}
bool subtract_whole(std::int64_t a, std::int64_t b, std::int64_t& difference) {
  return !__builtin_sub_overflow(a, b, &difference);
}
bool multiply_whole(std::int64_t a, std::int64_t b, std::int64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}
bool power_whole(std::int64_t a, std::int64_t b, std::int64_t& power) {
  power = 1;
  if (a == 0 || a == 1 || a == -1) {
    power = b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a;
    return true;
  }
  if (b > 63) return false;
  for (; b > 0; --b) {
    if (!multiply_whole(power, a, power)) return false;
  }
  return true;
}

// The remainder with the sign of b, exactly.
double floor_modulo(double a, double b) {
  double rest = std::fabs(a);
  const double size = std::fabs(b);
  if (!(rest <= 1.7976931348623157e308) || std::isnan(b)) return NAN;
  if (size > 1.7976931348623157e308) rest = rest + 0;  // b is infinite: a is the remainder
  while (rest >= size) {
    double part = size;
    while (part <= rest / 2) part *= 2;
    rest -= part;
  }
  double result = a < 0 ? -rest : rest;
  if (result != 0 && (result < 0) != (b < 0)) result += b;
  if (result == 0) result = b < 0 ? -0.0 : 0.0;
  return result;
}

double round_to(double value, int digits) {
  if (!(std::fabs(value) < 1.7976931348623157e308)) return value;
  char bytes[700];
  if (digits < 0) {
    // To tens, hundreds ...: half to even, as the decimal digits say.
    double unit = 1;
    for (int i = 0; i < -digits && unit < 1e308; ++i) unit *= 10;
    return std::nearbyint(value / unit) * unit;
  }
  if (digits > 300) return value;
  const auto end = std::to_chars(bytes, bytes + sizeof bytes, value, std::chars_format::fixed, digits);
  double rounded = value;
  std::from_chars(bytes, end.ptr, rounded);
  return rounded;
}

std::uint32_t count_points(std::string_view text) {
  std::uint32_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

std::uint32_t byte_of_point(std::string_view text, std::uint64_t n) {
  std::uint32_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && n-- == 0) break;
  }
  return at;
}

}  // namespace inlay::jinja
