// tq2_0.h - TQ2_0: 256 weights of 2 bits with a half scale; w = d * (q - 1). Made for -1, 0, 1.
#pragma once

#include "quant/affine_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct TQ2_0 {
  struct Block {
    std::uint8_t q[64];  // per half of the block 32 bytes: weights i, i + 32, i + 64, i + 96
    std::uint16_t d;
  };
  static_assert(sizeof(Block) == 66);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -1, high = 2;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 64};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    for (int i = 0; i < 8; ++i) out.s[i] = 1;
    for (int i = 0; i < 64; ++i) {
      std::int8_t* q = out.q + i / 32 * 128 + i % 32;
      for (int j = 0; j < 4; ++j)
        q[32 * j] = static_cast<std::int8_t>((block.q[i] >> 2 * j & 3) - 1);
    }
  }

  // Trits only, as every reader of the type expects.
  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfScaleFit<256, -1, 1> fit(x, importance);
    block.d = fit.d;
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
      panel.d[0] = V::halves(rows, at + 64);
      put_unit_scales<V>(panel);
      put_quarters<V>(rows, at, panel);
    }
  };
};

}  // namespace inlay
