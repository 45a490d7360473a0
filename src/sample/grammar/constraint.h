// constraint.h - a grammar for one vocabulary: what can be said of its masks before any is asked
// for.
#pragma once

#include "sample/grammar/distances.h"
#include "sample/grammar/token_trie.h"

namespace inlay::grammar {

// Tokens as seen from one state of one DFA, whatever stands around it.
struct Table {
  std::uint32_t bits;    // in words: tokens that stay inside, or end exactly at its end
  std::uint32_t differ;  // in lists: tokens that are in addition, then those that are not, as the
  std::uint32_t added;   // words may be another table's
  std::uint32_t removed;
  std::uint32_t leave;  // in lists: tokens that pass an end and go on with what follows
  std::uint32_t leave_count;
  std::uint32_t by_need;  // counted: tokens of bits that take more than one text, most first
  std::uint32_t by_need_count;
  std::uint32_t most_need;  // texts that one token takes at most
};

// Immutable once bound; then thread-safe. Grammar and trie must outlive it.
class Constraint {
 public:
  static constexpr std::uint32_t no_table = 0xffffffffu;

  Constraint(Allocator& allocator, const Grammar& grammar, const TokenTrie& trie);
  // Names of tokens become ids; tables of states with many tokens are made, within bounds of time
  // and memory. FORMAT: the vocabulary has no such token. MEMORY.
  Status bind(Error& error);

  const Grammar& grammar() const { return grammar_; }
  const TokenTrie& trie() const { return trie_; }
  std::size_t mask_words() const { return (std::size_t{trie_.vocabulary()} + 63) / 64; }
  const Distances& distances() const { return distances_; }
  // The id of a token step.
  std::int32_t token(std::uint32_t step) const { return tokens_[step]; }

  const Table* table(std::uint32_t step, std::uint32_t state) const {
    const std::uint32_t first = first_[step];
    if (first == no_table) return nullptr;
    const std::uint32_t index = index_[first + state];
    return index == no_table ? nullptr : &tables_[index];
  }
  // The tokens, but for added() and removed() ones.
  std::span<const std::uint64_t> bits(const Table& t) const {
    return {words_.data() + t.bits, mask_words()};
  }
  std::span<const std::int32_t> added(const Table& t) const {
    return {lists_.data() + t.differ, t.added};
  }
  std::span<const std::int32_t> removed(const Table& t) const {
    return {lists_.data() + t.differ + t.added, t.removed};
  }
  std::span<const std::int32_t> leave(const Table& t) const {
    return {lists_.data() + t.leave, t.leave_count};
  }
  // How the nodes of leave() leave: the byte that the DFA does not take, and flags.
  std::span<const std::uint16_t> exits(const Table& t) const {
    return {needs_.data() + t.leave, t.leave_count};
  }
  static constexpr std::uint16_t exit_at_end = 0x100;  // an end stands right before that byte
  static constexpr std::uint16_t exit_asks = 0x200;    // a key: always to be looked at
  // Bytes that the DFA takes at its ends: it goes on there.
  const ByteSet& ambiguous(std::uint32_t dfa) const { return ambiguous_[dfa]; }
  // Needs of by_need are in needs(), the same place.
  std::span<const std::int32_t> by_need(const Table& t) const {
    return {lists_.data() + t.by_need, t.by_need_count};
  }
  std::uint16_t need(const Table& t, std::uint32_t i) const { return needs_[t.by_need + i]; }
  std::size_t tables() const { return tables_.size(); }

 private:
  struct Walk;
  Status resolve_tokens(Error& error);
  Status find_ambiguous();
  Status make_tables();
  Status make_tables(const Step& step, std::uint32_t first);
  Status make_table(const Step& step, std::uint32_t state);
  Status derive_table(const Step& step, std::uint32_t state, std::uint32_t base_state,
                      std::uint32_t base, bool& made);
  std::uint32_t find_twin(const Step& step, std::uint32_t state);
  void take(const Step& step, const Walk& from, std::uint8_t byte, Walk& to) const;
  template <class Visit>
  bool walk(const Step& step, std::uint32_t state, std::uint64_t limit, Visit visit);

  Allocator& allocator_;
  const Grammar& grammar_;
  const TokenTrie& trie_;
  Distances distances_;
  Array<std::int32_t> tokens_;  // (steps)
  Array<std::uint32_t> first_;  // (steps): where the states of its table stand in index_
  Array<std::uint32_t> index_;  // of states
  Array<Table> tables_;
  Array<std::uint64_t> words_;
  Array<std::int32_t> lists_;
  Array<std::uint16_t> needs_;  // beside lists_
  Array<ByteSet> ambiguous_;    // (dfas)
  struct Known {                // a state with a table that was made by a whole walk
    std::uint32_t dfa, state, table;
    bool key;
  };
  Array<Known> known_;
  std::uint64_t visits_left_ = 0;
};

}  // namespace inlay::grammar
