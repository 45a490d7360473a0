// rows.h - random rows for kernel tests, and the comparison of rows bit by bit.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/catch.h"

namespace inlay::test {

using Floats = std::vector<float>;

inline constexpr double half_ulp = 0x1p-24;  // largest relative error of one rounding to float

// Normally distributed, times `size`.
inline Floats normal_row(std::mt19937& random, std::size_t n, float size = 1.0f) {
  std::normal_distribution<float> distribution;
  Floats row(n);
  for (float& x : row) x = size * distribution(random);
  return row;
}

// Any finite magnitude up to 2^`top` in size: zeros of both signs, denormals, tiny and large ones.
inline Floats wild_row(std::mt19937& random, std::size_t n, int top = 60) {
  Floats row(n);
  for (float& x : row) {
    const std::uint32_t bits = static_cast<std::uint32_t>(random());
    const std::uint32_t kind = static_cast<std::uint32_t>(random()) % 8;
    const auto exponent =
        static_cast<std::uint32_t>(random()) % static_cast<std::uint32_t>(127 + top);
    x = std::bit_cast<float>((bits & 0x807fffffu) | exponent << 23);
    if (kind == 0) x = std::bit_cast<float>(bits & 0x80000000u);  // zero
    if (kind == 1) x = std::bit_cast<float>(bits & 0x807fffffu);  // denormal
    if (kind >= 4) x = std::bit_cast<float>((bits & 0x807fffffu) | (120 + bits % 14) << 23);
  }
  return row;
}

// The place of the first difference in bits, as text; empty when there is none. A NaN equals any
// NaN.
inline std::string first_difference(const Floats& got, const Floats& wanted) {
  if (got.size() != wanted.size()) return "sizes differ";
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != got[i] && wanted[i] != wanted[i]) continue;
    if (std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(wanted[i])) {
      return "element " + std::to_string(i) + " of " + std::to_string(got.size()) + ": " +
             Catch::Detail::stringify(got[i]) + " instead of " +
             Catch::Detail::stringify(wanted[i]);
    }
  }
  return "";
}

}  // namespace inlay::test
