// name_index.h - finding items by name in a sorted list of indices, whatever names a file invents.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"

namespace inlay {

// Sorted rather than hashed: names chosen to collide cannot make it slow. Name: the member with the
// name.
template <class Item, std::string_view Item::*Name>
class NameIndex {
 public:
  explicit NameIndex(Allocator& allocator) : order_(allocator) {}

  // O(n log n), one array of memory.
  Status build(std::span<const Item> items) {
    INLAY_TRY(order_.resize(items.size()));
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      const int compared = (items[a].*Name).compare(items[b].*Name);
      return compared != 0 ? compared < 0 : a < b;
    });
    return Status::ok;
  }

  // Indices of two items with one name, lower first; nullptr when every name is there once.
  const std::uint32_t* duplicate(std::span<const Item> items) const {
    for (std::size_t i = 1; i < order_.size(); ++i) {
      if (items[order_[i - 1]].*Name == items[order_[i]].*Name) return &order_[i - 1];
    }
    return nullptr;
  }

  const Item* find(std::span<const Item> items, std::string_view name) const {
    const std::uint32_t* found = std::lower_bound(
        order_.begin(), order_.end(), name,
        [&](std::uint32_t i, std::string_view wanted) { return items[i].*Name < wanted; });
    return found != order_.end() && items[*found].*Name == name ? &items[*found] : nullptr;
  }

  void reset() { order_.reset(); }

 private:
  Array<std::uint32_t> order_;
};

}  // namespace inlay
