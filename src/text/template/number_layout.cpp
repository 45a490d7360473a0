// number_layout.cpp - numbers to text: repr, and the layouts of % and format.
#include <charconv>
#include <cmath>
#include <cstring>

#include "text/template/numbers.h"

namespace inlay::jinja {

std::size_t write_real(double value, char* bytes) {
  if (std::isnan(value) || std::isinf(value)) {
    const char* word = std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    const std::size_t size = std::strlen(word);
    std::memcpy(bytes, word, size);
    return size;
  }
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  const auto form = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const char* end = std::to_chars(bytes, bytes + 32, value, form).ptr;
  auto size = static_cast<std::size_t>(end - bytes);
  if (plain && !std::memchr(bytes, '.', size)) {
    bytes[size++] = '.';
    bytes[size++] = '0';
  }
  return size;
}

namespace {

// Digits with their sign and separators in the middle of the layout's width.
bool put(TextBuilder& out, std::string_view sign, std::string_view digits, const Layout& layout) {
  const std::size_t size = sign.size() + digits.size();
  const std::size_t room = layout.width > size ? layout.width - size : 0;
  const char align = layout.align ? layout.align : '>';
  const std::size_t before = align == '>' ? room : align == '^' ? room / 2 : 0;
  out.add_character(layout.fill, before);
  out.add(sign);
  if (align == '=') out.add_character(layout.fill, room);
  out.add(digits);
  return out.add_character(layout.fill, align == '=' ? 0 : room - before);
}

std::string_view sign_of(bool negative, const Layout& layout) {
  return negative ? "-" : layout.sign == '+' ? "+" : layout.sign == ' ' ? " " : "";
}

// Groups of three before the point.
std::size_t separate(char* bytes, std::size_t size, char separator, std::size_t capacity) {
  std::size_t whole = 0;
  while (whole < size && bytes[whole] >= '0' && bytes[whole] <= '9') ++whole;
  const std::size_t marks = whole ? (whole - 1) / 3 : 0;
  if (!separator || !marks || size + marks > capacity) return size;
  std::memmove(bytes + whole + marks, bytes + whole, size - whole);
  for (std::size_t from = whole, to = whole + marks, n = 0; from > 0; ++n) {
    if (n && n % 3 == 0) bytes[--to] = separator;
    bytes[--to] = bytes[--from];
  }
  return size + marks;
}

}  // namespace

bool write_integer(TextBuilder& out, std::int64_t value, const Layout& layout) {
  const char type = layout.type;
  if (type && std::strchr("eEfFgG%", type)) {
    return write_real(out, static_cast<double>(value), layout);
  }
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  if (type && !std::strchr("dinuxXob", type)) return false;
  char bytes[128];
  const std::uint64_t magnitude =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  auto size = static_cast<std::size_t>(std::to_chars(bytes, bytes + 96, magnitude, base).ptr - bytes);
  if (type == 'X') {
    for (std::size_t i = 0; i < size; ++i) {
      if (bytes[i] >= 'a') bytes[i] = static_cast<char>(bytes[i] - 32);
    }
  }
  std::size_t zeros = 0;  // %.5d
  if (layout.precision > static_cast<std::int32_t>(size)) {
    zeros = static_cast<std::size_t>(layout.precision) - size;
    if (zeros + size > 100) return false;
    std::memmove(bytes + zeros, bytes, size);
    std::memset(bytes, '0', zeros);
    size += zeros;
  }
  size = separate(bytes, size, layout.thousands, sizeof bytes);
  char sign[4];
  const std::string_view own = sign_of(value < 0, layout);
  std::size_t sign_size = own.size();
  if (!own.empty()) sign[0] = own[0];
  if (layout.alternate && base != 10) {
    sign[sign_size++] = '0';
    sign[sign_size++] = type;
  }
  return put(out, {sign, sign_size}, {bytes, size}, layout);
}

bool write_real(TextBuilder& out, double value, const Layout& layout) {
  char bytes[1024];
  const char lower = static_cast<char>(layout.type | 0x20);
  const bool percent = layout.type == '%';
  const double magnitude = std::fabs(percent ? value * 100 : value);
  std::size_t size = 0;
  const int digits = layout.precision < 0 ? 6 : layout.precision;
  if (layout.type && !std::strchr("eEfFgG%", layout.type)) return false;
  if (std::isnan(value) || std::isinf(value) || (!layout.type && layout.precision < 0)) {
    size = write_real(magnitude, bytes);
  } else {
    const auto form = percent || lower == 'f'  ? std::chars_format::fixed
                      : lower == 'e'           ? std::chars_format::scientific
                                               : std::chars_format::general;
    const bool general = form == std::chars_format::general;
    const char* end = std::to_chars(bytes, bytes + 900, magnitude, form,
                                    general && digits == 0 ? 1 : digits).ptr;
    size = static_cast<std::size_t>(end - bytes);
    if (!layout.type && !std::memchr(bytes, '.', size) && !std::memchr(bytes, 'e', size)) {
      bytes[size++] = '.';
      bytes[size++] = '0';
    }
  }
  if (layout.type >= 'A' && layout.type <= 'Z') {
    for (std::size_t i = 0; i < size; ++i) {
      if (bytes[i] >= 'a' && bytes[i] <= 'z') bytes[i] = static_cast<char>(bytes[i] - 32);
    }
  }
  if (percent) bytes[size++] = '%';
  size = separate(bytes, size, layout.thousands, sizeof bytes);
  return put(out, sign_of(std::signbit(value) && !std::isnan(value), layout), {bytes, size}, layout);
}

bool write_padded(TextBuilder& out, const Text& text, const Layout& layout) {
  std::uint32_t end = text.size;
  if (layout.precision >= 0) {
    end = byte_of_point(text.view(), static_cast<std::uint64_t>(layout.precision));
  }
  const std::uint32_t points = count_points({text.data, end});
  const std::uint32_t room = layout.width > points ? layout.width - points : 0;
  const char align = layout.align ? layout.align : '<';
  const std::uint32_t before = align == '>' ? room : align == '^' ? room / 2 : 0;
  out.add_character(layout.fill, before);
  out.add(text, 0, end);
  return out.add_character(layout.fill, room - before);
}

}  // namespace inlay::jinja
