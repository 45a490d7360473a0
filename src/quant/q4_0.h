// q4_0.h - Q4_0: 32 weights of 4 bits with a half scale; w = d * (q - 8).
#pragma once

#include "quant/lanes.h"
#include "quant/normal_form.h"
#include "quant/rounding.h"

namespace inlay {

struct Q4_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[16];  // low four bits: weight i, high: weight i + 16
  };
  static_assert(sizeof(Block) == 18);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr Activation activation = Activation::q8_32;

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d = half_to_float(block.d);
    out.s[0] = 1;
    for (int i = 0; i < 16; ++i) {
      out.q[i] = static_cast<std::int8_t>((block.q[i] & 15) - 8);
      out.q[i + 16] = static_cast<std::int8_t>((block.q[i] >> 4) - 8);
    }
  }

  // The weight of largest magnitude becomes exactly -8 * d.
  static void encode_block(const float* x, Block& block) {
    float largest = 0.0f;
    for (int i = 0; i < 32; ++i) {
      if (magnitude(x[i]) > magnitude(largest)) largest = x[i];
    }
    const float d = largest / -8.0f;
    const float inverse = finite_inverse(d);
    block.d = float_to_half(d);
    for (int i = 0; i < 16; ++i) {
      block.q[i] = static_cast<std::uint8_t>(code(x[i], inverse) | code(x[i + 16], inverse) << 4);
    }
  }

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    dequantize_blocks<Q4_0>(row, k, out);
  }
  static void encode(const float* x, std::uint32_t k, void* row) { encode_blocks<Q4_0>(x, k, row); }

  // The 8 of q - 8 is folded into the start: -8 * sum(x). |dot| <= 32 * 15 * 127 + 8 * 4064 < 2^17.
  template <class V>
  struct Lanes {
    using Panel = Panel32<V>;

    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t group,
                                        std::uint32_t blocks, Panel& panel) {
      panel.blocks = blocks;
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = (std::size_t{group} * 8 + b) * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        typename V::Step steps[4];
        V::columns(rows, at + 2, steps);
        std::uint8_t* out = panel.codes + b * 8 * step_bytes;
        for (int i = 0; i < 4; ++i) {
          V::store(V::template bits<0>(steps[i], 0x0f), out + i * step_bytes);
          V::store(V::template bits<4>(steps[i], 0x0f), out + (i + 4) * step_bytes);
        }
      }
    }
    static INLAY_FORCE_INLINE typename V::I32 start(std::int32_t sum) {
      return V::I32::broadcast(-8 * sum);
    }
    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                       std::size_t stride, typename V::I32 (&sum)[n]) {
      V::template dot<n, 8, 15>(codes, x, stride, sum);
    }
    template <std::uint32_t n>
    static INLAY_FORCE_INLINE void multiply(const Panel& panel, const std::uint8_t* x,
                                            std::size_t stride, typename V::F32 (&acc)[n]) {
      multiply_panel32<V, Lanes, n>(panel, x, stride, acc);
    }
  };

 private:
  static std::uint32_t code(float x, float inverse) {
    const float shifted = x * inverse + 8.5f;
    return static_cast<std::uint32_t>(shifted < 0.0f ? 0.0f : shifted > 15.0f ? 15.0f : shifted);
  }
};

}  // namespace inlay
