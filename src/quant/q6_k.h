// q6_k.h - Q6_K: 256 weights of 6 bits; 16 groups of 16 with 8-bit scales; w = d * s * (q - 32).
#pragma once

#include "quant/block_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct Q6_K {
  struct Block {
    std::uint8_t low_bits[128];  // four of each; per half of the block: weights i, i + 64
    std::uint8_t high_bits[64];  // two of each; per half: weights i, i + 32, i + 64, i + 96
    std::int8_t scales[16];
    std::uint16_t d;
  };
  static_assert(sizeof(Block) == 210);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -32, high = 31;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 208};
  // Interleaved, the 16 bytes of low bits (eight times), high bits (four) and scales lie in the
  // order in which fill() reads them, so that memory is read from begin to end.
  static constexpr std::uint8_t places[13] = {1, 4, 2, 5, 7, 10, 8, 11, 3, 6, 9, 12, 0};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) out.s[i] = block.scales[i];
    for (int i = 0; i < 128; ++i) {
      const int half = i / 64, quarter = i / 32 % 2, l = i % 32;
      const int top = block.high_bits[half * 32 + l] >> (2 * quarter);
      std::int8_t* q = out.q + half * 128 + quarter * 32 + l;
      q[0] = static_cast<std::int8_t>((block.low_bits[i] & 15) + (top & 3) * 16 - 32);
      q[64] = static_cast<std::int8_t>((block.low_bits[i] >> 4) + (top >> 4 & 3) * 16 - 32);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const ScaledBlock<16, low, high, -128, 127> fit(x, importance);
    block.d = fit.d;
    std::memcpy(block.scales, fit.s, sizeof block.scales);
    int q[256];
    for (int i = 0; i < 256; ++i) q[i] = fit.q[i] + 32;
    for (int i = 0; i < 128; ++i) {
      const int* p = q + i / 64 * 128 + i % 64;
      block.low_bits[i] = static_cast<std::uint8_t>((p[0] & 15) | (p[64] & 15) << 4);
    }
    for (int i = 0; i < 64; ++i) {
      const int* p = q + i / 32 * 128 + i % 32;
      block.high_bits[i] = static_cast<std::uint8_t>(p[0] >> 4 | p[32] >> 4 << 2 | p[64] >> 4 << 4 |
                                                     p[96] >> 4 << 6);
    }
  }

  // isum = sum s * dot(q, x) - 32 * sum s * sum(x); the parts are at most 256 * 128 * 63 * 127 <
  // 2^28 and 256 * 128 * 32 * 127 < 2^27 in magnitude, so every order of adding them stays in an
  // int32.
  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at + 208);
      typename V::Step scales[4];
      columns(rows, at, 12, scales);
      INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) panel.put_signed_scales(i, scales[i]);
      INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) fill_quarter(rows, at, i, panel);
    }

   private:
    // 16 bytes of high bits and the low bits of the four groups of 16 weights, 32 apart, they are
    // for.
    static INLAY_FORCE_INLINE void fill_quarter(const WeightRows& rows, std::size_t at,
                                                std::uint32_t quarter, auto& panel) {
      const std::uint32_t half = quarter / 2, low = half * 4 + quarter % 2;
      const std::uint32_t step = half * 32 + quarter % 2 * 4;
      typename V::Step a[4], b[4], h[4];
      columns(rows, at, low, a);
      columns(rows, at, low + 2, b);
      columns(rows, at, 8 + quarter, h);
      put_both<V, 0, 0x0f, -4, 0x30>(a, h, step, panel);
      put_both<V, 0, 0x0f, -2, 0x30>(b, h, step + 8, panel);
      put_both<V, 4, 0x0f, 0, 0x30>(a, h, step + 16, panel);
      put_both<V, 4, 0x0f, 2, 0x30>(b, h, step + 24, panel);
    }
    // Bytes 16 * piece on of the block at `at`.
    static INLAY_FORCE_INLINE void columns(const WeightRows& rows, std::size_t at,
                                           std::uint32_t piece, typename V::Step (&out)[4]) {
      V::columns(rows, at + 16 * (rows.interleaved ? places[piece] : piece), out);
    }
  };
};

}  // namespace inlay
