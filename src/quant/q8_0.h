// q8_0.h - Q8_0: 32 weights of 8 bits with a half scale; w = d * q.
#pragma once

#include "quant/affine_fit.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct Q8_0 {
  struct Block {
    std::uint16_t d;
    std::int8_t q[32];
  };
  static_assert(sizeof(Block) == 34);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -128, high = 127;
  static constexpr Activation activation = Activation::q8_32;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    std::memcpy(out.q, block.q, sizeof block.q);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    if (importance) {
      // -128 is left out: not every reader takes it.
      const HalfScaleFit<32, -127, 127> fit(x, importance);
      block.d = fit.d;
      for (int i = 0; i < 32; ++i) block.q[i] = static_cast<std::int8_t>(fit.q[i] - 127);
      return;
    }
    const float d = largest_magnitude(x, 32) / 127.0f;
    const float inverse = finite_inverse(d);
    block.d = float_to_half(d);
    for (int i = 0; i < 32; ++i) {
      block.q[i] = static_cast<std::int8_t>(round_half_away(x[i] * inverse));
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, Panel<Q8_0, V>& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        for (std::uint32_t half = 0; half < 2; ++half) {
          typename V::Step steps[4];
          V::columns(rows, at + 2 + half * 16, steps);
          for (std::uint32_t i = 0; i < 4; ++i) panel.put_codes(b * 8 + half * 4 + i, steps[i]);
        }
      }
    }
  };
};

}  // namespace inlay
