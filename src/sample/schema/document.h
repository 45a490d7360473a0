// document.h - a JSON schema as a tree of values, told value by value by whoever reads its text.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "base/hash_map.h"

namespace inlay::schema {

using ValueId = std::uint32_t;
inline constexpr ValueId no_value = 0xffffffffu;

// The values of the document in the order of the text; value 0 is the root.
class Document {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  static constexpr std::uint32_t max_values = 400'000;
  static constexpr std::uint32_t max_text_bytes = 1u << 24;

  struct Value {
    Kind kind = Kind::null;
    bool truth = false;
    ValueId parent = no_value;
    ValueId first = no_value;  // child
    ValueId last = no_value;
    ValueId next = no_value;  // sibling
    std::uint32_t children = 0;
    std::uint32_t key = 0, key_size = 0;    // as a member
    std::uint32_t text = 0, text_size = 0;  // of a string or number
  };

  explicit Document(Allocator& allocator)
      : allocator_(&allocator), values_(allocator), text_(allocator), by_key_(allocator) {}

  // The next value of `parent` (no_value: the root), under `key` in an object. The text of a string
  // is unescaped UTF-8, that of a number as it stands. Status::format: the key is there already.
  Status add(ValueId parent, std::string_view key, Kind kind, std::string_view text, bool truth,
             ValueId& id);

  std::uint32_t size() const { return static_cast<std::uint32_t>(values_.size()); }
  const Value& operator[](ValueId id) const { return values_[id]; }
  Kind kind(ValueId id) const { return values_[id].kind; }
  bool is(ValueId id, Kind kind) const { return id != no_value && values_[id].kind == kind; }
  std::string_view key(ValueId id) const {
    return {text_.data() + values_[id].key, values_[id].key_size};
  }
  std::string_view text(ValueId id) const {
    return {text_.data() + values_[id].text, values_[id].text_size};
  }
  ValueId member(ValueId object, std::string_view key) const;
  ValueId item(ValueId array, std::uint32_t index) const;

  // The value's JSON pointer, "/properties/name", cut in front where it is too long.
  struct Path {
    char text[200];
    std::size_t length = 0;
    std::string_view view() const { return {text, length}; }
  };
  Path path(ValueId id) const;

  // Whether two values are equal as JSON: numbers by value, members in any order.
  bool equal(ValueId a, ValueId b) const;

  Allocator& allocator() const { return *allocator_; }

 private:
  Status keep(std::string_view text, std::uint32_t& begin);
  static std::uint64_t hash_key(ValueId object, std::string_view key) {
    return mix64(hash_of(key) + object);
  }

  Allocator* allocator_;
  Array<Value> values_;
  Array<char> text_;
  HashMap<std::uint64_t, ValueId> by_key_;  // of (object, key)
};

}  // namespace inlay::schema
