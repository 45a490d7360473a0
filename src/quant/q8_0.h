// q8_0.h - Q8_0: 32 weights of 8 bits with a half scale; w = d * q.
#pragma once

#include "quant/lanes.h"
#include "quant/normal_form.h"
#include "quant/rounding.h"

namespace inlay {

struct Q8_0 {
  struct Block {
    std::uint16_t d;
    std::int8_t q[32];
  };
  static_assert(sizeof(Block) == 34);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr Activation activation = Activation::q8_32;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d = half_to_float(block.d);
    out.s[0] = 1;
    std::memcpy(out.q, block.q, sizeof block.q);
  }

  static void encode_block(const float* x, Block& block) {
    const float d = largest_magnitude(x, 32) / 127.0f;
    const float inverse = finite_inverse(d);
    block.d = float_to_half(d);
    for (int i = 0; i < 32; ++i) {
      block.q[i] = static_cast<std::int8_t>(round_half_away(x[i] * inverse));
    }
  }

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    dequantize_blocks<Q8_0>(row, k, out);
  }
  static void encode(const float* x, std::uint32_t k, void* row) { encode_blocks<Q8_0>(x, k, row); }

  // |dot| <= 32 * 128 * 127 < 2^20, and with codes made unsigned by +128 below 2^21.
  template <class V>
  struct Lanes {
    using Panel = Panel32<V>;

    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t group,
                                        std::uint32_t blocks, Panel& panel) {
      panel.blocks = blocks;
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = (std::size_t{group} * 8 + b) * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        for (std::uint32_t half = 0; half < 2; ++half) {
          typename V::Step steps[4];
          V::columns(rows, at + 2 + half * 16, steps);
          std::uint8_t* out = panel.codes + (b * 8 + half * 4) * step_bytes;
          for (int i = 0; i < 4; ++i) V::store_signed(steps[i], out + i * step_bytes);
        }
      }
    }
    static INLAY_FORCE_INLINE typename V::I32 start(std::int32_t sum) {
      return V::signed_start(sum);
    }
    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                       std::size_t stride, typename V::I32 (&sum)[n]) {
      V::template dot_signed<n, 8>(codes, x, stride, sum);
    }
    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void multiply(const Panel& panel, const std::uint8_t* x,
                                            std::size_t stride, typename V::F32 (&acc)[n]) {
      multiply_panel32<V, Lanes, n>(panel, x, stride, acc);
    }
  };
};

}  // namespace inlay
