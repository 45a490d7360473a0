// lanes.h - panels: 16 rows of weights side by side, the form the fast integer kernels multiply.
//
// V is the vocabulary of an instruction set (kernels/vector/int_*.h). Lane = row. A "step" is four
// neighbouring codes of each of the 16 rows, 64 bytes; a panel holds 64 steps, so 256 weights a
// row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

// Where 16 rows begin. A group with fewer rows repeats its last one.
struct WeightRows {
  const std::uint8_t* row[16];
  std::size_t ahead;  // bytes from here to what is wanted soon
};

// With each 16 bytes that are read of 16 rows, four of their 64-byte lines further on are asked
// for, so that memory stays busy while a panel is worked on. Beyond the end of memory this does
// nothing.
INLAY_FORCE_INLINE void prefetch_rows(const WeightRows& rows, std::size_t at) {
  const std::uint8_t* const* four = rows.row + (at >> 4 & 3) * 4;
  INLAY_UNROLL for (int i = 0; i < 4; ++i) __builtin_prefetch(four[i] + rows.ahead + at, 0, 2);
}

inline constexpr std::uint32_t step_bytes = 64;

// Eight blocks of 32 with one scale each: panel of the types for q8_32.
template <class V>
struct Panel32 {
  alignas(64) std::uint8_t codes[64 * step_bytes];
  typename V::F32 d[8];
  std::uint32_t blocks;  // at the end of a row fewer than eight
};

// acc[t] = fma(d * scale, float(dot), acc[t]), block after block. Lanes turns a block's 32 codes
// into the exact integer dot product.
template <class V, class Lanes, std::uint32_t n>
INLAY_FORCE_INLINE void multiply_panel32(const Panel32<V>& panel, const std::uint8_t* x,
                                         std::size_t stride, typename V::F32 (&acc)[n]) {
  for (std::uint32_t b = 0; b < panel.blocks; ++b) {
    typename V::I32 sum[n];
    const auto group = [&](std::uint32_t t) {
      return reinterpret_cast<const Q8x32Group*>(x + t * stride);
    };
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) sum[t] = Lanes::start(group(t)->sum[b]);
    Lanes::template dot<n>(panel.codes + b * 8 * step_bytes, x + b * 32, stride, sum);
    INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
      const auto scale = panel.d[b] * V::F32::broadcast(group(t)->scale[b]);
      acc[t] = fma(scale, to_float(sum[t]), acc[t]);
    }
  }
}

}  // namespace inlay
