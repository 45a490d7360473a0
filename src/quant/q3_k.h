// q3_k.h - Q3_K: 256 weights of 3 bits; 16 groups of 16 with 6-bit scales;
// w = d * (s - 32) * (q - 4).
#pragma once

#include "quant/block_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct Q3_K {
  struct Block {
    std::uint8_t high_bits[32];  // bit j of byte i: weight 32 * j + i
    std::uint8_t low_bits[64];   // two of each; per half: weights i, i + 32, i + 64, i + 96
    std::uint8_t scales[12];     // see put_scales
    std::uint16_t d;
  };
  static_assert(sizeof(Block) == 110);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -4, high = 3;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 108};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      const int low_bits = block.scales[i % 8] >> i / 8 * 4 & 15;
      const int top_bits = block.scales[8 + i % 4] >> i / 4 * 2 & 3;
      out.s[i] = static_cast<std::int16_t>((low_bits | top_bits << 4) - 32);
    }
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 32; ++i) {
        const int low_bits = block.low_bits[j / 4 * 32 + i] >> j % 4 * 2 & 3;
        const int top_bit = block.high_bits[i] >> j & 1;
        out.q[32 * j + i] = static_cast<std::int8_t>((low_bits | top_bit << 2) - 4);
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const ScaledBlock<16, low, high, -32, 31> fit(x, importance);
    block = {};
    block.d = fit.d;
    put_scales(fit.s, block.scales);
    for (int j = 0; j < 8; ++j) {
      for (int i = 0; i < 32; ++i) {
        const int q = fit.q[32 * j + i] + 4;
        std::uint8_t& four = block.low_bits[j / 4 * 32 + i];
        four = static_cast<std::uint8_t>(four | (q & 3) << j % 4 * 2);
        block.high_bits[i] = static_cast<std::uint8_t>(block.high_bits[i] | q >> 2 << j);
      }
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at + 108);
      typename V::Step tail[4];  // the end of the low bits, then 12 bytes of scales
      V::columns(rows, at + 92, tail);
      put_scales_of<0>(tail, panel);
      put_scales_of<1>(tail, panel);
      put_scales_of<2>(tail, panel);
      put_scales_of<3>(tail, panel);
      INLAY_UNROLL for (std::uint32_t side = 0; side < 2;
                        ++side) {  // bytes 0-15 or 16-31 of each 32
        typename V::Step top[4];
        V::columns(rows, at + side * 16, top);
        fill_half<0>(rows, at + 32 + side * 16, top, side * 4, panel);
        fill_half<1>(rows, at + 64 + side * 16, top, side * 4, panel);
      }
    }

   private:
    // Scales 4 * i to 4 * i + 3, made signed by taking 32 from each.
    template <int i>
    static INLAY_FORCE_INLINE void put_scales_of(const typename V::Step (&tail)[4], auto& panel) {
      const auto low_bits = V::template bits<i / 2 * 4>(tail[1 + i % 2], 0x0f);
      const auto top_bits = V::template bits<2 * i - 4>(tail[3], 0x30);
      panel.put_signed_scales(i, less_32<V>(V::either(low_bits, top_bits)));
    }
    // Four groups of 32, 16 weights of each.
    template <int half>
    static INLAY_FORCE_INLINE void fill_half(const WeightRows& rows, std::size_t from,
                                             const typename V::Step (&top)[4], std::uint32_t step,
                                             auto& panel) {
      typename V::Step steps[4];
      V::columns(rows, from, steps);
      step += half * 32;
      put_both<V, 0, 0x03, 4 * half - 2, 0x04>(steps, top, step, panel);
      put_both<V, 2, 0x03, 4 * half - 1, 0x04>(steps, top, step + 8, panel);
      put_both<V, 4, 0x03, 4 * half, 0x04>(steps, top, step + 16, panel);
      put_both<V, 6, 0x03, 4 * half + 1, 0x04>(steps, top, step + 24, panel);
    }
  };

 private:
  // Bytes 0-7: the low four bits of scales i and i + 8; bytes 8-11: the high two bits of scales i,
  // i + 4, i + 8, i + 12.
  static void put_scales(const std::int8_t* s, std::uint8_t* bytes) {
    for (int i = 0; i < 16; ++i) {
      const int code = s[i] + 32;
      bytes[i % 8] = static_cast<std::uint8_t>(bytes[i % 8] | (code & 15) << i / 8 * 4);
      std::uint8_t& top_bits = bytes[8 + i % 4];
      top_bits = static_cast<std::uint8_t>(top_bits | code >> 4 << i / 4 * 2);
    }
  }
};

}  // namespace inlay
