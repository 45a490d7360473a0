// numbers.cpp - reads the digits of a number from left to right and knows at the end what holds.
#include "sample/schema/numbers.h"

#include <algorithm>

#include "sample/schema/nfa.h"
#include "sample/schema/tuple_set.h"

namespace inlay::schema {
namespace {

constexpr std::uint32_t max_number_states = 40'000;
constexpr std::uint32_t plain_digits = 16;
constexpr std::uint32_t exact_digits = 15;      // that a double keeps apart
constexpr std::uint32_t few_remainders = 2400;  // so many times the digits are no large product

enum Phase : std::uint32_t { begin, sign, zero, whole, point, fraction, e, e_sign, e_digits };
enum Order : std::uint32_t { less, equal, greater };  // of magnitudes: what was read to the bound

constexpr std::uint32_t failed_bit = 1u << 31;  // of a remainder: can be no multiple any more

// Symbols: 0 to 9 are the digits.
constexpr std::uint32_t minus = 10, dot = 11, exponent = 12, plus = 13, symbols = 14;

struct Reader {
  std::span<const NumberTest> tests;
  Spelling spelling;
  bool exponents;                 // may be read where no test asks how large the number is
  std::uint32_t whole_limit = 0;  // places beyond tell no bound apart
  std::uint32_t fraction_limit = 0;
  bool sized = false;        // a test has a bound or a list
  bool bounded = false;      // a test has a bound other than 0
  bool multiples = false;    // or what divides it, if only 1
  bool remainders = false;   // some number other than 1
  bool counts = true;        // digits before the point
  bool decimal_unit = true;  // all whole numbers are multiples

  // A state is a list: these, then a number for each test.
  enum Field : std::uint32_t { phase, flags, places, first_test };
  enum Flag : std::uint32_t {
    negative = 1,
    nonzero = 2,
    broken = 4,        // not whole
    trailing_zero = 8  // behind the point; noted for the unique spelling
  };

  void survey() {
    std::uint64_t product = 1;
    for (const NumberTest& t : tests) {
      if (t.kind == NumberTest::Kind::below) {
        whole_limit = std::max(whole_limit, t.bound.whole_digits());
        fraction_limit = std::max(fraction_limit, t.bound.fraction_digits());
        sized = true;
        bounded = bounded || !t.bound.is_zero();
      } else if (t.kind == NumberTest::Kind::listed) {
        sized = true;
      } else {
        multiples = true;
        remainders = remainders || t.kind == NumberTest::Kind::multiple;
        product = std::min(product * t.numerator, std::uint64_t{few_remainders} + 1);
        fraction_limit = std::max(fraction_limit, t.scale);
        std::uint64_t unit = 1;
        for (std::uint32_t i = 0; i < t.scale && i < 12; ++i) unit *= 10;
        if (unit % t.numerator != 0) decimal_unit = false;
      }
    }
    counts = spelling != Spelling::any && product <= few_remainders;
    if (spelling == Spelling::any) return;
    // So few that a program which reads doubles finds the tests hold; beyond a bound there is room
    // for one more.
    if (remainders) {
      const std::uint32_t whole = exact_digits - std::min(fraction_limit, exact_digits - 1);
      if (counts) whole_limit = std::max(whole_limit + 1, whole);
      return;
    }
    const std::uint32_t near = exact_digits - std::min(whole_limit, exact_digits - 1);
    fraction_limit = std::max(fraction_limit, sized ? near : plain_digits);
    whole_limit = std::max(whole_limit + 1, plain_digits);
  }

  bool step(Array<std::uint32_t>& s, std::uint32_t symbol) const {
    for (std::size_t i = 0; i < tests.size(); ++i) {
      std::uint32_t& x = s[first_test + i];
      if (tests[i].kind != NumberTest::Kind::listed || x == Automaton::none) continue;
      constexpr char characters[] = "0123456789-.e+";
      x = tests[i].list->step(x, static_cast<unsigned char>(characters[symbol]));
    }
    if (symbol < 10) return digit(s, symbol);
    const std::uint32_t now = s[phase];
    if (symbol == minus) {
      if (now == begin) s[flags] |= negative;
      if (now == e && multiples) return false;
      return go(s, now == begin ? sign : e_sign, now == begin || now == e);
    }
    if (symbol == plus) return go(s, e_sign, now == e);
    if (symbol == dot) {
      end_whole(s);
      s[places] = 0;
      return go(s, point, now == zero || now == whole);
    }
    if (!exponents || bounded) return false;
    if (multiples && (!decimal_unit || (s[flags] & broken))) return false;
    if (spelling == Spelling::unique || (spelling == Spelling::plain && !tests.empty()))
      return false;
    s[places] = 0;
    return go(s, e, now == zero || now == whole || now == fraction);
  }

  static bool go(Array<std::uint32_t>& s, Phase next, bool allowed) {
    s[phase] = next;
    return allowed;
  }

  bool digit(Array<std::uint32_t>& s, std::uint32_t d) const {
    switch (s[phase]) {
      case begin:
      case sign:
        s[phase] = d ? whole : zero;
        if (d) whole_digit(s, d);
        return true;
      case whole:
        if (counts && s[places] >= whole_limit) return false;
        whole_digit(s, d);
        return true;
      case point:
      case fraction:
        if (spelling != Spelling::any && s[places] >= fraction_limit) return false;
        s[phase] = fraction;
        fraction_digit(s, d);
        return true;
      case e:
      case e_sign: s[phase] = e_digits; return true;
      case e_digits: return spelling == Spelling::any || s[places]++ == 0;
      default: return false;
    }
  }

  void whole_digit(Array<std::uint32_t>& s, std::uint32_t d) const {
    const std::uint32_t at = s[places];
    if (d) s[flags] |= nonzero;
    for (std::size_t i = 0; i < tests.size(); ++i) {
      std::uint32_t& x = s[first_test + i];
      const NumberTest& t = tests[i];
      if (t.kind == NumberTest::Kind::below) {
        if (at >= t.bound.whole_digits()) {
          x = greater;
        } else if (x == equal) {
          x = order(d, t.bound.whole_digit(at));
        }
      } else if (t.kind == NumberTest::Kind::multiple) {
        x = static_cast<std::uint32_t>((std::uint64_t{x} * 10 + d) % t.numerator);
      }
    }
    s[places] = std::min(at + 1, whole_limit + 1);
  }

  static std::uint32_t order(std::uint32_t digit, int bound) {
    const auto b = static_cast<std::uint32_t>(bound);
    return digit < b ? less : digit > b ? greater : equal;
  }

  // Nothing before the point is to come: a number with fewer digits than the bound is less.
  void end_whole(Array<std::uint32_t>& s) const {
    for (std::size_t i = 0; i < tests.size(); ++i) {
      if (tests[i].kind == NumberTest::Kind::below && s[places] < tests[i].bound.whole_digits()) {
        s[first_test + i] = less;
      }
    }
  }

  void fraction_digit(Array<std::uint32_t>& s, std::uint32_t d) const {
    const std::uint32_t at = s[places];
    if (d) s[flags] |= nonzero | broken;
    s[flags] &= ~static_cast<std::uint32_t>(trailing_zero);
    if (!d && spelling == Spelling::unique) s[flags] |= trailing_zero;
    for (std::size_t i = 0; i < tests.size(); ++i) {
      std::uint32_t& x = s[first_test + i];
      const NumberTest& t = tests[i];
      if (t.kind == NumberTest::Kind::below) {
        if (x == equal) x = order(d, t.bound.fraction_digit(at));
      } else if (t.kind == NumberTest::Kind::multiple && !(x & failed_bit)) {
        if (at < t.scale) {
          x = static_cast<std::uint32_t>((std::uint64_t{x} * 10 + d) % t.numerator);
        } else if (d) {
          x = failed_bit;
        }
      }
    }
    s[places] = std::min(at + 1, fraction_limit + 1);
  }

  // Answers that no digit can change any more.
  void foresee(std::span<const std::uint32_t> s, Array<std::uint8_t>& answers) const {
    const std::uint32_t now = s[phase];
    for (std::size_t i = 0; i < tests.size(); ++i) {
      const NumberTest& t = tests[i];
      const std::uint32_t x = s[first_test + i];
      answers[i] = Formula::open;
      const bool apart = (s[flags] & negative ? 1 : 0) != t.bound.negative;
      const bool longer = now == whole && x == greater && s[places] >= t.bound.whole_digits();
      const bool decided = apart || (now >= point ? x != equal : longer);
      if (t.kind == NumberTest::Kind::below && decided && (s[flags] & nonzero)) {
        const bool below_zero = s[flags] & negative;
        const bool below = below_zero != t.bound.negative ? below_zero : (x == less) != below_zero;
        answers[i] = below ? Formula::passes : Formula::fails;
      } else if (t.kind == NumberTest::Kind::listed && x == Automaton::none) {
        answers[i] = Formula::fails;
      } else if (t.kind == NumberTest::Kind::multiple && (x & failed_bit)) {
        answers[i] = Formula::fails;
      } else if (t.kind == NumberTest::Kind::integer &&
                 (s[flags] & broken || (spelling != Spelling::any && now >= point))) {
        answers[i] = Formula::fails;
      }
    }
  }

  bool is_end(std::span<const std::uint32_t> s) const {
    const std::uint32_t now = s[phase];
    if (now != zero && now != whole && now != fraction && now != e_digits) return false;
    if (s[flags] & trailing_zero) return false;
    return spelling == Spelling::any || !(s[flags] & negative) || (s[flags] & nonzero);
  }

  // Changes the list s, which is a number's end: the answers to all tests.
  void answer(Array<std::uint32_t>& s, Array<std::uint8_t>& answers) const {
    const std::uint32_t now = s[phase];
    if (now == zero || now == whole) {
      end_whole(s);
      s[places] = 0;
    }
    for (std::size_t i = 0; i < tests.size(); ++i) {
      answers[i] = holds(tests[i], s[first_test + i], s);
    }
  }

  bool holds(const NumberTest& t, std::uint32_t x, const Array<std::uint32_t>& s) const {
    switch (t.kind) {
      case NumberTest::Kind::listed: return t.list->accepting(x);
      case NumberTest::Kind::integer:
        return spelling == Spelling::any ? !(s[flags] & broken)
                                         : s[phase] == zero || s[phase] == whole;
      case NumberTest::Kind::multiple: return is_multiple(t, x, s);
      case NumberTest::Kind::below: break;
    }
    if (x == equal && s[places] < t.bound.fraction_digits()) x = less;
    const bool below_zero = (s[flags] & negative) && (s[flags] & nonzero);
    if (below_zero != t.bound.negative) return below_zero;
    if (x == equal) return t.inclusive;
    return (x == less) != below_zero;
  }

  bool is_multiple(const NumberTest& t, std::uint32_t x, const Array<std::uint32_t>& s) const {
    if (s[phase] >= e) return true;  // a whole number, and all of them are multiples
    if (x & failed_bit) return false;
    std::uint64_t rest = x;
    for (std::uint32_t i = s[phase] == fraction ? s[places] : 0; i < t.scale; ++i) {
      rest = rest * 10 % t.numerator;
    }
    return rest == 0;
  }
};

}  // namespace

Status read_numbers(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
                    Spelling spelling, bool exponents, Automaton& out) {
  Allocator& allocator = out.allocator();
  Reader reader{tests, spelling, exponents};
  reader.survey();
  Automaton::Symbol alphabet[symbols + 1];
  alphabet[0] = {'+', '+', plus};
  alphabet[1] = {'-', '-', minus};
  alphabet[2] = {'.', '.', dot};
  for (std::uint32_t d = 0; d < 10; ++d) alphabet[3 + d] = {'0' + d, '0' + d, d};
  alphabet[13] = {'E', 'E', exponent};
  alphabet[14] = {'e', 'e', exponent};
  INLAY_TRY(out.set_alphabet(alphabet, symbols));
  TupleSet states(allocator);
  Array<std::uint32_t> s(allocator);
  Array<std::uint8_t> answers(allocator);
  INLAY_TRY(s.resize(Reader::first_test + tests.size()));
  INLAY_TRY(answers.resize(tests.size()));
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const bool is_bound = tests[i].kind == NumberTest::Kind::below;
    const bool dead = tests[i].kind == NumberTest::Kind::listed && tests[i].list->is_empty();
    s[Reader::first_test + i] = is_bound ? equal : dead ? Automaton::none : 0;
  }
  std::uint32_t id = 0;
  INLAY_TRY(states.intern(s, id));
  for (std::uint32_t from = 0; from < states.size(); ++from) {
    if (from >= max_number_states) return Status::limit;
    bool accepting = reader.is_end(states[from]);
    if (accepting) {
      s.clear();
      INLAY_TRY(s.append(states[from]));
      reader.answer(s, answers);
      accepting = formula.holds(term, answers);
    }
    INLAY_TRY(out.add_state(accepting));
    reader.foresee(states[from], answers);
    if (formula.value(term, answers) == Formula::fails) continue;
    for (std::uint32_t symbol = 0; symbol < symbols; ++symbol) {
      s.clear();
      INLAY_TRY(s.append(states[from]));
      if (!reader.step(s, symbol)) continue;
      INLAY_TRY(states.intern(s, id));
      out.set_next(from, symbol, id);
    }
  }
  return out.minimise();
}

Status numbers(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
               Spelling spelling, Automaton& out) {
  INLAY_TRY(read_numbers(tests, formula, term, spelling, true, out));
  if (spelling != Spelling::any) return Status::ok;
  const Status status = add_exponents(tests, formula, term, out);
  return status == Status::limit ? Status::ok : status;
}

namespace {

// ".000" or nothing. "1." is no number, which the reader knows.
Status add_tail(Nfa& nfa, Nfa::State end, Nfa::State& tail) {
  Nfa::State zeros;
  INLAY_TRY(nfa.add_state(tail));
  INLAY_TRY(nfa.add_state(zeros));
  INLAY_TRY(nfa.jump(tail, end));
  INLAY_TRY(nfa.read(tail, '.', '.', zeros));
  INLAY_TRY(nfa.read(zeros, '0', '0', zeros));
  return nfa.jump(zeros, end);
}

// A number that is written out, from `at` to `end`; whole ones to a tail before it.
Status read_decimal(Nfa& nfa, const Decimal& value, Nfa::State at, Nfa::State tail,
                    Nfa::State end) {
  const auto put = [&](std::uint32_t c) {
    Nfa::State next;
    INLAY_TRY(nfa.add_state(next));
    INLAY_TRY(nfa.read(at, c, c, next));
    at = next;
    return Status::ok;
  };
  if (value.negative) {
    INLAY_TRY(put('-'));
  } else if (value.is_zero()) {
    Nfa::State next;
    INLAY_TRY(nfa.add_state(next));
    INLAY_TRY(nfa.jump(at, next));
    INLAY_TRY(nfa.read(at, '-', '-', next));
    at = next;
  }
  const std::uint32_t whole_digits = value.whole_digits();
  if (whole_digits == 0) INLAY_TRY(put('0'));
  for (std::uint32_t i = 0; i < whole_digits; ++i) {
    INLAY_TRY(put(static_cast<std::uint32_t>('0' + value.whole_digit(i))));
  }
  if (value.fraction_digits() == 0) return nfa.jump(at, tail);
  INLAY_TRY(put('.'));
  for (std::uint32_t i = 0; i < value.fraction_digits(); ++i) {
    INLAY_TRY(put(static_cast<std::uint32_t>('0' + value.fraction_digit(i))));
  }
  INLAY_TRY(nfa.read(at, '0', '0', at));
  return nfa.jump(at, end);
}

}  // namespace

Status listed_numbers(std::span<const Decimal> values, Spelling spelling, Automaton& out) {
  Nfa nfa(out.allocator());
  Nfa::Piece piece;
  Nfa::State tail;
  INLAY_TRY(nfa.add_state(piece.begin));
  INLAY_TRY(nfa.add_state(piece.end));
  INLAY_TRY(add_tail(nfa, piece.end, tail));
  constexpr std::size_t few_values = 64;
  for (const Decimal& value : values) {
    INLAY_TRY(read_decimal(nfa, value, piece.begin, tail, piece.end));
    if (spelling != Spelling::any || values.size() > few_values) continue;
    // d.dd 10^(x-1), dd.d, ddd; and 0.ddd 10^x, 0.0ddd.
    for (int exponent = value.exponent - 3; exponent <= value.exponent + 1; ++exponent) {
      Decimal mantissa = value;
      mantissa.exponent = static_cast<std::int16_t>(value.exponent - exponent);
      Nfa::State e, e_tail;
      INLAY_TRY(nfa.add_state(e));
      INLAY_TRY(add_tail(nfa, e, e_tail));
      INLAY_TRY(read_decimal(nfa, mantissa, piece.begin, e_tail, e));
      INLAY_TRY(read_exponent(nfa, exponent, e, piece.end));
    }
  }
  return nfa.determinise(piece, Automaton::max_states, out);
}

}  // namespace inlay::schema
