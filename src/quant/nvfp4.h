// nvfp4.h - NVFP4: 64 weights of E2M1 (0, 0.5, 1, 1.5, 2, 3, 4, 6), each 16 with a scale of eight
// bits; codes are doubled values: w = d / 2 * q.
#pragma once

#include "base/float8.h"
#include "quant/affine_fit.h"
#include "quant/grids.h"
#include "quant/normal_form.h"
#include "quant/panel.h"
#include "quant/table_fit.h"
#include "quant/unit_scale.h"

namespace inlay {

struct NVFP4 {
  struct Block {
    std::uint8_t d[4];   // UE4M3
    std::uint8_t q[32];  // eight bytes a scale: low four bits weight i, high weight i + 8
  };
  static_assert(sizeof(Block) == 36);
  static constexpr std::uint32_t elements = 64;
  static constexpr std::uint32_t span = 16;
  static constexpr std::uint32_t sub = 16;
  static constexpr bool has_min = false;
  static constexpr int low = -12, high = 12;
  static constexpr float largest = 448.0f * 6.0f;  // weight that it has a number for
  static constexpr Activation activation = Activation::q8_32;
  static constexpr WordRange words{0, 36};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    INLAY_UNROLL for (int j = 0; j < 4; ++j) {
      out.d[j] = half_ue4m3[block.d[j]];
      put_nibbles(e2m1_values, block.q + 8 * j, 8, out.q + 16 * j);
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const ErrorWeights<64> weights(importance);
    const float unit = unit_scale(x, 64);
    for (int j = 0; j < 4; ++j) {
      float size[16];
      for (int i = 0; i < 16; ++i) size[i] = magnitude(near_one(x[16 * j + i], unit));
      block.d[j] = best_scale(size, weights.w + 16 * j, unit);
      const float inverse = finite_inverse(half_ue4m3[block.d[j]] * unit);
      for (int i = 0; i < 8; ++i) {
        const float* from = x + 16 * j + i;
        block.q[8 * j + i] =
            static_cast<std::uint8_t>(e2m1_code<Fit>(from[0], size[i] * inverse) |
                                      e2m1_code<Fit>(from[8], size[i + 8] * inverse) << 4);
      }
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      for (std::uint32_t b = 0; b < blocks; ++b) {
        const std::size_t at = (std::size_t{first} + b) * sizeof(Block);
        typename V::Step head[4];  // of which the first are the scales
        V::columns(rows, at, head);
        alignas(64) std::uint8_t scales[16][4];
        V::store(head[0], scales[0]);
        INLAY_UNROLL for (std::uint32_t j = 0; j < 4; ++j) {
          float d[16];
          INLAY_UNROLL for (int r = 0; r < 16; ++r) d[r] = half_ue4m3[scales[r][j]];
          panel.d[b * 4 + j] = V::F32::load(d);
        }
        INLAY_UNROLL for (std::uint32_t half = 0; half < 2; ++half) {
          typename V::Step steps[4];
          V::columns(rows, at + 4 + 16 * half, steps);
          INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
            const auto first_codes = V::template bits<0>(steps[i], 0x0f);
            const auto second_codes = V::template bits<4>(steps[i], 0x0f);
            const std::uint32_t to = b * 16 + half * 8 + i / 2 * 4 + i % 2;
            panel.put_codes(to, V::look_up(first_codes, e2m1_above_low));
            panel.put_codes(to + 2, V::look_up(second_codes, e2m1_above_low));
          }
        }
      }
    }
  };

 private:
  using Fit = TableFit<e2m1_magnitudes>;

  // The best of sixteen neighbouring scales, from half to twice that which just reaches the largest
  // weight.
  static std::uint8_t best_scale(const float* size, const float* w, float unit) {
    if (unit == 0.0f) return 0;
    const float largest = largest_magnitude(size, 16);
    const std::uint8_t middle = float_to_ue4m3(largest / unit / 6.0f);
    const int first = middle < 8 ? 0 : middle > 0x7e - 7 ? 0x7e - 15 : middle - 8;
    std::uint8_t best = 0;
    float least = 3.4e38f;
    for (int begin = first; begin < first + 16; begin += 4) {
      float d[4], inverse[4];
      for (int c = 0; c < 4; ++c) {
        d[c] = half_ue4m3[static_cast<std::uint32_t>(begin + c)] * unit;
        inverse[c] = finite_inverse(d[c]);
      }
      const Four scale{d[0], d[1], d[2], d[3]};
      const Four inverses{inverse[0], inverse[1], inverse[2], inverse[3]};
      const TableSums sums = Fit::sums(size, w, 16, inverses);
      const Four error = scale * (scale * sums.vv - four(2.0f) * sums.xv);
      for (int c = 0; c < 4; ++c) {
        if (!(error[c] < least)) continue;
        least = error[c];
        best = static_cast<std::uint8_t>(begin + c);
      }
    }
    return best;
  }
};

}  // namespace inlay
