// linear_tiles.h - products of quantized weights with many tokens on a matrix unit: 16 rows by 256
// weights are unpacked once into a panel of signed codes and multiplied with 16 tokens at a time.
//
// Whole-number scales s are multiplied into the codes q before, s * q in two bytes of which each is
// a plane of the panel, so that one chain of products runs over all 256 weights: sum of s * dot =
// 256 * (x . high) + x . low. All of it is whole numbers: the bits are those of linear_panel.h.
#pragma once

#include "kernels/linear_panel.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t tile_tokens = 16;
inline constexpr std::uint32_t least_tile_tokens = 10;   // below, AVX-512 alone is as fast
inline constexpr std::uint32_t tile_panel_tokens = 256;  // that share one unpacked panel

// The tokens of one tile: `begin` is the first of tile_tokens neighbours, of which those before
// `fresh` have been added already (the last tile reaches back where tokens are no multiple of 16).
struct TileRange {
  std::uint32_t begin, fresh, end;
};
static INLAY_FORCE_INLINE TileRange tile_range(std::uint32_t first, std::uint32_t tokens) {
  const std::uint32_t side = tokens < tile_tokens ? tokens : tile_tokens;
  const std::uint32_t end = first + side < tokens ? first + side : tokens;
  return {end - side, first, end};
}

// Sums of 16 tokens, lane = row of weights.
struct alignas(64) TileSums {
  std::int32_t token[tile_tokens][16];
};

// The codes of a panel become the low bytes of s * q; `high`, of the same size, the high ones.
template <class Q>
static INLAY_FORCE_INLINE void split_codes(Panel<Q, TileWords>& panel, std::uint8_t* high) {
  constexpr std::uint32_t steps = Q::sub / 4;
  for (std::uint32_t j = 0; j < 256 / Q::sub; ++j) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < steps; ++i) {
      const std::size_t at = (j * steps + i) * step_bytes;
      TileWords::Step low_bytes, high_bytes;
      TileWords::scale_codes(TileWords::load(panel.codes + at), panel.scale[j], low_bytes,
                             high_bytes);
      TileWords::store(low_bytes, panel.codes + at);
      TileWords::store(high_bytes, high + at);
    }
  }
}

// Tiles take their time, and vectors theirs: while the products of some tokens are made, those of
// the tokens before are added to their accumulators, a part after each of four steps.

// Two tiles of sums whose low and high bytes have been multiplied.
struct PlaneSums {
  TileSums low[2], high[2];
  TileRange range[2] = {};  // empty until made
};

// Part 0 to 3 of the tokens of `sums`.
template <class Q>
static INLAY_FORCE_INLINE void add_planes(const Panel<Q, TileWords>& panel, const std::uint8_t* x,
                                          const PlaneSums& sums, std::uint32_t part, F32x16* acc) {
  const TileRange range = sums.range[part / 2];
  const std::uint32_t begin = range.begin + part % 2 * (tile_tokens / 2);
  const std::uint32_t end = begin + tile_tokens / 2;
  const TileSums &low = sums.low[part / 2], &high = sums.high[part / 2];
  for (std::uint32_t t = begin > range.fresh ? begin : range.fresh;
       t < (end < range.end ? end : range.end); ++t) {
    const I32x16 sum = TileWords::sum_of(TileWords::load_sums(low.token[t - range.begin]),
                                         TileWords::load_sums(high.token[t - range.begin]));
    inlay::detail::add_block(panel, inlay::detail::block_of<Q8x256Block>(x, t), sum, acc[t]);
  }
}

// One panel of a type with whole-number scales.
template <class Q>
static INLAY_FORCE_INLINE void multiply_planes(const Panel<Q, TileWords>& panel,
                                               const std::uint8_t* high, const std::uint8_t* x,
                                               std::uint32_t tokens, F32x16* acc) {
  PlaneSums sums[2];
  std::uint32_t now = 0;
  for (std::uint32_t t = 0; t < tokens; t += 2 * tile_tokens, now ^= 1) {
    PlaneSums& made = sums[now];
    const auto add_before = [&](std::uint32_t part) INLAY_LAMBDA_INLINE {
      add_planes<Q>(panel, x, sums[now ^ 1], part, acc);
    };
    made.range[0] = tile_range(t, tokens);
    const std::uint8_t* first = x + made.range[0].begin * activation_block_bytes;
    if (tokens - t > tile_tokens) {
      made.range[1] = tile_range(t + tile_tokens, tokens);
      TileWords::dot_planes(panel.codes, high, first,
                            x + made.range[1].begin * activation_block_bytes, made.low[0].token[0],
                            made.high[0].token[0], add_before);
    } else {
      made.range[1] = {};
      TileWords::dot_planes(panel.codes, high, first, made.low[0].token[0], made.high[0].token[0],
                            add_before);
    }
  }
  for (std::uint32_t part = 0; part < 4; ++part) {
    add_planes<Q>(panel, x, sums[now ^ 1], part, acc);
  }
}

// Sums of up to four spans that follow each other, of the same tokens.
struct SpanSums {
  TileSums span[4];
  TileRange range = {};
  std::uint32_t first;  // span
};

// Part 0 to 3 of the tokens of `sums`, of `count` spans.
template <class Q, std::uint32_t count>
static INLAY_FORCE_INLINE void add_spans(const Panel<Q, TileWords>& panel, const std::uint8_t* x,
                                         const SpanSums& sums, std::uint32_t part, F32x16* acc) {
  const TileRange range = sums.range;
  const std::uint32_t begin = range.begin + part * (tile_tokens / 4);
  const std::uint32_t end = begin + tile_tokens / 4;
  for (std::uint32_t t = begin > range.fresh ? begin : range.fresh;
       t < (end < range.end ? end : range.end); ++t) {
    const auto* group = inlay::detail::block_of<Q8x32Group>(x, t);
    F32x16 sum = acc[t];
    INLAY_UNROLL for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t span = sums.first + i;
      inlay::detail::add_span(panel, span, group->scale[span * Q::span / 32],
                              TileWords::load_sums(sums.span[i].token[t - range.begin]),
                              inlay::detail::total_of<Q>(group, span), sum);
    }
    acc[t] = sum;
  }
}

// One panel of a type with float scales.
template <class Q>
static INLAY_FORCE_INLINE void multiply_spans(const Panel<Q, TileWords>& panel,
                                              const std::uint8_t* x, std::uint32_t tokens,
                                              F32x16* acc) {
  SpanSums sums[2];
  const std::uint32_t spans = panel.blocks * 32 / Q::span;
  std::uint32_t now = 0, span = 0;
  for (; spans - span >= 4; span += 4) {
    const std::uint8_t* codes = panel.codes + span * Q::span * 16;
    for (std::uint32_t t = 0; t < tokens; t += tile_tokens, now ^= 1) {
      sums[now].range = tile_range(t, tokens);
      sums[now].first = span;
      const auto add_before = [&](std::uint32_t part) INLAY_LAMBDA_INLINE {
        add_spans<Q, 4>(panel, x, sums[now ^ 1], part, acc);
      };
      TileWords::dot_four_spans<Q::span>(
          codes, x + sums[now].range.begin * activation_block_bytes + span * Q::span,
          sums[now].span[0].token[0], add_before);
    }
  }
  for (std::uint32_t part = 0; part < 4; ++part) {
    add_spans<Q, 4>(panel, x, sums[now ^ 1], part, acc);
  }
  for (; span < spans; ++span) {
    const std::uint8_t* codes = panel.codes + span * Q::span * 16;
    for (std::uint32_t t = 0; t < tokens; t += tile_tokens) {
      sums[0].range = tile_range(t, tokens);
      sums[0].first = span;
      TileWords::dot_span<0>(codes,
                             x + sums[0].range.begin * activation_block_bytes + span * Q::span,
                             sums[0].span[0].token[0]);
      for (std::uint32_t part = 0; part < 4; ++part) {
        add_spans<Q, 1>(panel, x, sums[0], part, acc);
      }
    }
  }
}

template <class Q>
static INLAY_FORCE_INLINE void multiply_tiles(const LinearTask& task, const WeightRows& rows,
                                              const std::uint8_t* x, std::uint32_t tokens,
                                              F32x16* acc) {
  constexpr std::uint32_t most = 256 / Q::elements;  // blocks of a row in one panel
  const std::uint32_t blocks = task.k / Q::elements;
  Panel<Q, TileWords> panel;
  alignas(64) std::uint8_t high[has_float_scales<Q> ? 64 : sizeof panel.codes];
  for (std::uint32_t t = 0; t < tokens; ++t) acc[t] = F32x16::zero();
  for (std::uint32_t b = 0; b < blocks; b += most, x += task.x_stride) {
    const std::uint32_t used = blocks - b < most ? blocks - b : most;
    panel.blocks = used * Q::elements / 32;
    Q::template Lanes<TileWords>::fill(rows, b, used, panel);
    if constexpr (has_float_scales<Q>) {
      TileWords::fence();
      multiply_spans<Q>(panel, x, tokens, acc);
    } else {
      split_codes<Q>(panel, high);
      TileWords::fence();
      multiply_planes<Q>(panel, high, x, tokens, acc);
    }
  }
}

// At least least_tile_tokens tokens.
template <class Q>
static void linear_tiles(const LinearTask& task) {
  F32x16 acc[tile_panel_tokens];
  const std::uint32_t parts = (task.tokens + tile_panel_tokens - 1) / tile_panel_tokens;
  TileWords::configure(task.tokens < tile_tokens ? task.tokens : tile_tokens,
                       has_float_scales<Q> ? Q::span : 64);
  for (std::uint32_t row = task.row_begin; row < task.row_end; row += 16) {
    const std::uint32_t count = task.row_end - row < 16 ? task.row_end - row : 16;
    const WeightRows rows = weight_rows(task, row, count);
    const auto* x = static_cast<const std::uint8_t*>(task.x);
    for (std::uint32_t part = 0, first = 0; part < parts; ++part) {
      // Of parts that differ by one at most: none is shorter than a tile.
      const auto end = static_cast<std::uint32_t>(std::uint64_t{task.tokens} * (part + 1) / parts);
      const std::uint32_t tokens = end - first;
      multiply_tiles<Q>(task, rows, x + first * sizeof(Q8x256Block), tokens, acc);
      for (std::uint32_t t = 0; t < tokens; ++t) write_rows(task, first + t, row, count, acc[t]);
      first = end;
    }
  }
  TileWords::release();
}

}  // namespace inlay::INLAY_ISA
