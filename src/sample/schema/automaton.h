// automaton.h - deterministic automata over Unicode characters: sets of texts that can be united,
// intersected and complemented.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "sample/schema/formula.h"

namespace inlay::schema {

// Inclusive. All characters but the surrogates.
struct Range {
  std::uint32_t low, high;
};
inline constexpr Range all_characters[] = {{0, 0xd7ff}, {0xe000, 0x10ffff}};

// A dense table: state x symbol -> state. A symbol is a set of characters that no state tells
// apart.
class Automaton {
 public:
  using State = std::uint32_t;
  static constexpr State none = 0xffffffffu;  // no text that goes here is in the set
  static constexpr std::uint32_t max_states = 60'000;

  struct Symbol {
    std::uint32_t low, high, symbol;
  };

  explicit Automaton(Allocator& allocator)
      : alphabet_(allocator), next_(allocator), accepting_(allocator) {}

  // State 0 begins; with no states the set is empty.
  std::uint32_t states() const { return static_cast<std::uint32_t>(accepting_.size()); }
  std::uint32_t symbols() const { return symbols_; }
  bool accepting(State s) const { return s != none && accepting_[s] != 0; }
  State next(State s, std::uint32_t symbol) const {
    return s == none ? none : next_[std::size_t{s} * symbols_ + symbol];
  }
  // Ascending; what is missing leads nowhere.
  std::span<const Symbol> alphabet() const { return alphabet_; }

  State step(State s, std::uint32_t character) const;
  bool accepts(std::string_view text) const;
  bool is_empty() const { return states() == 0; }
  // Whatever follows is accepted.
  bool is_sink(State s) const;

  // Building: the alphabet first, then states with all their edges `none` until set.
  Status set_alphabet(std::span<const Symbol> alphabet, std::uint32_t symbols);
  Status add_state(bool accepting);
  void set_accepting(State s) { accepting_[s] = 1; }
  void set_next(State from, std::uint32_t symbol, State to) {
    next_[std::size_t{from} * symbols_ + symbol] = to;
  }

  // Leaves out states from which nothing is accepted, and makes states that accept the same one
  // unless that takes very long.
  Status minimise();

  // All texts one after the other, each with its end in `ends`; false: there are over `most`, or
  // longer ones than 64 characters.
  Status list(std::uint32_t most, Array<char>& texts, Array<std::uint32_t>& ends,
              bool& whole) const;

  Allocator& allocator() const { return *next_.allocator(); }

 private:
  Status drop_dead();
  Status renumber(std::span<const State> group, std::uint32_t groups);

  Array<Symbol> alphabet_;
  Array<State> next_;
  Array<std::uint8_t> accepting_;
  std::uint32_t symbols_ = 0;
};

// The texts for which `term` holds, where test i asks whether parts[i] has the text. Status::limit
// when that needs over `max_states` states.
Status combine(std::span<const Automaton* const> parts, Formula& formula, Formula::Term term,
               std::uint32_t max_states, Automaton& out);

// Two of them: intersection, difference and union.
enum class Both : std::uint8_t { intersection, difference, unite };
Status combine(const Automaton& a, const Automaton& b, Both how, Automaton& out);

// Texts of `low` to `high` characters; high none: no end.
Status length_between(std::uint32_t low, std::uint32_t high, Automaton& out);

}  // namespace inlay::schema
