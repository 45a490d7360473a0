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
  static constexpr WordRange words{2, 34};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    std::memcpy(out.q, block.q, sizeof block.q);
  }

  // With importances the search, or plain rounding where that loses less (or nothing, as with
  // values that were in this form before).
  static void encode_block(const float* x, const float* importance, Block& block) {
    encode_plain(x, block);
    if (!importance) return;
    // -128 is left out: not every reader takes it.
    const HalfScaleFit<32, -127, 127> fit(x, importance);
    Block searched;
    searched.d = fit.d;
    for (int i = 0; i < 32; ++i) searched.q[i] = static_cast<std::int8_t>(fit.q[i] - 127);
    const ErrorWeights<32> weights(importance);
    if (error_of(searched, x, weights.w) < error_of(block, x, weights.w)) block = searched;
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        INLAY_UNROLL for (std::uint32_t half = 0; half < 2; ++half) {
          typename V::Step steps[4];
          V::columns(rows, at + 2 + half * 16, steps);
          panel.put_four(b * 8 + half * 4, steps);
        }
      }
    }
  };

 private:
  static void encode_plain(const float* x, Block& block) {
    const float d = largest_magnitude(x, 32) / 127.0f;
    const float inverse = finite_inverse(d);
    block.d = float_to_half(d);
    for (int i = 0; i < 32; ++i) {
      block.q[i] = static_cast<std::int8_t>(round_half_away(x[i] * inverse));
    }
  }
  static float error_of(const Block& block, const float* x, const float* w) {
    const float d = half_to_float(block.d);
    float error = 0.0f;
    for (int i = 0; i < 32; ++i) {
      const float off = d * static_cast<float>(block.q[i]) - x[i];
      error += w[i] * off * off;
    }
    return error;
  }
};

}  // namespace inlay
