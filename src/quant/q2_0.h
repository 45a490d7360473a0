// q2_0.h - Q2_0: 64 weights of 2 bits with a half scale; w = d * (q - 1).
#pragma once

#include "quant/affine_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q2_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[16];  // bits 2 * (i % 4) of byte i / 4: weight i
  };
  static_assert(sizeof(Block) == 18);
  static constexpr std::uint32_t elements = 64;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -1, high = 2;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{2, 18};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = out.d[1] = half_to_float(block.d);
    for (int i = 0; i < 64; ++i) {
      out.q[i] = static_cast<std::int8_t>((block.q[i / 4] >> i % 4 * 2 & 3) - 1);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfScaleFit<64, low, high> fit(x, importance);
    block.d = fit.d;
    for (int i = 0; i < 16; ++i) {
      const std::uint8_t* q = fit.q + 4 * i;
      block.q[i] = static_cast<std::uint8_t>(q[0] | q[1] << 2 | q[2] << 4 | q[3] << 6);
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b * 2] = panel.d[b * 2 + 1] = V::halves(rows, at);
        typename V::Step steps[4];
        V::columns(rows, at + 2, steps);
        INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
          const std::uint32_t step = b * 16 + i * 4;
          panel.put_codes(step, spread_fields<V, 2, 0>(V::template byte<0>(steps[i])));
          panel.put_codes(step + 1, spread_fields<V, 2, 0>(V::template byte<1>(steps[i])));
          panel.put_codes(step + 2, spread_fields<V, 2, 0>(V::template byte<2>(steps[i])));
          panel.put_codes(step + 3, spread_fields<V, 2, 0>(V::template byte<3>(steps[i])));
        }
      }
    }
  };
};

}  // namespace inlay
