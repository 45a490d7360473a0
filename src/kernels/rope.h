// rope.h - rotary position embedding of the heads of one token.
#pragma once

#include "base/rope.h"
#include "kernels/chunks.h"

namespace inlay::INLAY_ISA {

// (a, b) becomes (a c - b s, b c + a s): the sine product is rounded, then one fused multiply-add.
static INLAY_FORCE_INLINE void rotate_halves(const float* x, const float* cos_sin,
                                             std::uint32_t pairs, float* y) {
  for_chunks(pairs, [&](std::uint32_t i, auto chunk) {
    const F32x16 a = chunk.load(x + i), b = chunk.load(x + pairs + i);
    const F32x16 c = chunk.load(cos_sin + i), s = chunk.load(cos_sin + pairs + i);
    chunk.store(fma(a, c, -(b * s)), y + i);
    chunk.store(fma(b, c, a * s), y + pairs + i);
  });
}

// Lanes a b a b ...
static INLAY_FORCE_INLINE F32x16 rotate_neighbours(F32x16 v, F32x16 c, F32x16 s) {
  return fma(v, c, negate_even(swap_pairs(v) * s));
}

static INLAY_FORCE_INLINE void rotate_neighbours(const float* x, const float* cos_sin,
                                                 std::uint32_t pairs, float* y) {
  const float* const sines = cos_sin + pairs;
  std::uint32_t i = 0;
  for (; pairs - i >= 8; i += 8) {
    rotate_neighbours(F32x16::load(x + 2 * i), F32x16::load_doubled(cos_sin + i),
                      F32x16::load_doubled(sines + i))
        .store(y + 2 * i);
  }
  if (i == pairs) return;
  const std::uint32_t rest = pairs - i;
  float c[8], s[8];
  F32x16::load_partial(cos_sin + i, rest).store_partial(c, 8);
  F32x16::load_partial(sines + i, rest).store_partial(s, 8);
  rotate_neighbours(F32x16::load_partial(x + 2 * i, 2 * rest), F32x16::load_doubled(c),
                    F32x16::load_doubled(s))
      .store_partial(y + 2 * i, 2 * rest);
}

static void rope(const float* x, const float* cos_sin, std::uint32_t heads, std::uint32_t head_size,
                 std::uint32_t pairs, RopePairs order, float* y) {
  for (std::uint32_t h = 0; h < heads; ++h, x += head_size, y += head_size) {
    if (order == RopePairs::halves) {
      rotate_halves(x, cos_sin, pairs, y);
    } else {
      rotate_neighbours(x, cos_sin, pairs, y);
    }
    if (x == y) continue;
    for_chunks(head_size - 2 * pairs, [&](std::uint32_t i, auto chunk) {
      chunk.store(chunk.load(x + 2 * pairs + i), y + 2 * pairs + i);
    });
  }
}

}  // namespace inlay::INLAY_ISA
