// nfa.h - from regular nodes to a DFA: a Thompson automaton (1968), then sets of its states
// (Rabin and Scott 1959).
#pragma once

#include <span>

#include "sample/grammar/dfa.h"
#include "sample/grammar/rules.h"

namespace inlay::grammar {

// Makes DFAs of nodes of `rules`, which the caller knows to be regular and free of recursion.
// Time is bounded: by `limit` states of each automaton and by work of the whole builder.
class RegularBuilder {
 public:
  static constexpr std::uint32_t max_depth = 400;  // of nodes in nodes
  static constexpr std::uint32_t max_nfa = 400000;

  explicit RegularBuilder(const Rules& rules);

  // Nodes one after the other; or any of them, each with its index as its label.
  // LIMIT: too large (why() says what); FORMAT: two labels for one text, which are then in
  // conflict().
  Status sequence(std::span<const NodeId> nodes, std::uint32_t limit, Dfa& dfa);
  Status choice(std::span<const NodeId> nodes, bool labels, std::uint32_t limit, Dfa& dfa);
  const char* why() const { return why_; }
  std::span<const std::uint32_t> conflict() const { return conflict_; }

 private:
  enum class Op : std::uint8_t { split, range, set, accept, jump };
  struct State {
    Op op;
    std::uint8_t low, high;
    std::uint32_t next, other;  // set: the set; accept: the label
  };

  Status begin();
  std::uint32_t add(State state);
  std::uint32_t build(NodeId node, std::uint32_t next, std::uint32_t depth);
  std::uint32_t build_literal(std::string_view text, std::uint32_t next);
  std::uint32_t build_points(const Node& n, std::uint32_t next);
  std::uint32_t build_range(std::uint32_t low, std::uint32_t high, std::uint32_t next);
  std::uint32_t build_table(const Node& n, std::uint32_t next);
  std::uint32_t build_bytes(const std::uint8_t* low, const std::uint8_t* high, int size,
                            std::uint32_t next);
  std::uint32_t build_choice(std::span<const NodeId> parts, std::uint32_t next,
                             std::uint32_t depth);
  std::uint32_t build_repeat(const Node& n, std::uint32_t next, std::uint32_t depth);
  std::uint32_t build_product(const Node& n, std::uint32_t next, std::uint32_t depth);
  std::uint32_t embed(const Dfa& dfa, std::uint32_t next);
  std::uint32_t fail(Status status, const char* why);
  Status find_classes(std::uint32_t start, Dfa& dfa, std::uint8_t* representative);
  Status determinize(std::uint32_t start, std::uint32_t limit, Dfa& dfa);
  Status close(std::uint32_t state);

  const Rules& rules_;
  Allocator& allocator_;
  Array<State> states_;
  Array<ByteSet> sets_;
  Array<std::uint32_t> marks_, members_, work_;
  std::uint32_t mark_ = 0;
  std::uint32_t limit_ = max_states;
  std::uint64_t budget_ = std::uint64_t{1} << 28;  // states of sets looked at
  Status status_ = Status::ok;
  const char* why_ = "";
  std::uint32_t conflict_[2] = {};
};

// Sorted, without overlaps and surrogates; `negated`: what is left of all code points.
Status normalize_ranges(std::span<const PointRange> ranges, bool negated,
                        Array<PointRange>& result);

}  // namespace inlay::grammar
