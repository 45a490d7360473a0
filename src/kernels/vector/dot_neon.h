// dot_neon.h - integer dot products of panels by multiplication into 16 bits, for every aarch64.
#pragma once

#include <bit>

#include "kernels/vector/int_neon.h"

namespace inlay::INLAY_ISA {

// A register of codes has four bytes of each of four rows; its products are eight int16 of two rows
// and eight of the other two. They are added up in 16 bits as long as that is safe, then in 32.
struct Words : NeonWords {
  static constexpr std::uint32_t tokens = 2;  // how many share one read of a panel

  // sum[t] += the dot product of `steps` steps of codes (at most `top`) with 4 * steps bytes of x.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                     I32 (&sum)[n]) {
    for_sums<n, steps, top>(codes, x, [&](std::uint32_t t, int q, auto add) INLAY_LAMBDA_INLINE {
      sum[t].part[q] = add(sum[t].part[q]);
    });
  }
  // The same for codes of store_signed; sums begin as signed_start(sum of the bytes of x).
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                            I32 (&sum)[n]) {
    dot<n, steps, 128>(codes, x, sum);
  }
  // sum[t] += s * the dot product, s as scale_byte() makes it.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot_scaled(const std::uint8_t* codes, const std::uint8_t* x, I32 s,
                                            I32 (&sum)[n]) {
    for_sums<n, steps, top>(codes, x, [&](std::uint32_t t, int q, auto add) INLAY_LAMBDA_INLINE {
      sum[t].part[q] = vmlaq_s32(sum[t].part[q], add(vdupq_n_s32(0)), s.part[q]);
    });
  }
  // The same for codes of store_signed; `total` (the sums of the bytes of x) is not needed.
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_scaled_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                                   I32 s, const std::int16_t*, I32 (&sum)[n]) {
    dot_scaled<n, steps, 128>(codes, x, s, sum);
  }

  // ---- n steps times 4 * n bytes of one token ----

  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply(const Step (&w)[n], const std::uint8_t* x, I32 sum) {
    return multiply_scaled<top>(w, x, I32::broadcast(1), sum);
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_signed(const Step (&w)[n], const std::uint8_t* x,
                                                I32 sum) {
    return multiply<128>(w, x, sum);
  }
  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled(const Step (&w)[n], const std::uint8_t* x, I32 s,
                                                I32 sum) {
    constexpr std::uint32_t fit = 32767u / (top * 127);
    constexpr std::uint32_t safe = std::bit_floor(fit < n ? fit : n);
    INLAY_UNROLL for (std::uint32_t begin = 0; begin < n; begin += safe) {
      INLAY_UNROLL for (int q = 0; q < 4; ++q) {
        Products p = multiply(codes_of(w[begin], q), four(x + begin * 4));
        INLAY_UNROLL for (std::uint32_t i = begin + 1; i < begin + safe; ++i) {
          p = multiply_add(p, codes_of(w[i], q), four(x + i * 4));
        }
        const int32x4_t rows = vpaddq_s32(vpaddlq_s16(p.low), vpaddlq_s16(p.high));
        sum.part[q] = vmlaq_s32(sum.part[q], rows, s.part[q]);
      }
    }
    return sum;
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled_signed(const Step (&w)[n], const std::uint8_t* x,
                                                       I32 s, I32 sum) {
    return multiply_scaled<128>(w, x, s, sum);
  }

 private:
  static INLAY_FORCE_INLINE int8x16_t codes_of(Step w, int q) {
    return vreinterpretq_s8_s32(w.part[q]);
  }
  static INLAY_FORCE_INLINE int8x16_t four(const std::uint8_t* x) {
    return vreinterpretq_s8_s32(vdupq_n_s32(number_at(x)));
  }
  // Products of two rows, and of the next two.
  struct Products {
    int16x8_t low, high;
  };
  static INLAY_FORCE_INLINE Products multiply(int8x16_t w, int8x16_t x) {
    return {vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_high_s8(w, x)};
  }
  static INLAY_FORCE_INLINE Products multiply_add(Products p, int8x16_t w, int8x16_t x) {
    return {vmlal_s8(p.low, vget_low_s8(w), vget_low_s8(x)), vmlal_high_s8(p.high, w, x)};
  }

  // Calls put(t, q, add) for every token and four rows; add(v) is v plus their dot products.
  // A lane of products holds 32767 / (top * 127) steps. If all fit twice, neighbours are added in
  // 16 bits first; else each lane is widened, after as many steps as fit, into sums of its own.
  template <std::uint32_t n, std::uint32_t steps, int top, class Put>
  static INLAY_FORCE_INLINE void for_sums(const std::uint8_t* codes, const std::uint8_t* x,
                                          Put put) {
    constexpr std::uint32_t fit = 32767u / (top * 127);
    if constexpr (fit / 2 >= steps) {
      Products p[n][4];
      add_products<n, steps, 4>(codes, x, p);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        INLAY_UNROLL for (int q = 0; q < 4; ++q) {
          const int16x8_t rows = vpaddq_s16(p[t][q].low, p[t][q].high);
          put(t, q, [&](int32x4_t v) INLAY_LAMBDA_INLINE { return vpadalq_s16(v, rows); });
        }
      }
    } else {
      constexpr std::uint32_t safe = std::bit_floor(fit < steps ? fit : steps);
      for_pair_sums<n, steps, safe, Put>(codes, x, 0, put);
      for_pair_sums<n, steps, safe, Put>(codes + 32, x, 2, put);
    }
  }
  // Rows 4 * first to 4 * first + 7.
  template <std::uint32_t n, std::uint32_t steps, std::uint32_t safe, class Put>
  static INLAY_FORCE_INLINE void for_pair_sums(const std::uint8_t* codes, const std::uint8_t* x,
                                               int first, Put put) {
    static_assert(safe >= 1 && steps % safe == 0);
    int32x4_t low[n][2], high[n][2];
    INLAY_UNROLL for (std::uint32_t begin = 0; begin < steps; begin += safe) {
      Products p[n][2];
      add_products<n, safe, 2>(codes + begin * step_bytes, x + 4 * begin, p);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        INLAY_UNROLL for (int q = 0; q < 2; ++q) {
          low[t][q] = begin ? vpadalq_s16(low[t][q], p[t][q].low) : vpaddlq_s16(p[t][q].low);
          high[t][q] = begin ? vpadalq_s16(high[t][q], p[t][q].high) : vpaddlq_s16(p[t][q].high);
        }
      }
    }
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
      INLAY_UNROLL for (int q = 0; q < 2; ++q) {
        const int32x4_t rows = vpaddq_s32(low[t][q], high[t][q]);
        put(t, first + q, [&](int32x4_t v) INLAY_LAMBDA_INLINE { return vaddq_s32(v, rows); });
      }
    }
  }
  // p[t][q] = the products of `steps` steps of four rows each.
  template <std::uint32_t n, std::uint32_t steps, int quads>
  static INLAY_FORCE_INLINE void add_products(const std::uint8_t* codes, const std::uint8_t* x,
                                              Products (&p)[n][quads]) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < steps; ++i) {
      int8x16_t w[quads];
      INLAY_UNROLL for (int q = 0; q < quads; ++q) {
        w[q] = vreinterpretq_s8_s32(sixteen(codes + i * step_bytes + 16 * q));
      }
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        const int8x16_t four_x = four(x + t * activation_block_bytes + 4 * i);
        INLAY_UNROLL for (int q = 0; q < quads; ++q) {
          p[t][q] = i ? multiply_add(p[t][q], w[q], four_x) : multiply(w[q], four_x);
        }
      }
    }
  }
};

}  // namespace inlay::INLAY_ISA
