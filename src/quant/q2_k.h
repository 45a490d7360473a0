// q2_k.h - Q2_K: 256 weights of 2 bits; 16 groups of 16 with 4-bit scales and minima;
// w = d * s * q - dmin * m.
#pragma once

#include "quant/block_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q2_K {
  struct Block {
    std::uint8_t scales[16];  // low four bits: scale, high: minimum
    std::uint8_t q[64];       // per half of the block 32 bytes: weights i, i + 32, i + 64, i + 96
    std::uint16_t d;
    std::uint16_t dmin;
  };
  static_assert(sizeof(Block) == 84);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = true;
  static constexpr int low = 0, high = 3;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 80};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    out.m[0] = half_to_float(block.dmin);
    for (int i = 0; i < 16; ++i) {
      out.s[i] = static_cast<std::int16_t>(block.scales[i] & 15);
      out.t[i] = static_cast<std::int16_t>(block.scales[i] >> 4);
    }
    for (int i = 0; i < 64; ++i) {
      std::int8_t* q = out.q + i / 32 * 128 + i % 32;
      for (int j = 0; j < 4; ++j) q[32 * j] = static_cast<std::int8_t>(block.q[i] >> 2 * j & 3);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const AffineBlock<16, 3, 15> fit(x, importance);
    block.d = fit.d;
    block.dmin = fit.m;
    for (int i = 0; i < 16; ++i) {
      block.scales[i] = static_cast<std::uint8_t>(fit.s[i] | fit.t[i] << 4);
    }
    for (int i = 0; i < 64; ++i) {
      const std::uint8_t* q = fit.q + i / 32 * 128 + i % 32;
      block.q[i] = static_cast<std::uint8_t>(q[0] | q[32] << 2 | q[64] << 4 | q[96] << 6);
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at + 80);
      panel.m[0] = V::halves(rows, at + 82);
      typename V::Step scales[4];
      V::columns(rows, at, scales);
      INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
        panel.put_scales(i, V::template bits<0>(scales[i], 0x0f));
        panel.put_mins(i, V::template bits<4>(scales[i], 0x0f));
      }
      put_quarters<V>(rows, at + 16, panel);
    }
  };
};

}  // namespace inlay
