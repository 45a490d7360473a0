// iq4_nl.h - IQ4_NL: 32 weights of 4 bits, places in a table of 16 values, with a half scale;
// w = d * value.
#pragma once

#include "quant/affine_fit.h"
#include "quant/grids.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"
#include "quant/table_fit.h"
#include "quant/unit_scale.h"

namespace inlay {

struct IQ4_NL {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[16];  // low four bits: weight i, high: weight i + 16
  };
  static_assert(sizeof(Block) == 18);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -127, high = 113;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{2, 18};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    put_nibbles(iq4_values, block.q, 16, out.q);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    using Fit = TableFit<iq4_values>;
    const ErrorWeights<32> weights(importance);
    const float unit = unit_scale(x, 32);
    float scaled[32];
    for (int i = 0; i < 32; ++i) scaled[i] = near_one(x[i], unit);
    const float free = Fit::free_scale(scaled, weights.w, 32);
    block.d = unit > 0.0f ? float_to_half(free / unit) : std::uint16_t{0};
    const float d = (block.d & 0x7fff) < 0x7c00 ? half_to_float(block.d) * unit : free;
    const float inverse = finite_inverse(d);
    for (int i = 0; i < 16; ++i) {
      const int first = Fit::nearest_code(scaled[i] * inverse);
      const int second = Fit::nearest_code(scaled[i + 16] * inverse);
      block.q[i] = static_cast<std::uint8_t>(first | second << 4);
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = (std::size_t{first} + b) * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        typename V::Step steps[4];
        V::columns(rows, at + 2, steps);
        put_looked_up<V>(steps, iq4_values, b * 8, b * 8 + 4, panel);
      }
    }
  };
};

}  // namespace inlay
