// numbers.h - sets of numbers as automata over how JSON writes them.
#pragma once

#include "sample/schema/automaton.h"
#include "sample/schema/decimal.h"

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
// fraction, and no exponent). Exponents are taken where the tests do not ask how large the
// number is: elsewhere a number has to be written out.
enum class Spelling : std::uint8_t { any, plain, unique };

// The numbers for which `term` holds over the answers. Status::limit: too many states.
Status numbers(std::span<const NumberTest> tests, Formula& formula, Formula::Term term,
               Spelling spelling, Automaton& out);

// Exactly the numbers of a list, with any zeros behind the point; for NumberTest::listed.
Status listed_numbers(std::span<const Decimal> values, Automaton& out);

}  // namespace inlay::schema
