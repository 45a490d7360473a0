// linear_panel.h - products with quantized weights by panels: 16 rows by 256 weights are unpacked
// once into a panel on the stack and multiplied with every token.
#pragma once

#include "kernels/linear_write.h"
#include "quant/one_token.h"
#include "quant/panel.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t panel_tokens = 64;  // that share one unpacked panel

static INLAY_FORCE_INLINE WeightRows weight_rows(const LinearTask& task, std::uint32_t row,
                                                 std::uint32_t count) {
  WeightRows rows;
  const auto* first = static_cast<const std::uint8_t*>(task.weights) + row * task.row_bytes;
  rows.interleaved = task.interleaved && count == 16 ? first : nullptr;
  if (rows.interleaved) return rows;
  rows.ahead = 16 * task.row_bytes;
  for (std::uint32_t i = 0; i < 16; ++i) {
    rows.row[i] = first + (i < count ? i : count - 1) * task.row_bytes;
  }
  return rows;
}

// n tokens, whose accumulators are neighbours.
template <class Q, class V, std::uint32_t n>
static INLAY_FORCE_INLINE void multiply_tokens(const Panel<Q, V>& panel, const std::uint8_t* x,
                                               F32x16* acc) {
  F32x16 sums[n];
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) sums[t] = acc[t];
  multiply_panel<Q, V, n>(panel, x, sums);
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) acc[t] = sums[t];
}

// As many tokens at a time as registers hold, then fewer.
template <class Q, class V, std::uint32_t n>
static INLAY_FORCE_INLINE void multiply_all(const Panel<Q, V>& panel, const std::uint8_t* x,
                                            std::uint32_t tokens, F32x16* acc) {
  std::uint32_t t = 0;
  for (; tokens - t >= n; t += n) {
    multiply_tokens<Q, V, n>(panel, x + t * sizeof(Q8x256Block), acc + t);
  }
  if constexpr (n > 1) {
    if (t < tokens) {
      multiply_all<Q, V, n / 2>(panel, x + t * sizeof(Q8x256Block), tokens - t, acc + t);
    }
  }
}

// Up to panel_tokens tokens of 16 rows.
template <class Q, class V>
static INLAY_FORCE_INLINE void multiply_many(const LinearTask& task, const WeightRows& rows,
                                             const std::uint8_t* x, std::uint32_t tokens,
                                             F32x16* acc) {
  constexpr std::uint32_t most = 256 / Q::elements;  // blocks of a row in one panel
  const std::uint32_t blocks = task.k / Q::elements;
  Panel<Q, V> panel;
  for (std::uint32_t t = 0; t < tokens; ++t) acc[t] = F32x16::zero();
  for (std::uint32_t b = 0; b < blocks; b += most, x += task.x_stride) {
    const std::uint32_t used = blocks - b < most ? blocks - b : most;
    panel.blocks = used * Q::elements / 32;
    Q::template Lanes<V>::fill(rows, b, used, panel);
    multiply_all<Q, V, V::tokens>(panel, x, tokens, acc);
  }
}

template <class Q, class V>
static INLAY_FORCE_INLINE F32x16 multiply_one(const LinearTask& task, const WeightRows& rows) {
  constexpr std::uint32_t most = 256 / Q::elements;
  const std::uint32_t blocks = task.k / Q::elements;
  const auto* x = static_cast<const std::uint8_t*>(task.x);
  OneToken<Q, V> products;
  F32x16 acc = F32x16::zero();
  for (std::uint32_t b = 0; b < blocks; b += most, x += task.x_stride) {
    const std::uint32_t used = blocks - b < most ? blocks - b : most;
    products.begin(x, used * Q::elements / 32);
    Q::template Lanes<V>::fill(rows, b, used, products);
    products.end(acc);
  }
  return acc;
}

template <class Q, class V>
static void linear_panel(const LinearTask& task) {
  F32x16 acc[panel_tokens];
  for (std::uint32_t row = task.row_begin; row < task.row_end; row += 16) {
    const std::uint32_t count = task.row_end - row < 16 ? task.row_end - row : 16;
    const WeightRows rows = weight_rows(task, row, count);
    if (task.tokens == 1) {
      write_rows(task, 0, row, count, multiply_one<Q, V>(task, rows));
      continue;
    }
    const auto* x = static_cast<const std::uint8_t*>(task.x);
    for (std::uint32_t first = 0; first < task.tokens; first += panel_tokens) {
      const std::uint32_t left = task.tokens - first;
      const std::uint32_t tokens = left < panel_tokens ? left : panel_tokens;
      multiply_many<Q, V>(task, rows, x + first * sizeof(Q8x256Block), tokens, acc);
      for (std::uint32_t t = 0; t < tokens; ++t) write_rows(task, first + t, row, count, acc[t]);
    }
  }
}
static_assert(sizeof(Q8x256Block) == sizeof(Q8x32Group));

}  // namespace inlay::INLAY_ISA
