// fma.h - the fused multiply-add a*b+c with one rounding, in plain IEEE double operations.
#pragma once

#include <bit>
#include <cstdint>

#include "base/inline.h"

namespace inlay {

// The product of two floats is exact in double. The sum with c is rounded to odd (Boldo and
// Melquiond 2008), so that the last rounding to float is the only one that counts. Needs
// contraction off.
INLAY_FORCE_INLINE float fused_multiply_add(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  const double back = sum - product;
  const double rest = (product - (sum - back)) + (addend - back);  // TwoSum: the exact error
  std::uint64_t bits = std::bit_cast<std::uint64_t>(sum);
  const bool finite = (bits & 0x7ff0000000000000u) != 0x7ff0000000000000u;
  // No branches: which way the rounding went is a coin toss.
  const std::uint64_t inexact = std::uint64_t{finite} & std::uint64_t{rest != 0.0} & ~bits & 1;
  const std::uint64_t toward = (std::bit_cast<std::uint64_t>(rest) ^ bits) >> 63;
  bits += inexact - 2 * (inexact & toward);  // away from zero unless the exact value lies toward it
  return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace inlay
