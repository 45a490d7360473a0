// linear_plain.h - products with quantized weights straight from the normal form: the law, and the
// way for a type without lanes.
#pragma once

#include <type_traits>

#include "base/fma.h"
#include "kernels/linear_write.h"
#include "quant/normal_form.h"

namespace inlay::INLAY_ISA {

static INLAY_FORCE_INLINE std::int32_t plain_dot(const std::int8_t* a, const std::int8_t* b,
                                                 std::uint32_t n) {
  std::int32_t sum = 0;
  for (std::uint32_t i = 0; i < n; ++i) sum += std::int32_t{a[i]} * b[i];
  return sum;
}

// A row of activations, its blocks of 256 `stride` bytes apart.
template <class Block>
struct Blocks {
  const std::uint8_t* first;
  std::size_t stride;
  INLAY_FORCE_INLINE const Block& operator[](std::uint32_t i) const {
    return *reinterpret_cast<const Block*>(first + i * stride);
  }
};

// One more block for one output: span after span, first the scaled part, then the minimum.
template <class Q>
static INLAY_FORCE_INLINE float plain_step(const NormalBlock& w, const Blocks<Q8x32Group>& x,
                                           std::uint32_t block, float acc) {
  for (std::uint32_t i = 0; i < Q::elements / Q::span; ++i) {
    const std::uint32_t at = block * Q::elements + i * Q::span;  // of the row
    const Q8x32Group& group = x[at / 256];
    const std::uint32_t b = at / 32 % 8;
    const std::int32_t sum = plain_dot(w.q + i * Q::span, group.q[b] + at % 32, Q::span);
    acc = fused_multiply_add(w.d[i] * group.scale[b], static_cast<float>(sum), acc);
    if constexpr (Q::has_min) {
      static_assert(Q::span == 32);
      const auto total = static_cast<float>(group.sum[b]);
      acc = fused_multiply_add(-(w.m[i] * group.scale[b]), total, acc);
    }
  }
  return acc;
}

// One more block of 256 for one output: first the scaled part, then the minima.
template <class Q>
static INLAY_FORCE_INLINE float plain_step(const NormalBlock& w, const Blocks<Q8x256Block>& x,
                                           std::uint32_t block, float acc) {
  static_assert(Q::elements == 256 && Q::span == 256);
  const Q8x256Block& b = x[block];
  std::int32_t sum = 0, min = 0;
  for (std::uint32_t j = 0; j < 256 / Q::sub; ++j) {
    sum += w.s[j] * plain_dot(w.q + j * Q::sub, b.q + j * Q::sub, Q::sub);
  }
  acc = fused_multiply_add(w.d[0] * b.scale, static_cast<float>(sum), acc);
  if constexpr (Q::has_min) {
    const std::int16_t* sums = Q::sub == 16 ? b.sum16 : b.sum32;
    for (std::uint32_t j = 0; j < 256 / Q::sub; ++j) {
      min += w.t[j] * std::int32_t{sums[sum_place(j)]};
    }
    acc = fused_multiply_add(-(w.m[0] * b.scale), static_cast<float>(min), acc);
  }
  return acc;
}

template <class Q>
static void linear_plain(const LinearTask& task) {
  constexpr std::uint32_t most_tokens = 16;  // that share one unpacked block
  using X = std::conditional_t<has_float_scales<Q>, Q8x32Group, Q8x256Block>;
  const auto* weights = static_cast<const std::uint8_t*>(task.weights);
  const auto* x = static_cast<const std::uint8_t*>(task.x);
  for (std::uint32_t row = task.row_begin; row < task.row_end; ++row) {
    for (std::uint32_t first = 0; first < task.tokens; first += most_tokens) {
      const std::uint32_t left = task.tokens - first;
      const std::uint32_t tokens = left < most_tokens ? left : most_tokens;
      float acc[most_tokens] = {};
      for (std::uint32_t b = 0; b < task.k / Q::elements; ++b) {
        NormalBlock block;
        Q::unpack(weights + row * task.row_bytes + b * sizeof(typename Q::Block), block);
        for (std::uint32_t t = 0; t < tokens; ++t) {
          const Blocks<X> row_x{x + (first + t) * sizeof(X), task.x_stride};
          acc[t] = plain_step<Q>(block, row_x, b, acc[t]);
        }
      }
      for (std::uint32_t t = 0; t < tokens; ++t) write_one(task, first + t, row, acc[t]);
    }
  }
}

}  // namespace inlay::INLAY_ISA
