// linear_float.h - products with float weights: 16 virtual lanes over k for each output, then the
// tree.
#pragma once

#include "kernels/linear_write.h"

namespace inlay::INLAY_ISA {

// `rows` x `tokens` outputs at once, so that a piece that was loaded is used more than once.
template <class Q, std::uint32_t rows, std::uint32_t tokens>
static INLAY_FORCE_INLINE void float_tile(const LinearTask& task, std::uint32_t row,
                                          std::uint32_t token) {
  using Lanes = typename Q::template Lanes<Words>;
  using Piece = typename Lanes::Piece;
  const auto* w = static_cast<const std::uint8_t*>(task.weights) + row * task.row_bytes;
  const auto* x = static_cast<const std::uint8_t*>(task.x) + token * task.x_stride;
  F32x16 acc[rows][tokens];
  INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) {
    INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) acc[r][t] = F32x16::zero();
  }
  const auto step = [&](std::size_t i, auto load, auto load_x) INLAY_LAMBDA_INLINE {
    Piece piece[rows];
    INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) piece[r] =
        load(w + r * task.row_bytes, i);
    INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
      const Piece piece_x = load_x(x + t * task.x_stride, i);
      INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) {
        acc[r][t] = Lanes::multiply(piece[r], piece_x, acc[r][t]);
      }
    }
  };
  const std::uint32_t whole = task.k / Lanes::piece, rest = task.k % Lanes::piece;
  for (std::size_t i = 0; i < whole; ++i) {
    step(
        i,
        [](const std::uint8_t* p, std::size_t at)
            INLAY_LAMBDA_INLINE { return Lanes::weights(p, at); },
        [](const std::uint8_t* p, std::size_t at)
            INLAY_LAMBDA_INLINE { return Lanes::activations(p, at); });
  }
  if (rest) {
    step(
        whole,
        [rest](const std::uint8_t* p, std::size_t at)
            INLAY_LAMBDA_INLINE { return Lanes::last_weights(p, at, rest); },
        [rest](const std::uint8_t* p, std::size_t at)
            INLAY_LAMBDA_INLINE { return Lanes::last_activations(p, at, rest); });
  }
  INLAY_UNROLL for (std::uint32_t r = 0; r < rows; ++r) {
    INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
      write_one(task, token + t, row + r, sum(acc[r][t]));
    }
  }
}

// All tokens of `rows` rows.
template <class Q, std::uint32_t rows>
static INLAY_FORCE_INLINE void float_rows(const LinearTask& task, std::uint32_t row) {
  constexpr std::uint32_t n = Words::float_tokens;
  std::uint32_t t = 0;
  for (; task.tokens - t >= n; t += n) float_tile<Q, rows, n>(task, row, t);
  if constexpr (n > 1) {
    for (; t < task.tokens; ++t) float_tile<Q, rows, 1>(task, row, t);
  }
}

template <class Q>
static void linear_float(const LinearTask& task) {
  constexpr std::uint32_t n = Words::float_rows;
  std::uint32_t row = task.row_begin;
  for (; task.row_end - row >= n; row += n) float_rows<Q, n>(task, row);
  if constexpr (n > 1) {
    for (; row < task.row_end; ++row) float_rows<Q, 1>(task, row);
  }
}

}  // namespace inlay::INLAY_ISA
