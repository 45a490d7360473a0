// numbers.h - numbers from and to text as Python reads and writes them.
#pragma once

#include <cstddef>
#include <string_view>

#include "text/template/text_builder.h"

namespace inlay::jinja {

// A literal the lexer found. False: it does not fit 64 bits.
bool read_number_literal(std::string_view text, bool is_real, Value& value);
// int(text, base) with base 2 to 36, float(text): white space around, underscores between digits.
bool read_integer(std::string_view text, int base, std::int64_t& value);
bool read_real(std::string_view text, double& value);
// The parts of a real as repr writes it: "1.0", "1e+16", "inf". Returns its size; room for 32.
std::size_t write_real(double value, char* bytes);

// How a number or text is laid out: the format language of Python, or %05.2f turned into it.
struct Layout {
  char32_t fill = ' ';
  char align = '\0';  // < > ^ =
  char sign = '-';    // - + or space
  bool alternate = false;
  char thousands = '\0';  // , or _
  std::uint32_t width = 0;
  std::int32_t precision = -1;
  char type = '\0';

  static constexpr std::uint32_t most_width = 100000;
  static constexpr std::int32_t most_precision = 300;
};

// Appends; false when this type has no such layout (then nothing is appended) or memory is out.
bool write_integer(TextBuilder& out, std::int64_t value, const Layout& layout);
bool write_real(TextBuilder& out, double value, const Layout& layout);
bool write_padded(TextBuilder& out, const Text& text, const Layout& layout);

// Python's round(value, digits), % and //.
double round_to(double value, int digits);
double floor_modulo(double a, double b);

// a op b in 64 bits; false: it does not fit.
bool add_whole(std::int64_t a, std::int64_t b, std::int64_t& sum);
bool subtract_whole(std::int64_t a, std::int64_t b, std::int64_t& difference);
bool multiply_whole(std::int64_t a, std::int64_t b, std::int64_t& product);
bool power_whole(std::int64_t a, std::int64_t b, std::int64_t& power);

// Characters of a text, and where the n-th begins (its size past the end).
std::uint32_t count_points(std::string_view text);
std::uint32_t byte_of_point(std::string_view text, std::uint64_t n);

}  // namespace inlay::jinja
