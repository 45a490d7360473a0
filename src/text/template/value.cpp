// value.cpp - dictionaries and texts.
#include "text/template/value.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/hash_map.h"

namespace inlay::jinja {
namespace {

constexpr std::uint32_t few = 8;  // pairs that are found without an index

// Of values that are equal to themselves alone.
std::uint64_t hash_of_place(const Value& value, std::uint64_t seed) {
  return hash_of(reinterpret_cast<std::uintptr_t>(value.list), seed);
}

std::uint64_t hash(const Value& key, std::uint64_t seed) {
  switch (key.kind) {
    case Kind::text: return hash_of(key.view(), seed);
    case Kind::boolean:
    case Kind::integer: return hash_of(static_cast<std::uint64_t>(key.whole()), seed);
    case Kind::real: {
      const double real = key.real;
      if (real >= -0x1p63 && real < 0x1p63 && real == std::trunc(real)) {
        return hash_of(static_cast<std::uint64_t>(static_cast<std::int64_t>(real)), seed);
      }
      // A NaN is no key again, so it may stand anywhere.
      return hash_of(std::isnan(real) ? reinterpret_cast<std::uintptr_t>(&key)
                                      : std::bit_cast<std::uint64_t>(real),
                     seed);
    }
    case Kind::list: {
      std::uint64_t sum = key.list->items.count;
      for (const Value& item : key.list->items) {
        sum = mix64(sum ^ (item.is(Kind::list) ? hash_of_place(item, seed) : hash(item, seed)));
      }
      return sum;
    }
    case Kind::none:
    case Kind::undefined: return 0;
    default: return hash_of_place(key, seed);
  }
}

}  // namespace

bool same_key(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return a.view() == b.view();
  if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.kind != b.kind) return false;
  if (a.is(Kind::none) || a.is(Kind::undefined)) return true;
  if (a.is(Kind::list) && a.list->form == Form::tuple && b.list->form == Form::tuple) {
    if (a.list->items.count != b.list->items.count) return false;
    for (std::uint32_t i = 0; i < a.list->items.count; ++i) {
      const Value &x = a.list->items[i], &y = b.list->items[i];
      if (x.is(Kind::list) || y.is(Kind::list) ? x.list != y.list : !same_key(x, y)) return false;
    }
    return true;
  }
  return a.list == b.list;
}

Pair* Dict::find(const Value& key) const {
  if (!index) {
    for (Pair& pair : pairs) {
      if (same_key(pair.key, key)) return &pair;
    }
    return nullptr;
  }
  for (std::uint32_t i = hash(key, seed_of(index)) & (slots - 1); index[i];
       i = (i + 1) & (slots - 1)) {
    Pair& pair = pairs[index[i] - 1];
    if (same_key(pair.key, key)) return &pair;
  }
  return nullptr;
}

Pair* Dict::find(std::string_view key) const {
  const Text text{key.data(), static_cast<std::uint32_t>(key.size())};
  return find(Value::of(&text));
}

void Dict::link(std::uint32_t pair) {
  std::uint32_t i = hash(pairs[pair].key, seed_of(index)) & (slots - 1);
  while (index[i]) i = (i + 1) & (slots - 1);
  index[i] = pair + 1;
}

bool Dict::reindex(Arena& arena) {
  const std::uint32_t wanted = slots ? 2 * slots : 4 * few;
  std::uint32_t* grown = arena.make_array<std::uint32_t>(wanted);
  if (!grown) return false;
  std::memset(grown, 0, wanted * sizeof *grown);
  index = grown;
  slots = wanted;
  for (std::uint32_t i = 0; i < pairs.count; ++i) link(i);
  return true;
}

bool Dict::set(Arena& arena, const Value& key, const Value& value) {
  if (Pair* pair = find(key)) {
    pair->value = value;
    return true;
  }
  if (pairs.count >= few && pairs.count + 1 > slots / 2 && !reindex(arena)) return false;
  if (!pairs.push(arena, {key, value})) return false;
  if (index) link(pairs.count - 1);
  return true;
}

bool Dict::set(Arena& arena, std::string_view key, const Value& value) {
  const Text* text = make_text(arena, key);
  return text && set(arena, Value::of(text), value);
}

const Text* make_text(Arena& arena, std::string_view bytes, Origin origin) {
  Text* text = arena.make<Text>();
  if (!text || bytes.size() > UINT32_MAX / 2) return nullptr;
  text->data = bytes.data();
  text->size = static_cast<std::uint32_t>(bytes.size());
  text->origin = origin;
  return text;
}

const Text* copy_text(Arena& arena, std::string_view bytes, Origin origin) {
  char* copy = arena.make_array<char>(bytes.size());
  if (!copy) return nullptr;
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return make_text(arena, {copy, bytes.size()}, origin);
}

}  // namespace inlay::jinja
