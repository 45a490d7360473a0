// regex_classes.cpp - the shorthands of ECMA-262, and runs of the general category over all of
// Unicode.
#include "sample/grammar/regex_classes.h"

namespace inlay::grammar {
namespace {

constexpr PointRange digits[] = {{'0', '9'}};
constexpr PointRange words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
constexpr PointRange spaces[] = {
    {9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

struct Name {
  std::string_view brief;
  std::string_view whole;
};

// In the order of the table's numbers; then those that join several.
constexpr Name names[] = {
    {"Lu", "Uppercase_Letter"},    {"Ll", "Lowercase_Letter"},  {"Lt", "Titlecase_Letter"},
    {"Lm", "Modifier_Letter"},     {"Lo", "Other_Letter"},      {"Mn", "Nonspacing_Mark"},
    {"Mc", "Spacing_Mark"},        {"Me", "Enclosing_Mark"},    {"Nd", "Decimal_Number"},
    {"Nl", "Letter_Number"},       {"No", "Other_Number"},      {"Pc", "Connector_Punctuation"},
    {"Pd", "Dash_Punctuation"},    {"Ps", "Open_Punctuation"},  {"Pe", "Close_Punctuation"},
    {"Pi", "Initial_Punctuation"}, {"Pf", "Final_Punctuation"}, {"Po", "Other_Punctuation"},
    {"Sm", "Math_Symbol"},         {"Sc", "Currency_Symbol"},   {"Sk", "Modifier_Symbol"},
    {"So", "Other_Symbol"},        {"Zs", "Space_Separator"},   {"Zl", "Line_Separator"},
    {"Zp", "Paragraph_Separator"}, {"Cc", "Control"},           {"Cf", "Format"},
    {"Cs", "Surrogate"},           {"Co", "Private_Use"},       {"Cn", "Unassigned"},
};
constexpr Name groups[] = {{"L", "Letter"},      {"M", "Mark"},   {"N", "Number"},
                           {"P", "Punctuation"}, {"S", "Symbol"}, {"Z", "Separator"},
                           {"C", "Other"}};

// First code point << 8 | number in `names`; a run ends where the next begins.
constexpr std::uint32_t runs[] = {
#include "sample/grammar/categories.inc"
};
constexpr std::size_t run_count = sizeof runs / sizeof *runs;

bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::string_view(text.data(), prefix.size()) == prefix;
}

}  // namespace

bool find_shorthand(char letter, std::span<const PointRange>& ranges) {
  switch (letter) {
    case 'd':
    case 'D': ranges = digits; return true;
    case 'w':
    case 'W': ranges = words; return true;
    case 's':
    case 'S': ranges = spaces; return true;
    default: return false;
  }
}

Status add_category(std::string_view name, Array<PointRange>& ranges, bool& known) {
  constexpr std::string_view prefixes[] = {"gc=", "General_Category="};
  for (const std::string_view prefix : prefixes) {
    if (has_prefix(name, prefix)) name = {name.data() + prefix.size(), name.size() - prefix.size()};
  }
  std::uint32_t wanted = 0;  // bits of categories
  for (std::uint32_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (name == names[i].brief || name == names[i].whole) wanted |= 1u << i;
    for (const Name& group : groups) {
      const bool named = name == group.brief || name == group.whole;
      if (named && names[i].brief[0] == group.brief[0]) wanted |= 1u << i;
    }
    if (name == "LC" || name == "Cased_Letter") wanted |= i < 3 ? 1u << i : 0;
  }
  known = wanted != 0;
  for (std::size_t i = 0; known && i < run_count; ++i) {
    if (!(wanted >> (runs[i] & 0xff) & 1)) continue;
    const std::uint32_t end = i + 1 < run_count ? runs[i + 1] >> 8 : last_point + 1;
    INLAY_TRY(ranges.push({runs[i] >> 8, end - 1}));
  }
  return Status::ok;
}

}  // namespace inlay::grammar
