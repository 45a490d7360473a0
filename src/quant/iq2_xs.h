// iq2_xs.h - IQ2_XS: 256 weights; each eight is one of 512 vectors of magnitudes 8, 25, 43 and
// seven signs; 16 share a 4-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/lane_grids.h"
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
  static constexpr WordRange words{2, 74};

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
  struct Lanes {
    using Step = typename V::Step;
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first, std::uint32_t,
                                        auto& panel) {
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at) * V::F32::broadcast(0.125f);
      Step tail[4];  // the scales are its second half
      V::columns(rows, at + 58, tail);
      put_nibble_scales<V, 0>(tail[2], 0, panel);
      put_nibble_scales<V, 1>(tail[2], 1, panel);
      put_nibble_scales<V, 0>(tail[3], 2, panel);
      put_nibble_scales<V, 1>(tail[3], 3, panel);
      for (std::uint32_t i = 0; i < 4; ++i) {
        Step q[4];
        V::columns(rows, at + 2 + i * 16, q);
        for (std::uint32_t j = 0; j < 4; ++j) put_group(q[j], i * 16 + j * 4, panel);
      }
    }

   private:
    // Two entries, of which bytes 1 and 3 hold the signs.
    static INLAY_FORCE_INLINE void put_group(Step q, std::uint32_t step, auto& panel) {
      put_two_eights<V, 1, 3, -low>(iq2_xs_grid, V::template field<0, 511>(q),
                                    V::template field<16, 511>(q),
                                    eight_signs<V>(V::template bits<1>(q, 0x7f)), step, panel);
    }
  };

 private:
  using Book = SignedBook<iq2_xs_order, iq2_xs_grid, iq2_magnitudes, true>;
};

}  // namespace inlay
