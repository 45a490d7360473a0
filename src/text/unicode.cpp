// unicode.cpp - looks characters up in tables measured from the reference implementation.
#include "text/unicode.h"

#include <algorithm>
#include <iterator>

#include "text/utf8.h"

namespace inlay {
namespace {

struct PointRange {
  std::uint32_t first, last;
};

#include "text/unicode_tables.inc"

template <std::size_t n>
bool holds(const PointRange (&ranges)[n], std::uint32_t point) {
  const PointRange* found = std::lower_bound(
      std::begin(ranges), std::end(ranges), point,
      [](const PointRange& range, std::uint32_t wanted) { return range.last < wanted; });
  return found != std::end(ranges) && found->first <= point;
}

constexpr std::uint8_t class_of_category(Category category) {
  using C = Category;
  using K = CharClass;
  switch (category) {
    case C::Lu:
    case C::Lt: return K::letter | K::not_small;
    case C::Ll: return K::letter | K::not_capital;
    case C::Lm:
    case C::Lo: return K::letter | K::not_small | K::not_capital;
    case C::Mn:
    case C::Mc:
    case C::Me: return K::mark | K::not_small | K::not_capital;
    case C::Nd:
    case C::Nl:
    case C::No: return K::number;
    default: return 0;
  }
}

}  // namespace

Category category_of(char32_t point) {
  if (point > 0x10ffff) return Category::Cn;
  return static_cast<Category>(category_blocks[category_places[point >> 7]][point & 127]);
}

std::uint8_t class_of(char32_t point) {
  if (is_space(point)) {
    const bool ends_line = point == '\r' || point == '\n';
    return ends_line ? CharClass::space | CharClass::line_end : CharClass::space;
  }
  return class_of_category(category_of(point));
}

bool is_in(PointSet set, char32_t point) {
  switch (set) {
    case PointSet::punctuation: return holds(punctuation_points, point);
    case PointSet::digit: return holds(digit_points, point);
    case PointSet::word: return holds(word_points, point);
    case PointSet::accent: return holds(accent_points, point);
    case PointSet::bert_accent: return holds(bert_accent_points, point);
    case PointSet::bert_control: return holds(bert_control_points, point);
    case PointSet::number: return class_of(point) & CharClass::number;
  }
  return false;
}

bool is_bert_ideograph(char32_t c) {
  constexpr PointRange ranges[] = {{0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},
                                   {0x20000, 0x2a6df}, {0x2a700, 0x2b81f}, {0x2b920, 0x2ceaf},
                                   {0x2f800, 0x2fa1f}};
  return holds(ranges, c);
}

}  // namespace inlay
