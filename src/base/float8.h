// float8.h - the eight-bit number formats of weights and their scales, to and from float.
#pragma once

#include <bit>
#include <cstdint>

#include "base/half.h"
#include "base/inline.h"

namespace inlay {

// E4M3FN (OCP FP8): 1 sign, 4 exponent (bias 7), 3 fraction bits; largest 448, no infinities, all
// ones below the sign are NaN.
INLAY_FORCE_INLINE constexpr float e4m3_to_float(std::uint8_t code) {
  const std::uint32_t sign = (code & 0x80u) << 24;
  const std::uint32_t exponent = (code >> 3) & 15u;
  const std::uint32_t fraction = code & 7u;
  if ((code & 0x7f) == 0x7f) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (exponent == 0) {
    if (fraction == 0) return std::bit_cast<float>(sign);
    // 2^-9 * fraction: move the leading one to the hidden place.
    const std::uint32_t shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 28;
    return std::bit_cast<float>(sign | ((121 - shift) << 23) |
                                ((fraction << (20 + shift)) & 0x7fffffu));
  }
  return std::bit_cast<float>(sign | ((exponent + 120) << 23) | (fraction << 20));
}

// E5M2 (OCP FP8): the upper byte of an IEEE half.
INLAY_FORCE_INLINE constexpr float e5m2_to_float(std::uint8_t code) {
  return half_to_float(static_cast<std::uint16_t>(code << 8));
}

// E8M0 (OCP MX): 2^(code - 127), a denormal float for 0; 255 is NaN.
INLAY_FORCE_INLINE constexpr float e8m0_to_float(std::uint8_t code) {
  if (code == 255) return std::bit_cast<float>(0x7fc00000u);
  return std::bit_cast<float>(code == 0 ? 0x00400000u : static_cast<std::uint32_t>(code) << 23);
}

// UE4M3 as GGUF reads it: the magnitude of E4M3 without NaN: 0x7f is 0, the top bit is ignored
// but for 0xff, which is 480.
INLAY_FORCE_INLINE constexpr float ue4m3_to_float(std::uint8_t code) {
  if (code == 0x7f) return 0.0f;
  if (code == 0xff) return 480.0f;
  return e4m3_to_float(code & 0x7f);
}

// To the nearest, ties to even; beyond 448 (infinity too) 448 with the sign; NaN stays NaN.
INLAY_FORCE_INLINE constexpr std::uint8_t float_to_e4m3(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 24) & 0x80u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint8_t>(sign | 0x7fu);
  if (magnitude >= 0x43e00000u) return static_cast<std::uint8_t>(sign | 0x7eu);  // 448
  if (magnitude < 0x3c800000u) {  // below 2^-6: the result is denormal, zero or 2^-6
    const std::uint32_t shift = 141 - (magnitude >> 23);
    if (shift > 24) return static_cast<std::uint8_t>(sign);
    const std::uint32_t fraction = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t code = fraction >> shift;
    const std::uint32_t rest = fraction & ((1u << shift) - 1);
    const std::uint32_t middle = 1u << (shift - 1);
    const std::uint32_t up = rest > middle || (rest == middle && (code & 1)) ? 1u : 0u;
    return static_cast<std::uint8_t>(sign | (code + up));
  }
  const std::uint32_t rebased = magnitude - (120u << 23);
  return static_cast<std::uint8_t>(sign | ((rebased + 0x7ffffu + ((rebased >> 20) & 1)) >> 20));
}

// To the nearest, ties to even; beyond 448 it is 448, below zero and for NaN zero.
INLAY_FORCE_INLINE constexpr std::uint8_t float_to_ue4m3(float value) {
  return value > 0.0f ? float_to_e4m3(value) : std::uint8_t{0};
}

}  // namespace inlay
