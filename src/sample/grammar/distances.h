// distances.h - how far it is, in tokens, from a place of a grammar to where its text can end: so a
// text whose tokens are counted can be brought to its end in time.
#pragma once

#include <algorithm>

#include "sample/grammar/grammar.h"
#include "sample/grammar/token_trie.h"

namespace inlay::grammar {

// Of one way that exists: the shortest in bytes, in as few tokens as the vocabulary can spell it
// with, each within one text of the grammar. Immutable once measured; then thread-safe.
class Distances {
 public:
  static constexpr std::uint32_t far = 1u << 28;  // and more: tokens for it are missing

  explicit Distances(Allocator& allocator);
  Status measure(const Grammar& grammar, const TokenTrie& trie);

  std::uint32_t step(std::uint32_t i) const { return steps_[i]; }
  // From a state of a DFA to the nearest end; and from the farthest of its states.
  std::uint32_t text(std::uint32_t dfa, std::uint32_t state) const {
    return texts_[dfas_[dfa].first + state];
  }
  std::uint32_t farthest(std::uint32_t dfa) const { return dfas_[dfa].farthest; }
  // The children of a sequence from number `child` on.
  std::uint32_t children_from(const Step& sequence, std::uint32_t child) const {
    return child < sequence.count ? children_[sequence.first + child] : 0;
  }

  struct Member {
    std::uint32_t key = far;
    std::uint32_t all = far;  // key, what stands between, value
  };
  struct Members {
    std::uint32_t first = 0;  // in named
    std::uint32_t required = 0;
    std::uint32_t other = 0;  // one that is not required, whichever of them has to do
    std::uint32_t separator = 0;
    std::uint32_t between = 0;
    Member extra;                  // the nearest key with the farthest value, so that it serves all
    std::uint32_t extra_keys = 0;  // in extra_keys_
  };
  const Members& members(const Step& s) const { return members_[s.first]; }
  const Member& named(const Step& s, std::uint32_t label) const {
    return named_[members_[s.first].first + label];
  }

  // From a state of the DFA of keys to the end of number i of Grammar::named_ahead's keys, and of
  // an extra one.
  std::uint32_t named_key(const Grammar& grammar, const Step& s, std::uint32_t state,
                          std::uint32_t i) const {
    return named_keys_[grammar.first_ahead(grammar.members(s), state) + i];
  }
  std::uint32_t extra_key(const Step& s, std::uint32_t state) const {
    return extra_keys_[members_[s.first].extra_keys + state];
  }

  static std::uint32_t sum(std::uint32_t a, std::uint32_t b) { return std::min(a + b, far); }
  static std::uint32_t product(std::uint32_t a, std::uint32_t b) {
    const std::uint64_t all = std::uint64_t{a} * b;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(all, far));
  }

 private:
  struct Text {
    std::uint32_t first;  // in texts_
    std::uint32_t farthest;
  };
  struct Tree;
  template <class IsEnd>
  Status measure_ways(const Dfa& dfa, const Tree& tree, IsEnd is_end, std::uint32_t* tokens);
  Status measure_text(const Dfa& dfa, const Tree& tree);
  Status measure_keys(const Grammar& grammar, const Step& s, const Tree& tree);
  bool settle(const Grammar& grammar, std::uint32_t i);
  std::uint32_t settle_members(const Grammar& grammar, const Step& s);

  Allocator& allocator_;
  Array<std::uint32_t> steps_;     // (steps)
  Array<std::uint32_t> children_;  // (children): of sequences, with those behind
  Array<Text> dfas_;               // (dfas)
  Array<std::uint32_t> texts_;     // (dfas, states)
  Array<Members> members_;
  Array<Member> named_;
  Array<std::uint32_t> named_keys_;  // (members, states, named ahead)
  Array<std::uint32_t> extra_keys_;  // (members with extra keys, states)
};

}  // namespace inlay::grammar
