// int_avx2.h - the words for weights on AVX2: lane = row of weights, two registers of eight rows,
// and 8-bit dot products over 16-bit sums that cannot overflow.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/panel.h"

namespace inlay::INLAY_ISA {

struct Words {
  using F32 = F32x16;
  using I32 = I32x16;
  struct Step {  // four bytes of each of 16 rows
    __m256i low, high;
  };
  static constexpr bool has_panels = true;
  static constexpr bool has_tiles = false;  // products of 16 tokens at once, see tiles_amx.h
  static constexpr bool multiplies_signed = false;  // codes, as fast as unsigned ones
  static constexpr std::uint32_t tokens = 6;        // how many share one read of a panel
  static constexpr std::uint32_t float_rows = 2;
  static constexpr std::uint32_t float_tokens = 3;
  static constexpr std::uint32_t tile_rows = 4, tile_tokens = 3;  // of float_block

  // ---- Rows to steps ----

  // 16 bytes at `at` of each row, as four steps.
  static INLAY_FORCE_INLINE void columns(const WeightRows& rows, std::size_t at, Step (&out)[4]) {
    if (rows.interleaved) {
      const std::uint8_t* p = rows.interleaved + at * 16;
      prefetch_interleaved(p);
      INLAY_UNROLL for (int i = 0; i < 4; ++i) out[i] = {load(p + i * 64), load(p + i * 64 + 32)};
    } else {
      prefetch_rows(rows, at);
      transpose(rows.row, at, out);
    }
  }
  static INLAY_FORCE_INLINE void transpose(const std::uint8_t* const* row, std::size_t at,
                                           Step (&out)[4]) {
    __m256i low[4], high[4];
    transpose_eight(row, at, low);
    transpose_eight(row + 8, at, high);
    INLAY_UNROLL for (int i = 0; i < 4; ++i) out[i] = {low[i], high[i]};
  }
  // The half at `at` of each row.
  static INLAY_FORCE_INLINE F32 halves(const WeightRows& rows, std::size_t at) {
    if (rows.interleaved) return half_floats(rows.interleaved + at * 16);
    std::uint16_t h[16];
    INLAY_UNROLL for (int i = 0; i < 16; ++i) std::memcpy(h + i, rows.row[i] + at, 2);
    return {
        _mm256_cvtph_ps(_mm_setr_epi16(short(h[0]), short(h[1]), short(h[2]), short(h[3]),
                                       short(h[4]), short(h[5]), short(h[6]), short(h[7]))),
        _mm256_cvtph_ps(_mm_setr_epi16(short(h[8]), short(h[9]), short(h[10]), short(h[11]),
                                       short(h[12]), short(h[13]), short(h[14]), short(h[15])))};
  }
  // The first or second half of the four bytes of each row.
  static INLAY_FORCE_INLINE F32 low_halves(Step v) {
    const __m256i mask = _mm256_set1_epi32(65535);
    return {eight_halves(_mm256_and_si256(v.low, mask)),
            eight_halves(_mm256_and_si256(v.high, mask))};
  }
  static INLAY_FORCE_INLINE F32 high_halves(Step v) {
    return {eight_halves(_mm256_srli_epi32(v.low, 16)),
            eight_halves(_mm256_srli_epi32(v.high, 16))};
  }

  // ---- Bytes of a step ----

  // Each byte (v >> shift) & mask, where mask drops what came from the neighbour.
  template <int shift>
  static INLAY_FORCE_INLINE Step bits(Step v, char mask) {
    return {bits<shift>(v.low, mask), bits<shift>(v.high, mask)};
  }
  static INLAY_FORCE_INLINE Step either(Step a, Step b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  // Each byte, 0 to 15, becomes table[byte].
  static INLAY_FORCE_INLINE Step look_up(Step v, const std::int8_t (&table)[16]) {
    const __m256i both =
        _mm256_broadcastsi128_si256(sixteen(reinterpret_cast<const std::uint8_t*>(table)));
    return {_mm256_shuffle_epi8(both, v.low), _mm256_shuffle_epi8(both, v.high)};
  }
  // (v >> from) & mask of each row, the four bytes as one number; where `from` is below 0, moved
  // up.
  template <int from, std::uint32_t mask>
  static INLAY_FORCE_INLINE I32 field(Step v) {
    return {field<from, mask>(v.low), field<from, mask>(v.high)};
  }
  // The four bytes at table + 4 * index of each row.
  static INLAY_FORCE_INLINE Step gather(const std::uint32_t* table, I32 index) {
    const auto* words = reinterpret_cast<const int*>(table);
    return {_mm256_i32gather_epi32(words, index.raw_low(), 4),
            _mm256_i32gather_epi32(words, index.raw_high(), 4)};
  }
  // The first and the second four of the eight bytes at table + 8 * index of each row: loads one by
  // one are faster than two gathers.
  static INLAY_FORCE_INLINE void gather_two(const std::uint64_t* table, I32 index, Step& first,
                                            Step& second) {
    const Lanes at(index);
    gather_eight(table, at.lane, first.low, second.low);
    gather_eight(table, at.lane + 8, first.high, second.high);
  }
  // Each byte middle + size, or middle - size where its bit of signs is set: for the i-th that is
  // bit 4 * half + i of byte `byte`.
  template <int byte, int half, int middle>
  static INLAY_FORCE_INLINE Step around(Step sizes, Step signs) {
    return {around<byte, half, middle>(sizes.low, signs.low),
            around<byte, half, middle>(sizes.high, signs.high)};
  }
  static INLAY_FORCE_INLINE void store(Step v, std::uint8_t* p) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(p), v.low);
    _mm256_store_si256(reinterpret_cast<__m256i*>(p + 32), v.high);
  }
  // Codes for dot_signed: here as they are.
  static INLAY_FORCE_INLINE void store_signed(Step v, std::uint8_t* p) { store(v, p); }
  template <int i>
  static INLAY_FORCE_INLINE I32 byte(Step v) {
    const __m256i mask = _mm256_set1_epi32(255);
    return {_mm256_and_si256(_mm256_srli_epi32(v.low, 8 * i), mask),
            _mm256_and_si256(_mm256_srli_epi32(v.high, 8 * i), mask)};
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 signed_byte(Step v) {
    return {_mm256_srai_epi32(_mm256_slli_epi32(v.low, 24 - 8 * i), 24),
            _mm256_srai_epi32(_mm256_slli_epi32(v.high, 24 - 8 * i), 24)};
  }
  // Bytes 0 and 2, or 1 and 3, as pairs of int16.
  static INLAY_FORCE_INLINE Step even_bytes(Step v) {
    const __m256i mask = _mm256_set1_epi16(255);
    return {_mm256_and_si256(v.low, mask), _mm256_and_si256(v.high, mask)};
  }
  static INLAY_FORCE_INLINE Step odd_bytes(Step v) {
    return {_mm256_srli_epi16(v.low, 8), _mm256_srli_epi16(v.high, 8)};
  }
  static INLAY_FORCE_INLINE Step even_signed_bytes(Step v) {
    return {_mm256_srai_epi16(_mm256_slli_epi16(v.low, 8), 8),
            _mm256_srai_epi16(_mm256_slli_epi16(v.high, 8), 8)};
  }
  static INLAY_FORCE_INLINE Step odd_signed_bytes(Step v) {
    return {_mm256_srai_epi16(v.low, 8), _mm256_srai_epi16(v.high, 8)};
  }

  // Such pairs as dot_pairs takes them.
  static INLAY_FORCE_INLINE Step for_dot_pairs(Step v) { return v; }

  // ---- Integer dot products of 16 rows with n tokens, whose blocks follow each other ----

  // sum[t] += the dot product of `steps` steps of codes (at most `top`) with 4 * steps bytes of x.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot(const std::uint8_t* codes, const std::uint8_t* x,
                                     I32 (&sum)[n]) {
    dot_scaled<n, steps, top>(codes, x, ones(), sum);
  }
  // The same for codes of store_signed; sums begin as signed_start(sum of the bytes of x).
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                            I32 (&sum)[n]) {
    dot_scaled_signed<n, steps>(codes, x, ones(), nullptr, sum);
  }
  // sum[t] += s * the dot product, s as scale_byte() makes it; `total`: the sum of token 0's bytes
  // of x, that of each other token a block further.
  template <std::uint32_t n, std::uint32_t steps>
  static INLAY_FORCE_INLINE void dot_scaled_signed(const std::uint8_t* codes, const std::uint8_t* x,
                                                   I32 s, const std::int16_t*, I32 (&sum)[n]) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < steps; ++i) {
      const Step w{load(codes + i * step_bytes), load(codes + i * step_bytes + 32)};
      const __m256i low = _mm256_abs_epi8(w.low), high = _mm256_abs_epi8(w.high);
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        const __m256i four_x = four(x + t * activation_block_bytes + i * 4);
        sum[t] = {add_signed(sum[t].raw_low(), w.low, low, four_x, s.raw_low()),
                  add_signed(sum[t].raw_high(), w.high, high, four_x, s.raw_high())};
      }
    }
  }
  static INLAY_FORCE_INLINE I32 signed_start(std::int32_t) { return I32::broadcast(0); }

  // A pair of products adds at most 2 * top * 127 to a 16-bit sum, so as many steps fit before
  // they are widened.
  template <int top>
  static constexpr std::uint32_t safe_steps() {
    return std::bit_floor(32767u / (2 * top * 127));
  }
  // sum[t] += s * the dot product, s as scale_byte() makes it.
  template <std::uint32_t n, std::uint32_t steps, int top>
  static INLAY_FORCE_INLINE void dot_scaled(const std::uint8_t* codes, const std::uint8_t* x, I32 s,
                                            I32 (&sum)[n]) {
    constexpr std::uint32_t safe = safe_steps<top>() < steps ? safe_steps<top>() : steps;
    static_assert(safe >= 1 && steps % safe == 0);
    for (std::uint32_t begin = 0; begin < steps; begin += safe) {
      __m256i low[n], high[n];
      INLAY_UNROLL for (std::uint32_t i = 0; i < safe; ++i) {
        const std::uint8_t* step = codes + (begin + i) * step_bytes;
        const __m256i w_low = load(step), w_high = load(step + 32);
        INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
          const __m256i four_x = four(x + t * activation_block_bytes + (begin + i) * 4);
          if (i == 0) {
            low[t] = _mm256_maddubs_epi16(w_low, four_x);
            high[t] = _mm256_maddubs_epi16(w_high, four_x);
          } else {
            low[t] = add_products(low[t], w_low, four_x);
            high[t] = add_products(high[t], w_high, four_x);
          }
        }
      }
      INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
        sum[t] = sum[t] + I32(_mm256_madd_epi16(low[t], s.raw_low()),
                              _mm256_madd_epi16(high[t], s.raw_high()));
      }
    }
  }

  // ---- n steps times 4 * n bytes of one token ----

  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply(const Step (&w)[n], const std::uint8_t* x, I32 sum) {
    return multiply_scaled<top>(w, x, ones(), sum);
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_signed(const Step (&w)[n], const std::uint8_t* x,
                                                I32 sum) {
    return multiply_scaled_signed(w, x, ones(), sum);
  }
  template <int top, std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled(const Step (&w)[n], const std::uint8_t* x, I32 s,
                                                I32 sum) {
    constexpr std::uint32_t safe = safe_steps<top>() < n ? safe_steps<top>() : n;
    INLAY_UNROLL for (std::uint32_t begin = 0; begin < n; begin += safe) {
      const __m256i first_x = four(x + begin * 4);
      __m256i low = _mm256_maddubs_epi16(w[begin].low, first_x);
      __m256i high = _mm256_maddubs_epi16(w[begin].high, first_x);
      INLAY_UNROLL for (std::uint32_t i = 1; i < safe; ++i) {
        const __m256i four_x = four(x + (begin + i) * 4);
        low = add_products(low, w[begin + i].low, four_x);
        high = add_products(high, w[begin + i].high, four_x);
      }
      sum = {add_scaled(sum.raw_low(), low, s.raw_low()),
             add_scaled(sum.raw_high(), high, s.raw_high())};
    }
    return sum;
  }
  template <std::uint32_t n>
  static INLAY_FORCE_INLINE I32 multiply_scaled_signed(const Step (&w)[n], const std::uint8_t* x,
                                                       I32 s, I32 sum) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < n; ++i) {
      const __m256i four_x = four(x + i * 4);
      sum = {
          add_signed(sum.raw_low(), w[i].low, _mm256_abs_epi8(w[i].low), four_x, s.raw_low()),
          add_signed(sum.raw_high(), w[i].high, _mm256_abs_epi8(w[i].high), four_x, s.raw_high())};
    }
    return sum;
  }
  // Byte i of each row as a scale: a number of 16 bits in both halves of a lane.
  template <int i>
  static INLAY_FORCE_INLINE I32 scale_byte(Step v) {
    const __m256i places = in_lanes(static_cast<int>(0x80008000u | i << 16 | i));
    return {_mm256_shuffle_epi8(v.low, places), _mm256_shuffle_epi8(v.high, places)};
  }
  template <int i>
  static INLAY_FORCE_INLINE I32 scale_signed_byte(Step v) {
    const __m256i places = in_lanes(static_cast<int>(0x00800080u | i << 24 | i << 8));
    return {_mm256_srai_epi16(_mm256_shuffle_epi8(v.low, places), 8),
            _mm256_srai_epi16(_mm256_shuffle_epi8(v.high, places), 8)};
  }
  template <int factor>
  static INLAY_FORCE_INLINE I32 times(I32 v) {
    const __m256i f = _mm256_set1_epi32(factor);
    return {_mm256_mullo_epi32(v.raw_low(), f), _mm256_mullo_epi32(v.raw_high(), f)};
  }
  // sum + w[0] * x[0] + w[1] * x[1] for the pairs of each row.
  static INLAY_FORCE_INLINE I32 dot_pairs(Step w, const std::int16_t* x, I32 sum) {
    const __m256i two = four(x);
    return sum + I32(_mm256_madd_epi16(w.low, two), _mm256_madd_epi16(w.high, two));
  }

  // ---- Some of the lanes of F32, for as many outputs at once as there are registers ----

  using Part = __m256;
  static INLAY_FORCE_INLINE Part load_part(const float* p) { return _mm256_load_ps(p); }
  static INLAY_FORCE_INLINE void store_part(Part v, float* p) { _mm256_store_ps(p, v); }
  static INLAY_FORCE_INLINE Part multiply_part(Part a, Part b, Part c) {
    return _mm256_fmadd_ps(a, b, c);
  }
  // The odd or even elements of pairs of bfloats; by shifts, for a mask would want a register.
  static INLAY_FORCE_INLINE Part upper_part(const std::uint8_t* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(load(p), 16), 16));
  }
  static INLAY_FORCE_INLINE Part lower_part(const std::uint8_t* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(load(p), 16));
  }

  // ---- Float weights, at any address ----

  static INLAY_FORCE_INLINE F32 floats(const std::uint8_t* p) {
    return {_mm256_castsi256_ps(load(p)), _mm256_castsi256_ps(load(p + 32))};
  }
  static INLAY_FORCE_INLINE F32 first_floats(const std::uint8_t* p, std::uint32_t n) {
    return floats(First<64>(p, n * 4).bytes);
  }
  static INLAY_FORCE_INLINE F32 half_floats(const std::uint8_t* p) {
    return {_mm256_cvtph_ps(sixteen(p)), _mm256_cvtph_ps(sixteen(p + 16))};
  }
  static INLAY_FORCE_INLINE F32 first_half_floats(const std::uint8_t* p, std::uint32_t n) {
    return half_floats(First<32>(p, n * 2).bytes);
  }
  static INLAY_FORCE_INLINE I32 pairs(const std::uint8_t* p) { return {load(p), load(p + 32)}; }
  static INLAY_FORCE_INLINE I32 first_pairs(const std::uint8_t* p, std::uint32_t n) {
    return pairs(First<64>(p, n * 2).bytes);
  }
  static INLAY_FORCE_INLINE F32 upper_bfloats(I32 pairs) {
    const __m256i mask = _mm256_set1_epi32(-65536);
    return {_mm256_castsi256_ps(_mm256_and_si256(pairs.raw_low(), mask)),
            _mm256_castsi256_ps(_mm256_and_si256(pairs.raw_high(), mask))};
  }

 private:
  // 16-bit sums of neighbouring products, w unsigned. In one piece, since GCC otherwise computes
  // all products of a loop first and has no registers left for them.
  static INLAY_FORCE_INLINE __m256i add_products(__m256i sum, __m256i w, __m256i x) {
    __m256i products;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(w), "x"(x));
    return sum;
  }
  // sum + s * (w . x), `size` the magnitudes of w: |w| * sign(w) x. A pair is at most
  // 2 * 128 * 127 = 32,512 in magnitude.
  static INLAY_FORCE_INLINE __m256i add_signed(__m256i sum, __m256i w, __m256i size, __m256i x,
                                               __m256i s) {
    return add_scaled(sum, _mm256_maddubs_epi16(size, _mm256_sign_epi8(x, w)), s);
  }
  // sum + the pairs times s, in one piece for the same reason.
  static INLAY_FORCE_INLINE __m256i add_scaled(__m256i sum, __m256i pairs, __m256i s) {
    asm("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "+x"(pairs) : "xm"(s));
    return sum;
  }
  // Places inside four bytes (or 128 for a zero) as places inside 16.
  static INLAY_FORCE_INLINE __m256i in_lanes(int places) {
    const __m256i first = _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c, 0, 0x04040404,
                                            0x08080808, 0x0c0c0c0c);
    return _mm256_add_epi8(_mm256_set1_epi32(places), first);
  }
  static INLAY_FORCE_INLINE I32 ones() { return {_mm256_set1_epi16(1), _mm256_set1_epi16(1)}; }
  template <int size>
  struct First {  // n bytes, then zeros
    std::uint8_t bytes[size] = {};
    INLAY_FORCE_INLINE First(const std::uint8_t* p, std::uint32_t n) { std::memcpy(bytes, p, n); }
  };
  template <int shift>
  static INLAY_FORCE_INLINE __m256i bits(__m256i v, char mask) {
    if constexpr (shift > 0) v = _mm256_srli_epi16(v, shift);
    if constexpr (shift < 0) v = _mm256_slli_epi16(v, -shift);
    return _mm256_and_si256(v, _mm256_set1_epi8(mask));
  }
  template <int from, std::uint32_t mask>
  static INLAY_FORCE_INLINE __m256i field(__m256i v) {
    if constexpr (from > 0) v = _mm256_srli_epi32(v, from);
    if constexpr (from < 0) v = _mm256_slli_epi32(v, -from);
    return _mm256_and_si256(v, _mm256_set1_epi32(static_cast<int>(mask)));
  }
  struct Lanes {  // in memory, from where they are read one by one
    alignas(32) std::uint32_t lane[16];
    INLAY_FORCE_INLINE explicit Lanes(I32 v) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(lane), v.raw_low());
      _mm256_store_si256(reinterpret_cast<__m256i*>(lane + 8), v.raw_high());
      asm("" : "+m"(lane));  // or GCC takes them out of the register, which is slower
    }
  };
  static INLAY_FORCE_INLINE void gather_eight(const std::uint64_t* table, const std::uint32_t* at,
                                              __m256i& first, __m256i& second) {
    const __m256 a = _mm256_set_m128(two_entries(table, at + 4), two_entries(table, at));
    const __m256 b = _mm256_set_m128(two_entries(table, at + 6), two_entries(table, at + 2));
    first = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
    second = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
  }
  static INLAY_FORCE_INLINE __m128 two_entries(const std::uint64_t* table,
                                               const std::uint32_t* at) {
    const __m128i a = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(table + at[0]));
    return _mm_loadh_pi(_mm_castsi128_ps(a), reinterpret_cast<const __m64*>(table + at[1]));
  }
  template <int byte, int half, int middle>
  static INLAY_FORCE_INLINE __m256i around(__m256i sizes, __m256i signs) {
    const __m256i bits = _mm256_set1_epi32(half ? static_cast<int>(0x80402010u) : 0x08040201);
    const __m256i of_four = _mm256_shuffle_epi8(signs, in_lanes(byte * 0x01010101));
    const __m256i minus = _mm256_cmpeq_epi8(_mm256_and_si256(of_four, bits), bits);
    const __m256i turned = _mm256_sub_epi8(_mm256_xor_si256(sizes, minus), minus);
    return _mm256_add_epi8(turned, _mm256_set1_epi8(middle));
  }
  static INLAY_FORCE_INLINE __m256 eight_halves(__m256i v) {  // from the low half of each lane
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm256_cvtph_ps(packed);
  }
  // 16 bytes of each of eight rows; out[i] has the i-th four bytes of every row.
  static INLAY_FORCE_INLINE void transpose_eight(const std::uint8_t* const* row, std::size_t at,
                                                 __m256i (&out)[4]) {
    const __m256i a = two_rows(row[0] + at, row[4] + at), b = two_rows(row[1] + at, row[5] + at);
    const __m256i c = two_rows(row[2] + at, row[6] + at), d = two_rows(row[3] + at, row[7] + at);
    const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    out[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    out[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    out[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    out[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
  }
  static INLAY_FORCE_INLINE __m256i two_rows(const std::uint8_t* a, const std::uint8_t* b) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(sixteen(a)), sixteen(b), 1);
  }
  static INLAY_FORCE_INLINE __m256i load(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static INLAY_FORCE_INLINE __m128i sixteen(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static INLAY_FORCE_INLINE __m256i four(const void* p) {
    std::int32_t bytes;
    std::memcpy(&bytes, p, 4);
    return _mm256_set1_epi32(bytes);
  }
};

}  // namespace inlay::INLAY_ISA
