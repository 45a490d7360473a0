// q5_0.h - Q5_0: 32 weights of 5 bits with a half scale; w = d * (q - 16).
#pragma once

#include "quant/affine_fit.h"
#include "quant/bit_planes.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q5_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t high_bits[4];  // see put_bits
    std::uint8_t q[16];         // see put_nibbles
  };
  static_assert(sizeof(Block) == 22);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -16, high = 15;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{2, 22};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    get_nibbles(block.q, out.q);
    get_bits(block.high_bits, 4, out.q);
    for (int i = 0; i < 32; ++i) out.q[i] = static_cast<std::int8_t>(out.q[i] - 16);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfScaleFit<32, low, high> fit(x, importance);
    block.d = fit.d;
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
        typename V::Step top[4], steps[4];  // of top only the first is in use
        V::columns(rows, at + 2, top);
        V::columns(rows, at + 6, steps);
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
