// q6_k.h - Q6_K: 256 weights of 6 bits; 16 groups of 16 with 8-bit scales; w = d * s * (q - 32).
#pragma once

#include "quant/affine_fit.h"
#include "quant/lanes.h"
#include "quant/normal_form.h"
#include "quant/rounding.h"

namespace inlay {

struct Q6_K {
  struct Block {
    std::uint8_t low[128];  // low four bits: per half of the block 64 bytes, weights i and i + 64
    std::uint8_t high[64];  // high two bits: per half 32 bytes, weights i, i + 32, i + 64, i + 96
    std::int8_t scales[16];
    std::uint16_t d;
  };
  static_assert(sizeof(Block) == 210);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d = half_to_float(block.d);
    for (int i = 0; i < 16; ++i) out.s[i] = block.scales[i];
    for (int i = 0; i < 128; ++i) {
      const int half = i / 64, quarter = i / 32 % 2, l = i % 32;
      const int high = block.high[half * 32 + l] >> (2 * quarter);
      std::int8_t* q = out.q + half * 128 + quarter * 32 + l;
      q[0] = static_cast<std::int8_t>((block.low[i] & 15) + (high & 3) * 16 - 32);
      q[64] = static_cast<std::int8_t>((block.low[i] >> 4) + (high >> 4 & 3) * 16 - 32);
    }
  }

  static void encode_block(const float* x, Block& block) {
    float scales[16];
    float largest = 0.0f;
    for (int j = 0; j < 16; ++j) {
      scales[j] = fit_scale(x + 16 * j, 16, 32);
      if (magnitude(scales[j]) > magnitude(largest)) largest = scales[j];
    }
    block.d = float_to_half(largest / -128.0f);
    const float d = half_to_float(block.d);
    int q[256];
    for (int j = 0; j < 16; ++j) {
      const int s = round_clamped(scales[j] * finite_inverse(d), -128, 127);
      block.scales[j] = static_cast<std::int8_t>(s);
      const float inverse = finite_inverse(d * static_cast<float>(s));
      for (int i = 16 * j; i < 16 * j + 16; ++i) q[i] = round_clamped(x[i] * inverse, -32, 31) + 32;
    }
    for (int i = 0; i < 128; ++i) {
      const int* p = q + i / 64 * 128 + i % 64;
      block.low[i] = static_cast<std::uint8_t>((p[0] & 15) | (p[64] & 15) << 4);
    }
    for (int i = 0; i < 64; ++i) {
      const int* p = q + i / 32 * 128 + i % 32;
      block.high[i] = static_cast<std::uint8_t>(p[0] >> 4 | p[32] >> 4 << 2 | p[64] >> 4 << 4 |
                                                p[96] >> 4 << 6);
    }
  }

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    dequantize_blocks<Q6_K>(row, k, out);
  }
  static void encode(const float* x, std::uint32_t k, void* row) { encode_blocks<Q6_K>(x, k, row); }

  // isum = sum s * dot(q, x) - 32 * sum s * sum(x); the parts are at most 256 * 128 * 63 * 127 <
  // 2^28 and 256 * 128 * 32 * 127 < 2^27 in magnitude, so every order of adding them stays in an
  // int32.
  template <class V>
  struct Lanes {
    struct Panel {
      alignas(64) std::uint8_t codes[64 * step_bytes];
      typename V::I32 scale[16];
      typename V::Step pairs[8];  // scales again, pairs of int16: groups (0, 2), (1, 3), (4, 6) ...
      typename V::F32 d;
    };

    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t block, std::uint32_t,
                                        Panel& panel) {
      const std::size_t at = std::size_t{block} * sizeof(Block);
      panel.d = V::halves(rows, at + 208);
      typename V::Step head[4];
      V::columns(rows, at + 192, head);
      for (int i = 0; i < 4; ++i) {
        panel.scale[4 * i] = V::scale(V::template signed_byte<0>(head[i]));
        panel.scale[4 * i + 1] = V::scale(V::template signed_byte<1>(head[i]));
        panel.scale[4 * i + 2] = V::scale(V::template signed_byte<2>(head[i]));
        panel.scale[4 * i + 3] = V::scale(V::template signed_byte<3>(head[i]));
        panel.pairs[2 * i] = V::even_signed_bytes(head[i]);
        panel.pairs[2 * i + 1] = V::odd_signed_bytes(head[i]);
      }
      for (std::uint32_t half = 0; half < 2; ++half) {
        for (std::uint32_t i = 0; i < 2; ++i) {
          fill_quarter(rows, at + half * 64 + i * 16, at + 128 + half * 32 + i * 16,
                       panel.codes + (half * 32 + i * 4) * step_bytes);
        }
      }
    }

    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void multiply(const Panel& panel, const std::uint8_t* x,
                                            std::size_t stride, typename V::F32 (&acc)[n]) {
      const auto block = [&](std::uint32_t t) {
        return reinterpret_cast<const Q8x256Block*>(x + t * stride);
      };
      typename V::I32 sum[n];
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        sum[t] = V::I32::broadcast(0);
        INLAY_UNROLL for (int j = 0; j < 8; ++j) {
          sum[t] = V::dot_pairs(panel.pairs[j], block(t)->sum16 + 2 * j, sum[t]);
        }
        sum[t] = V::I32::broadcast(0) - shift_left<5>(sum[t]);
      }
      for (std::uint32_t j = 0; j < 16; ++j) {
        V::template dot_scaled<n, 4, 63>(panel.codes + j * 4 * step_bytes, x + j * 16, stride,
                                         panel.scale[j], sum);
      }
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        const auto dx = V::F32::broadcast(block(t)->scale);
        acc[t] = fma(panel.d * dx, to_float(sum[t]), acc[t]);
      }
    }

   private:
    // 16 bytes of high bits and the low bits of the four groups of 16 weights, 32 apart, they are
    // for.
    static INLAY_FORCE_INLINE void fill_quarter(const WeightRows& rows, std::size_t low,
                                                std::size_t high, std::uint8_t* out) {
      typename V::Step a[4], b[4], h[4];
      V::columns(rows, low, a);
      V::columns(rows, low + 32, b);
      V::columns(rows, high, h);
      for (int i = 0; i < 4; ++i) {
        put<0, -4>(a[i], h[i], out + i * step_bytes);
        put<0, -2>(b[i], h[i], out + (i + 8) * step_bytes);
        put<4, 0>(a[i], h[i], out + (i + 16) * step_bytes);
        put<4, 2>(b[i], h[i], out + (i + 24) * step_bytes);
      }
    }
    template <int low_shift, int high_shift>
    static INLAY_FORCE_INLINE void put(typename V::Step low, typename V::Step high,
                                       std::uint8_t* out) {
      V::store(V::either(V::template bits<low_shift>(low, 0x0f),
                         V::template bits<high_shift>(high, 0x30)),
               out);
    }
  };
};

}  // namespace inlay
