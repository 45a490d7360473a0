// language.h - the front ends by number: text in, rules out.
#pragma once

#include <cstddef>
#include <string_view>

#include "sample/grammar/rules.h"

namespace inlay::grammar {

#define INLAY_GRAMMAR_LANGUAGE(name) \
  Status read_##name(std::string_view text, Rules& rules, Error& error);
#include "sample/grammar/languages.inc"
#undef INLAY_GRAMMAR_LANGUAGE

struct Language {
  const char* name;
  Status (*read)(std::string_view text, Rules& rules, Error& error);
};

inline constexpr Language languages[] = {
#define INLAY_GRAMMAR_LANGUAGE(name) {#name, read_##name},
#include "sample/grammar/languages.inc"
#undef INLAY_GRAMMAR_LANGUAGE
};
inline constexpr std::size_t language_count = sizeof languages / sizeof *languages;

}  // namespace inlay::grammar
