// q4_k.h - Q4_K: 256 weights of 4 bits; eight groups of 32 with 6-bit scales and minima;
// w = d * s * q - dmin * m.
#pragma once

#include "quant/bit_planes.h"
#include "quant/block_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q4_K {
  struct Block {
    std::uint16_t d;
    std::uint16_t dmin;
    std::uint8_t scales[12];  // see put_scales_and_minima
    std::uint8_t q[128];      // 32 bytes for two groups: low four bits, high four bits
  };
  static_assert(sizeof(Block) == 144);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = true;
  static constexpr int low = 0, high = 15;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 144};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    out.m[0] = half_to_float(block.dmin);
    get_scales_and_minima(block.scales, out.s, out.t);
    for (int i = 0; i < 128; ++i) {
      std::int8_t* q = out.q + i / 32 * 64 + i % 32;
      q[0] = static_cast<std::int8_t>(block.q[i] & 15);
      q[32] = static_cast<std::int8_t>(block.q[i] >> 4);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const AffineBlock<8, 15, 63> fit(x, importance);
    block.d = fit.d;
    block.dmin = fit.m;
    put_scales_and_minima(fit.s, fit.t, block.scales);
    for (int i = 0; i < 128; ++i) {
      const std::uint8_t* q = fit.q + i / 32 * 64 + i % 32;
      block.q[i] = static_cast<std::uint8_t>(q[0] | q[32] << 4);
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      put_k_scales<V>(rows, at, panel);
      INLAY_UNROLL for (std::uint32_t i = 0; i < 8; ++i) {
        typename V::Step steps[4];
        V::columns(rows, at + 16 + i * 16, steps);
        const std::uint32_t step = i / 2 * 16 + i % 2 * 4;
        put_nibbles_of<V>(steps, step, step + 8, panel);
      }
    }
  };
};

}  // namespace inlay
