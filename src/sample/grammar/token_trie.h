// token_trie.h - the texts of a vocabulary as a tree over bytes, for finding all tokens that a
// grammar allows in one walk.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"
#include "text/vocab.h"

namespace inlay::grammar {

// Nodes in depth-first order, so that a subtree is a range; what a walk does not want it skips.
struct TrieNode {
  std::uint32_t end;          // of the subtree
  std::uint32_t first_token;  // in tokens(): those that end here come before the next node's
  std::uint16_t depth;        // bytes of the prefix, from 1
  std::uint8_t byte;          // the last of them
};

// Immutable once built; then thread-safe. Control, unknown, unused, end and empty tokens are no
// text and not in it, nor are tokens longer than max_token_bytes.
class TokenTrie {
 public:
  static constexpr std::uint32_t max_token_bytes = 1000;

  explicit TokenTrie(Allocator& allocator)
      : nodes_(allocator), tokens_(allocator), others_(allocator), ends_(allocator) {}
  Status build(const Tokenizer& tokenizer, Error& error);

  // The last one stands for the end: a subtree ends before it.
  std::span<const TrieNode> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
  std::span<const std::int32_t> tokens_at(std::uint32_t node) const {
    const std::uint32_t begin = nodes_[node].first_token, end = nodes_[node + 1].first_token;
    return {tokens_.data() + begin, end - begin};
  }
  // The bytes up to a node.
  std::string_view prefix(std::uint32_t node) const {
    return {tokenizer_->piece(tokens_[nodes_[node].first_token]).data(), nodes_[node].depth};
  }
  // The first token of these bytes, also of those that are no text; -1: none.
  std::int32_t find(std::string_view text) const;
  std::span<const std::int32_t> ends() const { return ends_.span(); }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  std::uint32_t vocabulary() const { return tokenizer_->size(); }
  std::uint32_t longest() const { return longest_; }

 private:
  Array<TrieNode> nodes_;
  Array<std::int32_t> tokens_;  // by their text
  Array<std::int32_t> others_;  // that are not in the tree, by their text
  Array<std::int32_t> ends_;    // tokens that end a text
  const Tokenizer* tokenizer_ = nullptr;
  std::uint32_t longest_ = 0;
};

// The token is text that a grammar may allow.
bool is_text_token(const Tokenizer& tokenizer, std::int32_t id);

}  // namespace inlay::grammar
