// iq3_xxs.h - IQ3_XXS: 256 weights; each four is one of 256 vectors of magnitudes 2, 6 ... 26, 31,
// each eight has seven signs; 32 share a 4-bit scale: w = d / 2 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/lane_grids.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ3_XXS {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[64];
    std::uint8_t signs[32];  // for each 32 weights: four times 7 bits of signs, then the scale
  };
  static_assert(sizeof(Block) == 98);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -31, high = 31;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{2, 98};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d) * 0.5f;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t signs;
      std::memcpy(&signs, block.signs + 4 * j, 4);
      out.s[j] = static_cast<std::int16_t>(2 * (signs >> 28) + 1);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        const std::uint8_t* q = block.q + 8 * j + 2 * i;
        const std::uint64_t eight = iq3_xxs_grid[q[0]] | std::uint64_t{iq3_xxs_grid[q[1]]} << 32;
        put_eight(out.q + 32 * j + 8 * i, with_signs(eight, even_sign_bytes[signs >> 7 * i & 127]));
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<Book, 32, 16> fit(x, importance, 0.07f, 0.5f);
    block.d = fit.d;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t signs = static_cast<std::uint32_t>(fit.s[j]) << 28;
      for (int i = 0; i < 4; ++i) {
        const EightFit& eight = fit.eight[4 * j + i];
        block.q[8 * j + 2 * i] = static_cast<std::uint8_t>(eight.index[0]);
        block.q[8 * j + 2 * i + 1] = static_cast<std::uint8_t>(eight.index[1]);
        signs |= (eight.signs & 127u) << 7 * i;
      }
      std::memcpy(block.signs + 4 * j, &signs, 4);
    }
  }

  // A step of a row is an entry of the grid.
  template <class V>
  struct Lanes {
    using Step = typename V::Step;
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first, std::uint32_t,
                                        auto& panel) {
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at) * V::F32::broadcast(0.5f);
      Step signs[2][4];
      V::columns(rows, at + 66, signs[0]);
      V::columns(rows, at + 82, signs[1]);
      INLAY_UNROLL for (std::uint32_t i = 0; i < 2; ++i) {
        put_top_scales<V>(signs[i][0], signs[i][1], signs[i][2], signs[i][3], i, panel);
      }
      // In a loop, as code for all steps would be more than a processor keeps decoded.
      for (std::uint32_t i = 0; i < 4; ++i) {
        Step q[4];
        V::columns(rows, at + 2 + i * 16, q);
        const Step* two = signs[i / 2] + i % 2 * 2;
        put_group(q[0], q[1], packed_signs<V>(two[0]), i * 16, panel);
        put_group(q[2], q[3], packed_signs<V>(two[1]), i * 16 + 8, panel);
      }
    }

   private:
    static INLAY_FORCE_INLINE void put_group(Step q, Step more_q, Step signs, std::uint32_t step,
                                             auto& panel) {
      panel.put_four(step, {code<0, 0>(q, signs), code<0, 1>(q, signs), code<0, 2>(q, signs),
                            code<0, 3>(q, signs)});
      panel.put_four(step + 4, {code<1, 0>(more_q, signs), code<1, 1>(more_q, signs),
                                code<1, 2>(more_q, signs), code<1, 3>(more_q, signs)});
    }
    template <int half, int i>
    static INLAY_FORCE_INLINE Step code(Step q, Step signs) {
      const auto sizes = V::gather(iq3_xxs_grid.entry, V::template byte<i>(q));
      return V::template around<2 * half + i / 2, i % 2, -low>(sizes, signs);
    }
  };

 private:
  static constexpr float magnitudes[8] = {2, 6, 10, 14, 18, 22, 26, 31};
  using Book = SignedBook<iq3_xxs_order, iq3_xxs_grid, magnitudes, true>;
};

}  // namespace inlay
