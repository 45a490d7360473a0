// nfa.h - automata as patterns are written: many ways at once, made deterministic in the end.
#pragma once

#include "sample/schema/automaton.h"

namespace inlay::schema {

class Nfa {
 public:
  using State = std::uint32_t;
  static constexpr std::uint32_t max_arcs = 400'000;

  // A piece that begins in one state and ends in another.
  struct Piece {
    State begin, end;
  };

  explicit Nfa(Allocator& allocator)
      : arcs_(allocator), first_(allocator), sets_(allocator), set_ends_(allocator) {}

  Allocator& allocator() const { return *arcs_.allocator(); }

  Status add_state(State& s) {
    s = static_cast<State>(first_.size());
    return first_.push(none);
  }
  // Without reading anything; `at_begin`, `at_end`: only where the text begins or ends.
  Status jump(State from, State to) { return add_arc(from, {to, 0, Kind::always, none}); }
  Status jump_at_begin(State from, State to) { return add_arc(from, {to, 0, Kind::begin, none}); }
  Status jump_at_end(State from, State to) { return add_arc(from, {to, 0, Kind::end, none}); }
  // Over one character of a set; ranges ascend and do not overlap.
  Status read(State from, std::span<const Range> set, State to);
  Status read(State from, std::uint32_t low, std::uint32_t high, State to) {
    const Range range[] = {{low, high}};
    return read(from, range, to);
  }

  // What has been added so far; states and arcs between two marks are one piece.
  struct Mark {
    State state;
    std::uint32_t arc;
  };
  Mark mark() const {
    return {static_cast<State>(first_.size()), static_cast<std::uint32_t>(arcs_.size())};
  }
  // Once more what was added between two marks, behind all else; the piece, which is in there,
  // becomes that of the copy.
  Status copy(Mark begin, Mark end, Piece& piece);

  // The texts of an automaton.
  Status embed(const Automaton& texts, Piece& piece);

  // A deterministic automaton for the texts between `whole.begin` and `whole.end`.
  // Status::limit: over `max_states` states.
  Status determinise(Piece whole, std::uint32_t max_states, Automaton& out) const;

 private:
  static constexpr State none = 0xffffffffu;
  enum class Kind : std::uint8_t { always, begin, end, read };
  struct Arc {
    State to;
    std::uint32_t set;
    Kind kind;
    std::uint32_t next;
  };

  Status add_arc(State from, Arc arc);
  std::span<const Range> set(std::uint32_t i) const {
    const std::uint32_t begin = i ? set_ends_[i - 1] : 0;
    return {sets_.data() + begin, set_ends_[i] - begin};
  }
  Status close(Array<State>& states, Array<std::uint32_t>& seen, std::uint32_t mark, bool at_begin,
               bool at_end) const;
  Status partition(Array<Automaton::Symbol>& alphabet, Array<std::uint32_t>& symbol_sets,
                   std::uint32_t& symbols) const;

  Array<Arc> arcs_;
  Array<std::uint32_t> first_;  // of each state, in arcs_
  Array<Range> sets_;
  Array<std::uint32_t> set_ends_;
};

}  // namespace inlay::schema
