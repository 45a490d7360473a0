// nfa.cpp - the subset construction, over classes of characters that no arc tells apart.
#include "sample/schema/nfa.h"

#include <algorithm>

#include "sample/schema/tuple_set.h"

namespace inlay::schema {

Status Nfa::add_arc(State from, Arc arc) {
  if (arcs_.size() >= max_arcs) return Status::limit;
  arc.next = first_[from];
  first_[from] = static_cast<std::uint32_t>(arcs_.size());
  return arcs_.push(arc);
}

Status Nfa::read(State from, std::span<const Range> ranges, State to) {
  // Sets are few and often the one before.
  const auto same = [&](std::uint32_t i) {
    const auto have = set(i);
    return have.size() == ranges.size() &&
           std::equal(have.begin(), have.end(), ranges.begin(),
                      [](Range a, Range b) { return a.low == b.low && a.high == b.high; });
  };
  const auto count = static_cast<std::uint32_t>(set_ends_.size());
  for (std::uint32_t i = count; i-- > 0 && i + 32 > count;) {
    if (same(i)) return add_arc(from, {to, i, Kind::read, none});
  }
  if (sets_.size() + ranges.size() > max_arcs) return Status::limit;
  INLAY_TRY(sets_.append(ranges));
  INLAY_TRY(set_ends_.push(static_cast<std::uint32_t>(sets_.size())));
  return add_arc(from, {to, count, Kind::read, none});
}

Status Nfa::copy(Mark begin, Mark end, Piece& piece) {
  const State shift = static_cast<State>(first_.size()) - begin.state;
  State s;
  for (State i = begin.state; i < end.state; ++i) INLAY_TRY(add_state(s));
  for (State i = begin.state; i < end.state; ++i) {
    for (std::uint32_t a = first_[i]; a != none; a = arcs_[a].next) {
      if (a >= end.arc) continue;  // of what stands around
      Arc arc = arcs_[a];
      arc.to += shift;
      INLAY_TRY(add_arc(i + shift, arc));
    }
  }
  piece = {piece.begin + shift, piece.end + shift};
  return Status::ok;
}

Status Nfa::embed(const Automaton& texts, Piece& piece) {
  const auto base = static_cast<State>(first_.size());
  State s;
  for (Automaton::State i = 0; i < texts.states(); ++i) INLAY_TRY(add_state(s));
  INLAY_TRY(add_state(piece.end));
  piece.begin = texts.is_empty() ? piece.end : base;
  if (texts.is_empty()) INLAY_TRY(add_state(piece.end));
  for (Automaton::State i = 0; i < texts.states(); ++i) {
    if (texts.accepting(i)) INLAY_TRY(jump(base + i, piece.end));
    for (const Automaton::Symbol& a : texts.alphabet()) {
      const Automaton::State to = texts.next(i, a.symbol);
      if (to != Automaton::none) INLAY_TRY(read(base + i, a.low, a.high, base + to));
    }
  }
  return Status::ok;
}

// Characters in the same sets become one symbol; symbol x set -> whether the set has it.
Status Nfa::partition(Array<Automaton::Symbol>& alphabet, Array<std::uint32_t>& symbol_sets,
                      std::uint32_t& symbols) const {
  struct Border {
    std::uint32_t point, set;
    bool opens;
  };
  Array<Border> borders(allocator());
  const auto sets = static_cast<std::uint32_t>(set_ends_.size());
  for (std::uint32_t i = 0; i < sets; ++i) {
    for (const Range& r : set(i)) {
      INLAY_TRY(borders.push({r.low, i, true}));
      INLAY_TRY(borders.push({r.high + 1, i, false}));
    }
  }
  std::sort(borders.begin(), borders.end(),
            [](const Border& a, const Border& b) { return a.point < b.point; });
  const std::uint32_t words = (sets + 31) / 32;
  TupleSet tuples(allocator());
  Array<std::uint32_t> inside(allocator());
  INLAY_TRY(inside.resize(words));
  for (std::size_t i = 0; i < borders.size();) {
    const std::uint32_t low = borders[i].point;
    for (; i < borders.size() && borders[i].point == low; ++i) {
      std::uint32_t& word = inside[borders[i].set / 32];
      const std::uint32_t bit = 1u << borders[i].set % 32;
      word = borders[i].opens ? word | bit : word & ~bit;
    }
    if (i == borders.size() || std::all_of(inside.begin(), inside.end(), [](auto w) { return !w; }))
      continue;
    std::uint32_t symbol = 0;
    INLAY_TRY(tuples.intern(inside, symbol));
    const std::uint32_t high = borders[i].point - 1;
    if (!alphabet.empty() && alphabet.back().symbol == symbol && alphabet.back().high + 1 == low) {
      alphabet.back().high = high;
    } else {
      INLAY_TRY(alphabet.push({low, high, symbol}));
    }
  }
  symbols = tuples.size();
  for (std::uint32_t s = 0; s < symbols; ++s) INLAY_TRY(symbol_sets.append(tuples[s]));
  return Status::ok;
}

// Adds what is reached without reading. `seen[s] == mark`: already there.
Status Nfa::close(Array<State>& states, Array<std::uint32_t>& seen, std::uint32_t mark,
                  bool at_begin, bool at_end) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    for (std::uint32_t a = first_[states[i]]; a != none; a = arcs_[a].next) {
      const Arc& arc = arcs_[a];
      const bool free = arc.kind == Kind::always || (arc.kind == Kind::begin && at_begin) ||
                        (arc.kind == Kind::end && at_end);
      if (!free || seen[arc.to] == mark) continue;
      seen[arc.to] = mark;
      INLAY_TRY(states.push(arc.to));
    }
  }
  std::sort(states.begin(), states.end());
  return Status::ok;
}

Status Nfa::determinise(Piece whole, std::uint32_t max_states, Automaton& out) const {
  Array<Automaton::Symbol> alphabet(allocator());
  Array<std::uint32_t> symbol_sets(allocator()), seen(allocator());
  Array<State> here(allocator()), there(allocator());
  std::uint32_t symbols = 0, mark = 0, id = 0;
  INLAY_TRY(partition(alphabet, symbol_sets, symbols));
  const std::size_t words = (set_ends_.size() + 31) / 32;
  INLAY_TRY(out.set_alphabet(alphabet, symbols));
  INLAY_TRY(seen.resize(first_.size()));
  TupleSet states(allocator());
  INLAY_TRY(here.push(whole.begin));
  seen[whole.begin] = ++mark;
  INLAY_TRY(close(here, seen, mark, true, false));
  INLAY_TRY(states.intern(here, id));
  std::uint64_t work = 0;
  for (std::uint32_t s = 0; s < states.size(); ++s) {
    if (s >= max_states) return Status::limit;
    here.clear();
    INLAY_TRY(here.append(states[s]));
    there.clear();
    INLAY_TRY(there.append(here.span()));
    ++mark;
    for (const State x : there) seen[x] = mark;
    INLAY_TRY(close(there, seen, mark, s == 0, true));
    INLAY_TRY(out.add_state(seen[whole.end] == mark));
    for (std::uint32_t symbol = 0; symbol < symbols; ++symbol) {
      const std::uint32_t* const has = symbol_sets.data() + symbol * words;
      there.clear();
      ++mark;
      for (const State x : here) {
        for (std::uint32_t a = first_[x]; a != none; a = arcs_[a].next) {
          const Arc& arc = arcs_[a];
          if (arc.kind != Kind::read || seen[arc.to] == mark) continue;
          if (!(has[arc.set / 32] >> arc.set % 32 & 1)) continue;
          seen[arc.to] = mark;
          INLAY_TRY(there.push(arc.to));
        }
      }
      if (there.empty()) continue;
      INLAY_TRY(close(there, seen, mark, false, false));
      if ((work += there.size()) > 20'000'000) return Status::limit;
      INLAY_TRY(states.intern(there, id));
      out.set_next(s, symbol, id);
    }
  }
  return out.minimise();
}

}  // namespace inlay::schema
