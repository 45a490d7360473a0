// pretokenizer_names.cpp - the patterns of vendors as their tokenizer.json has them.
#include "format/pretokenizer_names.h"

#include <cstddef>

namespace inlay {
namespace {

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SYMBOLS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define SYMBOLS_SLASH " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
#define TAIL "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define NOT_CAPITAL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define NOT_SMALL "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define WORD_SMALL "[^\\r\\n\\p{L}\\p{N}]?" NOT_SMALL "*" NOT_CAPITAL "+"
#define WORD_CAPITAL "[^\\r\\n\\p{L}\\p{N}]?" NOT_SMALL "+" NOT_CAPITAL "*"
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

constexpr NamedPretokenizer names[] = {
    {"gpt-2", {"isolated " GPT2, "bytes"}},
    {"smollm", {"set isolated digit", "isolated " GPT2, "bytes"}},
    {"llama-bpe", {"isolated " CONTRACTION "|" WORD "|\\p{N}{1,3}|" SYMBOLS "|" TAIL, "bytes"}},
    {"qwen2", {"isolated " CONTRACTION "|" WORD "|\\p{N}|" SYMBOLS "|" TAIL, "bytes"}},
    {"gpt-4o",
     {"isolated " WORD_SMALL CONTRACTION "?|" WORD_CAPITAL CONTRACTION
      "?|\\p{N}{1,3}|" SYMBOLS_SLASH "|" TAIL,
      "bytes"}},
    {"tekken",
     {"isolated " WORD_SMALL "|" WORD_CAPITAL "|\\p{N}|" SYMBOLS_SLASH "|" TAIL, "bytes"}},
};

bool are_equal(const NamedPretokenizer& named, std::span<const std::string_view> steps) {
  std::size_t i = 0;
  for (; i < std::size(named.steps) && named.steps[i]; ++i) {
    if (i >= steps.size() || steps[i] != named.steps[i]) return false;
  }
  return i == steps.size();
}

}  // namespace

std::span<const NamedPretokenizer> named_pretokenizers() { return names; }

std::string_view pretokenizer_name(std::span<const std::string_view> steps) {
  for (const NamedPretokenizer& named : names) {
    if (are_equal(named, steps)) return named.name;
  }
  return {};
}

}  // namespace inlay
