// mxfp4.h - MXFP4: 32 weights of E2M1 (0, 0.5, 1, 1.5, 2, 3, 4, 6) with a power of two as scale,
// the OCP microscaling format; codes are doubled values: w = 2^(e - 128) * q.
#pragma once

#include "quant/affine_fit.h"
#include "quant/grids.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"
#include "quant/table_fit.h"
#include "quant/unit_scale.h"

namespace inlay {

struct MXFP4 {
  struct Block {
    std::uint8_t e;      // E8M0
    std::uint8_t q[16];  // low four bits: weight i, high: weight i + 16
  };
  static_assert(sizeof(Block) == 17);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -12, high = 12;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{1, 17};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = scale(block.e);
    put_nibbles(e2m1_values, block.q, 16, out.q);
  }

  // The best of the four powers of two that can hold the largest weight, or nearly.
  static void encode_block(const float* x, const float* importance, Block& block) {
    using Fit = TableFit<e2m1_magnitudes>;
    const ErrorWeights<32> weights(importance);
    const float unit = unit_scale(x, 32);
    float size[32];
    for (int i = 0; i < 32; ++i) size[i] = magnitude(near_one(x[i], unit));
    // In these units the largest is in [1, 4) and 12 * d has to be about that.
    const Four d{0x1p-2f, 0x1p-3f, 0x1p-4f, 0x1p-5f};
    const TableSums sums = Fit::sums(size, weights.w, 32, Four{0x1p2f, 0x1p3f, 0x1p4f, 0x1p5f});
    const Four error = d * (d * sums.vv - four(2.0f) * sums.xv);
    const int exponent = 254 - static_cast<int>(std::bit_cast<std::uint32_t>(unit) >> 23);
    int best = 0;
    for (int c = 1; c < 4 && c < exponent; ++c) {
      if (error[c] < error[best]) best = c;
    }
    block.e = static_cast<std::uint8_t>(unit > 0.0f ? exponent - 1 - best : 0);
    const float inverse = 1.0f / d[best];
    for (int i = 0; i < 16; ++i) {
      block.q[i] =
          static_cast<std::uint8_t>(e2m1_code<Fit>(x[i], size[i] * inverse) |
                                    e2m1_code<Fit>(x[i + 16], size[i + 16] * inverse) << 4);
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = (std::size_t{first} + b) * sizeof(Block);
        const RowBytes exponents = row_bytes(rows, at);
        float d[16];
        INLAY_UNROLL for (int r = 0; r < 16; ++r) d[r] = scale(exponents.row[r]);
        panel.d[b] = V::F32::load(d);
        typename V::Step steps[4];
        V::columns(rows, at + 1, steps);
        put_looked_up<V>(steps, e2m1_above_low, b * 8, b * 8 + 4, panel);
      }
    }
  };

 private:
  // 2^(e - 128), a denormal for 0 and 1; GGUF knows no NaN here.
  static INLAY_FORCE_INLINE float scale(std::uint32_t e) {
    return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
  }
};

}  // namespace inlay
