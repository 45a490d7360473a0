// int_avx512.h - the words for weights on AVX-512 with VNNI: lane = row of weights, and 8-bit dot
// products with the weights as the unsigned operand.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/panel.h"

namespace inlay::INLAY_ISA {

struct Words {
  using F32 = F32x16;
  using I32 = I32x16;
  using Step = __m512i;  // four bytes of each of 16 rows
  static constexpr bool has_panels = true;
  static constexpr bool has_tiles = false;  // products of 16 tokens at once, see tiles_amx.h
  static constexpr bool multiplies_signed = false;  // codes, as fast as unsigned ones
  static constexpr std::uint32_t tokens = 8;        // how many share one read of a panel
  static constexpr std::uint32_t float_rows = 4;
  static constexpr std::uint32_t float_tokens = 4;
  static constexpr std::uint32_t tile_rows = 4, tile_tokens = 5;  // of float_block

  // ---- Rows to steps ----

  // 16 bytes at `at` of each row, as four steps.
  static INLAY_FORCE_INLINE void columns(const WeightRows& rows, std::size_t at, Step (&out)[4]) {
    if (rows.interleaved) {
      const std::uint8_t* p = rows.interleaved + at * 16;
      prefetch_interleaved(p);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) out[i] = _mm512_loadu_si512(p + i * 64);
    } else {
      prefetch_rows(rows, at);
      transpose(rows.row, at, out);
    }
  }
  static INLAY_FORCE_INLINE void transpose(const std::uint8_t* const* row, std::size_t at,
                                           Step (&out)[4]) {
    const Step a = four_rows<0>(row, at), b = four_rows<1>(row, at);
    const Step c = four_rows<2>(row, at), d = four_rows<3>(row, at);
    const Step ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    const Step cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
  }
  // The half at `at` of each row.
  static INLAY_FORCE_INLINE F32 halves(const WeightRows& rows, std::size_t at) {
    if (rows.interleaved) return half_floats(rows.interleaved + at * 16);
    std::uint16_t half[16];
    INLAY_UNROLL for (int i = 0; i < 16; ++i) std::memcpy(half + i, rows.row[i] + at, 2);
    return _mm512_cvtph_ps(
        _mm256_setr_epi16(short(half[0]), short(half[1]), short(half[2]), short(half[3]),
                          short(half[4]), short(half[5]), short(half[6]), short(half[7]),
                          short(half[8]), short(half[9]), short(half[10]), short(half[11]),
                          short(half[12]), short(half[13]), short(half[14]), short(half[15])));
  }
  // The first or second half of the four bytes of each row.
  static INLAY_FORCE_INLINE F32 low_halves(Step v) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
  }
  static INLAY_FORCE_INLINE F32 high_halves(Step v) { return low_halves(_mm512_srli_epi32(v, 16)); }

  // ---- Bytes of a step ----

  // Each byte (v >> shift) & mask, where mask drops what came from the neighbour.
  template <int shift>
  static INLAY_FORCE_INLINE Step bits(Step v, char mask) {
    if constexpr (shift > 0) v = _mm512_srli_epi16(v, shift);
    if constexpr (shift < 0) v = _mm512_slli_epi16(v, -shift);
    return _mm512_and_si512(v, _mm512_set1_epi8(mask));
  }
  static INLAY_FORCE_INLINE Step either(Step a, Step b) { return _mm512_or_si512(a, b); }
  // Each byte, 0 to 15, becomes table[byte].
  static INLAY_FORCE_INLINE Step look_up(Step v, const std::int8_t (&table)[16]) {
    const __m128i one = sixteen(reinterpret_cast<const std::uint8_t*>(table));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(one), v);
  }
  // (v >> from) & mask of each row, the four bytes as one number; where `from` is below 0, moved
  // up.
  template <int from, std::uint32_t mask>
  static INLAY_FORCE_INLINE I32 field(Step v) {
    if constexpr (from > 0) v = _mm512_srli_epi32(v, from);
    if constexpr (from < 0) v = _mm512_slli_epi32(v, -from);
    return _mm512_and_si512(v, _mm512_set1_epi32(static_cast<int>(mask)));
  }
  // The four bytes at table + 4 * index of each row.
  static INLAY_FORCE_INLINE Step gather(const std::uint32_t* table, I32 index) {
    return _mm512_i32gather_epi32(index.raw(), table, 4);
  }
  // The first and the second four of the eight bytes at table + 8 * index of each row.
  static INLAY_FORCE_INLINE void gather_two(const std::uint64_t* table, I32 index, Step& first,
                                            Step& second) {
    const Step a = _mm512_i32gather_epi64(_mm512_castsi512_si256(index.raw()), table, 8);
    const Step b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(index.raw(), 1), table, 8);
    const Step even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    first = _mm512_permutex2var_epi32(a, even, b);
    second = _mm512_permutex2var_epi32(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b);
  }
  // Each byte middle + size, or middle - size where its bit of signs is set: for the i-th that is
  // bit 4 * half + i of byte `byte`.
  template <int byte, int half, int middle>
  static INLAY_FORCE_INLINE Step around(Step sizes, Step signs) {
    const Step places = _mm512_broadcast_i32x4(
        _mm_add_epi8(_mm_set1_epi8(byte), _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c)));
    const Step bits = _mm512_set1_epi32(half ? static_cast<int>(0x80402010u) : 0x08040201);
    const __mmask64 minus = _mm512_test_epi8_mask(_mm512_shuffle_epi8(signs, places), bits);
    const Step all = _mm512_set1_epi8(middle);
    return _mm512_mask_sub_epi8(_mm512_add_epi8(all, sizes), minus, all, sizes);
  }
  static INLAY_FORCE_INLINE void store(Step v, std::uint8_t* p) { _mm512_store_si512(p, v); }
  // Codes for dot_signed: here made unsigned by +128.
  static INLAY_FORCE_INLINE void store_signed(Step v, std::uint8_t* p) {
    store(_mm512_xor_si512(v, _mm512_set1_epi8(-128)), p);
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 byte(Step v) {
    return _mm512_and_si512(_mm512_srli_epi32(v, 8 * i), _mm512_set1_epi32(255));
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 signed_byte(Step v) {
    return _mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * i), 24);
  }
  // Bytes 0 and 2, or 1 and 3, as pairs of int16.
  static INLAY_FORCE_INLINE Step even_bytes(Step v) {
    return _mm512_and_si512(v, _mm512_set1_epi16(255));
  }
  static INLAY_FORCE_INLINE Step odd_bytes(Step v) { return _mm512_srli_epi16(v, 8); }
  static INLAY_FORCE_INLINE Step even_signed_bytes(Step v) {
    return _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8);
  }
  static INLAY_FORCE_INLINE Step odd_signed_bytes(Step v) { return _mm512_srai_epi16(v, 8); }

  // Such pairs as dot_pairs takes them.
  static INLAY_FORCE_INLINE Step for_dot_pairs(Step v) { return v; }

  // ---- Integer dot products of 16 rows with n tokens, whose blocks follow each other ----

  // sum[t] += the dot product of `steps` steps of codes (at most `top`) with 4 * steps bytes of x.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                     I32 (&sum)[n]) {
    __m512i run[n];
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) run[t] = sum[t].raw();
    INLAY_UNROLL for (std::uint32_t i = 0; i < steps; ++i) {
      const Step w = _mm512_load_si512(codes + i * step_bytes);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        run[t] = _mm512_dpbusd_epi32(run[t], w, four(x + t * activation_block_bytes + i * 4));
      }
    }
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) sum[t] = run[t];
  }
  // The same for codes of store_signed; sums begin as signed_start(sum of the bytes of x).
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                            I32 (&sum)[n]) {
    dot<n, steps, 255>(codes, x, sum);
  }
  static INLAY_FORCE_INLINE I32 signed_start(std::int32_t sum) {
    return I32::broadcast(-128 * sum);
  }

  // sum[t] += s * the dot product, s as scale_byte() makes it.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot_scaled(const std::uint8_t* codes, const std::uint8_t* x, I32 s,
                                            I32 (&sum)[n]) {
    I32 run[n];
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) run[t] = I32::broadcast(0);
    dot<n, steps, top>(codes, x, run);
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) { sum[t] = scaled(run[t], s, sum[t]); }
  }
  // The same for codes of store_signed; `total`: the sum of token 0's bytes of x, that of each
  // other token a block further.
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_scaled_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                                   I32 s, const std::int16_t* total,
                                                   I32 (&sum)[n]) {
    I32 run[n];
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
      std::int16_t all;
      std::memcpy(&all, reinterpret_cast<const std::uint8_t*>(total) + t * activation_block_bytes,
                  sizeof all);
      run[t] = signed_start(all);
    }
    dot<n, steps, 255>(codes, x, run);
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) { sum[t] = scaled(run[t], s, sum[t]); }
  }

  // ---- n steps times 4 * n bytes of one token ----

  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply(const Step (&w)[n], const std::uint8_t* x, I32 sum) {
    __m512i run = sum.raw();
    INLAY_UNROLL for (std::uint32_t i = 0; i < n; ++i) {
      run = _mm512_dpbusd_epi32(run, w[i], four(x + i * 4));
    }
    return run;
  }
  // |w| * sign(w) x, with |-128| = 128 as an unsigned byte.
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_signed(const Step (&w)[n], const std::uint8_t* x,
                                                I32 sum) {
    __m512i run = sum.raw();
    INLAY_UNROLL for (std::uint32_t i = 0; i < n; ++i) {
      const __m512i four_x = four(x + i * 4);
      const __m512i signed_x =
          _mm512_mask_sub_epi8(four_x, _mm512_movepi8_mask(w[i]), _mm512_setzero_si512(), four_x);
      run = _mm512_dpbusd_epi32(run, _mm512_abs_epi8(w[i]), signed_x);
    }
    return run;
  }
  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled(const Step (&w)[n], const std::uint8_t* x, I32 s,
                                                I32 sum) {
    return scaled(multiply<top>(w, x, I32::broadcast(0)), s, sum);
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled_signed(const Step (&w)[n], const std::uint8_t* x,
                                                       I32 s, I32 sum) {
    return scaled(multiply_signed(w, x, I32::broadcast(0)), s, sum);
  }

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
    return _mm512_mullo_epi32(v.raw(), _mm512_set1_epi32(factor));
  }
  // sum + w[0] * x[0] + w[1] * x[1] for the pairs of each row.
  static INLAY_FORCE_INLINE I32 dot_pairs(Step w, const std::int16_t* x, I32 sum) {
    return _mm512_dpwssd_epi32(sum.raw(), w, four(x));
  }

  // ---- Some of the lanes of F32, for as many outputs at once as there are registers ----

  using Part = __m512;
  static INLAY_FORCE_INLINE Part load_part(const float* p) { return _mm512_load_ps(p); }
  static INLAY_FORCE_INLINE void store_part(Part v, float* p) { _mm512_store_ps(p, v); }
  static INLAY_FORCE_INLINE Part multiply_part(Part a, Part b, Part c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  // The odd or even elements of pairs of bfloats.
  static INLAY_FORCE_INLINE Part upper_part(const std::uint8_t* p) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_load_si512(p), _mm512_set1_epi32(-65536)));
  }
  static INLAY_FORCE_INLINE Part lower_part(const std::uint8_t* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_load_si512(p), 16));
  }

  // ---- Float weights, at any address ----

  static INLAY_FORCE_INLINE F32 floats(const std::uint8_t* p) { return _mm512_loadu_ps(p); }
  static INLAY_FORCE_INLINE F32 first_floats(const std::uint8_t* p, std::uint32_t n) {
    return _mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p);
  }
  static INLAY_FORCE_INLINE F32 half_floats(const std::uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static INLAY_FORCE_INLINE F32 first_half_floats(const std::uint8_t* p, std::uint32_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(__mmask16((1u << n) - 1), p));
  }
  static INLAY_FORCE_INLINE I32 pairs(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
  static INLAY_FORCE_INLINE I32 first_pairs(const std::uint8_t* p, std::uint32_t n) {
    return _mm512_maskz_loadu_epi16(__mmask32((std::uint64_t{1} << n) - 1), p);
  }
  static INLAY_FORCE_INLINE F32 upper_bfloats(I32 pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs.raw(), _mm512_set1_epi32(-65536)));
  }

 private:
  static INLAY_FORCE_INLINE I32 scaled(I32 dot, I32 s, I32 sum) {
    return _mm512_add_epi32(sum.raw(), _mm512_mullo_epi32(dot.raw(), s.raw()));
  }
  template <int i>
  static INLAY_FORCE_INLINE Step four_rows(const std::uint8_t* const* row, std::size_t at) {
    Step v = _mm512_castsi128_si512(sixteen(row[i] + at));
    v = _mm512_inserti32x4(v, sixteen(row[i + 4] + at), 1);
    v = _mm512_inserti32x4(v, sixteen(row[i + 8] + at), 2);
    return _mm512_inserti32x4(v, sixteen(row[i + 12] + at), 3);
  }
  static INLAY_FORCE_INLINE __m128i sixteen(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static INLAY_FORCE_INLINE __m512i four(const void* p) {
    std::int32_t bytes;
    std::memcpy(&bytes, p, 4);
    return _mm512_set1_epi32(bytes);
  }
};

}  // namespace inlay::INLAY_ISA
