// iq4_xs.h - IQ4_XS: 256 weights of 4 bits, places in a table of 16 values; eight groups of 32 with
// 6-bit scales; w = d * (s - 32) * value.
#pragma once

#include "quant/affine_fit.h"
#include "quant/grids.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"
#include "quant/panel.h"
#include "quant/table_fit.h"
#include "quant/unit_scale.h"

namespace inlay {

struct IQ4_XS {
  struct Block {
    std::uint16_t d;
    std::uint16_t high;      // two bits of each scale
    std::uint8_t scales[4];  // four bits of each
    std::uint8_t q[128];     // 16 bytes a group: low four bits, high four bits
  };
  static_assert(sizeof(Block) == 136);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -127, high = 113;
  static constexpr float largest = 65504.0f * 31.0f * 113.0f;  // weight that its scales reach
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 136};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    const std::uint64_t scales = scale_bytes(block.high, block.scales);
    for (int j = 0; j < 8; ++j) {
      out.s[j] = static_cast<std::int8_t>(scales >> 8 * j & 255);
      put_nibbles(iq4_values, block.q + 16 * j, 16, out.q + 32 * j);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const ErrorWeights<256> weights(importance);
    const float unit = unit_scale(x, 256);
    float scaled[256], free[8];
    for (int i = 0; i < 256; ++i) scaled[i] = near_one(x[i], unit);
    float largest = 0.0f;
    for (int j = 0; j < 8; ++j) {
      free[j] = Fit::free_scale(scaled + 32 * j, weights.w + 32 * j, 32);
      if (magnitude(free[j]) > magnitude(largest)) largest = free[j];
    }
    Scales best{};
    best.error = 3.4e38f;
    for (int start = 0; start < 2 && largest != 0.0f; ++start) {
      float step = largest / (-32.0f + 1.5f * static_cast<float>(start));
      for (int round = 0; round < 3; ++round) {
        const Scales tried = choose(scaled, weights.w, free, step, unit);
        if (tried.error < best.error) best = tried;
        step = tried.next;
      }
    }
    put(scaled, best, block);
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first, std::uint32_t,
                                        auto& panel) {
      const std::size_t at = std::size_t{first} * sizeof(Block);
      typename V::Step steps[4];
      V::columns(rows, at, steps);  // of the head the first two are in use
      panel.d[0] = V::low_halves(steps[0]);
      put_scales_of<0>(steps[0], steps[1], panel);
      put_scales_of<1>(steps[0], steps[1], panel);
      INLAY_UNROLL for (std::uint32_t j = 0; j < 8; ++j) {
        V::columns(rows, at + 8 + j * 16, steps);
        put_looked_up<V>(steps, iq4_values, j * 8, j * 8 + 4, panel);
      }
    }

   private:
    // Scales 4 * i to 4 * i + 3: their low bits are nibbles of two bytes of `low_bits`, their high
    // bits one byte of `head`; made signed by taking 32 from each.
    template <int i>
    static INLAY_FORCE_INLINE void put_scales_of(typename V::Step head, typename V::Step low_bits,
                                                 auto& panel) {
      const auto two =
          V::either(number_as_step<V>(V::template byte<2 * i>(low_bits)),
                    number_as_step<V>(shift_left<16>(V::template byte<2 * i + 1>(low_bits))));
      const auto moved = number_as_step<V>(shift_left<4>(step_as_number<V>(two)));
      const auto nibbles = V::template bits<0>(V::either(two, moved), 0x0f);
      const auto pairs = spread_fields<V, 2, 4>(V::template byte<2 + i>(head));
      panel.put_signed_scales(i, less_32<V>(V::either(nibbles, pairs)));
    }
  };

 private:
  // s - 32 of each group: four bits of it in `four`, two in `two`.
  static INLAY_FORCE_INLINE std::uint64_t scale_bytes(std::uint16_t two, const std::uint8_t* four) {
    std::uint32_t nibbles;
    std::memcpy(&nibbles, four, sizeof nibbles);
    std::uint64_t a = nibbles, b = two;
    a = (a | a << 16) & 0x0000ffff0000ffffu;
    a = (a | a << 8) & 0x00ff00ff00ff00ffu;
    a = (a | a << 4) & 0x0f0f0f0f0f0f0f0fu;
    b = (b | b << 24) & 0x000000ff000000ffu;
    b = (b | b << 12) & 0x000f000f000f000fu;
    b = (b | b << 6) & 0x0303030303030303u;
    const std::uint64_t ones = 0x0101010101010101u;
    return ((a | b << 4) + 96 * ones) ^ 128 * ones;
  }

  using Fit = TableFit<iq4_values>;

  struct Scales {
    std::uint16_t d;
    std::int8_t s[8];
    float step;   // d in units of the weights near one
    float error;  // less a constant
    float next;   // the step that loses least with these scales and codes
  };

  // Of four scales around the free one of each group, of either sign, the one that loses least.
  static Scales choose(const float* x, const float* w, const float* free, float step, float unit) {
    Scales out{};
    out.d = float_to_half(step / unit);
    // Never infinite, as scales may be 0.
    if ((out.d & 0x7fff) == 0x7c00) out.d -= 1;
    out.step = half_to_float(out.d) * unit;
    const float inverse_step = finite_inverse(out.step);
    float sum_xv = 0.0f, sum_vv = 0.0f;
    for (int j = 0; j < 8; ++j) {
      const int first = round_clamped(free[j] * inverse_step - 1.5f, -32, 28);
      const Four s = four(static_cast<float>(first)) + Four{0, 1, 2, 3};
      const Four scale = four(out.step) * s;
      float inverse[4];
      for (int c = 0; c < 4; ++c) inverse[c] = finite_inverse(scale[c]);
      const TableSums sums = Fit::sums(x + 32 * j, w + 32 * j, 32,
                                       Four{inverse[0], inverse[1], inverse[2], inverse[3]});
      const Four error = scale * (scale * sums.vv - four(2.0f) * sums.xv);
      int best = 0;
      for (int c = 1; c < 4; ++c) {
        if (error[c] < error[best]) best = c;
      }
      out.s[j] = static_cast<std::int8_t>(first + best);
      out.error += error[best];
      sum_xv += s[best] * sums.xv[best];
      sum_vv += s[best] * s[best] * sums.vv[best];
    }
    out.next = sum_vv > 0.0f ? sum_xv / sum_vv : step;
    return out;
  }

  static void put(const float* x, const Scales& scales, Block& block) {
    block = Block{};
    block.d = scales.d;
    for (int j = 0; j < 8; ++j) {
      const int s = scales.s[j] + 32;
      block.high = static_cast<std::uint16_t>(block.high | (s >> 4) << 2 * j);
      block.scales[j / 2] = static_cast<std::uint8_t>(block.scales[j / 2] | (s & 15) << j % 2 * 4);
      const float inverse = finite_inverse(scales.step * scales.s[j]);
      for (int i = 0; i < 16; ++i) {
        const int first = Fit::nearest_code(x[32 * j + i] * inverse);
        const int second = Fit::nearest_code(x[32 * j + i + 16] * inverse);
        block.q[16 * j + i] = static_cast<std::uint8_t>(first | second << 4);
      }
    }
  }
};

}  // namespace inlay
