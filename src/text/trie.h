// trie.h - a tree over the bytes of token texts: all tokens that a text begins with, in one walk.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"

namespace inlay {

// Immutable after build(). The children of a node lie side by side, by ascending byte.
class Trie {
 public:
  // Longer texts are refused: with them a hostile vocabulary could make every byte of a text cost
  // as much. Those of published vocabularies have at most 256 bytes.
  static constexpr std::size_t longest = 1024;

  struct Entry {
    std::string_view text;  // not empty, at most `longest` bytes
    std::int32_t id;
  };

  explicit Trie(Allocator& allocator) : nodes_(allocator) {}

  // Sorts `entries`; of two with one text the one that came last (or first) counts. MEMORY.
  Status build(Array<Entry>& entries, bool last_counts);

  // Calls on_token(length, id) for every token that `text` begins with, shortest first.
  template <class OnToken>
  void walk(std::string_view text, OnToken on_token) const {
    if (text.empty() || nodes_.empty()) return;
    std::uint32_t node = root_[static_cast<unsigned char>(text[0])];
    for (std::size_t length = 1; node; ++length) {
      if (nodes_[node].id >= 0) on_token(length, nodes_[node].id);
      if (length == text.size()) return;
      node = child(nodes_[node], static_cast<unsigned char>(text[length]));
    }
  }

 private:
  struct Node {
    std::uint32_t first = 0;  // of its children
    std::int32_t id = -1;
    std::uint16_t count = 0;
    std::uint8_t byte = 0;
  };

  // 0: none.
  std::uint32_t child(const Node& node, unsigned char byte) const {
    std::uint32_t low = node.first, count = node.count;
    while (count > 0) {
      const std::uint32_t half = count / 2;
      const std::uint8_t here = nodes_[low + half].byte;
      if (here == byte) return low + half;
      if (here < byte) low += half + 1;
      count = here < byte ? count - half - 1 : half;
    }
    return 0;
  }

  Array<Node> nodes_;  // [0] stands for "none"
  std::uint32_t root_[256] = {};
};

}  // namespace inlay
