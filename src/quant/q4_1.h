// q4_1.h - Q4_1: 32 weights of 4 bits with a half scale and offset; w = d * q + m.
#pragma once

#include "quant/affine_fit.h"
#include "quant/bit_planes.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct Q4_1 {
  struct Block {
    std::uint16_t d;
    std::uint16_t m;
    std::uint8_t q[16];  // see put_nibbles
  };
  static_assert(sizeof(Block) == 20);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = true;
  static constexpr int low = 0, high = 15;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{4, 20};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    out.m[0] = -half_to_float(block.m);
    get_nibbles(block.q, out.q);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfAffineFit<15> fit(x, importance);
    block.d = fit.d;
    block.m = fit.m;
    put_nibbles(fit.q, block.q);
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        panel.m[b] = -V::halves(rows, at + 2);
        typename V::Step steps[4];
        V::columns(rows, at + 4, steps);
        put_nibbles_of<V>(steps, b * 8, b * 8 + 4, panel);
      }
    }
  };
};

}  // namespace inlay
