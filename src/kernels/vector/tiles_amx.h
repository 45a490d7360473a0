// tiles_amx.h - the words for weights on AMX: panels as AVX-512 fills them, with signed codes, and
// products of 16 tokens with 16 rows at once in tile registers.
//
// Tiles 0 to 3 hold sums (16 tokens by 16 rows of int32), 4 and 5 activations (16 tokens by up to
// 64 bytes), 6 and 7 codes (a step of a panel is a row of such a tile). A tile is loaded by an
// instruction whose memory the compiler does not see: fence() stands between it and the stores
// before.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "base/inline.h"
#include "kernels/vector/int_avx512.h"

namespace inlay::INLAY_ISA {

struct TileWords : Words {
  static constexpr bool multiplies_signed = true;
  static constexpr bool has_tiles = true;

  template <int n>
  static INLAY_FORCE_INLINE Step less(Step v) {
    return _mm512_sub_epi8(v, _mm512_set1_epi8(n));
  }
  static INLAY_FORCE_INLINE void store_signed(Step v, std::uint8_t* p) { store(v, p); }

  // ---- s * q in two bytes ----

  // Four signed codes of each row times s, s * q = 256 * high + low: `high` signed, `low` not.
  static INLAY_FORCE_INLINE void scale_codes(Step codes, I32 s, Step& low, Step& high) {
    const Step pair = _mm512_or_si512(_mm512_slli_epi32(s.raw(), 16),
                                      _mm512_and_si512(s.raw(), _mm512_set1_epi32(0xffff)));
    const Step even = _mm512_mullo_epi16(even_signed_bytes(codes), pair);
    const Step odd = _mm512_mullo_epi16(odd_signed_bytes(codes), pair);
    constexpr __mmask64 odd_bytes = 0xaaaaaaaaaaaaaaaa;
    low = _mm512_mask_blend_epi8(odd_bytes, even, _mm512_slli_epi16(odd, 8));
    high = _mm512_mask_blend_epi8(odd_bytes, _mm512_srli_epi16(even, 8), odd);
  }
  static INLAY_FORCE_INLINE Step load(const std::uint8_t* p) { return _mm512_load_si512(p); }
  static INLAY_FORCE_INLINE I32 sum_of(I32 low, I32 high) {
    return _mm512_add_epi32(low.raw(), _mm512_slli_epi32(high.raw(), 8));
  }
  static INLAY_FORCE_INLINE I32 load_sums(const std::int32_t* p) { return _mm512_load_si512(p); }

  // ---- Tile registers of this thread ----

  // For `tokens` tokens, 1 to 16, and products over `depth` bytes, 4 to 64. Undone by release().
  static INLAY_FORCE_INLINE void configure(std::uint32_t tokens, std::uint32_t depth) {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, unused[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    } shape;
    static_assert(sizeof shape == 64);
    for (int i = 0; i < 4; ++i) shape.row_bytes[i] = 64, shape.rows[i] = std::uint8_t(tokens);
    for (int i = 4; i < 6; ++i)
      shape.row_bytes[i] = std::uint16_t(depth), shape.rows[i] = std::uint8_t(tokens);
    for (int i = 6; i < 8; ++i) shape.row_bytes[i] = 64, shape.rows[i] = std::uint8_t(depth / 4);
    asm volatile("ldtilecfg %0" ::"m"(shape));  // the intrinsic tells GCC 12 of 8 bytes alone
  }
  static INLAY_FORCE_INLINE void release() { _tile_release(); }
  static INLAY_FORCE_INLINE void fence() { asm volatile("" ::: "memory"); }

  // The products of 256 bytes of 16 tokens, at x, with unsigned codes (low) and with signed ones
  // (high), 256 sums each. between(i): other work, after each of four steps.
  template <class Between>
  static INLAY_FORCE_INLINE void dot_planes(const std::uint8_t* low_codes,
                                            const std::uint8_t* high_codes, const std::uint8_t* x,
                                            std::int32_t* low, std::int32_t* high,
                                            Between between) {
    _tile_zero(0);
    _tile_zero(1);
    INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
      _tile_loadd(6, low_codes + i * 1024, 64);
      _tile_loadd(4, x + i * 64, activation_block_bytes);
      _tile_dpbsud(0, 4, 6);
      _tile_loadd(7, high_codes + i * 1024, 64);
      _tile_dpbssd(1, 4, 7);
      between(i);
    }
    _tile_stored(0, low, 64);
    _tile_stored(1, high, 64);
  }
  // The same for 16 tokens at x and 16 at y, whose sums follow 256 numbers behind.
  template <class Between>
  static INLAY_FORCE_INLINE void dot_planes(const std::uint8_t* low_codes,
                                            const std::uint8_t* high_codes, const std::uint8_t* x,
                                            const std::uint8_t* y, std::int32_t* low,
                                            std::int32_t* high, Between between) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
      _tile_loadd(6, low_codes + i * 1024, 64);
      _tile_loadd(4, x + i * 64, activation_block_bytes);
      _tile_loadd(7, high_codes + i * 1024, 64);
      _tile_loadd(5, y + i * 64, activation_block_bytes);
      _tile_dpbsud(0, 4, 6);
      _tile_dpbssd(1, 4, 7);
      _tile_dpbsud(2, 5, 6);
      _tile_dpbssd(3, 5, 7);
      between(i);
    }
    _tile_stored(0, low, 64);
    _tile_stored(1, high, 64);
    _tile_stored(2, low + 256, 64);
    _tile_stored(3, high + 256, 64);
  }
  // The products of `span` bytes of 16 tokens with signed codes, by way of tile 0 to 3.
  template <int tile>
  static INLAY_FORCE_INLINE void dot_span(const std::uint8_t* codes, const std::uint8_t* x,
                                          std::int32_t* sums) {
    if constexpr (tile == 0) {
      _tile_zero(0);
      _tile_loadd(4, x, activation_block_bytes);
      _tile_loadd(6, codes, 64);
      _tile_dpbssd(0, 4, 6);
      _tile_stored(0, sums, 64);
    } else if constexpr (tile == 1) {
      _tile_zero(1);
      _tile_loadd(5, x, activation_block_bytes);
      _tile_loadd(7, codes, 64);
      _tile_dpbssd(1, 5, 7);
      _tile_stored(1, sums, 64);
    } else if constexpr (tile == 2) {
      _tile_zero(2);
      _tile_loadd(4, x, activation_block_bytes);
      _tile_loadd(6, codes, 64);
      _tile_dpbssd(2, 4, 6);
      _tile_stored(2, sums, 64);
    } else {
      static_assert(tile == 3);
      _tile_zero(3);
      _tile_loadd(5, x, activation_block_bytes);
      _tile_loadd(7, codes, 64);
      _tile_dpbssd(3, 5, 7);
      _tile_stored(3, sums, 64);
    }
  }
  // Those of four spans that follow each other; 256 sums each.
  template <std::uint32_t span, class Between>
  static INLAY_FORCE_INLINE void dot_four_spans(const std::uint8_t* codes, const std::uint8_t* x,
                                                std::int32_t* sums, Between between) {
    constexpr std::uint32_t next = span / 4 * step_bytes;
    dot_span<0>(codes, x, sums);
    between(0u);
    dot_span<1>(codes + next, x + span, sums + 256);
    between(1u);
    dot_span<2>(codes + 2 * next, x + 2 * span, sums + 2 * 256);
    between(2u);
    dot_span<3>(codes + 3 * next, x + 3 * span, sums + 3 * 256);
    between(3u);
  }
};

}  // namespace inlay::INLAY_ISA
