// avx2.h - the float vocabulary of vector/scalar.h for AVX2 with FMA and F16C: two registers.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "base/inline.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t vector_registers = 16;

using FloatBatch = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
using IntBatch = xsimd::batch<std::int32_t, xsimd::fma3<xsimd::avx2>>;

struct Mask16 {
  __m256 low, high;  // all ones or all zeros
};

namespace detail {
static INLAY_FORCE_INLINE __m256i first8(std::int32_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static INLAY_FORCE_INLINE __m256i first_low(std::uint32_t n) {
  return first8(static_cast<std::int32_t>(n));
}
static INLAY_FORCE_INLINE __m256i first_high(std::uint32_t n) {
  return first8(static_cast<std::int32_t>(n) - 8);
}
// Eight bfloats as 32-bit integers: nearest even; NaN stays NaN.
static INLAY_FORCE_INLINE __m256i bfloat_bits(__m256 v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  const __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
}
static INLAY_FORCE_INLINE __m128 sum4(__m128 s4) {  // the last two levels of the tree, in lane 0
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_add_ss(s2, _mm_movehdup_ps(s2));
}
struct Halves {
  std::uint16_t lane[16];
};
static INLAY_FORCE_INLINE Halves load_halves(const std::uint16_t* p, std::uint32_t n) {
  Halves h{};
  for (std::uint32_t i = 0; i < n; ++i) h.lane[i] = p[i];
  return h;
}
static INLAY_FORCE_INLINE void store_halves(const Halves& h, std::uint16_t* p, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) p[i] = h.lane[i];
}
}  // namespace detail

struct I32x16 {
  IntBatch low, high;

  INLAY_FORCE_INLINE I32x16() = default;
  INLAY_FORCE_INLINE I32x16(IntBatch l, IntBatch h) : low(l), high(h) {}
  INLAY_FORCE_INLINE I32x16(__m256i l, __m256i h) : low(l), high(h) {}
  INLAY_FORCE_INLINE __m256i raw_low() const { return low; }
  INLAY_FORCE_INLINE __m256i raw_high() const { return high; }

  static INLAY_FORCE_INLINE I32x16 broadcast(std::int32_t x) {
    return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
  }
  static INLAY_FORCE_INLINE I32x16 load(const std::int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
  }
  INLAY_FORCE_INLINE void store(std::int32_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), raw_low());
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), raw_high());
  }
  INLAY_FORCE_INLINE void store_int8(std::int8_t* p) const {
    const __m256i mixed = _mm256_packs_epi32(raw_low(), raw_high());
    const __m256i words = _mm256_permute4x64_epi64(mixed, 0xd8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(p),
        _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
};

struct F32x16 {
  using Int = I32x16;
  using Mask = Mask16;
  FloatBatch low, high;

  INLAY_FORCE_INLINE F32x16() = default;
  INLAY_FORCE_INLINE F32x16(FloatBatch l, FloatBatch h) : low(l), high(h) {}
  INLAY_FORCE_INLINE F32x16(__m256 l, __m256 h) : low(l), high(h) {}
  INLAY_FORCE_INLINE __m256 raw_low() const { return low; }
  INLAY_FORCE_INLINE __m256 raw_high() const { return high; }

  static INLAY_FORCE_INLINE F32x16 broadcast(float x) { return {FloatBatch(x), FloatBatch(x)}; }
  static INLAY_FORCE_INLINE F32x16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static INLAY_FORCE_INLINE F32x16 load(const float* p) {
    return {FloatBatch::load_unaligned(p), FloatBatch::load_unaligned(p + 8)};
  }
  static INLAY_FORCE_INLINE F32x16 load_partial(const float* p, std::uint32_t n) {
    return {_mm256_maskload_ps(p, detail::first_low(n)),
            _mm256_maskload_ps(n > 8 ? p + 8 : p, detail::first_high(n))};
  }
  static INLAY_FORCE_INLINE F32x16 load_doubled(const float* p) {
    const __m256 v = _mm256_loadu_ps(p);
    return {_mm256_permutevar8x32_ps(v, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
            _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
  }
  static INLAY_FORCE_INLINE F32x16 load_quad(const float* p) {
    const __m256 v = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p));
    return {v, v};
  }
  static INLAY_FORCE_INLINE F32x16 load_half(const std::uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static INLAY_FORCE_INLINE F32x16 load_half_partial(const std::uint16_t* p, std::uint32_t n) {
    return load_half(detail::load_halves(p, n).lane);
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) {
    return {widen_bfloat(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            widen_bfloat(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat_partial(const std::uint16_t* p, std::uint32_t n) {
    return load_bfloat(detail::load_halves(p, n).lane);
  }
  static INLAY_FORCE_INLINE F32x16 broadcast_half(std::uint16_t x) {
    const __m256 v = _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(x)));
    return {v, v};
  }
  static INLAY_FORCE_INLINE F32x16 load_int8(const std::int8_t* p) {
    return {widen_int8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))),
            widen_int8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  template <int first>
  static INLAY_FORCE_INLINE F32x16 load_nibbles(const std::uint8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i nibbles =
        _mm_and_si128(first ? _mm_srli_epi16(bytes, first) : bytes, _mm_set1_epi8(15));
    const __m128i codes = _mm_sub_epi8(nibbles, _mm_set1_epi8(8));
    return {widen_int8(codes), widen_int8(_mm_unpackhi_epi64(codes, codes))};
  }

  INLAY_FORCE_INLINE void store(float* p) const {
    low.store_unaligned(p);
    high.store_unaligned(p + 8);
  }
  INLAY_FORCE_INLINE void store_partial(float* p, std::uint32_t n) const {
    _mm256_maskstore_ps(p, detail::first_low(n), raw_low());
    _mm256_maskstore_ps(n > 8 ? p + 8 : p, detail::first_high(n), raw_high());
  }
  INLAY_FORCE_INLINE void store_half(std::uint16_t* p) const {
    constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(raw_low(), nearest));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(raw_high(), nearest));
  }
  INLAY_FORCE_INLINE void store_half_partial(std::uint16_t* p, std::uint32_t n) const {
    detail::Halves h;
    store_half(h.lane);
    detail::store_halves(h, p, n);
  }
  INLAY_FORCE_INLINE void store_bfloat(std::uint16_t* p) const {
    const __m256i mixed =
        _mm256_packus_epi32(detail::bfloat_bits(raw_low()), detail::bfloat_bits(raw_high()));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(mixed, 0xd8));
  }
  INLAY_FORCE_INLINE void store_bfloat_partial(std::uint16_t* p, std::uint32_t n) const {
    detail::Halves h;
    store_bfloat(h.lane);
    detail::store_halves(h, p, n);
  }

 private:
  static INLAY_FORCE_INLINE __m256 widen_bfloat(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static INLAY_FORCE_INLINE __m256 widen_int8(__m128i bytes) {  // the lower eight
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
};

static INLAY_FORCE_INLINE F32x16 operator+(F32x16 a, F32x16 b) {
  return {a.low + b.low, a.high + b.high};
}
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a, F32x16 b) {
  return {a.low - b.low, a.high - b.high};
}
static INLAY_FORCE_INLINE F32x16 operator*(F32x16 a, F32x16 b) {
  return {a.low * b.low, a.high * b.high};
}
static INLAY_FORCE_INLINE F32x16 operator/(F32x16 a, F32x16 b) {
  return {a.low / b.low, a.high / b.high};
}
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(a.raw_low(), sign), _mm256_xor_ps(a.raw_high(), sign)};
}
static INLAY_FORCE_INLINE F32x16 abs(F32x16 a) { return {xsimd::abs(a.low), xsimd::abs(a.high)}; }
static INLAY_FORCE_INLINE F32x16 sqrt(F32x16 a) {
  return {xsimd::sqrt(a.low), xsimd::sqrt(a.high)};
}
static INLAY_FORCE_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {xsimd::fma(a.low, b.low, c.low), xsimd::fma(a.high, b.high, c.high)};
}
static INLAY_FORCE_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return {_mm256_min_ps(a.raw_low(), b.raw_low()), _mm256_min_ps(a.raw_high(), b.raw_high())};
}
static INLAY_FORCE_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return {_mm256_max_ps(a.raw_low(), b.raw_low()), _mm256_max_ps(a.raw_high(), b.raw_high())};
}
static INLAY_FORCE_INLINE F32x16 swap_pairs(F32x16 v) {
  return {_mm256_permute_ps(v.raw_low(), 0xb1), _mm256_permute_ps(v.raw_high(), 0xb1)};
}
static INLAY_FORCE_INLINE F32x16 negate_even(F32x16 v) {
  const __m256 sign = _mm256_setr_ps(-0.0f, 0.0f, -0.0f, 0.0f, -0.0f, 0.0f, -0.0f, 0.0f);
  return {_mm256_xor_ps(v.raw_low(), sign), _mm256_xor_ps(v.raw_high(), sign)};
}

static INLAY_FORCE_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return {_mm256_cmp_ps(a.raw_low(), b.raw_low(), _CMP_LT_OQ),
          _mm256_cmp_ps(a.raw_high(), b.raw_high(), _CMP_LT_OQ)};
}
static INLAY_FORCE_INLINE Mask16 first_lanes(std::uint32_t n) {
  return {_mm256_castsi256_ps(detail::first_low(n)), _mm256_castsi256_ps(detail::first_high(n))};
}
static INLAY_FORCE_INLINE F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  return {_mm256_blendv_ps(no.raw_low(), yes.raw_low(), mask.low),
          _mm256_blendv_ps(no.raw_high(), yes.raw_high(), mask.high)};
}

static INLAY_FORCE_INLINE I32x16 round_to_int(F32x16 v) {
  return {_mm256_cvtps_epi32(v.raw_low()), _mm256_cvtps_epi32(v.raw_high())};
}
static INLAY_FORCE_INLINE F32x16 to_float(I32x16 v) {
  return {xsimd::to_float(v.low), xsimd::to_float(v.high)};
}
static INLAY_FORCE_INLINE I32x16 bits_of(F32x16 v) {
  return {_mm256_castps_si256(v.raw_low()), _mm256_castps_si256(v.raw_high())};
}
static INLAY_FORCE_INLINE F32x16 from_bits(I32x16 v) {
  return {_mm256_castsi256_ps(v.raw_low()), _mm256_castsi256_ps(v.raw_high())};
}

static INLAY_FORCE_INLINE I32x16 operator+(I32x16 a, I32x16 b) {
  return {a.low + b.low, a.high + b.high};
}
static INLAY_FORCE_INLINE I32x16 operator-(I32x16 a, I32x16 b) {
  return {a.low - b.low, a.high - b.high};
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_left(I32x16 v) {
  return {_mm256_slli_epi32(v.raw_low(), count), _mm256_slli_epi32(v.raw_high(), count)};
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_right(I32x16 v) {
  return {_mm256_srai_epi32(v.raw_low(), count), _mm256_srai_epi32(v.raw_high(), count)};
}
static INLAY_FORCE_INLINE F32x16 scale2(F32x16 v, I32x16 n) {
  return from_bits(bits_of(v) + shift_left<23>(n));
}

static INLAY_FORCE_INLINE float sum(F32x16 v) {
  const __m256 s8 = v.low + v.high;
  return _mm_cvtss_f32(
      detail::sum4(_mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1))));
}
static INLAY_FORCE_INLINE float max(F32x16 v) {
  const __m256 s8 = _mm256_max_ps(v.raw_low(), v.raw_high());
  const __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_max_ss(s2, _mm_movehdup_ps(s2)));
}
static INLAY_FORCE_INLINE void store_sums(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p) {
  const __m256 a8 = a.low + a.high, b8 = b.low + b.high;
  const __m256 c8 = c.low + c.high, d8 = d.low + d.high;
  // Halves: a | c and b | d; the upper half of one vector's sum comes as low + high, the other's as
  // high + low.
  const __m256 ac =
      _mm256_add_ps(_mm256_blend_ps(a8, c8, 0xf0), _mm256_permute2f128_ps(a8, c8, 0x21));
  const __m256 bd =
      _mm256_add_ps(_mm256_blend_ps(b8, d8, 0xf0), _mm256_permute2f128_ps(b8, d8, 0x21));
  // Pairs: a a b b | c c d d, then neighbours: a . b . | c . d .
  const __m256 s2 = _mm256_add_ps(_mm256_shuffle_ps(ac, bd, 0x44), _mm256_shuffle_ps(ac, bd, 0xee));
  const __m256 s1 = _mm256_add_ps(s2, _mm256_movehdup_ps(s2));
  _mm_storeu_ps(p, _mm_shuffle_ps(_mm256_castps256_ps128(s1), _mm256_extractf128_ps(s1, 1), 0x88));
}
namespace detail {
static INLAY_FORCE_INLINE void store_pair(__m256 v, float* low, float* high) {
  _mm_storeu_ps(low, _mm256_castps256_ps128(v));
  _mm_storeu_ps(high, _mm256_extractf128_ps(v, 1));
}
static INLAY_FORCE_INLINE void store_quads8(__m256 a, __m256 b, __m256 c, __m256 d, float* p,
                                            std::size_t stride) {
  const __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
  const __m256d cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
  const __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  float* const high = p + 4 * stride;
  store_pair(_mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)), p, high);
  store_pair(_mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)), p + stride, high + stride);
  store_pair(_mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2)), p + 2 * stride, high + 2 * stride);
  store_pair(_mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2)), p + 3 * stride, high + 3 * stride);
}
}  // namespace detail
static INLAY_FORCE_INLINE void store_quads(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p,
                                           std::size_t stride) {
  detail::store_quads8(a.low, b.low, c.low, d.low, p, stride);
  detail::store_quads8(a.high, b.high, c.high, d.high, p + 8 * stride, stride);
}

}  // namespace inlay::INLAY_ISA
