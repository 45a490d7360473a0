// attention_values.h - the sum of a page's values by their weights joins that of the pages before.
#pragma once

#include "kernels/attention_page.h"
#include "kernels/cells.h"

namespace inlay::INLAY_ISA {

// Chunks at once, so that the sums of some queries fit the registers.
template <std::uint32_t queries>
inline constexpr std::uint32_t chunks_at_once = vector_registers >= 32 ? 4 : 4 / queries;

// o of the quad's first queries, elements [d, d + 16 * chunks); load(j, values) gives those of cell
// j.
template <std::uint32_t queries, std::uint32_t chunks, class Chunk, class Load>
static INLAY_FORCE_INLINE void sum_values(const Quad& quad, const float* weights,
                                          const AttentionState& state, std::uint32_t d, Chunk chunk,
                                          Load load) {
  F32x16 sums[queries][chunks];
  INLAY_UNROLL for (auto& row : sums) { INLAY_UNROLL for (F32x16& s : row) s = F32x16::zero(); }
  const auto add = [&](std::uint32_t j, auto sees) INLAY_LAMBDA_INLINE {
    F32x16 v[chunks];
    load(j, v);
    INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
      if (!sees(h)) continue;
      const F32x16 p = F32x16::broadcast(weights[4 * j + h]);
      INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) sums[h][c] = fma(p, v[c], sums[h][c]);
    }
  };
  const auto add_some = [&](std::uint32_t begin, std::uint32_t end) INLAY_LAMBDA_INLINE {
    for (std::uint32_t j = begin; j < end; ++j) {
      add(j, [&](std::uint32_t h)
                 INLAY_LAMBDA_INLINE { return j >= quad.sees[h].begin && j < quad.sees[h].end; });
    }
  };
  add_some(quad.begin, quad.common_begin);
  for (std::uint32_t j = quad.common_begin; j < quad.common_end; ++j) {
    add(j, [](std::uint32_t) INLAY_LAMBDA_INLINE { return true; });
  }
  add_some(quad.common_end, quad.end);

  INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
    if (h >= quad.count || quad.sees[h].begin >= quad.sees[h].end) continue;
    const F32x16 keep = F32x16::broadcast(state.keep[quad.index * 16 + h]);
    const F32x16 take = F32x16::broadcast(state.take[quad.index * 16 + h]);
    float* const out = quad.out[h] + d;
    INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
      chunk.store(fma(chunk.load(out + 16 * c), keep, sums[h][c] * take), out + 16 * c);
    }
  }
}

// ---- Few queries: values where they lie ----

template <class Cells, std::uint32_t queries, std::uint32_t chunks, class Chunk>
static INLAY_FORCE_INLINE void sum_cells(const AttentionTask& task, const Page& page,
                                         const Quad& quad, const AttentionState& state,
                                         std::uint32_t d, Chunk chunk) {
  // Chunks may begin in the middle of a block.
  const std::uint32_t begin = chunks * 16 % Cells::block == 0 ? 0 : d % Cells::block;
  const std::byte* const values = page.values + d / Cells::block * Cells::bytes;
  // A line of the next keys for each chunk of values.
  const std::byte* const ahead = page.next_keys + d * 4;
  const bool more = quad.index == 0 && d * 4 < page.bytes.key;
  const auto load = [&](std::uint32_t j, F32x16(&v)[chunks]) INLAY_LAMBDA_INLINE {
    if (more) {
      INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
        INLAY_PREFETCH(ahead + j * task.k_stride + 64 * c);
      }
    }
    const std::byte* const value = values + j * task.v_stride;
    decltype(Cells::scale(value)) scale;
    INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
      if (16 * c % Cells::block == 0) {
        scale = Cells::scale(value + 16 * c / Cells::block * Cells::bytes);
      }
      v[c] = Cells::load(value, begin + 16 * c, scale, chunk);
    }
  };
  sum_values<queries, chunks>(quad, state.scores_of(task, quad), state, d, chunk, load);
}

template <class Cells, std::uint32_t queries>
static INLAY_FORCE_INLINE void sum_quad_of_cells(const AttentionTask& task, const Page& page,
                                                 const Quad& quad, const AttentionState& state) {
  constexpr std::uint32_t chunks = chunks_at_once<queries>;
  std::uint32_t d = 0;
  for (; task.head_v - d >= 16 * chunks; d += 16 * chunks) {
    sum_cells<Cells, queries, chunks>(task, page, quad, state, d, WholeChunk{});
  }
  for_chunks(task.head_v - d, [&](std::uint32_t i, auto chunk) INLAY_LAMBDA_INLINE {
    sum_cells<Cells, queries, 1>(task, page, quad, state, d + i, chunk);
  });
}

template <class Cells>
static void cell_values(const AttentionTask& task, const Page& page, const AttentionState& state) {
  for_quads(task, page, [&](const Quad& quad) INLAY_LAMBDA_INLINE {
    if (quad.count == 1) return sum_quad_of_cells<Cells, 1>(task, page, quad, state);
    if (quad.count == 2) return sum_quad_of_cells<Cells, 2>(task, page, quad, state);
    sum_quad_of_cells<Cells, 4>(task, page, quad, state);
  });
}

// ---- Many queries: values as floats, chunk by chunk ----

template <class Cells>
static INLAY_FORCE_INLINE void spread_values(const AttentionTask& task, const Page& page,
                                             float* out) {
  for (std::uint32_t j = page.begin; j < page.end; ++j) {
    const std::byte* const rows[1] = {page.values + j * task.v_stride};
    prefetch_row(page.next_keys + j * task.k_stride, page.bytes.key);
    for_cells<Cells>(rows, task.head_v,
                     [&](std::uint32_t d, const F32x16(&v)[1], auto) INLAY_LAMBDA_INLINE {
                       v[0].store(out + std::size_t{d} * task.page_tokens + 16 * j);
                     });
  }
}

template <std::uint32_t chunks, class Chunk>
static INLAY_FORCE_INLINE void sum_panel(const AttentionTask& task, const Quad& quad,
                                         const AttentionState& state, std::uint32_t d,
                                         Chunk chunk) {
  const std::size_t stride = std::size_t{task.page_tokens} * 16;
  const float* const values = state.values + std::size_t{d} * task.page_tokens;
  const auto load = [&](std::uint32_t j, F32x16(&v)[chunks]) INLAY_LAMBDA_INLINE {
    INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
      v[c] = F32x16::load(values + c * stride + 16 * j);
    }
  };
  sum_values<4, chunks>(quad, state.scores_of(task, quad), state, d, chunk, load);
}

// Four chunks stay in the first cache while the quads pass by.
static void sum_panels(const AttentionTask& task, const Page& page, const AttentionState& state) {
  constexpr std::uint32_t step = 16 * chunks_at_once<4>;
  for (std::uint32_t part = 0; part < task.head_v; part += 64) {
    const std::uint32_t end = least(part + 64, task.head_v);
    for_quads(task, page, [&](const Quad& quad) INLAY_LAMBDA_INLINE {
      std::uint32_t d = part;
      for (; end - d >= step; d += step) {
        sum_panel<chunks_at_once<4>>(task, quad, state, d, WholeChunk{});
      }
      for_chunks(end - d, [&](std::uint32_t i, auto chunk) INLAY_LAMBDA_INLINE {
        sum_panel<1>(task, quad, state, d + i, chunk);
      });
    });
  }
}

template <class Cells>
static void panel_values(const AttentionTask& task, const Page& page, const AttentionState& state) {
  spread_values<Cells>(task, page, state.values);
  sum_panels(task, page, state);
}

}  // namespace inlay::INLAY_ISA
