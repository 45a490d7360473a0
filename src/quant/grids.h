// grids.h - the constant tables of the types whose codes are numbers of vectors.
//
// A grid is a set of patterns: eight weights with three levels each, or four weights with eight.
// Pattern p has the digits of p in base 3 (or 8) as levels, weight 0 first; entries are numbered by
// ascending p. The sets themselves are facts of the GGUF format.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/inline.h"

namespace inlay {

template <class Entry_, int count>
struct Grid {
  using Entry = Entry_;
  Entry entry[count];
  INLAY_FORCE_INLINE constexpr Entry operator[](std::uint32_t i) const { return entry[i]; }
};

// Entries as bytes, weight 0 in the lowest. Magnitudes of IQ2: 8, 25, 43; of IQ3_XXS: 2, 6, 10,
// 14, 18, 22, 26, 31; of IQ3_S: 1, 3 ... 15.
extern const Grid<std::uint64_t, 256> iq2_xxs_grid;
extern const Grid<std::uint64_t, 512> iq2_xs_grid;
extern const Grid<std::uint64_t, 1024> iq2_s_grid;
extern const Grid<std::uint32_t, 256> iq3_xxs_grid;
extern const Grid<std::uint32_t, 512> iq3_s_grid;
// 128, 136, 144 for the levels -1, 0, 1.
extern const Grid<std::uint64_t, 2048> iq1_grid;
// Byte i of entry s: 0xff where bit i of s is set.
extern const Grid<std::uint64_t, 256> sign_bytes;
// The same for seven bits, and an eighth that makes their number even.
extern const Grid<std::uint64_t, 128> even_sign_bytes;
// Half of what UE4M3 codes mean, as GGUF reads them.
extern const Grid<float, 256> half_ue4m3;

// IQ4_NL and IQ4_XS.
inline constexpr std::int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};
// E2M1 doubled: MXFP4 and NVFP4.
inline constexpr std::int8_t e2m1_values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                0, -1, -2, -3, -4, -6, -8, -12};

inline constexpr std::int8_t e2m1_above_low[16] = {12, 13, 14, 15, 16, 18, 20, 24,
                                                   12, 11, 10, 9,  8,  6,  4,  0};
inline constexpr std::int8_t e2m1_magnitudes[8] = {0, 1, 2, 3, 4, 6, 8, 12};

// A grid in the order in which the encoders look through it: by the upper half of the pattern.
template <int levels_, int half_, int count_>
struct GridOrder {
  static constexpr int levels = levels_;
  static constexpr int half = half_;  // digits of half a pattern
  static constexpr int count = count_;
  static constexpr int halves = levels == 3 ? 81 : 64;
  static_assert(halves == (half == 4 ? levels * levels * levels * levels : levels * levels));

  std::uint16_t first[halves + 1];  // the entries with upper half h: first[h] up to first[h + 1]
  std::uint8_t lower[count];        // the lower half of each entry
};
extern const GridOrder<3, 4, 256> iq2_xxs_order;
extern const GridOrder<3, 4, 512> iq2_xs_order;
extern const GridOrder<3, 4, 1024> iq2_s_order;
extern const GridOrder<8, 2, 256> iq3_xxs_order;
extern const GridOrder<8, 2, 512> iq3_s_order;
extern const GridOrder<3, 4, 2048> iq1_order;

// Seven signs, and an eighth that makes the number of minus signs even.
INLAY_FORCE_INLINE constexpr std::uint32_t even_signs(std::uint32_t seven) {
  const std::uint32_t odd = 0x6996u >> ((seven ^ seven >> 4) & 15) & 1;
  return seven | odd << 7;
}

// The bytes of `magnitudes`, 1 to 127, with minus signs where `minus` has bytes 0xff.
INLAY_FORCE_INLINE std::uint64_t with_signs(std::uint64_t magnitudes, std::uint64_t minus) {
  return (magnitudes ^ minus) + (minus & 0x0101010101010101u);
}

// Bytes of an entry of IQ1 as 8 * level + 1, or - 1.
INLAY_FORCE_INLINE std::uint64_t shifted_ternary(std::uint64_t entry, std::uint32_t negative) {
  const std::uint64_t ones = 0x0101010101010101u;
  return (entry - (7 + 2 * std::uint64_t{negative}) * ones) ^ 0x80 * ones;
}

INLAY_FORCE_INLINE void put_eight(std::int8_t* q, std::uint64_t bytes) {
  std::memcpy(q, &bytes, sizeof bytes);
}

// 16 bytes of two codes each: the low four bits are q[0..15], the high ones q[16..31].
INLAY_FORCE_INLINE void put_nibbles(const std::int8_t (&values)[16], const std::uint8_t* bytes,
                                    int count, std::int8_t* q) {
  for (int i = 0; i < count; ++i) {
    q[i] = values[bytes[i] & 15];
    q[i + count] = values[bytes[i] >> 4];
  }
}

}  // namespace inlay
