// attention_dots.h - q . k of a page: 16 lanes over the head, then the tree.
//
// Few queries read the keys where they lie, lanes side by side. For many the keys are turned first,
// so that a vector holds one lane of 16 cells and no sum goes across a vector.
#pragma once

#include "kernels/attention_page.h"
#include "kernels/cells.h"

namespace inlay::INLAY_ISA {

// Cells at once, so that the sums of some queries fit the registers.
template <std::uint32_t queries>
inline constexpr std::uint32_t cells_at_once = vector_registers >= 32 ? 4 : 4 / queries;

// The rows of cells j, j + 1 ...; a cell that no query sees repeats the nearest.
template <std::uint32_t cells>
static INLAY_FORCE_INLINE void key_rows(const AttentionTask& task, const Page& page,
                                        std::uint32_t begin, std::uint32_t end, std::uint32_t j,
                                        const std::byte* (&rows)[cells]) {
  INLAY_UNROLL for (std::uint32_t k = 0; k < cells; ++k) {
    rows[k] = page.keys + most(begin, least(j + k, end - 1)) * task.k_stride;
  }
}

// ---- Few queries ----

// scores: (cells, 4).
template <std::uint32_t queries, std::uint32_t cells>
static INLAY_FORCE_INLINE void store_dots(const F32x16 (&sums)[queries][cells], float* scores) {
  if constexpr (queries == 4) {
    INLAY_UNROLL for (std::uint32_t k = 0; k < cells; ++k) {
      store_sums(sums[0][k], sums[1][k], sums[2][k], sums[3][k], scores + 4 * k);
    }
  } else {
    static_assert(queries * cells % 4 == 0);
    float dots[queries * cells];
    INLAY_UNROLL for (std::uint32_t i = 0; i < queries * cells; i += 4) {
      store_sums(sums[i / cells][i % cells], sums[(i + 1) / cells][(i + 1) % cells],
                 sums[(i + 2) / cells][(i + 2) % cells], sums[(i + 3) / cells][(i + 3) % cells],
                 dots + i);
    }
    INLAY_UNROLL for (std::uint32_t i = 0; i < queries * cells; ++i) {
      scores[i % cells * 4 + i / cells] = dots[i];
    }
  }
}

template <class Cells, std::uint32_t queries>
static INLAY_FORCE_INLINE void dots_of_cells(const AttentionTask& task, const Page& page,
                                             const Quad& quad, float* scores) {
  constexpr std::uint32_t cells = cells_at_once<queries>;
  for (std::uint32_t j = quad.begin / cells * cells; j < quad.end; j += cells) {
    const std::byte* rows[cells];
    key_rows(task, page, quad.begin, quad.end, j, rows);
    if (quad.index == 0) {
      for (std::uint32_t i = 0; i < cells; ++i) {
        prefetch_row(page.values + (j + i) * task.v_stride, page.bytes.value);
      }
    }
    F32x16 sums[queries][cells];
    INLAY_UNROLL for (auto& row : sums) { INLAY_UNROLL for (F32x16& s : row) s = F32x16::zero(); }
    for_cells<Cells>(rows, task.head_k,
                     [&](std::uint32_t d, const F32x16(&k)[cells], auto chunk) INLAY_LAMBDA_INLINE {
                       INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
                         const F32x16 q = chunk.load(quad.q[h] + d);
                         INLAY_UNROLL for (std::uint32_t i = 0; i < cells; ++i) {
                           sums[h][i] = fma(q, k[i], sums[h][i]);
                         }
                       }
                     });
    store_dots(sums, scores + 4 * j);
  }
}

template <class Cells>
static void cell_dots(const AttentionTask& task, const Page& page, const AttentionState& state) {
  for_quads(task, page, [&](const Quad& quad) INLAY_LAMBDA_INLINE {
    float* const scores = state.scores_of(task, quad);
    if (quad.count == 1) return dots_of_cells<Cells, 1>(task, page, quad, scores);
    if (quad.count == 2) return dots_of_cells<Cells, 2>(task, page, quad, scores);
    dots_of_cells<Cells, 4>(task, page, quad, scores);
  });
}

// ---- Many queries ----

// Lane by lane, the chunks of a lane side by side.
static void turn_queries(const AttentionTask& task, const AttentionState& state) {
  const std::uint32_t chunks = chunks_of(task.head_k);
  const Page none{};
  for (std::uint32_t i = 0; i < quad_count(task); ++i) {
    const Quad quad = quad_of(task, none, i);
    float* const out = state.queries + std::size_t{i} * 64 * chunks;
    for_chunks(task.head_k, [&](std::uint32_t d, auto chunk) INLAY_LAMBDA_INLINE {
      store_quads(chunk.load(quad.q[0] + d), chunk.load(quad.q[1] + d), chunk.load(quad.q[2] + d),
                  chunk.load(quad.q[3] + d), out + d / 16 * 4, 4 * chunks);
    });
  }
}

template <class Cells>
static INLAY_FORCE_INLINE void turn_keys(const AttentionTask& task, const Page& page, float* out) {
  const std::uint32_t chunks = chunks_of(task.head_k);
  for (std::uint32_t j = page.begin / 16 * 16; j < (page.end + 15) / 16 * 16; j += 4) {
    const std::byte* rows[4];
    key_rows(task, page, page.begin, page.end, j, rows);
    for (std::uint32_t i = 0; i < 4; ++i) {
      prefetch_row(page.values + (j + i) * task.v_stride, page.bytes.value);
    }
    float* const block = out + std::size_t{j / 16} * 256 * chunks + j % 16;
    for_cells<Cells>(rows, task.head_k,
                     [&](std::uint32_t d, const F32x16(&k)[4], auto) INLAY_LAMBDA_INLINE {
                       store_quads(k[0], k[1], k[2], k[3], block + d, 16 * chunks);
                     });
  }
}

// One lane's sums of four queries and some blocks of 16 cells.
template <std::uint32_t blocks>
struct LaneSums {
  F32x16 of[4][blocks];

  INLAY_FORCE_INLINE LaneSums(const float* q, const float* k, std::uint32_t chunks) {
    INLAY_UNROLL for (auto& row : of) { INLAY_UNROLL for (F32x16& s : row) s = F32x16::zero(); }
    const std::size_t block = std::size_t{chunks} * 256;
    for (const float* const end = q + 4 * chunks; q != end; q += 4, k += 16) {
      F32x16 keys[blocks];
      INLAY_UNROLL for (std::uint32_t b = 0; b < blocks; ++b) keys[b] = F32x16::load(k + b * block);
      INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
        const F32x16 query = F32x16::broadcast(q[h]);
        INLAY_UNROLL for (std::uint32_t b = 0; b < blocks; ++b) {
          of[h][b] = fma(query, keys[b], of[h][b]);
        }
      }
    }
  }
};

// The tree over the lanes: lane i and i + 8 are added first, then those sums i and i + 4, ...
template <std::uint32_t blocks>
static INLAY_FORCE_INLINE void dots_of_panel(const float* q, const float* k, std::uint32_t chunks,
                                             float* scores) {
  alignas(64) float parts[8][4][blocks][16];
  for (std::uint32_t lane = 0; lane < 8; ++lane) {
    const LaneSums<blocks> low(q + lane * 4 * chunks, k + lane * 16 * chunks, chunks);
    INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
      INLAY_UNROLL for (std::uint32_t b = 0; b < blocks; ++b) low.of[h][b].store(parts[lane][h][b]);
    }
    const LaneSums<blocks> high(q + (lane + 8) * 4 * chunks, k + (lane + 8) * 16 * chunks, chunks);
    INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
      INLAY_UNROLL for (std::uint32_t b = 0; b < blocks; ++b) {
        (F32x16::load(parts[lane][h][b]) + high.of[h][b]).store(parts[lane][h][b]);
      }
    }
  }
  for (std::uint32_t b = 0; b < blocks; ++b) {
    F32x16 sums[4];
    INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
      const auto part = [&](std::uint32_t i)
                            INLAY_LAMBDA_INLINE { return F32x16::load(parts[i][h][b]); };
      sums[h] =
          ((part(0) + part(4)) + (part(2) + part(6))) + ((part(1) + part(5)) + (part(3) + part(7)));
    }
    store_quads(sums[0], sums[1], sums[2], sums[3], scores + 64 * b, 4);
  }
}

// Cells whose keys stay in the first cache while the quads pass by.
static INLAY_FORCE_INLINE std::uint32_t cells_of_part(std::uint32_t chunks) {
  return most(16, 256 / chunks / 16 * 16);
}

static void quads_by_panel(const AttentionTask& task, const Page& page,
                           const AttentionState& state) {
  constexpr std::uint32_t wide = vector_registers >= 32 ? 4 : 1;
  const std::uint32_t chunks = chunks_of(task.head_k), step = cells_of_part(chunks);
  for (std::uint32_t part = page.begin / 16 * 16; part < page.end; part += step) {
    for_quads(task, page, [&](const Quad& quad) INLAY_LAMBDA_INLINE {
      const float* const q = state.queries + std::size_t{quad.index} * 64 * chunks;
      const std::uint32_t end = least(part + step, (quad.end + 15) / 16 * 16);
      float* const scores = state.scores_of(task, quad);
      std::uint32_t j = most(part, quad.begin / 16 * 16);
      for (; wide > 1 && j + 16 * wide <= end; j += 16 * wide) {
        dots_of_panel<wide>(q, state.keys + std::size_t{j} * 16 * chunks, chunks, scores + 4 * j);
      }
      for (; j < end; j += 16) {
        dots_of_panel<1>(q, state.keys + std::size_t{j} * 16 * chunks, chunks, scores + 4 * j);
      }
    });
  }
}

template <class Cells>
static void panel_dots(const AttentionTask& task, const Page& page, const AttentionState& state) {
  turn_keys<Cells>(task, page, state.keys);
  quads_by_panel(task, page, state);
}

}  // namespace inlay::INLAY_ISA
