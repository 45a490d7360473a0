// automaton.cpp - products of automata, and the smallest one for a set of texts.
#include "sample/schema/automaton.h"

#include <algorithm>

#include "base/utf8.h"
#include "sample/schema/tuple_set.h"

namespace inlay::schema {
namespace {

constexpr std::uint64_t max_work = 8'000'000;           // numbers compared by minimise()
constexpr std::uint64_t max_product_work = 40'000'000;  // of combine()

}  // namespace

Automaton::State Automaton::step(State s, std::uint32_t character) const {
  const Symbol* found =
      std::upper_bound(alphabet_.begin(), alphabet_.end(), character,
                       [](std::uint32_t c, const Symbol& x) { return c < x.low; });
  if (found == alphabet_.begin() || (--found)->high < character) return none;
  return next(s, found->symbol);
}

bool Automaton::is_sink(State s) const {
  if (!accepting(s)) return false;
  for (std::uint32_t i = 0; i < symbols_; ++i) {
    if (next(s, i) != s) return false;
  }
  std::uint32_t covered = 0;
  for (const Symbol& a : alphabet_) covered += a.high - a.low + 1;
  return covered == 0x110000 - 0x800;
}

bool Automaton::accepts(std::string_view text) const {
  State s = states() ? 0 : none;
  while (!text.empty() && s != none) {
    const Utf8Step c = utf8_step(text);
    if (c.kind != Utf8::whole) return false;
    s = step(s, c.point);
    text.remove_prefix(c.length);
  }
  return accepting(s);
}

Status Automaton::set_alphabet(std::span<const Symbol> alphabet, std::uint32_t symbols) {
  alphabet_.clear();
  next_.clear();
  accepting_.clear();
  symbols_ = symbols;
  return alphabet_.append(alphabet);
}

Status Automaton::add_state(bool accepting) {
  INLAY_TRY(accepting_.push(accepting));
  const std::size_t wanted = next_.size() + symbols_;
  if (wanted > next_.capacity()) INLAY_TRY(next_.reserve(wanted + wanted / 2));
  for (std::uint32_t i = 0; i < symbols_; ++i) INLAY_TRY(next_.push(none));
  return Status::ok;
}

// States become the groups they are in (none: none); group 0 must hold state 0.
Status Automaton::renumber(std::span<const State> group, std::uint32_t groups) {
  Array<State> next(allocator());
  Array<std::uint8_t> accepting(allocator());
  INLAY_TRY(next.resize(std::size_t{groups} * symbols_));
  INLAY_TRY(accepting.resize(groups));
  for (State s = 0; s < states(); ++s) {
    if (group[s] == none) continue;
    accepting[group[s]] = accepting_[s];
    for (std::uint32_t i = 0; i < symbols_; ++i) {
      const State to = next_[std::size_t{s} * symbols_ + i];
      next[std::size_t{group[s]} * symbols_ + i] = to == none ? none : group[to];
    }
  }
  next_.swap(next);
  accepting_.swap(accepting);
  return Status::ok;
}

Status Automaton::drop_dead() {
  // Backwards from what accepts, over reversed edges.
  const std::uint32_t count = states();
  Array<State> begin(allocator()), from(allocator()), queue(allocator()), group(allocator());
  INLAY_TRY(begin.resize(std::size_t{count} + 1));
  for (const State to : next_) {
    if (to != none) ++begin[to];
  }
  std::uint32_t sum = 0;
  for (State s = 0; s <= count; ++s) {
    sum += s < count ? begin[s] : 0;
    begin[s] = sum;
  }
  INLAY_TRY(from.resize(sum));
  for (std::size_t e = next_.size(); e-- > 0;) {
    if (next_[e] != none) from[--begin[next_[e]]] = static_cast<State>(e / symbols_);
  }
  INLAY_TRY(group.resize(count));
  for (State s = 0; s < count; ++s) {
    group[s] = accepting_[s] ? 0 : none;
    if (accepting_[s]) INLAY_TRY(queue.push(s));
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const State s = queue[i];
    for (State e = begin[s]; e < begin[s + 1]; ++e) {
      if (group[from[e]] != none) continue;
      group[from[e]] = 0;
      INLAY_TRY(queue.push(from[e]));
    }
  }
  if (count == 0 || group[0] == none) return renumber(group, 0);
  std::uint32_t kept = 0;
  for (State& g : group) {
    if (g != none) g = kept++;
  }
  return renumber(group, kept);
}

// Moore's refinement: groups of states that nothing so far tells apart.
Status Automaton::minimise() {
  INLAY_TRY(drop_dead());
  const std::uint32_t count = states();
  if (count < 2) return Status::ok;
  Array<State> group(allocator()), refined(allocator()), row(allocator());
  INLAY_TRY(group.resize(count));
  INLAY_TRY(refined.resize(count));
  INLAY_TRY(row.resize(std::size_t{symbols_} + 1));
  std::uint32_t groups = 1;
  std::uint64_t work = 0;
  for (State s = 0; s < count; ++s) {
    group[s] = accepting_[s] != accepting_[0];
    if (group[s]) groups = 2;
  }
  for (;;) {
    // A chain takes as many rounds as it is long: very long ones stay as they are.
    work += std::uint64_t{count} * (symbols_ + 8);
    if (work > max_work) return Status::ok;
    TupleSet rows(allocator());
    for (State s = 0; s < count; ++s) {
      row[symbols_] = group[s];
      for (std::uint32_t i = 0; i < symbols_; ++i) {
        const State to = next_[std::size_t{s} * symbols_ + i];
        row[i] = to == none ? none : group[to];
      }
      INLAY_TRY(rows.intern(row, refined[s]));
    }
    group.swap(refined);
    if (rows.size() == groups) break;
    groups = rows.size();
  }
  return groups == count ? Status::ok : renumber(group, groups);
}

Status Automaton::list(std::uint32_t most, Array<char>& texts, Array<std::uint32_t>& ends,
                       bool& whole) const {
  // A walk in depth: at each level the next character to try. Every state leads to an end.
  constexpr std::uint32_t max_depth = 64;
  struct Level {
    State state;
    std::uint32_t range, character;
    std::size_t bytes;
  };
  Level levels[max_depth + 1];
  char text[max_depth * 4];
  std::uint32_t depth = 0;
  whole = true;
  if (is_empty()) return Status::ok;
  const auto enter = [&](State s, std::size_t bytes) {
    levels[depth] = {s, 0, alphabet_.empty() ? 0 : alphabet_[0].low, bytes};
    if (!accepting_[s]) return Status::ok;
    INLAY_TRY(texts.append({text, bytes}));
    return ends.push(static_cast<std::uint32_t>(texts.size()));
  };
  INLAY_TRY(enter(0, 0));
  while (true) {
    Level& l = levels[depth];
    if (ends.size() > most) break;
    if (l.range == alphabet_.size()) {
      if (depth-- == 0) return Status::ok;
      continue;
    }
    const Symbol& a = alphabet_[l.range];
    const State to = next(l.state, a.symbol);
    const std::uint32_t character = l.character;
    if (to == none || l.character == a.high) {
      ++l.range;
      if (l.range < alphabet_.size()) l.character = alphabet_[l.range].low;
    } else {
      ++l.character;
    }
    if (to == none) continue;
    if (depth == max_depth) break;
    const std::size_t bytes = l.bytes + write_utf8(character, text + l.bytes);
    ++depth;
    INLAY_TRY(enter(to, bytes));
  }
  whole = false;
  return Status::ok;
}

namespace {

// The pieces of all alphabets: which symbol each part has for a piece.
class CommonAlphabet {
 public:
  CommonAlphabet(Allocator& allocator)
      : tuples(allocator), alphabet(allocator), points_(allocator), tuple_(allocator) {}

  Status build(std::span<const Automaton* const> parts) {
    for (const Range& r : all_characters) INLAY_TRY(add(r.low, r.high));
    for (const Automaton* part : parts) {
      for (const Automaton::Symbol& s : part->alphabet()) INLAY_TRY(add(s.low, s.high));
    }
    std::sort(points_.begin(), points_.end());
    const std::uint32_t* end = std::unique(points_.begin(), points_.end());
    while (points_.end() != end) points_.pop();
    Array<std::uint32_t> at(*points_.allocator());
    INLAY_TRY(at.resize(parts.size()));
    INLAY_TRY(tuple_.resize(parts.size()));
    for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
      const std::uint32_t low = points_[i], high = points_[i + 1] - 1;
      if (low >= 0xd800 && low <= 0xdfff) continue;
      for (std::size_t p = 0; p < parts.size(); ++p) {
        const auto symbols = parts[p]->alphabet();
        while (at[p] < symbols.size() && symbols[at[p]].high < low) ++at[p];
        const bool inside = at[p] < symbols.size() && symbols[at[p]].low <= low;
        tuple_[p] = inside ? symbols[at[p]].symbol : Automaton::none;
      }
      std::uint32_t symbol = 0;
      INLAY_TRY(tuples.intern(tuple_, symbol));
      if (!alphabet.empty() && alphabet.back().symbol == symbol &&
          alphabet.back().high + 1 == low) {
        alphabet.back().high = high;
      } else {
        INLAY_TRY(alphabet.push({low, high, symbol}));
      }
    }
    return Status::ok;
  }

  TupleSet tuples;
  Array<Automaton::Symbol> alphabet;

 private:
  Status add(std::uint32_t low, std::uint32_t high) {
    INLAY_TRY(points_.push(low));
    return points_.push(high + 1);
  }

  Array<std::uint32_t> points_, tuple_;
};

}  // namespace

Status combine(std::span<const Automaton* const> parts, Formula& formula, Formula::Term term,
               std::uint32_t max_states, Automaton& out) {
  Allocator& allocator = out.allocator();
  CommonAlphabet common(allocator);
  INLAY_TRY(common.build(parts));
  INLAY_TRY(out.set_alphabet(common.alphabet, common.tuples.size()));
  TupleSet states(allocator);
  Array<std::uint32_t> here(allocator), there(allocator);
  Array<std::uint8_t> passed(allocator);
  INLAY_TRY(passed.resize(parts.size()));
  INLAY_TRY(there.resize(parts.size()));
  for (std::size_t p = 0; p < parts.size(); ++p) {
    there[p] = parts[p]->states() ? 0 : Automaton::none;
  }
  std::uint32_t id = 0;
  std::uint64_t work = 0;
  INLAY_TRY(states.intern(there, id));
  for (std::uint32_t s = 0; s < states.size(); ++s) {
    work += common.tuples.size() * parts.size() + formula.size();
    if (s >= max_states || work > max_product_work) return Status::limit;
    here.clear();
    INLAY_TRY(here.append(states[s]));
    for (std::size_t p = 0; p < parts.size(); ++p) passed[p] = parts[p]->accepting(here[p]);
    INLAY_TRY(out.add_state(formula.holds(term, passed)));
    // What can no more be accepted is not followed.
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const Automaton::State x = here[p];
      if (x != Automaton::none) passed[p] = parts[p]->is_sink(x) ? Formula::passes : Formula::open;
    }
    if (formula.value(term, passed) == Formula::fails) continue;
    for (std::uint32_t symbol = 0; symbol < common.tuples.size(); ++symbol) {
      const auto tuple = common.tuples[symbol];
      for (std::size_t p = 0; p < parts.size(); ++p) {
        there[p] =
            tuple[p] == Automaton::none ? Automaton::none : parts[p]->next(here[p], tuple[p]);
      }
      INLAY_TRY(states.intern(there, id));
      out.set_next(s, symbol, id);
    }
  }
  return out.minimise();
}

Status combine(const Automaton& a, const Automaton& b, Both how, Automaton& out) {
  Formula formula(out.allocator());
  Formula::Term x = 0, y = 0;
  INLAY_TRY(formula.test(0, x));
  INLAY_TRY(formula.test(1, y));
  if (how == Both::difference) INLAY_TRY(formula.negate(y, y));
  INLAY_TRY(how == Both::unite ? formula.either(x, y, x) : formula.both(x, y, x));
  const Automaton* parts[] = {&a, &b};
  return combine(parts, formula, x, Automaton::max_states, out);
}

Status length_between(std::uint32_t low, std::uint32_t high, Automaton& out) {
  const Automaton::Symbol any[] = {{0, 0xd7ff, 0}, {0xe000, 0x10ffff, 0}};
  INLAY_TRY(out.set_alphabet(any, 1));
  const bool endless = high == Automaton::none;
  if (!endless && high < low) return Status::ok;
  const std::uint32_t last = endless ? low : high;
  if (last >= Automaton::max_states) return Status::limit;
  for (std::uint32_t n = 0; n <= last; ++n) INLAY_TRY(out.add_state(n >= low));
  for (std::uint32_t n = 0; n < last; ++n) out.set_next(n, 0, n + 1);
  if (endless) out.set_next(last, 0, last);
  return Status::ok;
}

}  // namespace inlay::schema
