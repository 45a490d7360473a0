// frames.cpp - interned cells in one block; the newest can be taken back.
#include "sample/grammar/frames.h"

#include <algorithm>
#include <bit>

#include "base/hash_map.h"

namespace inlay::grammar {

void Frames::lay_out(Carver& carver, std::uint32_t capacity, Frames& frames) {
  const std::uint32_t buckets = std::bit_ceil(capacity);
  frames.cells_ = carver.take<Cell>(capacity);
  frames.buckets_ = carver.take<std::uint32_t>(buckets);
  frames.new_ = carver.take<std::uint32_t>(capacity);
  frames.capacity_ = capacity;
  frames.bucket_mask_ = buckets - 1;
}

void Frames::clear() {
  std::fill_n(buckets_, std::size_t{bucket_mask_} + 1, 0u);
  cells_[0] = {};
  size_ = 1;
}

void Frames::copy_from(const Frames& other) {
  std::copy_n(other.cells_, other.size_, cells_);
  std::copy_n(other.buckets_, std::size_t{bucket_mask_} + 1, buckets_);
  size_ = other.size_;
}

std::uint32_t Frames::bucket(const Cell& c) const {
  const std::uint64_t low = c.tag | std::uint64_t{c.parent} << 32;
  const std::uint64_t high = c.a | std::uint64_t{c.b ^ std::rotl(c.c, 16)} << 32;
  return static_cast<std::uint32_t>(mix64(low * 0x9e3779b97f4a7c15u ^ high)) & bucket_mask_;
}

std::uint32_t Frames::intern(Frame kind, std::uint32_t step, std::uint32_t parent, std::uint32_t a,
                             std::uint32_t b, std::uint32_t c) {
  Cell cell{static_cast<std::uint32_t>(kind) << 28 | step, a, b, c, parent, 0, 0};
  std::uint32_t& head = buckets_[bucket(cell)];
  for (std::uint32_t i = head; i; i = cells_[i].next) {
    const Cell& x = cells_[i];
    if (x.parent == parent && x.a == a && x.tag == cell.tag && x.b == b && x.c == c) return i;
  }
  if (size_ == capacity_) return none;
  cell.next = head;
  head = size_;
  cells_[size_] = cell;
  return size_++;
}

// The newest cell of a bucket stands first in it.
void Frames::roll_back(std::uint32_t size) {
  while (size_ > size) {
    const Cell& cell = cells_[--size_];
    buckets_[bucket(cell)] = cell.next;
  }
}

void Frames::begin_marks() { std::fill_n(new_, size_, 0u); }

void Frames::mark(std::uint32_t i) {
  const auto mark_chain = [this](std::uint32_t at) {
    for (; at && !new_[at]; at = cells_[at].parent) new_[at] = 1;
  };
  for (; i && !new_[i]; i = cells_[i].parent) {
    new_[i] = 1;
    const Cell& c = cells_[i];
    if (c.kind() == Frame::members) mark_chain(c.a);
    if (c.kind() != Frame::members && c.kind() != Frame::ordered) continue;
    for (std::uint32_t key = c.c; key && !new_[key]; key = cells_[key].parent) {
      new_[key] = 1;
      mark_chain(cells_[key].a);
    }
  }
}

void Frames::compact() {
  std::uint32_t to = 1;
  new_[0] = 0;
  for (std::uint32_t from = 1; from < size_; ++from) {
    if (!new_[from]) continue;
    Cell cell = cells_[from];
    cell.parent = new_[cell.parent];
    if (cell.kind() == Frame::key) cell.a = new_[cell.a];
    if (cell.kind() == Frame::members) cell.a = new_[cell.a];
    if (cell.kind() == Frame::members || cell.kind() == Frame::ordered) cell.c = new_[cell.c];
    cells_[to] = cell;
    new_[from] = to++;
  }
  size_ = to;
  std::fill_n(buckets_, std::size_t{bucket_mask_} + 1, 0u);
  for (std::uint32_t i = 1; i < size_; ++i) {
    std::uint32_t& head = buckets_[bucket(cells_[i])];
    cells_[i].next = head;
    head = i;
  }
}

}  // namespace inlay::grammar
