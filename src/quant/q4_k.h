// q4_k.h - Q4_K: 256 weights of 4 bits; eight groups of 32 with 6-bit scales and minima;
// w = d * s * q - dmin * m.
#pragma once

#include "quant/affine_fit.h"
#include "quant/lanes.h"
#include "quant/normal_form.h"
#include "quant/rounding.h"

namespace inlay {

struct Q4_K {
  struct Block {
    std::uint16_t d;
    std::uint16_t dmin;
    std::uint8_t scales[12];  // see put_scales
    std::uint8_t q[128];      // 32 bytes for two groups: low four bits, high four bits
  };
  static_assert(sizeof(Block) == 144);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = true;
  static constexpr Activation activation = Activation::q8_256;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d = half_to_float(block.d);
    out.m = half_to_float(block.dmin);
    const std::uint8_t* b = block.scales;
    for (int i = 0; i < 4; ++i) {
      out.s[i] = b[i] & 63;
      out.t[i] = b[i + 4] & 63;
      out.s[i + 4] = static_cast<std::int16_t>((b[i + 8] & 15) | (b[i] >> 6 << 4));
      out.t[i + 4] = static_cast<std::int16_t>((b[i + 8] >> 4) | (b[i + 4] >> 6 << 4));
    }
    for (int i = 0; i < 128; ++i) {
      const int low = i / 32 * 64 + i % 32;
      out.q[low] = block.q[i] & 15;
      out.q[low + 32] = static_cast<std::int8_t>(block.q[i] >> 4);
    }
  }

  static void encode_block(const float* x, Block& block) {
    AffineFit fits[8];
    float largest_scale = 0.0f, largest_min = 0.0f;
    for (int j = 0; j < 8; ++j) {
      fits[j] = fit_affine(x + 32 * j, 32, 15);
      if (fits[j].scale > largest_scale) largest_scale = fits[j].scale;
      if (fits[j].min > largest_min) largest_min = fits[j].min;
    }
    block.d = float_to_half(largest_scale / 63.0f);
    block.dmin = float_to_half(largest_min / 63.0f);
    const float d = half_to_float(block.d), dmin = half_to_float(block.dmin);
    std::uint8_t s[8], m[8], q[256];
    for (int j = 0; j < 8; ++j) {
      s[j] = static_cast<std::uint8_t>(round_clamped(fits[j].scale * finite_inverse(d), 0, 63));
      m[j] = static_cast<std::uint8_t>(round_clamped(fits[j].min * finite_inverse(dmin), 0, 63));
      const float inverse = finite_inverse(d * s[j]), min = dmin * m[j];
      for (int i = 32 * j; i < 32 * j + 32; ++i) {
        q[i] = static_cast<std::uint8_t>(round_clamped((x[i] + min) * inverse, 0, 15));
      }
    }
    put_scales(s, m, block.scales);
    for (int i = 0; i < 128; ++i) {
      const int low = i / 32 * 64 + i % 32;
      block.q[i] = static_cast<std::uint8_t>(q[low] | q[low + 32] << 4);
    }
  }

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    dequantize_blocks<Q4_K>(row, k, out);
  }
  static void encode(const float* x, std::uint32_t k, void* row) { encode_blocks<Q4_K>(x, k, row); }

  // |isum| <= 8 * 63 * 32 * 15 * 127 < 2^25, |msum| <= 8 * 63 * 4064 < 2^21.
  template <class V>
  struct Lanes {
    struct Panel {
      alignas(64) std::uint8_t codes[64 * step_bytes];
      typename V::I32 scale[8];
      typename V::Step mins[4];  // pairs of int16: groups (0, 2), (1, 3), (4, 6), (5, 7)
      typename V::F32 d, dmin;
    };

    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t block, std::uint32_t,
                                        Panel& panel) {
      const std::size_t at = std::size_t{block} * sizeof(Block);
      typename V::Step head[4];
      V::columns(rows, at, head);
      panel.d = V::low_halves(head[0]);
      panel.dmin = V::high_halves(head[0]);
      const auto scales_high =
          V::either(V::template bits<0>(head[3], 0x0f), V::template bits<2>(head[1], 0x30));
      const auto mins_high =
          V::either(V::template bits<4>(head[3], 0x0f), V::template bits<2>(head[2], 0x30));
      put_panel_scales(V::template bits<0>(head[1], 0x3f), panel.scale);
      put_panel_scales(scales_high, panel.scale + 4);
      put_panel_mins(V::template bits<0>(head[2], 0x3f), panel.mins);
      put_panel_mins(mins_high, panel.mins + 2);
      for (std::uint32_t i = 0; i < 8; ++i) {
        typename V::Step steps[4];
        V::columns(rows, at + 16 + i * 16, steps);
        std::uint8_t* out = panel.codes + (i / 2 * 16 + i % 2 * 4) * step_bytes;
        for (int j = 0; j < 4; ++j) {
          V::store(V::template bits<0>(steps[j], 0x0f), out + j * step_bytes);
          V::store(V::template bits<4>(steps[j], 0x0f), out + (j + 8) * step_bytes);
        }
      }
    }

    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void multiply(const Panel& panel, const std::uint8_t* x,
                                            std::size_t stride, typename V::F32 (&acc)[n]) {
      const auto block = [&](std::uint32_t t) {
        return reinterpret_cast<const Q8x256Block*>(x + t * stride);
      };
      typename V::I32 sum[n], min[n];
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) sum[t] = V::I32::broadcast(0);
      for (std::uint32_t j = 0; j < 8; ++j) {
        V::template dot_scaled<n, 8, 15>(panel.codes + j * 8 * step_bytes, x + j * 32, stride,
                                         panel.scale[j], sum);
      }
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        const auto dx = V::F32::broadcast(block(t)->scale);
        acc[t] = fma(panel.d * dx, to_float(sum[t]), acc[t]);
        min[t] = V::I32::broadcast(0);
        INLAY_UNROLL for (int j = 0; j < 4; ++j) {
          min[t] = V::dot_pairs(panel.mins[j], block(t)->sum32 + 2 * j, min[t]);
        }
        acc[t] = fma(-(panel.dmin * dx), to_float(min[t]), acc[t]);
      }
    }

   private:
    static INLAY_FORCE_INLINE void put_panel_scales(typename V::Step bytes, typename V::I32* out) {
      out[0] = V::scale(V::template byte<0>(bytes));
      out[1] = V::scale(V::template byte<1>(bytes));
      out[2] = V::scale(V::template byte<2>(bytes));
      out[3] = V::scale(V::template byte<3>(bytes));
    }
    static INLAY_FORCE_INLINE void put_panel_mins(typename V::Step bytes, typename V::Step* out) {
      out[0] = V::even_bytes(bytes);
      out[1] = V::odd_bytes(bytes);
    }
  };

 private:
  // Bytes 0-3: scales 0-3, bytes 4-7: minima 0-3, six bits each; bytes 8-11: the low four bits of
  // scales and minima 4-7, whose high two bits are the high two bits of bytes 0-7.
  static void put_scales(const std::uint8_t* s, const std::uint8_t* m, std::uint8_t* out) {
    for (int i = 0; i < 4; ++i) {
      out[i] = static_cast<std::uint8_t>(s[i] | s[i + 4] >> 4 << 6);
      out[i + 4] = static_cast<std::uint8_t>(m[i] | m[i + 4] >> 4 << 6);
      out[i + 8] = static_cast<std::uint8_t>((s[i + 4] & 15) | m[i + 4] << 4);
    }
  }
};

}  // namespace inlay
