// int_scalar.h - the words that kernels on weights need beside the float vocabulary, in plain C++.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/inline.h"

namespace inlay::INLAY_ISA {

// Weights may lie at any address, so they are read by copies.
struct Words {
  using F32 = F32x16;
  using I32 = I32x16;
  static constexpr bool has_panels = false;  // quantized weights go through the normal form
  static constexpr std::uint32_t float_rows = 1;
  static constexpr std::uint32_t float_tokens = 1;
  static constexpr std::uint32_t tile_tokens = 0;  // no float_block

  static INLAY_FORCE_INLINE F32 floats(const std::uint8_t* p) {
    F32 v;
    std::memcpy(v.lane, p, sizeof v.lane);
    return v;
  }
  // The first n <= 16 elements, the other lanes zero; reads nothing beyond.
  static INLAY_FORCE_INLINE F32 first_floats(const std::uint8_t* p, std::uint32_t n) {
    float lanes[16] = {};
    std::memcpy(lanes, p, std::size_t{n} * 4);
    return F32::load(lanes);
  }
  static INLAY_FORCE_INLINE F32 half_floats(const std::uint8_t* p) {
    return first_half_floats(p, 16);
  }
  static INLAY_FORCE_INLINE F32 first_half_floats(const std::uint8_t* p, std::uint32_t n) {
    std::uint16_t lanes[16] = {};
    std::memcpy(lanes, p, std::size_t{n} * 2);
    return F32::load_half(lanes);
  }
  // 16 pairs of bfloats, the even element in the low half of a lane.
  static INLAY_FORCE_INLINE I32 pairs(const std::uint8_t* p) {
    I32 v;
    for (int i = 0; i < 16; ++i) {
      std::uint16_t pair[2];
      std::memcpy(pair, p + 4 * i, sizeof pair);
      v.lane[i] = static_cast<std::int32_t>(std::uint32_t{pair[1]} << 16 | pair[0]);
    }
    return v;
  }
  static INLAY_FORCE_INLINE I32 first_pairs(const std::uint8_t* p, std::uint32_t n) {
    std::uint8_t bytes[64] = {};
    std::memcpy(bytes, p, std::size_t{n} * 2);
    return pairs(bytes);
  }
  static INLAY_FORCE_INLINE F32 upper_bfloats(I32 pairs) {
    return from_bits(shift_left<16>(shift_right<16>(pairs)));
  }
};

}  // namespace inlay::INLAY_ISA
