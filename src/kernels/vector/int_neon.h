// int_neon.h - the words for weights on NEON that every unit of aarch64 has: lane = row of weights,
// four registers of four rows.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/panel.h"

namespace inlay::INLAY_ISA {

// A step is four bytes of each of 16 rows.
struct NeonWords {
  using F32 = F32x16;
  using I32 = I32x16;
  using Step = I32x16;
  static constexpr bool has_panels = true;
  static constexpr bool has_tiles = false;         // products of 16 tokens at once, see tiles_amx.h
  static constexpr bool multiplies_signed = true;  // codes, as fast as unsigned ones
  static constexpr std::uint32_t float_rows = 2;
  static constexpr std::uint32_t float_tokens = 2;
  static constexpr std::uint32_t tile_rows = 4, tile_tokens = 5;  // of float_block

  // ---- Rows to steps ----

  // 16 bytes at `at` of each row, as four steps.
  static INLAY_FORCE_INLINE void columns(const WeightRows& rows, std::size_t at, Step (&out)[4]) {
    if (rows.interleaved) {
      const std::uint8_t* p = rows.interleaved + at * 16;
      prefetch_interleaved(p);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) out[i] = pairs(p + i * 64);
    } else {
      prefetch_rows(rows, at);
      transpose(rows.row, at, out);
    }
  }
  static INLAY_FORCE_INLINE void transpose(const std::uint8_t* const* row, std::size_t at,
                                           Step (&out)[4]) {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) {
      const int32x4_t a = sixteen(row[4 * i] + at), b = sixteen(row[4 * i + 1] + at);
      const int32x4_t c = sixteen(row[4 * i + 2] + at), d = sixteen(row[4 * i + 3] + at);
      const int32x4_t ab_even = vtrn1q_s32(a, b), ab_odd = vtrn2q_s32(a, b);
      const int32x4_t cd_even = vtrn1q_s32(c, d), cd_odd = vtrn2q_s32(c, d);
      out[0].part[i] = low_doubles(ab_even, cd_even);
      out[1].part[i] = low_doubles(ab_odd, cd_odd);
      out[2].part[i] = high_doubles(ab_even, cd_even);
      out[3].part[i] = high_doubles(ab_odd, cd_odd);
    }
  }
  // The half at `at` of each row.
  static INLAY_FORCE_INLINE F32 halves(const WeightRows& rows, std::size_t at) {
    if (rows.interleaved) return half_floats(rows.interleaved + at * 16);
    uint16x8_t low = vdupq_n_u16(0), high = low;
    INLAY_UNROLL for (int i = 0; i < 8; ++i) {
      low[i] = half_at(rows.row[i] + at);
      high[i] = half_at(rows.row[i + 8] + at);
    }
    return F32::widen_halves(low, high);
  }
  // The first or second half of the four bytes of each row.
  static INLAY_FORCE_INLINE F32 low_halves(Step v) {
    return detail::floats([&](int i) INLAY_LAMBDA_INLINE {
      return vcvt_f32_f16(vreinterpret_f16_s16(vmovn_s32(v.part[i])));
    });
  }
  static INLAY_FORCE_INLINE F32 high_halves(Step v) {
    return detail::floats([&](int i) INLAY_LAMBDA_INLINE {
      return vcvt_f32_f16(vreinterpret_f16_s16(vshrn_n_s32(v.part[i], 16)));
    });
  }

  // ---- Bytes of a step ----

  // Each byte (v >> shift) & mask. Bytes are shifted alone, so that a mask of what is left of them
  // costs nothing; by -8 the lower byte of two takes the place of the upper.
  template <int shift>
  static INLAY_FORCE_INLINE Step bits(Step v, char mask) {
    constexpr unsigned left = shift == -8 ? 256u
                              : shift < 0 ? 255u << -shift & 255u
                                          : 255u >> shift;
    const auto wanted = static_cast<std::uint8_t>(mask);
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      uint8x16_t x = vreinterpretq_u8_s32(v.part[i]);
      if constexpr (shift > 0) x = vshrq_n_u8(x, shift);
      if constexpr (shift < 0 && shift > -8) x = vshlq_n_u8(x, -shift);
      if constexpr (shift == -8) x = upper_bytes(x);
      if ((wanted & left) != left) x = vandq_u8(x, vdupq_n_u8(wanted));
      return vreinterpretq_s32_u8(x);
    });
  }
  static INLAY_FORCE_INLINE Step either(Step a, Step b) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vorrq_s32(a.part[i], b.part[i]); });
  }
  // Each byte less a number.
  template <int number>
  static INLAY_FORCE_INLINE Step less(Step v) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      return vreinterpretq_s32_s8(
          vsubq_s8(vreinterpretq_s8_s32(v.part[i]), vdupq_n_s8(static_cast<std::int8_t>(number))));
    });
  }
  // Each byte, 0 to 15, becomes table[byte].
  static INLAY_FORCE_INLINE Step look_up(Step v, const std::int8_t (&table)[16]) {
    const int8x16_t values = vld1q_s8(table);
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      return vreinterpretq_s32_s8(vqtbl1q_s8(values, vreinterpretq_u8_s32(v.part[i])));
    });
  }
  // (v >> from) & mask of each row, the four bytes as one number; where `from` is below 0, moved
  // up.
  template <int from, std::uint32_t mask>
  static INLAY_FORCE_INLINE I32 field(Step v) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      uint32x4_t x = vreinterpretq_u32_s32(v.part[i]);
      if constexpr (from > 0) x = vshrq_n_u32(x, from);
      if constexpr (from < 0) x = vshlq_n_u32(x, -from);
      return vreinterpretq_s32_u32(vandq_u32(x, vdupq_n_u32(mask)));
    });
  }
  // The four bytes at table + 4 * index of each row.
  static INLAY_FORCE_INLINE Step gather(const std::uint32_t* table, I32 index) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      const int32x4_t at = index.part[i];
      return int32x4_t{number_at(table + at[0]), number_at(table + at[1]), number_at(table + at[2]),
                       number_at(table + at[3])};
    });
  }
  // The first and the second four of the eight bytes at table + 8 * index of each row.
  static INLAY_FORCE_INLINE void gather_two(const std::uint64_t* table, I32 index, Step& first,
                                            Step& second) {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) {
      const int32x4_t at = index.part[i];
      const int32x4_t a = vreinterpretq_s32_u64(uint64x2_t{table[at[0]], table[at[1]]});
      const int32x4_t b = vreinterpretq_s32_u64(uint64x2_t{table[at[2]], table[at[3]]});
      first.part[i] = vuzp1q_s32(a, b);
      second.part[i] = vuzp2q_s32(a, b);
    }
  }
  // Each byte middle + size, or middle - size where its bit of signs is set: for the i-th that is
  // bit 4 * half + i of byte `byte`.
  template <int byte, int half, int middle>
  static INLAY_FORCE_INLINE Step around(Step sizes, Step signs) {
    const uint8x16_t bits = vreinterpretq_u8_u32(vdupq_n_u32(half ? 0x80402010u : 0x08040201u));
    const uint8x16_t places = vreinterpretq_u8_u32(vaddq_u32(
        vdupq_n_u32(byte * 0x01010101u), uint32x4_t{0, 0x04040404u, 0x08080808u, 0x0c0c0c0cu}));
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      const uint8x16_t of_four = vqtbl1q_u8(vreinterpretq_u8_s32(signs.part[i]), places);
      const int8x16_t minus = vreinterpretq_s8_u8(vtstq_u8(of_four, bits));
      const int8x16_t turned =
          vsubq_s8(veorq_s8(vreinterpretq_s8_s32(sizes.part[i]), minus), minus);
      return vreinterpretq_s32_s8(vaddq_s8(turned, vdupq_n_s8(middle)));
    });
  }
  static INLAY_FORCE_INLINE void store(Step v, std::uint8_t* p) {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) vst1q_u8(p + 16 * i, vreinterpretq_u8_s32(v.part[i]));
  }
  // Codes for dot_signed: here as they are.
  static INLAY_FORCE_INLINE void store_signed(Step v, std::uint8_t* p) { store(v, p); }
  template <int i>
  static INLAY_FORCE_INLINE I32 byte(Step v) {
    return detail::ints([&](int q) INLAY_LAMBDA_INLINE {
      const uint32x4_t x = vreinterpretq_u32_s32(v.part[q]);
      return vreinterpretq_s32_u32(vshrq_n_u32(i < 3 ? vshlq_n_u32(x, 24 - 8 * i) : x, 24));
    });
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 signed_byte(Step v) {
    return shift_right<24>(shift_left<24 - 8 * i>(v));
  }
  // Bytes 0 and 2, or 1 and 3, as pairs of int16.
  static INLAY_FORCE_INLINE Step even_bytes(Step v) {
    return each_int16(
        v, [](int16x8_t x) INLAY_LAMBDA_INLINE { return vandq_s16(x, vdupq_n_s16(255)); });
  }
  static INLAY_FORCE_INLINE Step odd_bytes(Step v) {
    return each_int16(v, [](int16x8_t x) INLAY_LAMBDA_INLINE {
      return vreinterpretq_s16_u16(vshrq_n_u16(vreinterpretq_u16_s16(x), 8));
    });
  }
  static INLAY_FORCE_INLINE Step even_signed_bytes(Step v) {
    return each_int16(
        v, [](int16x8_t x) INLAY_LAMBDA_INLINE { return vshrq_n_s16(vshlq_n_s16(x, 8), 8); });
  }
  static INLAY_FORCE_INLINE Step odd_signed_bytes(Step v) {
    return each_int16(v, [](int16x8_t x) INLAY_LAMBDA_INLINE { return vshrq_n_s16(x, 8); });
  }
  // Such pairs as dot_pairs takes them: the first of every row, then the second of every row.
  static INLAY_FORCE_INLINE Step for_dot_pairs(Step v) {
    const int16x8_t a = vreinterpretq_s16_s32(v.part[0]), b = vreinterpretq_s16_s32(v.part[1]);
    const int16x8_t c = vreinterpretq_s16_s32(v.part[2]), d = vreinterpretq_s16_s32(v.part[3]);
    return {{vreinterpretq_s32_s16(vuzp1q_s16(a, b)), vreinterpretq_s32_s16(vuzp1q_s16(c, d)),
             vreinterpretq_s32_s16(vuzp2q_s16(a, b)), vreinterpretq_s32_s16(vuzp2q_s16(c, d))}};
  }

  // ---- Scales and sums ----

  static INLAY_FORCE_INLINE I32 signed_start(std::int32_t) { return I32::broadcast(0); }
  // Byte i of each row as a scale.
  template <int i>
  static INLAY_FORCE_INLINE I32 scale_byte(Step v) {
    return byte<i>(v);
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 scale_signed_byte(Step v) {
    return signed_byte<i>(v);
  }
  template <int factor>
  static INLAY_FORCE_INLINE I32 times(I32 v) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vmulq_n_s32(v.part[i], factor); });
  }
  // sum + w[0] * x[0] + w[1] * x[1] for the pairs of each row.
  static INLAY_FORCE_INLINE I32 dot_pairs(Step w, const std::int16_t* x, I32 sum) {
    const int16x4_t two = vreinterpret_s16_s32(vdup_n_s32(number_at(x)));
    INLAY_UNROLL for (int i = 0; i < 2; ++i) {
      const int16x8_t first = vreinterpretq_s16_s32(w.part[i]);
      const int16x8_t second = vreinterpretq_s16_s32(w.part[i + 2]);
      int32x4_t &low = sum.part[2 * i], &high = sum.part[2 * i + 1];
      low = vmlal_lane_s16(low, vget_low_s16(first), two, 0);
      high = vmlal_high_lane_s16(high, first, two, 0);
      low = vmlal_lane_s16(low, vget_low_s16(second), two, 1);
      high = vmlal_high_lane_s16(high, second, two, 1);
    }
    return sum;
  }

  // ---- Tiles of float products: a register holds some of the 16 lanes ----

  using Part = float32x4_t;
  static INLAY_FORCE_INLINE Part load_part(const float* p) { return vld1q_f32(p); }
  static INLAY_FORCE_INLINE void store_part(Part v, float* p) { vst1q_f32(p, v); }
  static INLAY_FORCE_INLINE Part multiply_part(Part a, Part b, Part c) {
    return vfmaq_f32(c, a, b);
  }
  // The odd or even elements of pairs of bfloats.
  static INLAY_FORCE_INLINE Part upper_part(const std::uint8_t* p) {
    return vreinterpretq_f32_s32(vandq_s32(sixteen(p), vdupq_n_s32(-65536)));
  }
  static INLAY_FORCE_INLINE Part lower_part(const std::uint8_t* p) {
    return vreinterpretq_f32_s32(vshlq_n_s32(sixteen(p), 16));
  }

  // ---- Float weights, at any address ----

  static INLAY_FORCE_INLINE F32 floats(const std::uint8_t* p) { return from_bits(pairs(p)); }
  static INLAY_FORCE_INLINE F32 first_floats(const std::uint8_t* p, std::uint32_t n) {
    return floats(First<64>(p, n * 4).bytes);
  }
  static INLAY_FORCE_INLINE F32 half_floats(const std::uint8_t* p) {
    return F32::widen_halves(vreinterpretq_u16_u8(vld1q_u8(p)),
                             vreinterpretq_u16_u8(vld1q_u8(p + 16)));
  }
  static INLAY_FORCE_INLINE F32 first_half_floats(const std::uint8_t* p, std::uint32_t n) {
    return half_floats(First<32>(p, n * 2).bytes);
  }
  static INLAY_FORCE_INLINE I32 pairs(const std::uint8_t* p) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return sixteen(p + 16 * i); });
  }
  static INLAY_FORCE_INLINE I32 first_pairs(const std::uint8_t* p, std::uint32_t n) {
    return pairs(First<64>(p, n * 2).bytes);
  }
  static INLAY_FORCE_INLINE F32 upper_bfloats(I32 pairs) {
    const int32x4_t mask = vdupq_n_s32(-65536);
    return from_bits(
        detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vandq_s32(pairs.part[i], mask); }));
  }

 protected:
  static INLAY_FORCE_INLINE int32x4_t sixteen(const std::uint8_t* p) {
    return vreinterpretq_s32_u8(vld1q_u8(p));
  }
  static INLAY_FORCE_INLINE std::int32_t number_at(const void* p) {
    std::int32_t bytes;
    std::memcpy(&bytes, p, 4);
    return bytes;
  }

 private:
  template <int size>
  struct First {  // n bytes, then zeros
    std::uint8_t bytes[size] = {};
    INLAY_FORCE_INLINE First(const std::uint8_t* p, std::uint32_t n) { std::memcpy(bytes, p, n); }
  };
  static INLAY_FORCE_INLINE std::uint16_t half_at(const std::uint8_t* p) {
    std::uint16_t half;
    std::memcpy(&half, p, 2);
    return half;
  }
  static INLAY_FORCE_INLINE int32x4_t low_doubles(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
  static INLAY_FORCE_INLINE int32x4_t high_doubles(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
  template <class Of>
  static INLAY_FORCE_INLINE Step each_int16(Step v, Of of) {
    return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
      return vreinterpretq_s32_s16(of(vreinterpretq_s16_s32(v.part[i])));
    });
  }
  static INLAY_FORCE_INLINE uint8x16_t upper_bytes(uint8x16_t v) {
    return vreinterpretq_u8_u16(vshlq_n_u16(vreinterpretq_u16_u8(v), 8));
  }
};

}  // namespace inlay::INLAY_ISA
