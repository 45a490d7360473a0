// q5_1.h - Q5_1: 32 weights of 5 bits with a half scale and offset; w = d * q + m.
#pragma once

#include "quant/affine_fit.h"
#include "quant/bit_planes.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q5_1 {
  struct Block {
    std::uint16_t d;
    std::uint16_t m;
    std::uint8_t high_bits[4];  // see put_bits
    std::uint8_t q[16];         // see put_nibbles
  };
  static_assert(sizeof(Block) == 24);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = true;
  static constexpr int low = 0, high = 31;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{4, 24};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    out.m[0] = -half_to_float(block.m);
    get_nibbles(block.q, out.q);
    get_bits(block.high_bits, 4, out.q);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfAffineFit<31> fit(x, importance);
    block.d = fit.d;
    block.m = fit.m;
    put_nibbles(fit.q, block.q);
    put_bits(fit.q, 4, block.high_bits);
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        panel.m[b] = -V::halves(rows, at + 2);
        typename V::Step top[4], steps[4];  // of top only the first is in use
        V::columns(rows, at + 4, top);
        V::columns(rows, at + 8, steps);
        spread_bits<V, 4>(top[0], [&](std::uint32_t i, typename V::Step bit) INLAY_LAMBDA_INLINE {
          const auto nibble =
              i < 4 ? V::template bits<0>(steps[i], 0x0f) : V::template bits<4>(steps[i - 4], 0x0f);
          panel.put_codes(b * 8 + i, V::either(nibble, bit));
        });
      }
    }
  };
};

}  // namespace inlay
