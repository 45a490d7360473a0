// place.cpp - lifetimes of storages and their offsets in the arena.
#include <algorithm>

#include "base/checked.h"
#include "graph/plan.h"

namespace inlay {
namespace {

void touch(Program& p, ValueId value, std::uint32_t at) {
  if (value == no_value) return;
  StorageInfo& s = p.storages[p.values[value].storage];
  if (s.first == never_used) s.first = at;
  s.last = at;
}

struct Placed {
  std::uint32_t storage;
  std::uint64_t offset, end;
};

}  // namespace

void find_lifetimes(Program& p) {
  for (StorageInfo& s : p.storages) s.first = s.last = never_used;
  for (std::uint32_t i = 0; i < p.code.size(); ++i) {
    touch(p, p.code[i].out, i);
    touch(p, p.code[i].a, i);
    touch(p, p.code[i].b, i);
  }
  // The host reads the logits after the last instruction.
  if (p.logits != no_value) touch(p, p.logits, static_cast<std::uint32_t>(p.code.size()));
}

// First fit in order of first use; at one time only a handful of storages live, so the scan is
// short.
Status place(const Program& p, Allocator& allocator, std::uint32_t tokens, std::uint32_t wanted,
             std::uint64_t* offsets, std::uint64_t* bytes) {
  Array<std::uint32_t> order(allocator);
  for (std::uint32_t i = 0; i < p.storages.size(); ++i) {
    if (p.storages[i].first != never_used) INLAY_TRY(order.push(i));
  }
  std::sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
    const StorageInfo &a = p.storages[x], &b = p.storages[y];
    return a.first != b.first ? a.first < b.first : x < y;
  });
  Array<Placed> live(allocator);  // sorted by offset
  *bytes = 0;
  for (const std::uint32_t index : order) {
    const StorageInfo& s = p.storages[index];
    std::size_t kept = 0;
    for (std::size_t i = 0; i < live.size(); ++i) {
      if (p.storages[live[i].storage].last >= s.first) live[kept++] = live[i];
    }
    while (live.size() > kept) live.pop();
    const std::uint64_t rows = s.rows == Rows::tokens ? tokens : wanted;
    std::uint64_t size = 0, offset = 0, end = 0;
    if (!checked_mul(rows, s.row_bytes, size) || !checked_align(size, 64, size))
      return Status::limit;
    std::size_t at = 0;
    while (at < live.size() && live[at].offset - offset < size) offset = live[at++].end;
    if (!checked_add(offset, size, end)) return Status::limit;
    offsets[index] = offset;
    if (size > 0) {
      INLAY_TRY(live.push(Placed{}));
      for (std::size_t i = live.size() - 1; i > at; --i) live[i] = live[i - 1];
      live[at] = Placed{index, offset, end};
    }
    *bytes = std::max(*bytes, end);
  }
  return Status::ok;
}

}  // namespace inlay
