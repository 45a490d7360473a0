// iq2_xxs.h - IQ2_XXS: 256 weights; each eight is one of 256 vectors of magnitudes 8, 25, 43 and
// seven signs; 32 share a 4-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/lane_grids.h"
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
  static constexpr WordRange words{2, 66};

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
  struct Lanes {
    using Step = typename V::Step;
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first, std::uint32_t,
                                        auto& panel) {
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at) * V::F32::broadcast(0.125f);
      for (std::uint32_t i = 0; i < 2; ++i) {  // four groups
        Step q[2][4];
        V::columns(rows, at + 2 + i * 32, q[0]);
        V::columns(rows, at + 18 + i * 32, q[1]);
        put_top_scales<V>(q[0][1], q[0][3], q[1][1], q[1][3], i, panel);
        for (std::uint32_t j = 0; j < 4; ++j) {
          const Step* group = q[j / 2] + j % 2 * 2;
          put_group(group[0], group[1], i * 32 + j * 8, panel);
        }
      }
    }

   private:
    static INLAY_FORCE_INLINE void put_group(Step q, Step word, std::uint32_t step, auto& panel) {
      const Step signs = packed_signs<V>(word);
      put_sixteen<0>(q, signs, step, panel);
      put_sixteen<2>(q, signs, step + 4, panel);
    }
    // Entries i and i + 1.
    template <int i>
    static INLAY_FORCE_INLINE void put_sixteen(Step q, Step signs, std::uint32_t step,
                                               auto& panel) {
      put_two_eights<V, i, i + 1, -low>(iq2_xxs_grid, V::template byte<i>(q),
                                        V::template byte<i + 1>(q), signs, step, panel);
    }
  };

 private:
  using Book = SignedBook<iq2_xxs_order, iq2_xxs_grid, iq2_magnitudes, true>;
};

}  // namespace inlay
