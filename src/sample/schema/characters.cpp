// characters.cpp - general categories of Unicode, and the classes of ECMA-262.
#include "sample/schema/characters.h"

#include <algorithm>

namespace inlay::schema {
namespace {

struct CategoryRun {
  std::uint32_t low, high;
  char name[3];
};

#include "sample/schema/category_table.inc"

struct CategoryName {
  std::string_view name;
  std::string_view category;  // one letter: all that begin with it
};

constexpr CategoryName category_names[] = {
    {"Letter", "L"},
    {"Cased_Letter", "LC"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Private_Use", "Co"},
};

bool is_in(std::string_view category, std::string_view wanted) {
  if (wanted == "LC") return category == "Lu" || category == "Ll" || category == "Lt";
  return category.substr(0, wanted.size()) == wanted;
}

}  // namespace

void tidy(Array<Range>& set) {
  std::sort(set.begin(), set.end(), [](Range a, Range b) { return a.low < b.low; });
  std::size_t kept = 0;
  for (const Range r : set) {
    if (kept && r.low <= set[kept - 1].high + 1) {
      set[kept - 1].high = std::max(set[kept - 1].high, r.high);
    } else {
      set[kept++] = r;
    }
  }
  while (set.size() > kept) set.pop();
}

Status complement(const Array<Range>& set, Array<Range>& out) {
  for (const Range all : all_characters) {
    std::uint32_t at = all.low;
    for (const Range r : set) {
      if (r.high < all.low || r.low > all.high) continue;
      if (r.low > at) INLAY_TRY(out.push({at, r.low - 1}));
      at = r.high + 1;
    }
    if (at <= all.high) INLAY_TRY(out.push({at, all.high}));
  }
  return Status::ok;
}

Status add_class(char name, Array<Range>& set) {
  constexpr Range digits[] = {{'0', '9'}};
  constexpr Range word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  constexpr Range space[] = {{9, 13},          {32, 32},         {0xa0, 0xa0},     {0x1680, 0x1680},
                             {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                             {0x3000, 0x3000}, {0xfeff, 0xfeff}};
  if (name == 'd') return set.append(digits);
  if (name == 'w') return set.append(word);
  return set.append(space);
}

Status add_property(std::string_view name, Array<Range>& set) {
  for (const std::string_view prefix : {"gc=", "General_Category="}) {
    if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  }
  if (name == "Any") return set.append(all_characters);
  if (name == "ASCII") return set.push({0, 127});
  std::string_view category;
  for (const CategoryName& c : category_names) {
    if (name == c.name || name == c.category) category = c.category;
  }
  if (category.empty()) return Status::unsupported;
  for (const CategoryRun& run : category_runs) {
    if (is_in({run.name, 2}, category)) INLAY_TRY(set.push({run.low, run.high}));
  }
  return Status::ok;
}

}  // namespace inlay::schema
