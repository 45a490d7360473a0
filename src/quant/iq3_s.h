// iq3_s.h - IQ3_S: 256 weights; each four is one of 512 vectors of magnitudes 1, 3 ... 15, with a
// sign each; 32 share a 4-bit scale: w = d * (2 s + 1) * q.
#pragma once

#include "quant/grid_fit.h"
#include "quant/lane_grids.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct IQ3_S {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[64];    // the low eight bits of each entry
    std::uint8_t high[8];  // one more bit for each of eight entries
    std::uint8_t signs[32];
    std::uint8_t scales[4];  // of 32 weights in the low four bits, of the next 32 in the upper ones
  };
  static_assert(sizeof(Block) == 110);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -15, high = 15;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{2, 110};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    INLAY_UNROLL for (int j = 0; j < 4; ++j) {
      out.s[2 * j] = static_cast<std::int16_t>(2 * (block.scales[j] & 15) + 1);
      out.s[2 * j + 1] = static_cast<std::int16_t>(2 * (block.scales[j] >> 4) + 1);
    }
    for (int j = 0; j < 8; ++j) {
      const std::uint32_t upper = block.high[j];
      INLAY_UNROLL for (int i = 0; i < 4; ++i) {
        const std::uint8_t* q = block.q + 8 * j + 2 * i;
        const std::uint32_t first = iq3_s_grid[q[0] | (upper << (8 - 2 * i) & 256)];
        const std::uint32_t second = iq3_s_grid[q[1] | (upper << (7 - 2 * i) & 256)];
        put_eight(out.q + 32 * j + 8 * i, with_signs(first | std::uint64_t{second} << 32,
                                                     sign_bytes[block.signs[4 * j + i]]));
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const GridBlock<Book, 32, 16> fit(x, importance, 0.16f, 1.0f);
    block.d = fit.d;
    for (int j = 0; j < 8; ++j) {
      std::uint32_t upper = 0;
      for (int i = 0; i < 8; ++i) {
        const std::uint32_t index = fit.eight[4 * j + i / 2].index[i % 2];
        block.q[8 * j + i] = static_cast<std::uint8_t>(index);
        upper |= index >> 8 << i;
      }
      block.high[j] = static_cast<std::uint8_t>(upper);
      for (int i = 0; i < 4; ++i) block.signs[4 * j + i] = fit.eight[4 * j + i].signs;
    }
    for (int j = 0; j < 4; ++j) {
      block.scales[j] = static_cast<std::uint8_t>(fit.s[2 * j] | fit.s[2 * j + 1] << 4);
    }
  }

  // A step of a row is an entry of the grid.
  template <class V>
  struct Lanes {
    using Step = typename V::Step;
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first, std::uint32_t,
                                        auto& panel) {
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at);
      Step head[4], middle[4], tail[4];  // 8 bytes of high bits, 32 of signs, 4 of scales
      V::columns(rows, at + 66, head);
      V::columns(rows, at + 82, middle);
      V::columns(rows, at + 94, tail);
      put_nibble_scales<V, 0>(tail[3], 0, panel);
      put_nibble_scales<V, 1>(tail[3], 1, panel);
      const Step high[4] = {head[0], upper_half(head[0]), head[1], upper_half(head[1])};
      const Step signs[8] = {head[2],   head[3],   middle[0], middle[1],
                             middle[2], middle[3], tail[1],   tail[2]};
      // In a loop, as code for all steps would be more than a processor keeps decoded.
      for (std::uint32_t i = 0; i < 4; ++i) {
        Step q[4];
        V::columns(rows, at + 2 + i * 16, q);
        put_word<0, 0>(q[0], high[i], signs[2 * i], i * 16, panel);
        put_word<0, 1>(q[1], high[i], signs[2 * i], i * 16 + 4, panel);
        put_word<1, 0>(q[2], high[i], signs[2 * i + 1], i * 16 + 8, panel);
        put_word<1, 1>(q[3], high[i], signs[2 * i + 1], i * 16 + 12, panel);
      }
    }

   private:
    static INLAY_FORCE_INLINE Step upper_half(Step v) {
      return number_as_step<V>(V::template field<16, 0xffff>(v));
    }
    // The first or second four entries of a group, whose high bits are byte `byte` of `high`.
    template <int byte, int half>
    static INLAY_FORCE_INLINE void put_word(Step q, Step high, Step signs, std::uint32_t step,
                                            auto& panel) {
      panel.put_four(step,
                     {code<byte, half, 0>(q, high, signs), code<byte, half, 1>(q, high, signs),
                      code<byte, half, 2>(q, high, signs), code<byte, half, 3>(q, high, signs)});
    }
    template <int byte, int half, int i>
    static INLAY_FORCE_INLINE Step code(Step q, Step high, Step signs) {
      const auto index =
          V::template byte<i>(q) + V::template field<8 * byte + 4 * half + i - 8, 256>(high);
      return V::template around<2 * half + i / 2, i % 2, -low>(V::gather(iq3_s_grid.entry, index),
                                                               signs);
    }
  };

 private:
  static constexpr float magnitudes[8] = {1, 3, 5, 7, 9, 11, 13, 15};
  using Book = SignedBook<iq3_s_order, iq3_s_grid, magnitudes, false>;
};

}  // namespace inlay
