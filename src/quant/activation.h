// activation.h - the forms a row of activations takes before it is multiplied with a weight type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/inline.h"
#include "quant/type.h"

namespace inlay {

enum class Activation : std::uint8_t { f32, bf16, q8_32, q8_256 };
inline constexpr std::uint32_t activation_count = 4;

// q8_32: eight blocks of 32. x[i] ~ scale[i / 32] * q[i / 32][i % 32].
// scale = max|x| / 127, q = x * (127 / max|x|) to the nearest, ties to even, so -127 <= q <= 127.
// A block whose largest magnitude is below 2^-100 is zero with scale 0; one with an infinity or NaN
// gets the scale NaN. Blocks past k are zero.
struct alignas(64) Q8x32Group {
  std::int8_t q[8][32];
  float scale[8];
  std::int16_t sum[8];    // of the 32 codes
  std::int16_t first[8];  // of the first 16 of them
};
static_assert(sizeof(Q8x32Group) == 320);

// q8_256: the same with one scale for 256, and the sums of 16 and of 32 neighbouring codes. Of four
// neighbouring sums the middle two are swapped: sums 0, 2, 1, 3, 4, 6, 5, 7 ... are in this order.
struct alignas(64) Q8x256Block {
  std::int8_t q[256];
  std::int16_t sum16[16];
  std::int16_t sum32[8];
  float scale;
  std::uint32_t zero[3];
};
static_assert(sizeof(Q8x256Block) == 320);

// The form of x that weights of `type` are multiplied with; f32 for a number that is no type.
Activation activation_of(Type type);

// Where Q8x256Block keeps the sum of neighbours i.
INLAY_FORCE_INLINE constexpr std::uint32_t sum_place(std::uint32_t i) {
  return (i & ~3u) | ((i & 1) << 1) | ((i >> 1) & 1);
}

// Rows of f32 and bf16 follow each other. In the q8 forms the T rows of a value lie block by block:
// first the first 256 of every row, then the next, so that a kernel reads what it needs at one time
// from neighbouring lines: block b of row t is number b * T + t.
inline constexpr std::size_t activation_block_bytes = sizeof(Q8x256Block);
constexpr bool lies_in_blocks(Activation form) {
  return form == Activation::q8_32 || form == Activation::q8_256;
}

// Bytes of one row of k activations, a multiple of 64. Rows start at multiples of 64 bytes; what
// lies between k and the end of the row is zero.
INLAY_FORCE_INLINE constexpr std::size_t activation_row_bytes(Activation form, std::uint32_t k) {
  const std::size_t n = k;
  switch (form) {
    case Activation::f32: return (n * 4 + 63) / 64 * 64;
    case Activation::bf16: return (n * 2 + 63) / 64 * 64;
    case Activation::q8_32: return (n + 255) / 256 * sizeof(Q8x32Group);
    case Activation::q8_256: return (n + 255) / 256 * sizeof(Q8x256Block);
  }
  return 0;
}

}  // namespace inlay
