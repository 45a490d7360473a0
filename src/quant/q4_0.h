// q4_0.h - Q4_0: 32 weights of 4 bits with a half scale; w = d * (q - 8).
#pragma once

#include "quant/affine_fit.h"
#include "quant/bit_planes.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"

namespace inlay {

struct Q4_0 {
  struct Block {
    std::uint16_t d;
    std::uint8_t q[16];  // low four bits: weight i, high: weight i + 16
  };
  static_assert(sizeof(Block) == 18);
  static constexpr std::uint32_t elements = 32;
  static constexpr std::uint32_t span = 32;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -8, high = 7;
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{2, 18};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    get_nibbles(block.q, out.q);
    for (int i = 0; i < 32; ++i) out.q[i] = static_cast<std::int8_t>(out.q[i] - 8);
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    if (!importance) return encode_plain(x, block);
    const HalfScaleFit<32, low, high> fit(x, importance);
    block.d = fit.d;
    put_nibbles(fit.q, block.q);
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = std::size_t{first + b} * sizeof(Block);
        panel.d[b] = V::halves(rows, at);
        typename V::Step steps[4];
        V::columns(rows, at + 2, steps);
        put_nibbles_of<V>(steps, b * 8, b * 8 + 4, panel);
      }
    }
  };

 private:
  // The weight of largest magnitude becomes exactly -8 * d.
  static void encode_plain(const float* x, Block& block) {
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
  static std::uint32_t code(float x, float inverse) {
    const float shifted = x * inverse + 8.5f;
    return static_cast<std::uint32_t>(shifted < 0.0f ? 0.0f : shifted > 15.0f ? 15.0f : shifted);
  }
};

}  // namespace inlay
