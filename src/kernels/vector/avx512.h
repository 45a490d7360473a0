// avx512.h - the float vocabulary of vector/scalar.h for AVX-512 (F, BW, DQ, VL): one register.
#pragma once

// GCC 12 takes the undefined operands inside its own intrinsics for mistakes of ours.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "base/inline.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t vector_registers = 32;

using FloatBatch = xsimd::batch<float, xsimd::avx512bw>;
using IntBatch = xsimd::batch<std::int32_t, xsimd::avx512bw>;

struct Mask16 {
  __mmask16 bits;
};

namespace detail {
static INLAY_FORCE_INLINE __mmask16 first(std::uint32_t n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}
static INLAY_FORCE_INLINE __m512i
bfloat_bits(__m512i bits) {  // nearest even in the upper half; NaN stays NaN
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
  const __mmask16 nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7f800000));
  return _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
}
}  // namespace detail

struct I32x16 {
  IntBatch v;

  INLAY_FORCE_INLINE I32x16() = default;
  INLAY_FORCE_INLINE I32x16(IntBatch batch) : v(batch) {}
  INLAY_FORCE_INLINE I32x16(__m512i batch) : v(batch) {}
  INLAY_FORCE_INLINE __m512i raw() const { return v; }

  static INLAY_FORCE_INLINE I32x16 broadcast(std::int32_t x) { return _mm512_set1_epi32(x); }
  static INLAY_FORCE_INLINE I32x16 load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  INLAY_FORCE_INLINE void store(std::int32_t* p) const { _mm512_storeu_si512(p, raw()); }
  INLAY_FORCE_INLINE void store_int8(std::int8_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(raw()));
  }
};

struct F32x16 {
  using Int = I32x16;
  using Mask = Mask16;
  FloatBatch v;

  INLAY_FORCE_INLINE F32x16() = default;
  INLAY_FORCE_INLINE F32x16(FloatBatch batch) : v(batch) {}
  INLAY_FORCE_INLINE F32x16(__m512 batch) : v(batch) {}
  INLAY_FORCE_INLINE __m512 raw() const { return v; }

  static INLAY_FORCE_INLINE F32x16 broadcast(float x) { return FloatBatch(x); }
  static INLAY_FORCE_INLINE F32x16 zero() { return _mm512_setzero_ps(); }
  static INLAY_FORCE_INLINE F32x16 load(const float* p) { return FloatBatch::load_unaligned(p); }
  static INLAY_FORCE_INLINE F32x16 load_partial(const float* p, std::uint32_t n) {
    return _mm512_maskz_loadu_ps(detail::first(n), p);
  }
  static INLAY_FORCE_INLINE F32x16 load_doubled(const float* p) {
    const __m512i lanes = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_ps(lanes, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
  }
  static INLAY_FORCE_INLINE F32x16 load_quad(const float* p) {
    return _mm512_broadcast_f32x4(_mm_loadu_ps(p));
  }
  static INLAY_FORCE_INLINE F32x16 load_half(const std::uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static INLAY_FORCE_INLINE F32x16 load_half_partial(const std::uint16_t* p, std::uint32_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(detail::first(n), p));
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) {
    return widen_bfloat(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat_partial(const std::uint16_t* p, std::uint32_t n) {
    return widen_bfloat(_mm256_maskz_loadu_epi16(detail::first(n), p));
  }
  static INLAY_FORCE_INLINE F32x16 broadcast_half(std::uint16_t x) {
    return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(x)));
  }
  static INLAY_FORCE_INLINE F32x16 load_int8(const std::int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  template <int first>
  static INLAY_FORCE_INLINE F32x16 load_nibbles(const std::uint8_t* p) {
    const __m512i lanes =
        _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    // The place in the table is the lower four bits of a lane.
    return _mm512_permutexvar_ps(first ? _mm512_srli_epi32(lanes, first) : lanes, values);
  }

  INLAY_FORCE_INLINE void store(float* p) const { v.store_unaligned(p); }
  INLAY_FORCE_INLINE void store_partial(float* p, std::uint32_t n) const {
    _mm512_mask_storeu_ps(p, detail::first(n), raw());
  }
  INLAY_FORCE_INLINE void store_half(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves());
  }
  INLAY_FORCE_INLINE void store_half_partial(std::uint16_t* p, std::uint32_t n) const {
    _mm256_mask_storeu_epi16(p, detail::first(n), halves());
  }
  INLAY_FORCE_INLINE void store_bfloat(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bfloats());
  }
  INLAY_FORCE_INLINE void store_bfloat_partial(std::uint16_t* p, std::uint32_t n) const {
    _mm256_mask_storeu_epi16(p, detail::first(n), bfloats());
  }

 private:
  static INLAY_FORCE_INLINE F32x16 widen_bfloat(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  INLAY_FORCE_INLINE __m256i halves() const {
    return _mm512_cvtps_ph(raw(), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  INLAY_FORCE_INLINE __m256i bfloats() const {
    const __m512i bits = detail::bfloat_bits(_mm512_castps_si512(raw()));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16));
  }
};

static INLAY_FORCE_INLINE F32x16 operator+(F32x16 a, F32x16 b) { return a.v + b.v; }
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a, F32x16 b) { return a.v - b.v; }
static INLAY_FORCE_INLINE F32x16 operator*(F32x16 a, F32x16 b) { return a.v * b.v; }
static INLAY_FORCE_INLINE F32x16 operator/(F32x16 a, F32x16 b) { return a.v / b.v; }
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a) {
  return _mm512_xor_ps(a.raw(), _mm512_set1_ps(-0.0f));
}
static INLAY_FORCE_INLINE F32x16 abs(F32x16 a) { return xsimd::abs(a.v); }
static INLAY_FORCE_INLINE F32x16 sqrt(F32x16 a) { return xsimd::sqrt(a.v); }
// xsimd 8 has no fused form for AVX-512: it rounds the product.
static INLAY_FORCE_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return _mm512_fmadd_ps(a.raw(), b.raw(), c.raw());
}
static INLAY_FORCE_INLINE F32x16 min(F32x16 a, F32x16 b) { return _mm512_min_ps(a.raw(), b.raw()); }
static INLAY_FORCE_INLINE F32x16 max(F32x16 a, F32x16 b) { return _mm512_max_ps(a.raw(), b.raw()); }
static INLAY_FORCE_INLINE F32x16 swap_pairs(F32x16 v) { return _mm512_permute_ps(v.raw(), 0xb1); }
static INLAY_FORCE_INLINE F32x16 negate_even(F32x16 v) {
  return _mm512_mask_xor_ps(v.raw(), 0x5555, v.raw(), _mm512_set1_ps(-0.0f));
}

static INLAY_FORCE_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.raw(), b.raw(), _CMP_LT_OQ)};
}
static INLAY_FORCE_INLINE Mask16 first_lanes(std::uint32_t n) { return {detail::first(n)}; }
static INLAY_FORCE_INLINE F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  return _mm512_mask_blend_ps(mask.bits, no.raw(), yes.raw());
}

static INLAY_FORCE_INLINE I32x16 round_to_int(F32x16 v) {
  return _mm512_cvt_roundps_epi32(v.raw(), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static INLAY_FORCE_INLINE F32x16 to_float(I32x16 v) { return xsimd::to_float(v.v); }
static INLAY_FORCE_INLINE I32x16 bits_of(F32x16 v) { return _mm512_castps_si512(v.raw()); }
static INLAY_FORCE_INLINE F32x16 from_bits(I32x16 v) { return _mm512_castsi512_ps(v.raw()); }

static INLAY_FORCE_INLINE I32x16 operator+(I32x16 a, I32x16 b) { return a.v + b.v; }
static INLAY_FORCE_INLINE I32x16 operator-(I32x16 a, I32x16 b) { return a.v - b.v; }
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_left(I32x16 v) {
  return _mm512_slli_epi32(v.raw(), count);
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_right(I32x16 v) {
  return _mm512_srai_epi32(v.raw(), count);
}
static INLAY_FORCE_INLINE F32x16 scale2(F32x16 v, I32x16 n) {
  return from_bits(bits_of(v) + shift_left<23>(n));
}

static INLAY_FORCE_INLINE float sum(F32x16 v) {
  const __m256 s8 =
      _mm256_add_ps(_mm512_castps512_ps256(v.raw()), _mm512_extractf32x8_ps(v.raw(), 1));
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
static INLAY_FORCE_INLINE float max(F32x16 v) {
  const __m256 s8 =
      _mm256_max_ps(_mm512_castps512_ps256(v.raw()), _mm512_extractf32x8_ps(v.raw(), 1));
  const __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_max_ss(s2, _mm_movehdup_ps(s2)));
}
static INLAY_FORCE_INLINE void store_sums(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p) {
  const __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a.raw(), b.raw(), 0x44),
                                  _mm512_shuffle_f32x4(a.raw(), b.raw(), 0xee));
  const __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c.raw(), d.raw(), 0x44),
                                  _mm512_shuffle_f32x4(c.raw(), d.raw(), 0xee));
  const __m512 s4 =
      _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  const __m512 s2 = _mm512_add_ps(s4, _mm512_permute_ps(s4, 0x4e));
  const __m512 s1 = _mm512_add_ps(s2, _mm512_permute_ps(s2, 0xb1));
  const __m512i heads = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
  _mm_storeu_ps(p, _mm512_castps512_ps128(_mm512_permutexvar_ps(heads, s1)));
}
namespace detail {
// The four quarters of v, four strides apart.
static INLAY_FORCE_INLINE void store_quarters(__m512d v, float* p, std::size_t stride) {
  const __m512 f = _mm512_castpd_ps(v);
  _mm_storeu_ps(p, _mm512_castps512_ps128(f));
  _mm_storeu_ps(p + 4 * stride, _mm512_extractf32x4_ps(f, 1));
  _mm_storeu_ps(p + 8 * stride, _mm512_extractf32x4_ps(f, 2));
  _mm_storeu_ps(p + 12 * stride, _mm512_extractf32x4_ps(f, 3));
}
}  // namespace detail
static INLAY_FORCE_INLINE void store_quads(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p,
                                           std::size_t stride) {
  const __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(a.raw(), b.raw()));
  const __m512d cd = _mm512_castps_pd(_mm512_unpacklo_ps(c.raw(), d.raw()));
  const __m512d ab2 = _mm512_castps_pd(_mm512_unpackhi_ps(a.raw(), b.raw()));
  const __m512d cd2 = _mm512_castps_pd(_mm512_unpackhi_ps(c.raw(), d.raw()));
  detail::store_quarters(_mm512_unpacklo_pd(ab, cd), p, stride);
  detail::store_quarters(_mm512_unpackhi_pd(ab, cd), p + stride, stride);
  detail::store_quarters(_mm512_unpacklo_pd(ab2, cd2), p + 2 * stride, stride);
  detail::store_quarters(_mm512_unpackhi_pd(ab2, cd2), p + 3 * stride, stride);
}

}  // namespace inlay::INLAY_ISA
