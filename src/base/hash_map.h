// hash_map.h - an open-addressing hash map whose growth may fail; keys are plain values or string
// views.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/array.h"

namespace inlay {

// Spreads all bits of x (the finaliser of SplitMix64, Steele et al. 2014).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

constexpr std::uint64_t hash_of(std::uint64_t key) { return mix64(key + 0x9e3779b97f4a7c15u); }

// FNV-1a over the bytes, then mixed.
constexpr std::uint64_t hash_of(std::string_view key, std::uint64_t seed = 0) {
  std::uint64_t h = 0xcbf29ce484222325u ^ seed;
  for (const char c : key) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return mix64(h);
}

constexpr std::uint64_t hash_of(std::uint64_t key, std::uint64_t seed) {
  return hash_of(hash_of(key) ^ seed);
}
// What no file can know: where memory lies. Hashes that take it as a seed find no two keys that
// were chosen to meet in one place.
inline std::uint64_t seed_of(const void* memory) {
  return hash_of(static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(memory)));
}

// Key: std::uint64_t or std::string_view (the bytes must outlive the map). No removal.
template <class Key, class Value>
class HashMap {
 public:
  HashMap() = default;
  explicit HashMap(Allocator& allocator) : slots_(allocator) {}

  std::size_t size() const { return size_; }

  // Room for `count` entries without growing.
  Status reserve(std::size_t count) {
    if (count > SIZE_MAX / 4) return Status::memory;
    const std::size_t wanted = std::bit_ceil(count + count / 2 + 8);
    return wanted > slots_.size() ? rehash(wanted) : Status::ok;
  }

  // Adds the key if it is new; *inserted says whether. An existing value stays as it is.
  Status insert(Key key, Value value, bool* inserted = nullptr) {
    INLAY_TRY(reserve(size_ + 1));
    Slot& slot = *probe(key);
    if (inserted) *inserted = !slot.used;
    if (!slot.used) {
      slot = Slot{key, value, true};
      ++size_;
    }
    return Status::ok;
  }

  const Value* find(Key key) const {
    if (slots_.empty()) return nullptr;
    const Slot* slot = const_cast<HashMap*>(this)->probe(key);
    return slot->used ? &slot->value : nullptr;
  }
  Value* find(Key key) { return const_cast<Value*>(static_cast<const HashMap*>(this)->find(key)); }
  bool contains(Key key) const { return find(key) != nullptr; }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  Slot* probe(const Key& key) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash_of(key, seed_of(slots_.data())) & mask;
    while (slots_[i].used && !(slots_[i].key == key)) i = (i + 1) & mask;
    return &slots_[i];
  }

  Status rehash(std::size_t count) {
    if (!slots_.allocator()) return Status::memory;
    Array<Slot> slots(*slots_.allocator());
    INLAY_TRY(slots.resize(count));
    slots_.swap(slots);
    for (const Slot& slot : slots) {
      if (slot.used) *probe(slot.key) = slot;
    }
    return Status::ok;
  }

  Array<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace inlay
