// merge.h - byte pair encoding: neighbours are merged, lowest rank first, leftmost on a tie.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/array.h"
#include "base/hash_map.h"
#include "text/token_index.h"

namespace inlay {

// What two neighbours become.
struct Merge {
  static constexpr std::uint32_t never = UINT32_MAX;
  std::uint32_t rank = never;
  std::int32_t id = -1;
};

// Merges of pairs of token ids; open addressing.
class MergeTable {
 public:
  explicit MergeTable(Allocator& allocator) : slots_(allocator) {}
  // Room for `count` merges; once, before add().
  Status reserve(std::size_t count) { return slots_.resize(std::bit_ceil(count + count / 2 + 8)); }
  // The first merge of a pair stays. Ids are not negative. LIMIT: most_probes.
  Status add(std::int32_t left, std::int32_t right, Merge merge) {
    Slot* slot = const_cast<Slot*>(place(key(left, right)));
    if (!slot) return Status::limit;
    if (slot->key == free_slot) *slot = {key(left, right), merge};
    return Status::ok;
  }
  Merge find(std::int32_t left, std::int32_t right) const {
    if (left < 0 || right < 0) return {};
    const Slot* slot = place(key(left, right));
    return slot ? slot->merge : Merge{};
  }

 private:
  static constexpr std::uint64_t free_slot = UINT64_MAX;
  struct Slot {
    std::uint64_t key = free_slot;
    Merge merge;
  };

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }
  // Where the pair is or would be; nullptr: too far away.
  const Slot* place(std::uint64_t wanted) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t hash = hash_of(wanted);
    for (std::size_t i = 0; i < most_probes; ++i) {
      const Slot& slot = slots_[(hash + i) & mask];
      if (slot.key == wanted || slot.key == free_slot) return &slot;
    }
    return nullptr;
  }

  Array<Slot> slots_;
};

// A part of a piece of text; at first one character or byte. Symbols are a list in an array, the
// first one stays first.
struct Symbol {
  static constexpr std::uint32_t none = UINT32_MAX;
  std::uint32_t begin;  // byte in the piece
  std::uint32_t end;
  std::uint32_t previous;  // neighbours, or none
  std::uint32_t next;
  std::int32_t id;  // -1: no token
  Merge merge;      // with the next one
};

// Merges until nothing is left to merge. `find(left, right)` gives the Merge of two symbols. The
// heap holds rank << 32 | index of every pair that comes before both pairs beside it, so also of
// the one that comes first; an entry that no longer fits its symbol is skipped. Every pair that
// ever comes up costs O(log n); in a run of one character the heap stays as small as can be.
class Merger {
 public:
  explicit Merger(Allocator& allocator) : symbols_(allocator), heap_(allocator) {}

  void clear() { symbols_.clear(); }
  // The next symbol of the piece.
  Status add(std::uint32_t begin, std::uint32_t end, std::int32_t id) {
    const auto index = static_cast<std::uint32_t>(symbols_.size());
    if (index) symbols_.back().next = index;
    return symbols_.push({begin, end, index - 1, Symbol::none, id, {}});
  }

  template <class Find>
  Status run(Find find) {
    if (symbols_.size() <= few) return run_few(find);
    heap_.clear();
    for (std::uint32_t i = 0; i < symbols_.size(); ++i) look(i, find);
    for (std::uint32_t i = 0; i < symbols_.size(); ++i) INLAY_TRY(offer(i));
    while (!heap_.empty()) {
      const std::uint64_t least = pop();
      const auto i = static_cast<std::uint32_t>(least);
      if (symbols_[i].merge.rank != least >> 32) continue;
      join(i);
      const std::uint32_t previous = symbols_[i].previous;
      look(i, find);
      if (previous != Symbol::none) look(previous, find);
      INLAY_TRY(offer(i));
      INLAY_TRY(offer(symbols_[i].next));
      INLAY_TRY(offer(previous));
      if (previous != Symbol::none) INLAY_TRY(offer(symbols_[previous].previous));
    }
    return Status::ok;
  }

  // The list: for (const Symbol* s = first(); s; s = after(*s)).
  const Symbol* first() const { return symbols_.empty() ? nullptr : symbols_.data(); }
  const Symbol* after(const Symbol& s) const {
    return s.next == Symbol::none ? nullptr : &symbols_[s.next];
  }

 private:
  // The heaps of the standard library have the largest entry on top.
  static bool later(std::uint64_t a, std::uint64_t b) { return a > b; }

  // Up to so many symbols, looking at all of them is faster than a heap.
  static constexpr std::size_t few = 24;

  template <class Find>
  Status run_few(Find& find) {
    for (std::uint32_t i = 0; i < symbols_.size(); ++i) look(i, find);
    while (!symbols_.empty()) {
      std::uint32_t best = 0;
      for (std::uint32_t i = 0; i != Symbol::none; i = symbols_[i].next) {
        if (symbols_[i].merge.rank < symbols_[best].merge.rank) best = i;
      }
      if (symbols_[best].merge.rank == Merge::never) break;
      join(best);
      look(best, find);
      if (symbols_[best].previous != Symbol::none) look(symbols_[best].previous, find);
    }
    return Status::ok;
  }

  // What symbol i and the next one become.
  template <class Find>
  void look(std::uint32_t i, Find& find) {
    Symbol& left = symbols_[i];
    left.merge = left.next == Symbol::none ? Merge{} : find(left, symbols_[left.next]);
  }

  // Pushes the pair of symbol i, or none, if it can be merged before those beside it.
  Status offer(std::uint32_t i) {
    if (i == Symbol::none) return Status::ok;
    const Symbol& s = symbols_[i];
    const std::uint32_t rank = s.merge.rank;
    if (rank == Merge::never || symbols_[s.next].merge.rank < rank) return Status::ok;
    if (s.previous != Symbol::none && symbols_[s.previous].merge.rank <= rank) return Status::ok;
    return push(static_cast<std::uint64_t>(rank) << 32 | i);
  }

  // Symbol i takes in its right neighbour.
  void join(std::uint32_t i) {
    Symbol& left = symbols_[i];
    Symbol& right = symbols_[left.next];
    left.id = left.merge.id;
    left.end = right.end;
    left.next = right.next;
    if (right.next != Symbol::none) symbols_[right.next].previous = i;
    right.merge = {};
  }

  Status push(std::uint64_t added) {
    INLAY_TRY(heap_.push(added));
    std::push_heap(heap_.begin(), heap_.end(), later);
    return Status::ok;
  }
  std::uint64_t pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::uint64_t least = heap_.back();
    heap_.pop();
    return least;
  }

  Array<Symbol> symbols_;
  Array<std::uint64_t> heap_;
};

}  // namespace inlay
