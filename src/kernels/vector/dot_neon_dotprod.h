// dot_neon_dotprod.h - integer dot products of panels by the instruction sdot: 16 products and 12
// sums at once.
#pragma once

#include "kernels/vector/int_neon.h"

namespace inlay::INLAY_ISA {

// Codes are at most 127, so those kept unsigned are the same numbers as signed bytes. A sum of 256
// products of bytes, times a scale of at most 128, stays below 2^30.
struct Words : NeonWords {
  static constexpr std::uint32_t tokens = 4;  // how many share one read of a panel

  // sum[t] += the dot product of `steps` steps of codes (at most `top`) with 4 * steps bytes of x.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                     I32 (&sum)[n]) {
    static_assert(top <= 127);
    dot_signed<n, steps>(codes, x, sum);
  }
  // The same for codes of store_signed; sums begin as signed_start(sum of the bytes of x).
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                            I32 (&sum)[n]) {
    const Bytes<n, steps> bytes(x);
    INLAY_UNROLL for (int q = 0; q < 4; ++q) {
      int32x4_t run[n];
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) run[t] = sum[t].part[q];
      four_rows(codes + 16 * q, bytes, run);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) sum[t].part[q] = run[t];
    }
  }
  // sum[t] += s * the dot product, s as scale_byte() makes it.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot_scaled(const std::uint8_t* codes, const std::uint8_t* x, I32 s,
                                            I32 (&sum)[n]) {
    static_assert(top <= 127);
    dot_scaled_signed<n, steps>(codes, x, s, nullptr, sum);
  }
  // The same for codes of store_signed; `total` (the sums of the bytes of x) is not needed.
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_scaled_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                                   I32 s, const std::int16_t*, I32 (&sum)[n]) {
    const Bytes<n, steps> bytes(x);
    INLAY_UNROLL for (int q = 0; q < 4; ++q) {
      int32x4_t run[n];
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) run[t] = vdupq_n_s32(0);
      four_rows(codes + 16 * q, bytes, run);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        sum[t].part[q] = vmlaq_s32(sum[t].part[q], run[t], s.part[q]);
      }
    }
  }

  // ---- n steps times 4 * n bytes of one token ----

  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply(const Step (&w)[n], const std::uint8_t* x, I32 sum) {
    static_assert(top <= 127);
    return multiply_signed(w, x, sum);
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_signed(const Step (&w)[n], const std::uint8_t* x,
                                                I32 sum) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < n; ++i) {
      const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(number_at(x + 4 * i)));
      INLAY_UNROLL for (int q = 0; q < 4; ++q) {
        sum.part[q] = vdotq_s32(sum.part[q], vreinterpretq_s8_s32(w[i].part[q]), four);
      }
    }
    return sum;
  }
  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled(const Step (&w)[n], const std::uint8_t* x, I32 s,
                                                I32 sum) {
    static_assert(top <= 127);
    return multiply_scaled_signed(w, x, s, sum);
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled_signed(const Step (&w)[n], const std::uint8_t* x,
                                                       I32 s, I32 sum) {
    const I32 dot = multiply_signed(w, x, I32::broadcast(0));
    INLAY_UNROLL for (int q = 0; q < 4; ++q) {
      sum.part[q] = vmlaq_s32(sum.part[q], dot.part[q], s.part[q]);
    }
    return sum;
  }

 private:
  // The bytes of n tokens, four steps to a register.
  template <std::uint32_t n, std::uint32_t steps>
  struct Bytes {
    static_assert(steps % 4 == 0);
    int8x16_t of[n][steps / 4];
    INLAY_FORCE_INLINE Bytes(const std::uint8_t* x) {
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        INLAY_UNROLL for (std::uint32_t i = 0; i < steps / 4; ++i) {
          of[t][i] = vreinterpretq_s8_u8(vld1q_u8(x + t * activation_block_bytes + 16 * i));
        }
      }
    }
  };
  // Four rows, whose codes are at `codes` and a step further each.
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void four_rows(const std::uint8_t* codes, const Bytes<n, steps>& x,
                                           int32x4_t (&run)[n]) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < steps / 4; ++i) {
      one_step<0>(codes + 4 * i * step_bytes, x, i, run);
      one_step<1>(codes + (4 * i + 1) * step_bytes, x, i, run);
      one_step<2>(codes + (4 * i + 2) * step_bytes, x, i, run);
      one_step<3>(codes + (4 * i + 3) * step_bytes, x, i, run);
    }
  }
  template <int lane, std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void one_step(const std::uint8_t* codes, const Bytes<n, steps>& x,
                                          std::uint32_t i, int32x4_t (&run)[n]) {
    const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(codes));
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
      run[t] = vdotq_laneq_s32(run[t], w, x.of[t][i], lane);
    }
  }
};

}  // namespace inlay::INLAY_ISA
