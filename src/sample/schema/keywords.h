// keywords.h - the keywords of a schema as numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace inlay::schema {

enum class Word : std::uint8_t {
#define INLAY_SCHEMA_KEYWORD(word, name, holds) word,
#include "sample/schema/keywords.inc"
#undef INLAY_SCHEMA_KEYWORD
  unknown
};

enum class Holds : std::uint8_t { nothing, one, list, map, items, map_or_names };

struct Keyword {
  std::string_view name;
  Holds holds;
};

inline constexpr Keyword keywords[] = {
#define INLAY_SCHEMA_KEYWORD(word, name, holds) {name, Holds::holds},
#include "sample/schema/keywords.inc"
#undef INLAY_SCHEMA_KEYWORD
};

constexpr std::string_view name_of(Word word) { return keywords[static_cast<int>(word)].name; }

constexpr Word word_of(std::string_view name) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Word::unknown); ++i) {
    if (keywords[i].name == name) return static_cast<Word>(i);
  }
  return Word::unknown;
}

}  // namespace inlay::schema
