// splitters.cpp - cuts text as the patterns of pre_patterns.h do, looking at every character about
// once.
#include "text/splitters.h"

#include <cstdint>

#include "text/pre_patterns.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace inlay {
namespace {

using K = CharClass;

struct AsciiClasses {
  std::uint8_t of[128] = {};
  constexpr AsciiClasses() {
    for (int c = 0; c < 128; ++c) {
      const bool small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
      if (small) of[c] = K::letter | K::not_capital;
      if (capital) of[c] = K::letter | K::not_small;
      if (c >= '0' && c <= '9') of[c] = K::number;
      if (c == ' ' || (c >= 9 && c <= 13)) of[c] = K::space;
      if (c == '\r' || c == '\n') of[c] = K::space | K::line_end;
    }
  }
};
constexpr AsciiClasses ascii;

// The character at `at`; past the end: of no class and no length.
struct Here {
  std::uint8_t kind = 0;
  std::uint8_t length = 0;
  explicit operator bool() const { return length != 0; }
  bool is(std::uint8_t wanted) const { return kind & wanted; }
};

Here look(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 128) return {ascii.of[first], 1};
  const Utf8Step step = utf8_step(slice(text, at, text.size()));
  return {class_of(step.point), step.length};
}

// Where the run of characters of the kinds `wanted` from `at` on ends.
std::size_t run_of(std::string_view text, std::size_t at, std::uint8_t wanted) {
  for (Here here = look(text, at); here && here.is(wanted); here = look(text, at)) {
    at += here.length;
  }
  return at;
}

// Of characters that are neither letters nor numbers nor spaces.
std::size_t run_of_symbols(std::string_view text, std::size_t at) {
  constexpr std::uint8_t others = K::letter | K::number | K::space;
  for (Here here = look(text, at); here && !here.is(others); here = look(text, at)) {
    at += here.length;
  }
  return at;
}

bool is_symbol(const Here& here) { return here && !here.is(K::letter | K::number | K::space); }

// Bytes of the contraction at `at`, 0: none. In any case "s" is also U+017F.
template <bool any_case>
std::size_t contraction(std::string_view text, std::size_t at) {
  const auto letter = [&](std::size_t i) {
    const char c = at + i < text.size() ? text[at + i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  if (letter(0) != '\'') return 0;
  const char first = letter(1), second = letter(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  return any_case && slice(text, at + 1, text.size()).starts_with("\xc5\xbf") ? 3 : 0;
}

// \s+(?!\S)|\s+ for a run of spaces [begin, end): all but the last one if something follows.
std::size_t spaces(std::string_view text, std::size_t begin, std::size_t end) {
  if (end == text.size()) return end;
  std::size_t last = end - 1;
  while (last > begin && (static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
  return last > begin ? last : end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t tail(std::string_view text, std::size_t begin) {
  std::size_t end = begin, line_end = begin;
  for (Here here = look(text, end); here.is(K::space); here = look(text, end)) {
    end += here.length;
    if (here.is(K::line_end)) line_end = end;
  }
  return line_end > begin ? line_end : spaces(text, begin, end);
}

std::size_t split_gpt2(std::string_view text, std::size_t begin) {
  if (const std::size_t size = contraction<false>(text, begin)) return begin + size;
  const Here here = look(text, begin);
  std::size_t at = begin;
  Here first = here;
  if (text[begin] == ' ') {
    const Here next = look(text, begin + 1);
    if (next && !next.is(K::space)) {
      at = begin + 1;
      first = next;
    }
  }
  if (first.is(K::letter)) return run_of(text, at, K::letter);
  if (first.is(K::number)) return run_of(text, at, K::number);
  if (!first.is(K::space)) return run_of_symbols(text, at);
  return spaces(text, begin, run_of(text, begin, K::space));
}

// Symbols with a space before them; begin: neither.
std::size_t symbols(std::string_view text, std::size_t begin, const Here& here) {
  std::size_t at = begin;
  if (text[begin] == ' ' && is_symbol(look(text, begin + 1))) {
    at = begin + 1;
  } else if (!is_symbol(here)) {
    return begin;
  }
  return run_of_symbols(text, at);
}

// Up to `most` numbers.
std::size_t numbers(std::string_view text, std::size_t at, int most) {
  for (Here here = look(text, at); most > 0 && here.is(K::number); here = look(text, at)) {
    at += here.length;
    --most;
  }
  return at;
}

template <int digits>
std::size_t split_llama3(std::string_view text, std::size_t begin) {
  if (const std::size_t size = contraction<true>(text, begin)) return begin + size;
  const Here here = look(text, begin);
  if (here.is(K::letter)) return run_of(text, begin, K::letter);
  if (here.is(K::number)) return numbers(text, begin, digits);
  if (!here.is(K::line_end) && look(text, begin + here.length).is(K::letter)) {
    return run_of(text, begin + here.length, K::letter);
  }
  const std::size_t end = symbols(text, begin, here);
  return end > begin ? run_of(text, end, K::line_end) : tail(text, begin);
}

// [not small]*[not capital]+ from `begin`; begin: no match.
std::size_t small_word(std::string_view text, std::size_t begin) {
  std::size_t at = begin, both_end = begin;
  for (Here here = look(text, at); here.is(K::not_small); here = look(text, at)) {
    at += here.length;
    if (here.is(K::not_capital)) both_end = at;
  }
  const std::size_t end = run_of(text, at, K::not_capital);
  return end > at ? end : both_end;
}

// [not small]+[not capital]* from `begin`; begin: no match.
std::size_t capital_word(std::string_view text, std::size_t begin) {
  const std::size_t at = run_of(text, begin, K::not_small);
  return at > begin ? run_of(text, at, K::not_capital) : begin;
}

template <int digits, bool contractions>
std::size_t split_o200k(std::string_view text, std::size_t begin) {
  const Here here = look(text, begin);
  const bool can_lead = !here.is(K::letter | K::number | K::line_end);
  for (const auto word : {small_word, capital_word}) {
    for (const bool with_lead : {true, false}) {
      if (with_lead && !can_lead) continue;
      const std::size_t start = with_lead ? begin + here.length : begin;
      const std::size_t end = word(text, start);
      if (end == start) continue;
      return contractions ? end + contraction<true>(text, end) : end;
    }
  }
  if (here.is(K::number)) return numbers(text, begin, digits);
  std::size_t end = symbols(text, begin, here);
  if (end == begin) return tail(text, begin);
  while (end < text.size() && (text[end] == '\r' || text[end] == '\n' || text[end] == '/')) ++end;
  return end;
}

struct Written {
  std::string_view pattern;
  Splitter splitter;
};
constexpr Written written[] = {
    {INLAY_PRE_GPT2, split_gpt2},
    {INLAY_PRE_LLAMA3, split_llama3<3>},
    {INLAY_PRE_QWEN2, split_llama3<1>},
    {INLAY_PRE_O200K, split_o200k<3, true>},
    {INLAY_PRE_TEKKEN, split_o200k<1, false>},
};

}  // namespace

Splitter find_splitter(std::string_view pattern) {
  for (const Written& one : written) {
    if (one.pattern == pattern) return one.splitter;
  }
  return nullptr;
}

}  // namespace inlay
