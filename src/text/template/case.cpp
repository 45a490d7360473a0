// case.cpp - looks characters up in the case tables.
#include "text/template/case.h"

#include "text/utf8.h"

namespace inlay::jinja {
namespace {

struct CaseRange {
  char32_t first, last;
  std::uint32_t step;
  std::int32_t delta;
};
struct LongCase {  // of several characters
  char32_t code;
  const char* bytes;
};

#include "text/template/case_table.inc"

template <std::size_t N>
const CaseRange* find(const CaseRange (&ranges)[N], char32_t c) {
  std::size_t low = 0, high = N;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (ranges[middle].last < c) low = middle + 1;
    else high = middle;
  }
  // Ranges of every second character may lie inside each other.
  for (std::size_t i = low; i < N && ranges[i].first <= c; ++i) {
    if ((c - ranges[i].first) % ranges[i].step == 0) return &ranges[i];
  }
  return nullptr;
}

template <std::size_t N, std::size_t M>
bool add(TextBuilder& out, const CaseRange (&ranges)[N], const LongCase (&others)[M], char32_t c,
         Origin origin) {
  for (const LongCase& other : others) {
    if (other.code == c) return out.add(std::string_view(other.bytes), origin);
  }
  if (const CaseRange* range = find(ranges, c)) {
    c = static_cast<char32_t>(static_cast<std::int64_t>(c) + range->delta);
  }
  char bytes[4];
  return out.add({bytes, write_utf8(c, bytes)}, origin);
}

}  // namespace

bool add_cased(TextBuilder& out, char32_t c, Case wanted, Origin origin) {
  if (c < 0x80) {
    const bool turns = wanted == Case::lower ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z';
    return out.add(static_cast<char>(turns ? c ^ 0x20 : c), origin);
  }
  switch (wanted) {
    case Case::upper: return add(out, upper_ranges, upper_long, c, origin);
    case Case::lower: return add(out, lower_ranges, lower_long, c, origin);
    default: return add(out, title_ranges, title_long, c, origin);
  }
}

bool is_cased(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  for (const LongCase& other : upper_long) {
    if (other.code == c) return true;
  }
  return find(upper_ranges, c) || find(lower_ranges, c);
}

}  // namespace inlay::jinja
