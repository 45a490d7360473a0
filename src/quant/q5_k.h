// q5_k.h - Q5_K: 256 weights of 5 bits; eight groups of 32 with 6-bit scales and minima;
// w = d * s * q - dmin * m.
#pragma once

#include "quant/bit_planes.h"
#include "quant/block_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q5_K {
  struct Block {
    std::uint16_t d;
    std::uint16_t dmin;
    std::uint8_t scales[12];     // see put_scales_and_minima
    std::uint8_t high_bits[32];  // bit j of byte i: weight 32 * j + i
    std::uint8_t q[128];         // 32 bytes for two groups: low four bits, high four bits
  };
  static_assert(sizeof(Block) == 176);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = true;
  static constexpr int low = 0, high = 31;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 176};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    out.m[0] = half_to_float(block.dmin);
    get_scales_and_minima(block.scales, out.s, out.t);
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 32; ++i) {
        const int low_bits = block.q[j / 2 * 32 + i] >> j % 2 * 4 & 15;
        const int top_bit = block.high_bits[i] >> j & 1;
        out.q[32 * j + i] = static_cast<std::int8_t>(low_bits | top_bit << 4);
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const AffineBlock<8, 31, 63> fit(x, importance);
    block = {};
    block.d = fit.d;
    block.dmin = fit.m;
    put_scales_and_minima(fit.s, fit.t, block.scales);
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 32; ++i) {
        const int q = fit.q[32 * j + i];
        std::uint8_t& low_bits = block.q[j / 2 * 32 + i];
        low_bits = static_cast<std::uint8_t>(low_bits | (q & 15) << j % 2 * 4);
        block.high_bits[i] = static_cast<std::uint8_t>(block.high_bits[i] | q >> 4 << j);
      }
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      put_k_scales<V>(rows, at, panel);
      INLAY_UNROLL for (std::uint32_t side = 0; side < 2;
                        ++side) {  // bytes 0-15 or 16-31 of each 32
        typename V::Step top[4];
        V::columns(rows, at + 16 + side * 16, top);
        const std::size_t from = at + 48 + side * 16;
        fill_pair<0>(rows, from, top, side * 4, panel);
        fill_pair<1>(rows, from, top, side * 4, panel);
        fill_pair<2>(rows, from, top, side * 4, panel);
        fill_pair<3>(rows, from, top, side * 4, panel);
      }
    }

   private:
    // Groups 2 * pair and 2 * pair + 1.
    template <int pair>
    static INLAY_FORCE_INLINE void fill_pair(const WeightRows& rows, std::size_t from,
                                             const typename V::Step (&top)[4], std::uint32_t step,
                                             auto& panel) {
      typename V::Step steps[4];
      V::columns(rows, from + pair * 32, steps);
      step += pair * 16;
      put_both<V, 0, 0x0f, 2 * pair - 4, 0x10>(steps, top, step, panel);
      put_both<V, 4, 0x0f, 2 * pair - 3, 0x10>(steps, top, step + 8, panel);
    }
  };
};

}  // namespace inlay
