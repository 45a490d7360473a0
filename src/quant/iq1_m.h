// iq1_m.h - IQ1_M: 256 weights; each eight is one of 2048 vectors of -8, 0, 8 with a shift of 1 or
// -1; 16 share a 3-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ1_M {
  struct Block {
    std::uint8_t q[32];       // the low eight bits of each entry
    std::uint8_t high[16];    // four bits an entry: three more of it, and whether the shift is -1
    std::uint16_t scales[4];  // four times three bits; the top four bits of all make the half d
  };
  static_assert(sizeof(Block) == 56);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -9, high = 9;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    std::uint32_t d = 0;
    INLAY_UNROLL for (int j = 0; j < 4; ++j) {
      d |= static_cast<std::uint32_t>(block.scales[j] >> 12) << 4 * j;
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        out.s[4 * j + i] = static_cast<std::int16_t>(2 * (block.scales[j] >> 3 * i & 7) + 1);
      }
    }
    out.d[0] = half_to_float(static_cast<std::uint16_t>(d)) * 0.125f;
    for (int i = 0; i < 16; ++i) {
      const std::uint32_t upper = block.high[i];
      const std::uint64_t first = iq1_grid[block.q[2 * i] | (upper & 7) << 8];
      const std::uint64_t second = iq1_grid[block.q[2 * i + 1] | (upper & 0x70) << 4];
      put_eight(out.q + 16 * i, shifted_ternary(first, upper >> 3 & 1));
      put_eight(out.q + 16 * i + 8, shifted_ternary(second, upper >> 7));
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<ShiftedBook<iq1_order, iq1_grid, false>, 16, 8> fit(x, importance, 0.15f,
                                                                        0.125f);
    for (int j = 0; j < 4; ++j) {
      std::uint32_t scales = static_cast<std::uint32_t>(fit.d >> 4 * j & 15) << 12;
      for (int i = 0; i < 4; ++i) scales |= static_cast<std::uint32_t>(fit.s[4 * j + i]) << 3 * i;
      block.scales[j] = static_cast<std::uint16_t>(scales);
    }
    for (int i = 0; i < 16; ++i) block.high[i] = 0;
    for (int i = 0; i < 32; ++i) {
      const EightFit& eight = fit.eight[i];
      const int upper = eight.index[0] >> 8 | eight.signs << 3;
      block.q[i] = static_cast<std::uint8_t>(eight.index[0]);
      block.high[i / 2] |= static_cast<std::uint8_t>(upper << i % 2 * 4);
    }
  }

  template <class V>
  using Lanes = NormalLanes<IQ1_M, V>;
};

}  // namespace inlay
