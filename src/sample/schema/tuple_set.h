// tuple_set.h - numbers for lists of numbers: the same list always gets the same one.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"
#include "base/hash_map.h"

namespace inlay::schema {

class TupleSet {
 public:
  explicit TupleSet(Allocator& allocator)
      : items_(allocator), ends_(allocator), same_(allocator), first_(allocator) {}

  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::span<const std::uint32_t> operator[](std::uint32_t id) const {
    const std::uint32_t begin = id ? ends_[id - 1] : 0;
    return {items_.data() + begin, ends_[id] - begin};
  }

  // The number of a list; *fresh says that it is new. The list must not lie in this set.
  Status intern(std::span<const std::uint32_t> list, std::uint32_t& id, bool* fresh = nullptr) {
    const std::uint64_t key = hash(list);
    if (fresh) *fresh = false;
    std::uint32_t* head = first_.find(key);
    for (id = head ? *head : none; id != none; id = same_[id]) {
      if (equal((*this)[id], list)) return Status::ok;
    }
    id = size();
    INLAY_TRY(items_.append(list));
    INLAY_TRY(same_.push(head ? *head : none));
    INLAY_TRY(ends_.push(static_cast<std::uint32_t>(items_.size())));
    if (head) {
      *head = id;
    } else {
      INLAY_TRY(first_.insert(key, id));
    }
    if (fresh) *fresh = true;
    return Status::ok;
  }

 private:
  static constexpr std::uint32_t none = 0xffffffffu;

  static std::uint64_t hash(std::span<const std::uint32_t> list) {
    std::uint64_t h = list.size();
    for (const std::uint32_t x : list) {
      h = (h ^ x) * 0x9e3779b97f4a7c15u;
      h ^= h >> 32;
    }
    return h;
  }
  static bool equal(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
  }

  Array<std::uint32_t> items_, ends_, same_;
  HashMap<std::uint64_t, std::uint32_t> first_;
};

}  // namespace inlay::schema
