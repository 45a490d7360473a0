// linear_float.h - products with float weights: 16 virtual lanes over k for each output, then the
// tree.
//
// A few tokens take the weights as they lie. More share rows that were turned into floats once,
// some columns at a time; in between the lanes of all their outputs wait in memory, so the sums are
// the same.
#pragma once

#include "kernels/linear_write.h"

namespace inlay::INLAY_ISA {

// ---- A few tokens ----

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

// The tokens from `token` on of `rows` rows: n at a time, then fewer.
template <class Q, std::uint32_t rows, std::uint32_t n>
static INLAY_FORCE_INLINE void float_rows(const LinearTask& task, std::uint32_t row,
                                          std::uint32_t token) {
  for (; task.tokens - token >= n; token += n) float_tile<Q, rows, n>(task, row, token);
  if constexpr (n > 1) {
    if (token < task.tokens) float_rows<Q, rows, n - 1>(task, row, token);
  }
}

// All rows: `rows` at a time, then one by one; n tokens at a time.
template <class Q, std::uint32_t rows, std::uint32_t n>
static INLAY_FORCE_INLINE void float_tiles(const LinearTask& task) {
  std::uint32_t row = task.row_begin;
  for (; task.row_end - row >= rows; row += rows) float_rows<Q, rows, n>(task, row, 0);
  if constexpr (rows > 1) {
    for (; row < task.row_end; ++row) float_rows<Q, 1, n>(task, row, 0);
  }
}

// ---- More tokens ----

inline constexpr std::uint32_t block_tokens = 16;  // from so many on it pays

// What is worked on at once, on the stack: 34 KiB.
template <class Q, class V>
struct FloatBlock {
  using Lanes = typename Q::template Lanes<V>;
  static constexpr std::uint32_t rows = 8, tokens = 32;
  static constexpr std::uint32_t depth = Lanes::piece / 16;  // vectors of a piece
  static constexpr std::uint32_t pieces = 512 / Lanes::piece;
  static constexpr std::uint32_t tiles = rows / V::tile_rows;

  // Of tile_rows rows piece after piece, in a piece row after row.
  alignas(64) float weights[tiles][pieces][V::tile_rows][depth][16];
  alignas(64) float sums[tokens][rows][16];
  alignas(64) std::uint8_t last[tokens][64];  // the last piece of activations, then zeros
};

// `pieces` pieces of `count` rows; the last row stands in for those that are missing in a tile.
template <class Q, class V, class Load>
static INLAY_FORCE_INLINE void fill_weights(FloatBlock<Q, V>& block, const LinearTask& task,
                                            std::uint32_t row, std::uint32_t count,
                                            std::uint32_t pieces, Load load) {
  constexpr std::uint32_t n = V::tile_rows;
  const auto* first = static_cast<const std::uint8_t*>(task.weights) + row * task.row_bytes;
  for (std::uint32_t r = 0; r < (count + n - 1) / n * n; ++r) {
    const std::uint8_t* from = first + (r < count ? r : count - 1) * task.row_bytes;
    for (std::uint32_t i = 0; i < pieces; ++i) {
      FloatBlock<Q, V>::Lanes::store(load(from, i), block.weights[r / n][i][r % n][0]);
    }
  }
}

// tile_rows x `tokens` outputs, as many lanes at a time as a register has. Never inline, so that
// every register is for the sums.
template <class Q, class V, std::uint32_t tokens>
[[gnu::noinline]] static void multiply_tile(FloatBlock<Q, V>& block, std::uint32_t tile,
                                            std::uint32_t token, const std::uint8_t* x,
                                            std::size_t stride, std::uint32_t pieces) {
  using Lanes = typename FloatBlock<Q, V>::Lanes;
  using Part = typename V::Part;
  constexpr std::uint32_t n = V::tile_rows, depth = FloatBlock<Q, V>::depth;
  constexpr std::uint32_t lanes = sizeof(Part) / sizeof(float);
  for (std::uint32_t lane = 0; lane < 16; lane += lanes) {
    Part acc[n][tokens];
    INLAY_UNROLL for (std::uint32_t r = 0; r < n; ++r) {
      INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
        acc[r][t] = V::load_part(block.sums[token + t][tile * n + r] + lane);
      }
    }
    const float* w = block.weights[tile][0][0][0] + lane;
    const std::uint8_t* at = x + lane * 4;
    for (std::uint32_t i = 0; i < pieces; ++i, w += n * depth * 16, at += 64) {
      INLAY_UNROLL for (std::uint32_t d = 0; d < depth; ++d) {
        Part xs[tokens];
        INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
          xs[t] = Lanes::part(at + t * stride, d);
        }
        INLAY_UNROLL for (std::uint32_t r = 0; r < n; ++r) {
          const Part ws = V::load_part(w + (r * depth + d) * 16);
          INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
            acc[r][t] = V::multiply_part(ws, xs[t], acc[r][t]);
          }
        }
      }
    }
    INLAY_UNROLL for (std::uint32_t r = 0; r < n; ++r) {
      INLAY_UNROLL for (std::uint32_t t = 0; t < tokens; ++t) {
        V::store_part(acc[r][t], block.sums[token + t][tile * n + r] + lane);
      }
    }
  }
}

// As many tokens at a time as registers hold, then fewer.
template <class Q, class V, std::uint32_t n>
static INLAY_FORCE_INLINE void multiply_block(FloatBlock<Q, V>& block, std::uint32_t tiles,
                                              std::uint32_t token, std::uint32_t tokens,
                                              const std::uint8_t* x, std::size_t stride,
                                              std::uint32_t pieces) {
  for (; tokens - token >= n; token += n) {
    for (std::uint32_t tile = 0; tile < tiles; ++tile) {
      multiply_tile<Q, V, n>(block, tile, token, x + token * stride, stride, pieces);
    }
  }
  if constexpr (n > 1) {
    if (token < tokens) multiply_block<Q, V, n - 1>(block, tiles, token, tokens, x, stride, pieces);
  }
}

template <class Q, class V>
static INLAY_FORCE_INLINE void write_block(const LinearTask& task, std::uint32_t row,
                                           std::uint32_t count, std::uint32_t token,
                                           std::uint32_t tokens, const FloatBlock<Q, V>& block) {
  for (std::uint32_t t = 0; t < tokens; ++t) {
    alignas(64) float dots[16] = {};
    for (std::uint32_t r = 0; r < count; r += 4) {
      const auto* s = block.sums[t] + r;
      store_sums(F32x16::load(s[0]), F32x16::load(s[1]), F32x16::load(s[2]), F32x16::load(s[3]),
                 dots + r);
    }
    write_rows(task, token + t, row, count, F32x16::load(dots));
  }
}

// The rows from `row` and the tokens from `first` on that fit a block.
template <class Q, class V>
static void float_block(const LinearTask& task, std::uint32_t row, std::uint32_t first) {
  using Block = FloatBlock<Q, V>;
  using Lanes = typename Block::Lanes;
  constexpr std::uint32_t n = V::tile_tokens;
  Block block;
  const std::uint32_t left_rows = task.row_end - row, left = task.tokens - first;
  const std::uint32_t count = left_rows < Block::rows ? left_rows : Block::rows;
  const std::uint32_t tokens = left < Block::tokens ? left : Block::tokens;
  const std::uint32_t tiles = (count + V::tile_rows - 1) / V::tile_rows;
  const auto* x = static_cast<const std::uint8_t*>(task.x) + first * task.x_stride;
  std::memset(block.sums, 0, sizeof block.sums[0] * tokens);
  const std::uint32_t whole = task.k / Lanes::piece, rest = task.k % Lanes::piece;
  for (std::uint32_t i = 0; i < whole; i += Block::pieces) {
    const std::uint32_t pieces = whole - i < Block::pieces ? whole - i : Block::pieces;
    fill_weights(block, task, row, count, pieces,
                 [i](const std::uint8_t* p, std::size_t at)
                     INLAY_LAMBDA_INLINE { return Lanes::weights(p, i + at); });
    multiply_block<Q, V, n>(block, tiles, 0, tokens, x + std::size_t{i} * 64, task.x_stride,
                            pieces);
  }
  if (rest) {
    fill_weights(block, task, row, count, 1,
                 [=](const std::uint8_t* p, std::size_t)
                     INLAY_LAMBDA_INLINE { return Lanes::last_weights(p, whole, rest); });
    std::memset(block.last, 0, sizeof block.last);
    for (std::uint32_t t = 0; t < tokens; ++t) {
      std::memcpy(block.last[t], x + t * task.x_stride + std::size_t{whole} * 64,
                  std::size_t{rest} * 64 / Lanes::piece);
    }
    multiply_block<Q, V, n>(block, tiles, 0, tokens, block.last[0], sizeof block.last[0], 1);
  }
  write_block(task, row, count, first, tokens, block);
}

template <class Q, class V>
static void float_blocks(const LinearTask& task) {
  using Block = FloatBlock<Q, V>;
  for (std::uint32_t row = task.row_begin; row < task.row_end; row += Block::rows) {
    for (std::uint32_t t = 0; t < task.tokens; t += Block::tokens) float_block<Q, V>(task, row, t);
  }
}

template <class Q>
static void linear_float(const LinearTask& task) {
  if constexpr (Words::tile_tokens > 0) {
    if (task.tokens >= block_tokens) return float_blocks<Q, Words>(task);
    // One token: the more rows are read at once, the better memory is used.
    if (task.tokens == 1) return float_tiles<Q, 4, 1>(task);
  }
  float_tiles<Q, Words::float_rows, Words::float_tokens>(task);
}

}  // namespace inlay::INLAY_ISA
