// exponents.cpp - numbers with an exponent: for each E, those m for which the tests hold of m 10^E.
#include <algorithm>
#include <cstdlib>

#include "sample/schema/numbers.h"

namespace inlay::schema {
namespace {

constexpr int least_window = 8, most_window = 24;
constexpr int exact_digits = 17;         // of a double; with an exponent above it is whole
constexpr std::uint32_t max_unit = 100;  // remainders; more are written out

// The test that m has to pass where m 10^exponent has to pass `t`; false: there is none.
bool shift(NumberTest& t, int exponent) {
  if (t.kind == NumberTest::Kind::listed) return false;
  if (t.kind == NumberTest::Kind::below) {
    const int moved = t.bound.exponent - exponent;
    if (!t.bound.is_zero()) t.bound.exponent = static_cast<std::int16_t>(moved);
    return true;
  }
  t.kind = NumberTest::Kind::multiple;  // a whole number is a multiple of 1
  int scale = static_cast<int>(t.scale) + exponent;
  for (; scale < 0 && t.numerator <= max_unit; ++scale) t.numerator *= 10;
  t.scale = static_cast<std::uint32_t>(scale);
  return t.numerator <= max_unit;
}

class Exponents {
 public:
  Exponents(std::span<const NumberTest> tests, Formula& formula, Automaton& out)
      : nfa_(out.allocator()), tests_(tests), formula_(formula), out_(out) {}

  // Wherever the point is for exponents of -window_ to window_. Beyond, where it is behind the
  // first digit: m 10^E is then farther from 0 than any bound, or nearer.
  Status add(Formula::Term term) {
    find_window();
    INLAY_TRY(nfa_.add_state(whole_.begin));
    INLAY_TRY(nfa_.add_state(whole_.end));
    Nfa::Piece written;
    INLAY_TRY(nfa_.embed(out_, written));
    INLAY_TRY(nfa_.jump(whole_.begin, written.begin));
    INLAY_TRY(nfa_.jump(written.end, whole_.end));
    Nfa::State end = 0;
    bool any = false;
    for (int e = -window_; e <= window_; ++e) {
      INLAY_TRY(add_mantissas(tests_, term, e, end, any));
      if (any) INLAY_TRY(read_exponent(nfa_, e, end, whole_.end));
    }
    if (!beyond_) return finish();
    const auto tests = static_cast<std::uint32_t>(tests_.size());
    Formula::Term low = 0, high = 0, far = 0, near = 0;
    INLAY_TRY(formula_.test(tests, high));     // m < 1, m < 10
    INLAY_TRY(formula_.test(tests + 1, low));  // m <= -1, m <= -10
    INLAY_TRY(formula_.negate(high, far));
    INLAY_TRY(formula_.either(low, far, far));
    INLAY_TRY(formula_.negate(low, near));
    INLAY_TRY(formula_.both(high, near, near));
    INLAY_TRY(formula_.both(term, far, far));
    INLAY_TRY(formula_.both(term, near, near));
    INLAY_TRY(add_beyond(far, window_ + 1));
    INLAY_TRY(add_beyond(near, -window_ - 1));
    return finish();
  }

 private:
  void find_window() {
    for (const NumberTest& t : tests_) {
      const bool bound = t.kind == NumberTest::Kind::below;
      const int far = t.bound.is_zero() ? 0 : std::abs(t.bound.exponent) + 1;
      window_ = std::max(window_, bound ? far : exact_digits);
    }
    beyond_ = window_ <= most_window;
    window_ = std::min(window_, most_window);
  }

  // Numbers m; `end` is behind them.
  Status add_mantissas(std::span<const NumberTest> tests, Formula::Term term, int exponent,
                       Nfa::State& end, bool& any) {
    Array<NumberTest> shifted(nfa_.allocator());
    INLAY_TRY(shifted.append(tests));
    any = true;
    std::uint32_t unit = 1;
    for (std::size_t i = 0; i < tests_.size() && any; ++i) {
      any = shift(shifted[i], exponent);
      unit *= any ? shifted[i].numerator : 1;
      any = any && unit <= max_unit;
    }
    if (!any) return Status::ok;
    Automaton part(nfa_.allocator());
    INLAY_TRY(read_numbers(shifted, formula_, term, Spelling::any, false, part));
    any = !part.is_empty();
    if (!any) return Status::ok;
    Nfa::Piece piece;
    INLAY_TRY(nfa_.embed(part, piece));
    end = piece.end;
    return nfa_.jump(whole_.begin, piece.begin);
  }

  // Exponents from `first` on, away from 0.
  Status add_beyond(Formula::Term term, int first) {
    Array<NumberTest> tests(nfa_.allocator());
    NumberTest edge{NumberTest::Kind::below};
    edge.bound.count = 1;
    edge.bound.digits[0] = 1;
    edge.bound.exponent = first > 0 ? 1 : 2;
    INLAY_TRY(tests.append(tests_));
    INLAY_TRY(tests.push(edge));
    edge.bound.negative = edge.inclusive = true;
    INLAY_TRY(tests.push(edge));
    Nfa::State end = 0, digits;
    bool any = false;
    INLAY_TRY(add_mantissas(tests, term, first, end, any));
    if (!any) return Status::ok;
    for (int e = std::abs(first); e < 100; ++e) {
      INLAY_TRY(read_exponent(nfa_, first > 0 ? e : -e, end, whole_.end));
    }
    INLAY_TRY(nfa_.add_state(digits));
    for (int e = 10; e < 100; ++e) {
      INLAY_TRY(read_exponent(nfa_, first > 0 ? e : -e, end, digits));
    }
    INLAY_TRY(nfa_.read(digits, '0', '9', digits));
    return nfa_.read(digits, '0', '9', whole_.end);
  }

  Status finish() {
    Automaton all(nfa_.allocator());
    INLAY_TRY(nfa_.determinise(whole_, Automaton::max_states, all));
    out_ = std::move(all);
    return Status::ok;
  }

  Nfa nfa_;
  Nfa::Piece whole_{};
  std::span<const NumberTest> tests_;
  Formula& formula_;
  Automaton& out_;
  int window_ = least_window;
  bool beyond_ = true;
};

}  // namespace

Status read_exponent(Nfa& nfa, int exponent, Nfa::State from, Nfa::State to) {
  Nfa::State sign, at;
  INLAY_TRY(nfa.add_state(sign));
  INLAY_TRY(nfa.add_state(at));
  for (const char e : {'E', 'e'}) {
    INLAY_TRY(nfa.read(from, static_cast<unsigned char>(e), static_cast<unsigned char>(e), sign));
  }
  if (exponent >= 0) INLAY_TRY(nfa.jump(sign, at));
  if (exponent >= 0) INLAY_TRY(nfa.read(sign, '+', '+', at));
  if (exponent <= 0) INLAY_TRY(nfa.read(sign, '-', '-', at));
  INLAY_TRY(nfa.read(at, '0', '0', at));
  const auto size = static_cast<std::uint32_t>(std::abs(exponent));
  for (std::uint32_t unit = size >= 100 ? 100 : size >= 10 ? 10 : 1; unit > 0; unit /= 10) {
    const std::uint32_t digit = '0' + size / unit % 10;
    Nfa::State next = to;
    if (unit > 1) INLAY_TRY(nfa.add_state(next));
    INLAY_TRY(nfa.read(at, digit, digit, next));
    at = next;
  }
  return Status::ok;
}

Status add_exponents(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
                     Automaton& out) {
  bool asked = false, shifts = true;  // otherwise they are there already
  for (const NumberTest& t : tests) {
    const bool bound = t.kind == NumberTest::Kind::below;
    asked = asked || (bound ? !t.bound.is_zero() : t.kind != NumberTest::Kind::listed);
    shifts = shifts && (bound || (t.kind != NumberTest::Kind::listed && t.numerator <= max_unit));
  }
  if (!asked || !shifts || out.is_empty()) return Status::ok;
  return Exponents(tests, formula, out).add(term);
}

}  // namespace inlay::schema
