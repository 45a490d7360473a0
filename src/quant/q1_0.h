// q1_0.h - Q1_0: 128 weights of one bit with a half scale; w = d or -d.
#pragma once

#include "quant/affine_fit.h"
#include "quant/bit_planes.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q1_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t bits[16];  // bit i % 8 of byte i / 8: weight i is not negative
  };
  static_assert(sizeof(Block) == 18);
  static constexpr std::uint32_t elements = 128;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -1, high = 1;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{2, 18};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    const float d = half_to_float(block.d);
    for (int i = 0; i < 4; ++i) out.d[i] = d;
    for (int i = 0; i < 128; ++i) {
      out.q[i] = static_cast<std::int8_t>((block.bits[i / 8] >> i % 8 & 1) * 2 - 1);
    }
  }

  // The mean magnitude loses least.
  static void encode_block(const float* x, const float* importance, Block& block) {
    const ErrorWeights<128> weights(importance);
    float sum_w = 0.0f, sum_x = 0.0f;
    std::uint8_t q[128];
    for (int i = 0; i < 128; ++i) {
      sum_w += weights.w[i];
      sum_x += weights.w[i] * magnitude(x[i]);
      q[i] = x[i] >= 0.0f ? 1 : 0;
    }
    block.d = float_to_half(sum_x / sum_w);
    for (int i = 0; i < 4; ++i) put_bits(q + 32 * i, 0, block.bits + 4 * i);
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        const auto d = V::halves(rows, at);
        typename V::Step bits[4];
        V::columns(rows, at + 2, bits);
        INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
          panel.d[b * 4 + i] = d;
          const auto put = [&](std::uint32_t j, typename V::Step step)
                               INLAY_LAMBDA_INLINE { panel.put_codes(b * 32 + i * 8 + j, step); };
          spread_bits<V, 1>(bits[i], put);  // 0 or 2 above -1
        }
      }
    }
  };
};

}  // namespace inlay
