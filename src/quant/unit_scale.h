// unit_scale.h - brings the weights of a block near 1 before an encoder squares them.
#pragma once

#include <bit>
#include <cstdint>

#include "quant/rounding.h"

namespace inlay {

// The power of two that brings the largest magnitude near 1, so that squares neither overflow nor
// vanish; 0 where all are as good as zero.
inline float unit_scale(const float* x, int n) {
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(largest_magnitude(x, n)) >> 23;
  if (exponent < 70) return 0.0f;  // below 2^-57
  return std::bit_cast<float>((exponent > 253 ? 1u : 254u - exponent) << 23);
}

// x * unit, and zero where that is so little that products with it could be denormal.
constexpr float near_one(float x, float unit) {
  const float scaled = x * unit;
  return magnitude(scaled) < 0x1p-60f ? 0.0f : scaled;
}

}  // namespace inlay
