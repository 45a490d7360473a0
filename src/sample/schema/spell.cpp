// spell.cpp - bytes and escapes of characters as shared tails: the same rest of a character that
// leads to the same state is one state.
#include "sample/schema/spell.h"

#include <algorithm>

#include "sample/schema/tuple_set.h"

namespace inlay::schema {
namespace {

using grammar::NodeId;
using grammar::TableEdge;
using State = std::uint32_t;

constexpr std::uint32_t max_table_states = 250'000;

// A character range (or bytes of one) and the state behind it.
struct Way {
  std::uint32_t low, high;
  State to;
};

struct Short {
  std::uint32_t character;
  char letter;
  bool needed;  // "\/" is not
};
constexpr Short shorts[] = {{'"', '"', true}, {'\\', '\\', true}, {'/', '/', false},
                            {8, 'b', true},   {12, 'f', true},    {10, 'n', true},
                            {13, 'r', true},  {9, 't', true}};

class Table {
 public:
  Table(Allocator& allocator, Spelling spelling)
      : tails_(allocator),
        list_(allocator),
        ways_(allocator),
        edges_(allocator),
        accepting_(allocator),
        spelling_(spelling) {}

  // States 0 to count - 1 are the caller's; tails come after them.
  Status begin(std::uint32_t count) {
    own_ = count;
    return accepting_.resize(count);
  }
  void accept(State s) { accepting_[s] = 1; }
  Status edge(State from, std::uint32_t low, std::uint32_t high, State to) {
    return edges_.push({from, static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high), to});
  }

  // All spellings of the characters of `ways` (ascending, no overlaps) from state `from` on.
  Status characters(State from, std::span<const Way> ways, bool with_quote = false,
                    State behind = 0) {
    Array<Way> first(*edges_.allocator());
    if (with_quote) INLAY_TRY(first.push({'"', '"', behind}));
    INLAY_TRY(raw(ways, first));
    State escaped = none;
    INLAY_TRY(escapes(ways, escaped));
    if (escaped != none) INLAY_TRY(first.push({'\\', '\\', escaped}));
    std::sort(first.begin(), first.end(), [](Way a, Way b) { return a.low < b.low; });
    for (const Way& w : first) INLAY_TRY(edge(from, w.low, w.high, w.to));
    return Status::ok;
  }

  Status finish(grammar::Rules& rules, NodeId& node) {
    for (std::uint32_t t = 0; t < tails_.size(); ++t) {
      const auto list = tails_[t];
      for (std::size_t i = 0; i < list.size(); i += 2) {
        INLAY_TRY(edge(own_ + t, list[i] >> 8, list[i] & 0xff, list[i + 1]));
      }
      INLAY_TRY(accepting_.push(0));
    }
    std::sort(edges_.begin(), edges_.end(), [](const TableEdge& a, const TableEdge& b) {
      return a.from != b.from ? a.from < b.from : a.low < b.low;
    });
    node = rules.table(edges_, accepting_);
    return Status::ok;
  }

 private:
  static constexpr State none = 0xffffffffu;

  // The state with these edges and no other.
  Status tail(std::span<const Way> ways, State& state) {
    list_.clear();
    for (const Way& w : ways) {
      if (!list_.empty() && list_.back() == w.to && (list_[list_.size() - 2] & 0xff) + 1 == w.low) {
        list_[list_.size() - 2] = (list_[list_.size() - 2] & ~0xffu) | w.high;
        continue;
      }
      INLAY_TRY(list_.push(w.low << 8 | w.high));
      INLAY_TRY(list_.push(w.to));
    }
    INLAY_TRY(tails_.intern(list_, state));
    if (tails_.size() > max_table_states) return Status::limit;
    state += own_;
    return Status::ok;
  }

  // Values of `digits` digits of `bits` bits each, most significant first, as edges over digits.
  // Values in `ways` ascend and lie below 2^(bits * digits). Digit d is written as the bytes that
  // `written(d)` gives.
  template <class Written>
  Status digits(std::span<const Way> ways, std::uint32_t count, std::uint32_t bits, Written written,
                Array<Way>& out) {
    const std::uint32_t shift = bits * (count - 1), mask = (1u << shift) - 1;
    for (std::size_t i = 0; i < ways.size();) {
      // Whole digits at once, else all that begins with one digit.
      const std::uint32_t first = ways[i].low >> shift;
      if (count == 1 || ((ways[i].low & mask) == 0 && (ways[i].high - ways[i].low) >= mask)) {
        const std::uint32_t last =
            (ways[i].high & mask) == mask ? ways[i].high >> shift : (ways[i].high >> shift) - 1;
        State to = ways[i].to;
        if (count > 1) {
          const Way all[] = {{0, mask, to}};
          INLAY_TRY(rest(all, count - 1, bits, written, to));
        }
        for (std::uint32_t d = first; d <= last; ++d) INLAY_TRY(written(d, to, out));
        if ((last << shift | mask) >= ways[i].high) {
          ++i;
          continue;
        }
        // What is left of this way begins the next digit.
        INLAY_TRY(one_digit(ways, i, last + 1, shift, count, bits, written, out));
        continue;
      }
      INLAY_TRY(one_digit(ways, i, first, shift, count, bits, written, out));
    }
    return Status::ok;
  }

  // Everything in `ways` from way i on whose first digit is `d`; i moves on, and stays at a way
  // that goes beyond, which is then cut.
  template <class Written>
  Status one_digit(std::span<const Way> ways, std::size_t& i, std::uint32_t d, std::uint32_t shift,
                   std::uint32_t count, std::uint32_t bits, Written written, Array<Way>& out) {
    const std::uint32_t low = d << shift, high = low + ((1u << shift) - 1);
    Array<Way> inside(*edges_.allocator());
    for (; i < ways.size() && ways[i].low <= high; ++i) {
      const Way& w = ways[i];
      INLAY_TRY(inside.push({std::max(w.low, low) - low, std::min(w.high, high) - low, w.to}));
      if (w.high > high) break;
    }
    State to = 0;
    INLAY_TRY(rest(inside, count - 1, bits, written, to));
    INLAY_TRY(written(d, to, out));
    if (i < ways.size() && ways[i].low <= high && ways[i].high > high) {
      const_cast<Way&>(ways[i]).low = high + 1;  // the lists are this class's own copies
    }
    return Status::ok;
  }

  template <class Written>
  Status rest(std::span<const Way> ways, std::uint32_t count, std::uint32_t bits, Written written,
              State& state) {
    Array<Way> copy(*edges_.allocator()), out(*edges_.allocator());
    INLAY_TRY(copy.append(ways));
    INLAY_TRY(digits(copy, count, bits, written, out));
    std::sort(out.begin(), out.end(), [](Way a, Way b) { return a.low < b.low; });
    return tail(out, state);
  }

  // ---- Characters as their UTF-8 --------------------------------------------------------------

  Status raw(std::span<const Way> ways, Array<Way>& first) {
    // One, two, three and four bytes; what JSON wants escaped is left out.
    struct Form {
      std::uint32_t low, high, count, lead;
    };
    constexpr Form forms[] = {{0x20, 0x21, 1, 0},       {0x23, 0x5b, 1, 0},
                              {0x5d, 0x7f, 1, 0},       {0x80, 0x7ff, 2, 0xc0},
                              {0x800, 0xffff, 3, 0xe0}, {0x10000, 0x10ffff, 4, 0xf0}};
    for (const Form& form : forms) {
      Array<Way> inside(*edges_.allocator());
      INLAY_TRY(cut(ways, form.low, form.high, 0, inside));
      if (form.count == 1) {
        INLAY_TRY(first.append(inside.span()));
        continue;
      }
      // The lead byte is a digit of up to six bits.
      Array<Way> out(*edges_.allocator());
      const auto written = [&](std::uint32_t d, State to, Array<Way>& list) {
        return list.push({0x80 | d, 0x80 | d, to});
      };
      INLAY_TRY(lead_digits(inside, form.count, form.lead, written, out));
      INLAY_TRY(first.append(out.span()));
    }
    return Status::ok;
  }

  template <class Written>
  Status lead_digits(Array<Way>& ways, std::uint32_t count, std::uint32_t lead, Written written,
                     Array<Way>& out) {
    Array<Way> digits_out(*edges_.allocator());
    INLAY_TRY(digits(ways, count, 6, written, digits_out));
    for (const Way& w : digits_out) {
      const std::uint32_t low = lead | (w.low & 0x3f), high = lead | (w.high & 0x3f);
      if (!out.empty() && out.back().to == w.to && out.back().high + 1 == low) {
        out.back().high = high;
      } else {
        INLAY_TRY(out.push({low, high, w.to}));
      }
    }
    return Status::ok;
  }

  // What lies in [low, high], less `base`.
  static Status cut(std::span<const Way> ways, std::uint32_t low, std::uint32_t high,
                    std::uint32_t base, Array<Way>& out) {
    for (const Way& w : ways) {
      const std::uint32_t a = std::max(w.low, low), b = std::min(w.high, high);
      if (a <= b) INLAY_TRY(out.push({a - base, b - base, w.to}));
    }
    return Status::ok;
  }

  // ---- Escapes --------------------------------------------------------------------------------

  Status hex(std::uint32_t d, State to, Array<Way>& out) const {
    if (d < 10) return out.push({'0' + d, '0' + d, to});
    if (spelling_ != Spelling::unique) INLAY_TRY(out.push({'A' + d - 10, 'A' + d - 10, to}));
    return out.push({'a' + d - 10, 'a' + d - 10, to});
  }

  // The state behind a backslash; none: no character has an escape.
  Status escapes(std::span<const Way> ways, State& state) {
    Array<Way> out(*edges_.allocator()), inside(*edges_.allocator()), four(*edges_.allocator());
    for (const Short& s : shorts) {
      if (spelling_ != Spelling::any && !s.needed) continue;
      for (const Way& w : ways) {
        if (w.low <= s.character && s.character <= w.high) {
          const auto letter = static_cast<std::uint32_t>(s.letter);
          INLAY_TRY(out.push({letter, letter, w.to}));
        }
      }
    }
    if (spelling_ == Spelling::unique) {
      // Only what has no letter.
      constexpr Range without[] = {{0, 7}, {11, 11}, {14, 31}};
      for (const Range r : without) INLAY_TRY(cut(ways, r.low, r.high, 0, inside));
    } else if (spelling_ == Spelling::plain) {
      INLAY_TRY(cut(ways, 0, 0x1f, 0, inside));
    } else {
      INLAY_TRY(cut(ways, 0, 0xffff, 0, inside));
      INLAY_TRY(surrogates(ways, inside));
    }
    if (!inside.empty()) {
      State digits_state = 0;
      const auto written = [&](std::uint32_t d, State to, Array<Way>& list) {
        return hex(d, to, list);
      };
      std::sort(inside.begin(), inside.end(), [](Way a, Way b) { return a.low < b.low; });
      INLAY_TRY(rest(inside, 4, 4, written, digits_state));
      INLAY_TRY(out.push({'u', 'u', digits_state}));
    }
    state = none;
    if (out.empty()) return Status::ok;
    std::sort(out.begin(), out.end(), [](Way a, Way b) { return a.low < b.low; });
    return tail(out, state);
  }

  // Characters over U+FFFF as two escapes: high halves lead to "\u" and the low half.
  Status surrogates(std::span<const Way> ways, Array<Way>& out) {
    Array<Way> over(*edges_.allocator());
    INLAY_TRY(cut(ways, 0x10000, 0x10ffff, 0x10000, over));
    for (std::size_t i = 0; i < over.size();) {
      const std::uint32_t half = over[i].low >> 10;
      std::uint32_t last = half;
      Array<Way> low_halves(*edges_.allocator());
      if ((over[i].low & 0x3ff) == 0 && over[i].high - over[i].low >= 0x3ff) {
        last = ((over[i].high + 1) >> 10) - 1;
        INLAY_TRY(low_halves.push({0xdc00, 0xdfff, over[i].to}));
        if (over[i].high == (last << 10 | 0x3ff)) {
          ++i;
        } else {
          over[i].low = (last + 1) << 10;
        }
      } else {
        const std::uint32_t low = half << 10, high = low | 0x3ff;
        for (; i < over.size() && over[i].low <= high; ++i) {
          const std::uint32_t top = std::min(over[i].high, high);
          INLAY_TRY(
              low_halves.push({0xdc00 + (over[i].low - low), 0xdc00 + (top - low), over[i].to}));
          if (over[i].high > high) {
            over[i].low = high + 1;
            break;
          }
        }
      }
      State state = 0;
      const auto written = [&](std::uint32_t d, State to, Array<Way>& list) {
        return hex(d, to, list);
      };
      INLAY_TRY(rest(low_halves, 4, 4, written, state));
      const Way u[] = {{'u', 'u', state}};
      INLAY_TRY(tail(u, state));
      const Way backslash[] = {{'\\', '\\', state}};
      INLAY_TRY(tail(backslash, state));
      INLAY_TRY(out.push({0xd800 + half, 0xd800 + last, state}));
    }
    return Status::ok;
  }

  TupleSet tails_;  // of (low << 8 | high, state) pairs
  Array<std::uint32_t> list_;
  Array<Way> ways_;
  Array<TableEdge> edges_;
  Array<std::uint8_t> accepting_;
  Spelling spelling_;
  std::uint32_t own_ = 0;
};

}  // namespace

Status Speller::quoted(const Automaton& texts, NodeId& node) {
  node = rules_->never();
  if (texts.is_empty()) return Status::ok;
  Allocator& allocator = rules_->allocator();
  Table table(allocator, spelling_);
  // 0: before the quote; 1: behind the last; then the automaton's states.
  INLAY_TRY(table.begin(texts.states() + 2));
  table.accept(1);
  INLAY_TRY(table.edge(0, '"', '"', 2));
  Array<Way> ways(allocator);
  for (Automaton::State s = 0; s < texts.states(); ++s) {
    ways.clear();
    for (const Automaton::Symbol& a : texts.alphabet()) {
      const Automaton::State to = texts.next(s, a.symbol);
      if (to == Automaton::none) continue;
      if (!ways.empty() && ways.back().to == to + 2 && ways.back().high + 1 == a.low) {
        ways.back().high = a.high;
      } else {
        INLAY_TRY(ways.push({a.low, a.high, to + 2}));
      }
    }
    INLAY_TRY(table.characters(s + 2, ways, texts.accepting(s), 1));
  }
  return table.finish(*rules_, node);
}

Status Speller::character(std::span<const Range> set, NodeId& node) {
  Table table(rules_->allocator(), spelling_);
  INLAY_TRY(table.begin(2));
  table.accept(1);
  Array<Way> ways(rules_->allocator());
  for (const Range& r : set) INLAY_TRY(ways.push({r.low, r.high, 1}));
  INLAY_TRY(table.characters(0, ways));
  return table.finish(*rules_, node);
}

Status Speller::bare(const Automaton& texts, NodeId& node) {
  node = rules_->never();
  if (texts.is_empty()) return Status::ok;
  Table table(rules_->allocator(), spelling_);
  INLAY_TRY(table.begin(texts.states()));
  for (Automaton::State s = 0; s < texts.states(); ++s) {
    if (texts.accepting(s)) table.accept(s);
    for (const Automaton::Symbol& a : texts.alphabet()) {
      const Automaton::State to = texts.next(s, a.symbol);
      if (to != Automaton::none) INLAY_TRY(table.edge(s, a.low, a.high, to));
    }
  }
  return table.finish(*rules_, node);
}

}  // namespace inlay::schema
