// iq1_s.h - IQ1_S: 256 weights; each eight is one of 2048 vectors of -8, 0, 8; 32 weights share a
// shift of 1 or -1 and a 3-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ1_S {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[32];     // the low eight bits of each entry
    std::uint16_t high[8];  // for each 32: three more bits of four entries, the scale, shift is -1
  };
  static_assert(sizeof(Block) == 50);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -9, high = 9;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d) * 0.125f;
    for (int j = 0; j < 8; ++j) {
      const std::uint32_t upper = block.high[j];
      out.s[j] = static_cast<std::int16_t>(2 * (upper >> 12 & 7) + 1);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        const std::uint32_t index = block.q[4 * j + i] | (upper >> 3 * i & 7) << 8;
        put_eight(out.q + 32 * j + 8 * i, shifted_ternary(iq1_grid[index], upper >> 15));
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<ShiftedBook<iq1_order, iq1_grid, true>, 32, 8> fit(x, importance, 0.15f,
                                                                       0.125f);
    block.d = fit.d;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t upper =
          static_cast<std::uint32_t>(fit.s[j] << 12 | fit.eight[4 * j].signs << 15);
      for (int i = 0; i < 4; ++i) {
        const std::uint32_t index = fit.eight[4 * j + i].index[0];
        block.q[4 * j + i] = static_cast<std::uint8_t>(index);
        upper |= index >> 8 << 3 * i;
      }
      block.high[j] = static_cast<std::uint16_t>(upper);
    }
  }

  template <class V>
  using Lanes = NormalLanes<IQ1_S, V>;
};

}  // namespace inlay
