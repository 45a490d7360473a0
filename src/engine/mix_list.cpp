// mix_list.cpp - the names of mixes and types, and patterns over names.
#include "engine/mix.h"

namespace inlay {
namespace {

constexpr Mix mixes[] = {
#define INLAY_MIX(name, file_type, base, output, embedding) \
  {#name, file_type, #base, #output, #embedding},
#include "engine/mixes.inc"
};

constexpr const char* rungs[] = {
#define INLAY_RUNG(mix) #mix,
#include "engine/mixes.inc"
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (upper(a[i]) != upper(b[i])) return false;
  }
  return true;
}

bool built_in(const Mix& mix) {
  Type type{};
  return find_type(mix.base, &type) && find_type(mix.output, &type) &&
         find_type(mix.embedding, &type);
}

}  // namespace

bool Mix::is_plain() const {
  return same_name(name, base) && same_name(base, output) && same_name(base, embedding);
}

bool find_type(std::string_view name, Type* type) {
#define INLAY_TYPE(id, spelled, file, elements, bytes) \
  if (same_name(name, #spelled)) return *type = Type::spelled, true;
#include "quant/types.inc"
#undef INLAY_TYPE
  return false;
}

const Mix* find_mix(std::string_view name) {
  for (const Mix& mix : mixes) {
    if (same_name(mix.name, name)) return &mix;
  }
  return nullptr;
}

const Mix* mix_at(std::uint32_t index) {
  for (const Mix& mix : mixes) {
    if (built_in(mix) && index-- == 0) return &mix;
  }
  return nullptr;
}

const Mix* mix_rung(std::uint32_t index) {
  return index < std::size(rungs) ? find_mix(rungs[index]) : nullptr;
}

std::uint64_t row_bytes(Type type, std::uint64_t k) {
  const TypeInfo* info = type_info(type);
  return info && k % info->block_elements == 0 ? k / info->block_elements * info->block_bytes : 0;
}

// Goes back to the last star when a character does not fit: at most pattern * text steps.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace inlay
