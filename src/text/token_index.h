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

// How far from its place an entry of a table with open addressing may lie. At two thirds of the
// slots in use, entries that nobody chose stay within some 300 however many they are; those of a
// hostile file would make each other slow.
inline constexpr std::size_t most_probes = 1024;

// Open addressing. Slots hold no text: `text_of(id)` of the calls gives the text of a token.
class TokenIndex {
 public:
  explicit TokenIndex(Allocator& allocator) : slots_(allocator) {}

  // Room for `count` tokens; once, before add().
  Status reserve(std::size_t count) { return slots_.resize(std::bit_ceil(count + count / 2 + 8)); }

  // Another token with this text stays; *is_new says whether there is none. LIMIT: most_probes.
  template <class TextOf>
  Status add(std::string_view text, std::int32_t id, TextOf text_of, bool* is_new) {
    const std::uint64_t hash = hash_text(text);
    Slot* slot = place(text, hash, text_of);
    if (!slot) return Status::limit;
    *is_new = slot->id < 0;
    if (*is_new) *slot = {tag(hash), id};
    return Status::ok;
  }

  // -1: no token has this text.
  template <class TextOf>
  std::int32_t find(std::string_view text, TextOf text_of) const {
    const Slot* slot = const_cast<TokenIndex*>(this)->place(text, hash_text(text), text_of);
    return slot ? slot->id : -1;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::int32_t id = -1;
  };

  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  // Where the text is or would be; nullptr: too far away.
  template <class TextOf>
  Slot* place(std::string_view text, std::uint64_t hash, TextOf& text_of) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = 0; i < most_probes; ++i) {
      Slot& slot = slots_[(hash + i) & mask];
      if (slot.id < 0 || (slot.tag == tag(hash) && text_of(slot.id) == text)) return &slot;
    }
    return nullptr;
  }

  Array<Slot> slots_;
};

}  // namespace inlay
