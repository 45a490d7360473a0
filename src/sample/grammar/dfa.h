// dfa.h - deterministic automata over bytes: how regular parts of a grammar are matched.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"
#include "sample/grammar/bytes.h"

namespace inlay::grammar {

inline constexpr std::uint32_t dead = 0;  // the state from which nothing matches
inline constexpr std::uint32_t no_label = 0xffffffffu;

// Every state has its row. State 0 is dead, 1 is the start; without it nothing matches.
struct Dfa {
  explicit Dfa(Allocator& allocator) : next(allocator), labels(allocator), goes_on(allocator) {}
  std::uint8_t classes[256] = {};  // class of a byte
  std::uint32_t class_count = 0;
  Array<std::uint16_t> next;    // (states, class_count)
  Array<std::uint32_t> labels;  // (states): what is accepted there; no_label: nothing

  Array<std::uint8_t> goes_on;  // (states): some byte leads on; made by finish()

  Status finish();
  std::uint32_t states() const { return static_cast<std::uint32_t>(labels.size()); }
  std::uint32_t start() const { return states() > 1 ? 1 : dead; }
  std::uint16_t* row(std::uint32_t q) { return next.data() + std::size_t{q} * class_count; }
  const std::uint16_t* row(std::uint32_t q) const {
    return next.data() + std::size_t{q} * class_count;
  }
  std::uint32_t step(std::uint32_t q, std::uint32_t byte) const { return row(q)[classes[byte]]; }
  bool accepts(std::uint32_t q) const { return labels[q] != no_label; }
};

inline constexpr std::uint32_t max_states = 65000;                  // of one DFA
inline constexpr std::uint64_t max_cells = std::uint64_t{4} << 20;  // of one DFA's rows

// The smallest DFA of the same language, with states in breadth-first order and without any from
// which no end is reached: the same language gives the same DFA. MEMORY.
Status minimize(Dfa& dfa);

// What both accept; or what `a` accepts and `b` does not. LIMIT: too many states. Labels are a's.
Status intersect(const Dfa& a, const Dfa& b, bool not_b, std::uint32_t limit, Dfa& result);

// For each state: how many texts lead from there to an end with a label of `first` or more;
// `countless` and more are not told apart.
inline constexpr std::uint32_t countless = 1u << 30;
Status count_texts(const Dfa& dfa, std::uint32_t first, Array<std::uint32_t>& texts);

// No accepted text is the start of another one.
bool is_prefix_free(const Dfa& dfa);

}  // namespace inlay::grammar
