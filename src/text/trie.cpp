// trie.cpp - builds the tree level by level from sorted texts.
#include "text/trie.h"

#include <algorithm>

namespace inlay {
namespace {

// Entries [begin, end) share their first `depth` bytes, which end at this node.
struct Range {
  std::uint32_t node, begin, end, depth;
};

}  // namespace

Status Trie::build(Array<Entry>& entries, bool last_counts) {
  std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    const int order = a.text.compare(b.text);
    if (order != 0) return order < 0;
    return last_counts ? a.id > b.id : a.id < b.id;  // the one that counts is first
  });
  Array<Range> open(*nodes_.allocator());
  INLAY_TRY(nodes_.push({}));
  INLAY_TRY(open.push({0, 0, static_cast<std::uint32_t>(entries.size()), 0}));
  for (std::size_t next = 0; next < open.size(); ++next) {
    const Range range = open[next];
    std::uint32_t at = range.begin;
    // The texts that end here.
    while (at < range.end && entries[at].text.size() == range.depth) {
      if (nodes_[range.node].id < 0) nodes_[range.node].id = entries[at].id;
      ++at;
    }
    nodes_[range.node].first = static_cast<std::uint32_t>(nodes_.size());
    while (at < range.end) {
      const auto byte = static_cast<std::uint8_t>(entries[at].text[range.depth]);
      const std::uint32_t begin = at;
      while (at < range.end && static_cast<std::uint8_t>(entries[at].text[range.depth]) == byte) {
        ++at;
      }
      const auto node = static_cast<std::uint32_t>(nodes_.size());
      Node added;
      added.byte = byte;
      INLAY_TRY(nodes_.push(added));
      INLAY_TRY(open.push({node, begin, at, range.depth + 1}));
      if (range.depth == 0) root_[byte] = node;
      ++nodes_[range.node].count;
    }
  }
  return Status::ok;
}

}  // namespace inlay
