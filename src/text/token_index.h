// token_index.h - finds the token with a given text; small, as encoding lives on these lookups.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/array.h"
#include "base/hash_map.h"

namespace inlay {

// Of all bytes, eight at a time. Not the same on machines of another byte order; never stored.
inline std::uint64_t hash_text(std::string_view text) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;
  const char* p = text.data();
  std::size_t n = text.size();
  std::uint64_t hash = n * odd;
  const auto take = [&](std::uint64_t word) {
    hash = (hash ^ word) * odd;
    hash ^= hash >> 32;
  };
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    take(word);
  }
  if (n >= 4) {  // two halves that overlap
    std::uint32_t first, last;
    std::memcpy(&first, p, 4);
    std::memcpy(&last, p + n - 4, 4);
    take(static_cast<std::uint64_t>(first) << 32 | last);
  } else if (n) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(p[i]); };
    take(static_cast<std::uint64_t>(byte(0)) << 16 | static_cast<std::uint64_t>(byte(n / 2)) << 8 |
         byte(n - 1));
  }
  return mix64(hash);
}

// Open addressing. Slots hold no text: `text_of(id)` of the calls gives the text of a token.
class TokenIndex {
 public:
  explicit TokenIndex(Allocator& allocator) : slots_(allocator) {}

  // Room for `count` tokens; once, before add().
  Status reserve(std::size_t count) { return slots_.resize(std::bit_ceil(count + count / 2 + 8)); }

  // False: another token with this text is there already and stays.
  template <class TextOf>
  bool add(std::string_view text, std::int32_t id, TextOf text_of) {
    const std::uint64_t hash = hash_text(text);
    Slot& slot = slots_[place(text, hash, text_of)];
    if (slot.id >= 0) return false;
    slot = {tag(hash), id};
    return true;
  }

  // -1: no token has this text.
  template <class TextOf>
  std::int32_t find(std::string_view text, TextOf text_of) const {
    return slots_[place(text, hash_text(text), text_of)].id;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };

  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  // Where the text is or would be.
  template <class TextOf>
  std::size_t place(std::string_view text, std::uint64_t hash, TextOf& text_of) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash & mask;
    while (slots_[i].id >= 0 && (slots_[i].tag != tag(hash) || text_of(slots_[i].id) != text)) {
      i = (i + 1) & mask;
    }
    return i;
  }

  Array<Slot> slots_;
};

}  // namespace inlay
