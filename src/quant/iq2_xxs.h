// iq2_xxs.h - IQ2_XXS: 256 weights; each eight is one of 256 vectors of magnitudes 8, 25, 43 and
// seven signs; 32 share a 4-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ2_XXS {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[64];  // for each 32: four entries; 7 bits of signs each, then the scale
  };
  static_assert(sizeof(Block) == 66);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -43, high = 43;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d) * 0.125f;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t signs;
      std::memcpy(&signs, block.q + 8 * j + 4, 4);
      out.s[j] = static_cast<std::int16_t>(2 * (signs >> 28) + 1);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        const std::uint64_t minus = even_sign_bytes[signs >> 7 * i & 127];
        put_eight(out.q + 32 * j + 8 * i, with_signs(iq2_xxs_grid[block.q[8 * j + i]], minus));
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<Book, 32, 16> fit(x, importance, iq2_typical, 0.125f);
    block.d = fit.d;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t signs = static_cast<std::uint32_t>(fit.s[j]) << 28;
      for (int i = 0; i < 4; ++i) {
        block.q[8 * j + i] = static_cast<std::uint8_t>(fit.eight[4 * j + i].index[0]);
        signs |= (fit.eight[4 * j + i].signs & 127u) << 7 * i;
      }
      std::memcpy(block.q + 8 * j + 4, &signs, 4);
    }
  }

  template <class V>
  using Lanes = NormalLanes<IQ2_XXS, V>;

 private:
  using Book = SignedBook<iq2_xxs_order, iq2_xxs_grid, iq2_magnitudes, true>;
};

}  // namespace inlay
