// iq2_xs.h - IQ2_XS: 256 weights; each eight is one of 512 vectors of magnitudes 8, 25, 43 and
// seven signs; 16 share a 4-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ2_XS {
  struct Block {
    std::uint16_t d;
    std::uint16_t q[32];     // 9 bits of an entry, 7 of signs
    std::uint8_t scales[8];  // of 16 weights in the low four bits, of the next 16 in the high ones
  };
  static_assert(sizeof(Block) == 74);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -43, high = 43;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d) * 0.125f;
    INLAY_UNROLL for (int j = 0; j < 8; ++j) {
      out.s[2 * j] = static_cast<std::int16_t>(2 * (block.scales[j] & 15) + 1);
      out.s[2 * j + 1] = static_cast<std::int16_t>(2 * (block.scales[j] >> 4) + 1);
    }
    for (int i = 0; i < 32; ++i) {
      const std::uint32_t q = block.q[i];
      put_eight(out.q + 8 * i, with_signs(iq2_xs_grid[q & 511], even_sign_bytes[q >> 9]));
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<Book, 16, 16> fit(x, importance, iq2_typical, 0.125f);
    block.d = fit.d;
    for (int i = 0; i < 32; ++i) {
      const EightFit& eight = fit.eight[i];
      block.q[i] = static_cast<std::uint16_t>(eight.index[0] | (eight.signs & 127) << 9);
    }
    for (int j = 0; j < 8; ++j) {
      block.scales[j] = static_cast<std::uint8_t>(fit.s[2 * j] | fit.s[2 * j + 1] << 4);
    }
  }

  template <class V>
  using Lanes = NormalLanes<IQ2_XS, V>;

 private:
  using Book = SignedBook<iq2_xs_order, iq2_xs_grid, iq2_magnitudes, true>;
};

}  // namespace inlay
