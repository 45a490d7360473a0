// attention.h - attention of one token's heads over the pages of the key-value cache.
//
// The order of every sum, whatever the group, the chunking or the instruction set:
//   score_j = scale * (q . k_j), q . k_j in 16 lanes over the head, then the tree
//   score_j = fma(slope, j - (length - 1), score_j)           with ALiBi
// per page, pages being aligned to absolute positions:
//   m' = max score_j,  p_j = exp(score_j - m'),  l' = sum p_j in 16 lanes (j mod 16), then the tree
//   o'_d = sum over ascending j by fma(p_j, v_jd, o'_d)
// pages in ascending order, from m = -infinity, l = 0, o = 0 (Milakov and Gimelshein 2018):
//   n = max(m, m'),  a = exp(m - n),  b = exp(m' - n),  m = n
//   l = l a + l' b,  o_d = fma(o_d, a, o'_d b)
// and at the end o_d / l. A page's m', l', o' depend on nothing before it. k and v are the exact
// floats that the cells stand for, whatever their type.
#pragma once

#include "base/math.h"
#include "kernels/cells.h"
#include "kernels/float_kernels.h"

namespace inlay::INLAY_ISA {

// Query heads that share one load of keys and values.
inline constexpr std::uint32_t query_block = vector_registers >= 32 ? 4 : 1;

// The scratch of a task, per query head.
struct AttentionState {
  float* scores;  // (group, page_tokens), then the weights p_j
  float* top;     // (group) m
  float* total;   // (group) l
  float* keep;    // (group) a of this page
  float* take;    // (group) b of this page
};

static INLAY_FORCE_INLINE AttentionState attention_state(const AttentionTask& task) {
  float* const rest = task.scratch + std::size_t{task.group} * task.page_tokens;
  return {task.scratch, rest, rest + task.group, rest + 2 * std::size_t{task.group},
          rest + 3 * std::size_t{task.group}};
}

// The visible cells [begin, end) of one page, counted from its first cell.
struct Page {
  const std::byte* keys;
  const std::byte* values;
  std::uint32_t first_cell;  // absolute
  std::uint32_t begin, end;
};

// q . k of some query heads for 4 cells.
template <class Cells, std::uint32_t queries>
static INLAY_FORCE_INLINE void dot_block(const AttentionTask& task,
                                         const std::byte* const (&keys)[4], std::uint32_t query,
                                         float* scores) {
  const float* const q = task.q + query * task.q_stride;
  F32x16 sums[queries][4];
  INLAY_UNROLL for (auto& row : sums) { INLAY_UNROLL for (F32x16& s : row) s = F32x16::zero(); }
  for_cells<Cells>(
      keys, task.head_k, [&](std::uint32_t d, const F32x16(&k)[4], auto chunk) INLAY_LAMBDA_INLINE {
        INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
          const F32x16 v = chunk.load(q + h * task.q_stride + d);
          INLAY_UNROLL for (int i = 0; i < 4; ++i) sums[h][i] = fma(v, k[i], sums[h][i]);
        }
      });
  INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
    store_sums(sums[h][0], sums[h][1], sums[h][2], sums[h][3],
               scores + std::size_t{query + h} * task.page_tokens);
  }
}

template <class Cells>
static INLAY_FORCE_INLINE void page_dots(const AttentionTask& task, const Page& page,
                                         float* scores) {
  const std::size_t stride = task.k_stride;
  for (std::uint32_t j = page.begin & ~3u; j < page.end; j += 4) {
    const std::byte* const first = page.keys + j * stride;
    const std::byte* keys[4] = {first, first + stride, first + 2 * stride, first + 3 * stride};
    if (j < page.begin || page.end - j < 4) {
      // A cell outside the page's range repeats the nearest.
      INLAY_UNROLL for (std::uint32_t k = 0; k < 4; ++k) {
        const std::uint32_t late = j + k < page.end ? j + k : page.end - 1;
        keys[k] = page.keys + (late < page.begin ? page.begin : late) * stride;
      }
    }
    std::uint32_t query = 0;
    for (; query + query_block <= task.group; query += query_block) {
      dot_block<Cells, query_block>(task, keys, query, scores + j);
    }
    for (; query < task.group; ++query) dot_block<Cells, 1>(task, keys, query, scores + j);
  }
}

// e^x of two numbers.
static INLAY_FORCE_INLINE void exp_two(const float (&x)[2], float (&y)[2]) {
  math::exp_of(F32x16::load_partial(x, 2)).store_partial(y, 2);
}

// The dots of cells j .. j + 15 as scores; minus infinity for cells that are not visible.
static INLAY_FORCE_INLINE F32x16 scores_of(const AttentionTask& task, const Page& page,
                                           std::uint32_t query, std::uint32_t j, F32x16 dots) {
  F32x16 s = dots * F32x16::broadcast(task.scale);
  if (task.slopes) {
    float distance[16];
    for (std::uint32_t i = 0; i < 16; ++i) {
      const std::uint32_t cell = page.first_cell + j + i;
      distance[i] = static_cast<float>(static_cast<std::int32_t>(cell - (task.length - 1)));
    }
    s = fma(F32x16::broadcast(task.slopes[query]), F32x16::load(distance), s);
  }
  const F32x16 lowest = F32x16::broadcast(-__builtin_inff());
  if (page.end - j < 16) s = select(first_lanes(page.end - j), s, lowest);
  if (page.begin > j) s = select(first_lanes(page.begin - j), lowest, s);
  return s;
}

// Turns the dots of one query head into weights p_j, updates its m and l, leaves its a and b.
static INLAY_FORCE_INLINE void page_softmax(const AttentionTask& task, const Page& page,
                                            std::uint32_t query, const AttentionState& state) {
  float* const scores = state.scores + std::size_t{query} * task.page_tokens;
  const std::uint32_t from = page.begin & ~15u;

  F32x16 tops = F32x16::broadcast(-__builtin_inff());
  for (std::uint32_t j = from; j < page.end; j += 16) {
    const F32x16 s = scores_of(task, page, query, j, F32x16::load(scores + j));
    tops = max(tops, s);
    s.store(scores + j);
  }
  const float top = max(tops);

  F32x16 weights = F32x16::zero();
  for (std::uint32_t j = from; j < page.end; j += 16) {
    const F32x16 p = math::exp_of(F32x16::load(scores + j) - F32x16::broadcast(top));
    weights = weights + p;
    p.store(scores + j);
  }

  const float before = state.top[query];
  const float next = before > top ? before : top;
  float factors[2];
  exp_two({before - next, top - next}, factors);
  state.top[query] = next;
  state.keep[query] = factors[0];
  state.take[query] = factors[1];
  state.total[query] = state.total[query] * factors[0] + sum(weights) * factors[1];
}

// o of some query heads, elements [d, d + 16 * chunks): this page's part joins what is there.
template <class Cells, std::uint32_t queries, std::uint32_t chunks, class Chunk>
static INLAY_FORCE_INLINE void value_block(const AttentionTask& task, const Page& page,
                                           std::uint32_t query, std::uint32_t d, Chunk chunk,
                                           const AttentionState& state) {
  F32x16 sums[queries][chunks];
  INLAY_UNROLL for (auto& row : sums) { INLAY_UNROLL for (F32x16& s : row) s = F32x16::zero(); }
  const float* const weights = state.scores + std::size_t{query} * task.page_tokens;
  // A single chunk may begin in the middle of a block.
  const std::uint32_t begin = chunks * 16 % Cells::block == 0 ? 0 : d % Cells::block;
  const std::byte* const values = page.values + d / Cells::block * Cells::bytes;
  for (std::uint32_t j = page.begin; j < page.end; ++j) {
    const std::byte* const value = values + j * task.v_stride;
    F32x16 p[queries];
    INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
      p[h] = F32x16::broadcast(weights[std::size_t{h} * task.page_tokens + j]);
    }
    decltype(Cells::scale(value)) scale;
    INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
      if (16 * c % Cells::block == 0) {
        scale = Cells::scale(value + 16 * c / Cells::block * Cells::bytes);
      }
      const F32x16 v = Cells::load(value, begin + 16 * c, scale, chunk);
      INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) sums[h][c] =
          fma(p[h], v, sums[h][c]);
    }
  }
  INLAY_UNROLL for (std::uint32_t h = 0; h < queries; ++h) {
    const F32x16 keep = F32x16::broadcast(state.keep[query + h]);
    const F32x16 take = F32x16::broadcast(state.take[query + h]);
    float* const out = task.out + (query + h) * task.out_stride + d;
    INLAY_UNROLL for (std::uint32_t c = 0; c < chunks; ++c) {
      chunk.store(fma(chunk.load(out + 16 * c), keep, sums[h][c] * take), out + 16 * c);
    }
  }
}

template <class Cells, std::uint32_t queries>
static INLAY_FORCE_INLINE void query_values(const AttentionTask& task, const Page& page,
                                            std::uint32_t query, const AttentionState& state) {
  std::uint32_t d = 0;
  for (; task.head_v - d >= 64; d += 64) {
    value_block<Cells, queries, 4>(task, page, query, d, WholeChunk{}, state);
  }
  for_chunks(task.head_v - d, [&](std::uint32_t i, auto chunk) INLAY_LAMBDA_INLINE {
    value_block<Cells, queries, 1>(task, page, query, d + i, chunk, state);
  });
}

template <class Cells>
static void page_values(const AttentionTask& task, Page page, AttentionState state) {
  std::uint32_t h = 0;
  for (; h + query_block <= task.group; h += query_block) {
    query_values<Cells, query_block>(task, page, h, state);
  }
  for (; h < task.group; ++h) query_values<Cells, 1>(task, page, h, state);
}

using PageValues = void (*)(const AttentionTask& task, Page page, AttentionState state);

// Page p of a task that sees at least one of its cells.
static INLAY_FORCE_INLINE Page page_of(const AttentionTask& task, std::uint32_t p) {
  const std::uint32_t cell = p * task.page_tokens, left = task.length - cell;
  return {static_cast<const std::byte*>(task.k_pages[p]),
          static_cast<const std::byte*>(task.v_pages[p]), cell,
          task.first > cell ? task.first - cell : 0,
          left < task.page_tokens ? left : task.page_tokens};
}

template <class Keys>
static void attend(const AttentionTask& task, PageValues values) {
  const AttentionState state = attention_state(task);
  for (std::uint32_t h = 0; h < task.group; ++h) {
    state.top[h] = -__builtin_inff();
    state.total[h] = 0.0f;
    for_chunks(task.head_v, [&](std::uint32_t d, auto chunk) {
      chunk.store(F32x16::zero(), task.out + h * task.out_stride + d);
    });
  }
  if (task.first >= task.length) return;

  for (std::uint32_t p = task.first / task.page_tokens; p * task.page_tokens < task.length; ++p) {
    const Page page = page_of(task, p);
    page_dots<Keys>(task, page, state.scores);
    for (std::uint32_t h = 0; h < task.group; ++h) page_softmax(task, page, h, state);
    values(task, page, state);
  }

  for (std::uint32_t h = 0; h < task.group; ++h) {
    const F32x16 total = F32x16::broadcast(state.total[h]);
    float* const out = task.out + h * task.out_stride;
    for_chunks(task.head_v, [&](std::uint32_t d, auto chunk) {
      chunk.store(chunk.load(out + d) / total, out + d);
    });
  }
}

static PageValues values_of(CellType type) {
  switch (type) {
    case CellType::f32: return page_values<F32Cells>;
    case CellType::f16: return page_values<F16Cells>;
    case CellType::bf16: return page_values<Bf16Cells>;
    case CellType::q8_0: return page_values<Q8Cells>;
    case CellType::q4_0: return page_values<Q4Cells>;
  }
  return nullptr;
}

static void attention(CellType keys, CellType values, const AttentionTask& task) {
  switch (keys) {
    case CellType::f32: return attend<F32Cells>(task, values_of(values));
    case CellType::f16: return attend<F16Cells>(task, values_of(values));
    case CellType::bf16: return attend<Bf16Cells>(task, values_of(values));
    case CellType::q8_0: return attend<Q8Cells>(task, values_of(values));
    case CellType::q4_0: return attend<Q4Cells>(task, values_of(values));
  }
}

}  // namespace inlay::INLAY_ISA
