// neon.h - the float vocabulary of vector/scalar.h for NEON on aarch64: four registers.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "base/inline.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t vector_registers = 32;

namespace detail {
// Out whose four registers are f(0) to f(3).
template <class Out, class Function>
static INLAY_FORCE_INLINE Out four(Function f) {
  return {{f(0), f(1), f(2), f(3)}};
}
// What x86's minimum and maximum do beside choosing: flush a denormal where that is asked for.
static INLAY_FORCE_INLINE float32x4_t flushed(float32x4_t v) {
  return vmulxq_f32(v, vdupq_n_f32(1.0f));
}
static INLAY_FORCE_INLINE float32x4_t higher(float32x4_t a, float32x4_t b) {  // a > b ? a : b
  return flushed(vbslq_f32(vcgtq_f32(a, b), a, b));
}
static INLAY_FORCE_INLINE float32x4_t lower(float32x4_t a, float32x4_t b) {
  return flushed(vbslq_f32(vcltq_f32(a, b), a, b));
}
// Four bfloats: nearest even; NaN stays NaN.
static INLAY_FORCE_INLINE uint16x4_t bfloat_bits(float32x4_t v) {
  const uint32x4_t bits = vreinterpretq_u32_f32(v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t magnitude = vandq_u32(bits, vdupq_n_u32(0x7fffffff));
  const uint32x4_t nan = vcgtq_u32(magnitude, vdupq_n_u32(0x7f800000));
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  return vshrn_n_u32(vbslq_u32(nan, quiet, rounded), 16);
}
// The first n <= 16 of p, then zeros.
template <class Element>
struct FirstOf {
  Element lane[16] = {};
  INLAY_FORCE_INLINE FirstOf(const Element* p, std::uint32_t n) {
    for (std::uint32_t i = 0; i < n; ++i) lane[i] = p[i];
  }
};
}  // namespace detail

struct Mask16 {
  uint32x4_t part[4];  // all ones or all zeros
};

struct I32x16 {
  int32x4_t part[4];

  static INLAY_FORCE_INLINE I32x16 broadcast(std::int32_t x) {
    const int32x4_t v = vdupq_n_s32(x);
    return {{v, v, v, v}};
  }
  static INLAY_FORCE_INLINE I32x16 load(const std::int32_t* p) {
    return detail::four<I32x16>([&](int i) INLAY_LAMBDA_INLINE { return vld1q_s32(p + 4 * i); });
  }
  INLAY_FORCE_INLINE void store(std::int32_t* p) const {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, part[i]);
  }
  INLAY_FORCE_INLINE void store_int8(std::int8_t* p) const {
    const int16x8_t low = lower_halves(part[0], part[1]), high = lower_halves(part[2], part[3]);
    vst1q_s8(p, vuzp1q_s8(vreinterpretq_s8_s16(low), vreinterpretq_s8_s16(high)));
  }

 private:
  static INLAY_FORCE_INLINE int16x8_t lower_halves(int32x4_t a, int32x4_t b) {
    return vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
  }
};

struct F32x16 {
  using Int = I32x16;
  using Mask = Mask16;
  float32x4_t part[4];

  static INLAY_FORCE_INLINE F32x16 broadcast(float x) {
    const float32x4_t v = vdupq_n_f32(x);
    return {{v, v, v, v}};
  }
  static INLAY_FORCE_INLINE F32x16 zero() { return broadcast(0.0f); }
  static INLAY_FORCE_INLINE F32x16 load(const float* p) {
    return detail::four<F32x16>([&](int i) INLAY_LAMBDA_INLINE { return vld1q_f32(p + 4 * i); });
  }
  static INLAY_FORCE_INLINE F32x16 load_partial(const float* p, std::uint32_t n) {
    return load(detail::FirstOf<float>(p, n).lane);
  }
  static INLAY_FORCE_INLINE F32x16 load_doubled(const float* p) {
    const float32x4_t low = vld1q_f32(p), high = vld1q_f32(p + 4);
    return {{vzip1q_f32(low, low), vzip2q_f32(low, low), vzip1q_f32(high, high),
             vzip2q_f32(high, high)}};
  }
  static INLAY_FORCE_INLINE F32x16 load_quad(const float* p) {
    const float32x4_t v = vld1q_f32(p);
    return {{v, v, v, v}};
  }
  static INLAY_FORCE_INLINE F32x16 load_half(const std::uint16_t* p) {
    return widen_halves(vld1q_u16(p), vld1q_u16(p + 8));
  }
  static INLAY_FORCE_INLINE F32x16 load_half_partial(const std::uint16_t* p, std::uint32_t n) {
    return load_half(detail::FirstOf<std::uint16_t>(p, n).lane);
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) {
    return widen_bfloats(vld1q_u16(p), vld1q_u16(p + 8));
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat_partial(const std::uint16_t* p, std::uint32_t n) {
    return load_bfloat(detail::FirstOf<std::uint16_t>(p, n).lane);
  }
  static INLAY_FORCE_INLINE F32x16 broadcast_half(std::uint16_t x) {
    const float32x4_t v = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(x)));
    return {{v, v, v, v}};
  }
  static INLAY_FORCE_INLINE F32x16 load_int8(const std::int8_t* p) {
    return widen_bytes(vld1q_s8(p));
  }
  template <int first>
  static INLAY_FORCE_INLINE F32x16 load_nibbles(const std::uint8_t* p) {
    const uint8x16_t bytes = vld1q_u8(p);
    const uint8x16_t nibbles = first ? vshrq_n_u8(bytes, 4) : vandq_u8(bytes, vdupq_n_u8(15));
    return widen_bytes(vsubq_s8(vreinterpretq_s8_u8(nibbles), vdupq_n_s8(8)));
  }
  static INLAY_FORCE_INLINE F32x16 widen_halves(uint16x8_t low, uint16x8_t high) {
    const float16x8_t a = vreinterpretq_f16_u16(low), b = vreinterpretq_f16_u16(high);
    return {{vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a), vcvt_f32_f16(vget_low_f16(b)),
             vcvt_high_f32_f16(b)}};
  }

  INLAY_FORCE_INLINE void store(float* p) const {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, part[i]);
  }
  INLAY_FORCE_INLINE void store_partial(float* p, std::uint32_t n) const {
    float lane[16];
    store(lane);
    for (std::uint32_t i = 0; i < n; ++i) p[i] = lane[i];
  }
  INLAY_FORCE_INLINE void store_half(std::uint16_t* p) const {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) {
      vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(part[i])));
    }
  }
  INLAY_FORCE_INLINE void store_half_partial(std::uint16_t* p, std::uint32_t n) const {
    std::uint16_t lane[16];
    store_half(lane);
    for (std::uint32_t i = 0; i < n; ++i) p[i] = lane[i];
  }
  INLAY_FORCE_INLINE void store_bfloat(std::uint16_t* p) const {
    INLAY_UNROLL for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, detail::bfloat_bits(part[i]));
  }
  INLAY_FORCE_INLINE void store_bfloat_partial(std::uint16_t* p, std::uint32_t n) const {
    std::uint16_t lane[16];
    store_bfloat(lane);
    for (std::uint32_t i = 0; i < n; ++i) p[i] = lane[i];
  }

 private:
  static INLAY_FORCE_INLINE F32x16 widen_bfloats(uint16x8_t a, uint16x8_t b) {
    return {{vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(a), 16)),
             vreinterpretq_f32_u32(vshll_high_n_u16(a, 16)),
             vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(b), 16)),
             vreinterpretq_f32_u32(vshll_high_n_u16(b, 16))}};
  }
  static INLAY_FORCE_INLINE F32x16 widen_bytes(int8x16_t bytes) {
    const int16x8_t a = vmovl_s8(vget_low_s8(bytes)), b = vmovl_high_s8(bytes);
    return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(a))), vcvtq_f32_s32(vmovl_high_s16(a)),
             vcvtq_f32_s32(vmovl_s16(vget_low_s16(b))), vcvtq_f32_s32(vmovl_high_s16(b))}};
  }
};

namespace detail {
template <class Function>
static INLAY_FORCE_INLINE F32x16 floats(Function f) {
  return four<F32x16>(f);
}
template <class Function>
static INLAY_FORCE_INLINE I32x16 ints(Function f) {
  return four<I32x16>(f);
}
// The first two levels of the tree.
static INLAY_FORCE_INLINE float32x4_t sum_to_four(F32x16 v) {
  return vaddq_f32(vaddq_f32(v.part[0], v.part[2]), vaddq_f32(v.part[1], v.part[3]));
}
// The third level of two trees: a a b b.
static INLAY_FORCE_INLINE float32x4_t sums_of_two(float32x4_t a, float32x4_t b) {
  const float64x2_t x = vreinterpretq_f64_f32(a), y = vreinterpretq_f64_f32(b);
  return vaddq_f32(vreinterpretq_f32_f64(vzip1q_f64(x, y)),
                   vreinterpretq_f32_f64(vzip2q_f64(x, y)));
}
}  // namespace detail

static INLAY_FORCE_INLINE F32x16 operator+(F32x16 a, F32x16 b) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vaddq_f32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a, F32x16 b) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vsubq_f32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 operator*(F32x16 a, F32x16 b) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vmulq_f32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 operator/(F32x16 a, F32x16 b) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vdivq_f32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vnegq_f32(a.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 abs(F32x16 a) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vabsq_f32(a.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 sqrt(F32x16 a) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vsqrtq_f32(a.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return detail::floats(
      [&](int i) INLAY_LAMBDA_INLINE { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return detail::floats([&](int i)
                            INLAY_LAMBDA_INLINE { return detail::lower(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return detail::floats([&](int i)
                            INLAY_LAMBDA_INLINE { return detail::higher(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 swap_pairs(F32x16 v) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vrev64q_f32(v.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 negate_even(F32x16 v) {
  const uint64x2_t sign = vdupq_n_u64(0x80000000u);
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE {
    return vreinterpretq_f32_u64(veorq_u64(vreinterpretq_u64_f32(v.part[i]), sign));
  });
}

static INLAY_FORCE_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return detail::four<Mask16>([&](int i)
                                  INLAY_LAMBDA_INLINE { return vcltq_f32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE Mask16 first_lanes(std::uint32_t n) {
  static constexpr std::uint32_t index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return detail::four<Mask16>([&](int i) INLAY_LAMBDA_INLINE {
    return vcltq_u32(vld1q_u32(index + 4 * i), vdupq_n_u32(n));
  });
}
static INLAY_FORCE_INLINE F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  return detail::floats(
      [&](int i) INLAY_LAMBDA_INLINE { return vbslq_f32(mask.part[i], yes.part[i], no.part[i]); });
}

// The instruction saturates and makes NaN 0; below -2^31 that is the lowest value, as it should be.
static INLAY_FORCE_INLINE I32x16 round_to_int(F32x16 v) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE {
    const uint32x4_t fits = vcltq_f32(v.part[i], vdupq_n_f32(0x1p31f));
    return vbslq_s32(fits, vcvtnq_s32_f32(v.part[i]), vdupq_n_s32(INT32_MIN));
  });
}
static INLAY_FORCE_INLINE F32x16 to_float(I32x16 v) {
  return detail::floats([&](int i) INLAY_LAMBDA_INLINE { return vcvtq_f32_s32(v.part[i]); });
}
static INLAY_FORCE_INLINE I32x16 bits_of(F32x16 v) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vreinterpretq_s32_f32(v.part[i]); });
}
static INLAY_FORCE_INLINE F32x16 from_bits(I32x16 v) {
  return detail::floats([&](int i)
                            INLAY_LAMBDA_INLINE { return vreinterpretq_f32_s32(v.part[i]); });
}

static INLAY_FORCE_INLINE I32x16 operator+(I32x16 a, I32x16 b) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vaddq_s32(a.part[i], b.part[i]); });
}
static INLAY_FORCE_INLINE I32x16 operator-(I32x16 a, I32x16 b) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vsubq_s32(a.part[i], b.part[i]); });
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_left(I32x16 v) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vshlq_n_s32(v.part[i], count); });
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_right(I32x16 v) {
  return detail::ints([&](int i) INLAY_LAMBDA_INLINE { return vshrq_n_s32(v.part[i], count); });
}
static INLAY_FORCE_INLINE F32x16 scale2(F32x16 v, I32x16 n) {
  return from_bits(bits_of(v) + shift_left<23>(n));
}

static INLAY_FORCE_INLINE float sum(F32x16 v) {
  const float32x4_t s4 = detail::sum_to_four(v);
  return vpadds_f32(vadd_f32(vget_low_f32(s4), vget_high_f32(s4)));
}
static INLAY_FORCE_INLINE float max(F32x16 v) {
  const float32x4_t s4 =
      detail::higher(detail::higher(v.part[0], v.part[2]), detail::higher(v.part[1], v.part[3]));
  const float32x4_t s2 = detail::higher(s4, vextq_f32(s4, s4, 2));
  return vgetq_lane_f32(detail::higher(s2, vextq_f32(s2, s2, 1)), 0);
}
static INLAY_FORCE_INLINE void store_sums(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p) {
  const float32x4_t ab = detail::sums_of_two(detail::sum_to_four(a), detail::sum_to_four(b));
  const float32x4_t cd = detail::sums_of_two(detail::sum_to_four(c), detail::sum_to_four(d));
  vst1q_f32(p, vpaddq_f32(ab, cd));
}
namespace detail {
// Two rows: the lower halves of ab and cd, then the upper ones.
static INLAY_FORCE_INLINE void store_halves(float32x4_t ab, float32x4_t cd, float* p,
                                            std::size_t stride) {
  const float64x2_t x = vreinterpretq_f64_f32(ab), y = vreinterpretq_f64_f32(cd);
  vst1q_f32(p, vreinterpretq_f32_f64(vzip1q_f64(x, y)));
  vst1q_f32(p + stride, vreinterpretq_f32_f64(vzip2q_f64(x, y)));
}
}  // namespace detail
static INLAY_FORCE_INLINE void store_quads(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p,
                                           std::size_t stride) {
  INLAY_UNROLL for (int i = 0; i < 4; ++i, p += 4 * stride) {
    detail::store_halves(vzip1q_f32(a.part[i], b.part[i]), vzip1q_f32(c.part[i], d.part[i]), p,
                         stride);
    detail::store_halves(vzip2q_f32(a.part[i], b.part[i]), vzip2q_f32(c.part[i], d.part[i]),
                         p + 2 * stride, stride);
  }
}

}  // namespace inlay::INLAY_ISA
