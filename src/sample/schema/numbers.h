// numbers.h - sets of numbers as automata over how JSON writes them.
#pragma once

#include "sample/schema/automaton.h"
#include "sample/schema/decimal.h"
#include "sample/schema/nfa.h"

namespace inlay::schema {

// One question about a number. Which answers are wanted, a formula says.
struct NumberTest {
  enum class Kind : std::uint8_t {
    below,     // value < bound, or <= when `inclusive`
    multiple,  // value is a multiple of numerator / 10^scale
    integer,   // a whole number
    listed,    // one of those that `list` accepts
  };
  Kind kind;
  bool inclusive = false;
  Decimal bound{};
  std::uint32_t numerator = 1, scale = 0;
  const Automaton* list = nullptr;
};

// How numbers are written: any way that says which number it is, or as a program would write them
// (whole numbers without fraction and exponent, no -0, at most 16 digits before the point unless a
// bound has more, and 16 behind it; where a bound or a multiple is asked for, no more than a double
// keeps apart), or in one way only (plain, without zeros at the end of a
// fraction, and no exponent).
enum class Spelling : std::uint8_t { any, plain, unique };

// The numbers for which `term` holds over the answers. Status::limit: too many states.
Status numbers(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
               Spelling spelling, Automaton& out);

// Exactly the numbers of a list, with any zeros behind the point; for NumberTest::listed. In any
// spelling also with an exponent, the point being near the first digit.
Status listed_numbers(std::span<const Decimal> values, Spelling spelling, Automaton& out);

// The same, of which only what is written out, unless no test asks how large the number is and
// `exponents` says so.
Status read_numbers(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
                    Spelling spelling, bool exponents, Automaton& out);

// exponents.cpp: adds to those that are written out the ones with an exponent. Status::limit: `out`
// is as it was.
Status add_exponents(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
                     Automaton& out);
// Reads "e" and one exponent, from one state to another.
Status read_exponent(Nfa& nfa, int exponent, Nfa::State from, Nfa::State to);

}  // namespace inlay::schema
