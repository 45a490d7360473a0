// rounding.h - the few scalar helpers of the encoders.
#pragma once

#include <bit>
#include <cstdint>

namespace inlay {

constexpr float magnitude(float x) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
}

constexpr float largest_magnitude(const float* x, int n) {
  float largest = 0.0f;
  for (int i = 0; i < n; ++i) {
    if (magnitude(x[i]) > largest) largest = magnitude(x[i]);
  }
  return largest;
}

// 1 / d, or 0 where d is no normal number.
constexpr float finite_inverse(float d) {
  const float m = magnitude(d);
  return m >= 0x1p-126f && m <= 0x1.fffffep127f ? 1.0f / d : 0.0f;
}

// To the nearest integer, halves away from zero; |x| < 2^31.
constexpr float round_half_away(float x) {
  const float a = magnitude(x);
  const auto whole = static_cast<float>(static_cast<std::int32_t>(a));
  const float rounded = a - whole >= 0.5f ? whole + 1.0f : whole;
  return x < 0.0f ? -rounded : rounded;
}

// To the nearest integer, ties to even, limited to [low, high] within +-2^22; NaN gives low.
constexpr std::int32_t round_clamped(float x, std::int32_t low, std::int32_t high) {
  if (!(x > static_cast<float>(low))) return low;
  if (x >= static_cast<float>(high)) return high;
  return static_cast<std::int32_t>((x + 12582912.0f) - 12582912.0f);
}

}  // namespace inlay
