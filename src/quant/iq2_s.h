// iq2_s.h - IQ2_S: 256 weights; each eight is one of 1024 vectors of magnitudes 8, 25, 43 and eight
// signs; 16 share a 4-bit scale: w = d / 8 * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/lane_grids.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ2_S {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[32];  // the low eight bits of each entry
    std::uint8_t signs[32];
    std::uint8_t high[8];    // two more bits for each of four entries
    std::uint8_t scales[8];  // of 16 weights in the low four bits, of the next 16 in the upper ones
  };
  static_assert(sizeof(Block) == 82);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -43, high = 43;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{2, 82};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d) * 0.125f;
    for (int j = 0; j < 8; ++j) {
      out.s[2 * j] = static_cast<std::int16_t>(2 * (block.scales[j] & 15) + 1);
      out.s[2 * j + 1] = static_cast<std::int16_t>(2 * (block.scales[j] >> 4) + 1);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        const std::uint32_t upper =
            static_cast<std::uint32_t>(block.high[j]) << (8 - 2 * i) & 0x300;
        const std::uint64_t entry = iq2_s_grid[block.q[4 * j + i] | upper];
        put_eight(out.q + 32 * j + 8 * i, with_signs(entry, sign_bytes[block.signs[4 * j + i]]));
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<Book, 16, 16> fit(x, importance, iq2_typical, 0.125f);
    block.d = fit.d;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t upper = 0;
      for (int i = 0; i < 4; ++i) {
        const EightFit& eight = fit.eight[4 * j + i];
        block.q[4 * j + i] = static_cast<std::uint8_t>(eight.index[0]);
        block.signs[4 * j + i] = eight.signs;
        upper |= static_cast<std::uint32_t>(eight.index[0] >> 8) << 2 * i;
      }
      block.high[j] = static_cast<std::uint8_t>(upper);
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
      Step tail[4];  // 8 bytes of high bits, 8 of scales
      V::columns(rows, at + 66, tail);
      put_nibble_scales<V, 0>(tail[2], 0, panel);
      put_nibble_scales<V, 1>(tail[2], 1, panel);
      put_nibble_scales<V, 0>(tail[3], 2, panel);
      put_nibble_scales<V, 1>(tail[3], 3, panel);
      for (std::uint32_t i = 0; i < 2; ++i) {
        Step q[4], signs[4];
        V::columns(rows, at + 2 + i * 16, q);
        V::columns(rows, at + 34 + i * 16, signs);
        put_word<0>(q[0], tail[i], signs[0], i * 32, panel);
        put_word<1>(q[1], tail[i], signs[1], i * 32 + 8, panel);
        put_word<2>(q[2], tail[i], signs[2], i * 32 + 16, panel);
        put_word<3>(q[3], tail[i], signs[3], i * 32 + 24, panel);
      }
    }

   private:
    // Two groups, whose high bits are byte `byte` of `high`.
    template <int byte>
    static INLAY_FORCE_INLINE void put_word(Step q, Step high, Step signs, std::uint32_t step,
                                            auto& panel) {
      put_two_eights<V, 0, 1, -low>(iq2_s_grid, index<byte, 0>(q, high), index<byte, 1>(q, high),
                                    signs, step, panel);
      put_two_eights<V, 2, 3, -low>(iq2_s_grid, index<byte, 2>(q, high), index<byte, 3>(q, high),
                                    signs, step + 4, panel);
    }
    template <int byte, int i>
    static INLAY_FORCE_INLINE typename V::I32 index(Step q, Step high) {
      return V::template byte<i>(q) + V::template field<8 * byte + 2 * i - 8, 0x300>(high);
    }
  };

 private:
  using Book = SignedBook<iq2_s_order, iq2_s_grid, iq2_magnitudes, false>;
};

}  // namespace inlay
