// cells.h - rows of the key-value cache: how each type of cell is read as floats and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/chunks.h"
#include "kernels/float_kernels.h"

namespace inlay::INLAY_ISA {

// A type of cells has
//   block: elements that share a scale, a multiple of 16; bytes: of a block,
//   scale(p): that of the block at p,
//   load(p, i, scale, chunk): the 16 elements from i on, counted from the first of the block at p;
//   i is a multiple of 16; zero beyond the chunk.
struct NoScale {};
template <class Element>
struct NumberCells {
  static constexpr std::uint32_t block = 16;
  static constexpr std::size_t bytes = 16 * sizeof(Element);
  static INLAY_FORCE_INLINE NoScale scale(const std::byte*) { return {}; }
  static INLAY_FORCE_INLINE const Element* at(const std::byte* p, std::uint32_t i) {
    return reinterpret_cast<const Element*>(p) + i;
  }
};

template <class Element>
struct FloatCells : NumberCells<Element> {
  template <class Chunk>
  static INLAY_FORCE_INLINE F32x16 load(const std::byte* p, std::uint32_t i, NoScale, Chunk chunk) {
    return chunk.load(NumberCells<Element>::at(p, i));
  }
};
using F32Cells = FloatCells<float>;
using F16Cells = FloatCells<std::uint16_t>;

struct Bf16Cells : NumberCells<std::uint16_t> {
  template <class Chunk>
  static INLAY_FORCE_INLINE F32x16 load(const std::byte* p, std::uint32_t i, NoScale, Chunk chunk) {
    return chunk.load_bfloat(at(p, i));
  }
};

// Blocks of 32 codes behind a half scale; scale * code is exact in a float.
template <std::size_t code_bytes>
struct CodeCells {
  static constexpr std::uint32_t block = 32;
  static constexpr std::size_t bytes = 2 + code_bytes;
  static INLAY_FORCE_INLINE F32x16 scale(const std::byte* p) {
    std::uint16_t half;
    std::memcpy(&half, p, sizeof half);
    return F32x16::broadcast_half(half);
  }
};

struct Q8Cells : CodeCells<32> {
  template <class Chunk>
  static INLAY_FORCE_INLINE F32x16 load(const std::byte* p, std::uint32_t i, F32x16 scale,
                                        Chunk chunk) {
    const std::byte* const codes = p + i / 32 * bytes + 2 + i % 32;
    return chunk.keep(F32x16::load_int8(reinterpret_cast<const std::int8_t*>(codes)) * scale);
  }
};
struct Q4Cells : CodeCells<16> {
  template <class Chunk>
  static INLAY_FORCE_INLINE F32x16 load(const std::byte* p, std::uint32_t i, F32x16 scale,
                                        Chunk chunk) {
    const auto* const codes = reinterpret_cast<const std::uint8_t*>(p + i / 32 * bytes + 2);
    const F32x16 v = i % 32 ? F32x16::load_nibbles<4>(codes) : F32x16::load_nibbles<0>(codes);
    return chunk.keep(v * scale);
  }
};

// Calls f(d, values, chunk) for the chunks of n elements of some rows, in ascending order.
template <class Cells, std::uint32_t rows, class Function>
static INLAY_FORCE_INLINE void for_cells(const std::byte* const (&row)[rows], std::uint32_t n,
                                         Function f) {
  decltype(Cells::scale(nullptr)) scales[rows];
  std::size_t at = 0;
  const auto read_scales = [&]() INLAY_LAMBDA_INLINE {
    INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) scales[r] = Cells::scale(row[r] + at);
  };
  const auto step = [&](std::uint32_t d, std::uint32_t i, auto chunk) INLAY_LAMBDA_INLINE {
    F32x16 values[rows];
    INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) {
      values[r] = Cells::load(row[r] + at, i, scales[r], chunk);
    }
    f(d + i, values, chunk);
  };
  std::uint32_t d = 0;
  for (; n - d >= Cells::block; d += Cells::block, at += Cells::bytes) {
    read_scales();
    INLAY_UNROLL for (std::uint32_t i = 0; i < Cells::block; i += 16) step(d, i, WholeChunk{});
  }
  if (d == n) return;
  read_scales();
  for_chunks(n - d, [&](std::uint32_t i, auto chunk) INLAY_LAMBDA_INLINE { step(d, i, chunk); });
}

// ---- Writing ----

static constexpr std::uint16_t half_nan = 0x7e00;

// What is infinite or NaN times zero is NaN.
static INLAY_FORCE_INLINE bool all_finite(F32x16 low, F32x16 high) {
  return sum(fma(high, F32x16::zero(), low * F32x16::zero())) == 0.0f;
}

// 0 where 1 / d could be infinite.
static INLAY_FORCE_INLINE F32x16 inverse_of(float d) {
  return F32x16::broadcast(__builtin_fabsf(d) >= 0x1p-126f ? 1.0f / d : 0.0f);
}

static INLAY_FORCE_INLINE void store_scale(std::uint16_t half, std::byte* out) {
  std::memcpy(out, &half, sizeof half);
}

// To the nearest integer, halves away from zero; |v| < 2^22.
static INLAY_FORCE_INLINE I32x16 round_away(F32x16 v) {
  const F32x16 size = abs(v), even = to_float(round_to_int(size));
  const F32x16 above = even + F32x16::broadcast(1.0f);
  const F32x16 rounded = select(less(size - even, F32x16::broadcast(0.5f)), even, above);
  return round_to_int(select(less(v, F32x16::zero()), -rounded, rounded));
}

// As the encoder of the weight type: the largest magnitude is 127 scales.
static INLAY_FORCE_INLINE void store_q8_block(const float* x, std::byte* out) {
  const F32x16 low = F32x16::load(x), high = F32x16::load(x + 16);
  auto* const codes = reinterpret_cast<std::int8_t*>(out + 2);
  if (!all_finite(low, high)) {
    store_scale(half_nan, out);
    std::memset(codes, 0, 32);
    return;
  }
  const float d = max(max(abs(low), abs(high))) / 127.0f;
  const F32x16 inverse = inverse_of(d);
  store_scale(float_to_half(d), out);
  round_away(low * inverse).store_int8(codes);
  round_away(high * inverse).store_int8(codes + 16);
}

// The first of the elements with the largest magnitude; 0 where all are.
static INLAY_FORCE_INLINE float first_largest(const float* x, F32x16 low, F32x16 high) {
  const float top = max(max(low, high)), bottom = max(max(-low, -high));
  if (top > bottom) return top;
  if (top < bottom) return -bottom;
  for (std::uint32_t i = 0; top > 0.0f && i < 32; ++i) {
    if (__builtin_fabsf(x[i]) == top) return x[i];
  }
  return 0.0f;
}

// x / d + 8 in 0 to 15, halves up.
static INLAY_FORCE_INLINE I32x16 nibbles_of(F32x16 x, F32x16 inverse) {
  const F32x16 shifted = min(x * inverse + F32x16::broadcast(8.5f), F32x16::broadcast(15.0f));
  const F32x16 v = max(shifted, F32x16::zero()), near = to_float(round_to_int(v));
  return round_to_int(select(less(v, near), near - F32x16::broadcast(1.0f), near));
}

// As the encoder of the weight type: the first of the largest magnitude is -8 scales.
static INLAY_FORCE_INLINE void store_q4_block(const float* x, std::byte* out) {
  const F32x16 low = F32x16::load(x), high = F32x16::load(x + 16);
  auto* const codes = reinterpret_cast<std::uint8_t*>(out + 2);
  if (!all_finite(low, high)) {
    store_scale(half_nan, out);
    std::memset(codes, 0x88, 16);
    return;
  }
  const float d = first_largest(x, low, high) / -8.0f;
  const F32x16 inverse = inverse_of(d);
  store_scale(float_to_half(d), out);
  std::int8_t lower[16], upper[16];
  nibbles_of(low, inverse).store_int8(lower);
  nibbles_of(high, inverse).store_int8(upper);
  for (int i = 0; i < 16; ++i) codes[i] = static_cast<std::uint8_t>(lower[i] | upper[i] << 4);
}

// A row of blocks, the last one filled up with zeros.
template <std::size_t block_bytes, class Store>
static INLAY_FORCE_INLINE void store_blocks(const float* x, std::uint32_t n, std::byte* out,
                                            Store store) {
  for (; n >= 32; n -= 32, x += 32, out += block_bytes) store(x, out);
  if (n == 0) return;
  float last[32] = {};
  std::memcpy(last, x, std::size_t{n} * sizeof(float));
  store(last, out);
}

static void store_cells(CellType type, const float* x, std::uint32_t n, void* out) {
  auto* const bytes = static_cast<std::byte*>(out);
  auto* const numbers = static_cast<std::uint16_t*>(out);
  switch (type) {
    case CellType::f32: std::memcpy(out, x, std::size_t{n} * sizeof(float)); return;
    case CellType::f16:
      for_chunks(n,
                 [&](std::uint32_t i, auto chunk) { chunk.store(chunk.load(x + i), numbers + i); });
      return;
    case CellType::bf16:
      for_chunks(n, [&](std::uint32_t i, auto chunk) {
        chunk.store_bfloat(chunk.load(x + i), numbers + i);
      });
      return;
    case CellType::q8_0: return store_blocks<34>(x, n, bytes, store_q8_block);
    case CellType::q4_0: return store_blocks<18>(x, n, bytes, store_q4_block);
  }
}

}  // namespace inlay::INLAY_ISA
