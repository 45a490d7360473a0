// attention.h - attention of some tokens' heads over the pages of the key-value cache.
//
// The order of every sum, whatever the rows, the group, the chunking or the instruction set:
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

#include "kernels/attention_dots.h"
#include "kernels/attention_softmax.h"
#include "kernels/attention_values.h"

namespace inlay::INLAY_ISA {

using PageWork = void (*)(const AttentionTask& task, const Page& page, const AttentionState& state);

// The work on keys or values of one type. For many queries, codes sooner than numbers, they are
// made floats once for all.
struct CellWork {
  PageWork few, many;
  std::uint32_t many_from;

  INLAY_FORCE_INLINE bool is_many(const AttentionTask& task) const {
    return query_count(task) >= many_from;
  }
  INLAY_FORCE_INLINE PageWork of(const AttentionTask& task) const {
    return is_many(task) ? many : few;
  }
};

template <class Cells>
inline constexpr std::uint32_t many_queries = Cells::block == 16 ? 24 : 12;
template <class Cells>
static constexpr CellWork dots_with = {cell_dots<Cells>, panel_dots<Cells>, many_queries<Cells>};
template <class Cells>
static constexpr CellWork values_with = {cell_values<Cells>, panel_values<Cells>,
                                         many_queries<Cells>};

static CellWork dots_of(CellType type) {
  switch (type) {
    case CellType::f32: return dots_with<F32Cells>;
    case CellType::f16: return dots_with<F16Cells>;
    case CellType::bf16: return dots_with<Bf16Cells>;
    case CellType::q8_0: return dots_with<Q8Cells>;
    case CellType::q4_0: return dots_with<Q4Cells>;
  }
  return {};
}

static CellWork values_of(CellType type) {
  switch (type) {
    case CellType::f32: return values_with<F32Cells>;
    case CellType::f16: return values_with<F16Cells>;
    case CellType::bf16: return values_with<Bf16Cells>;
    case CellType::q8_0: return values_with<Q8Cells>;
    case CellType::q4_0: return values_with<Q4Cells>;
  }
  return {};
}

// Calls f(row, query, out) for all queries.
template <class Function>
static INLAY_FORCE_INLINE void for_queries(const AttentionTask& task, Function f) {
  for (std::uint32_t row = 0, i = 0; row < task.rows; ++row) {
    for (std::uint32_t head = 0; head < task.group; ++head, ++i) {
      f(row, i, task.out + row * task.out_row_stride + head * task.out_stride);
    }
  }
}

static void begin_sums(const AttentionTask& task, const AttentionState& state) {
  for (std::uint32_t i = 0; i < 16 * quad_count(task); ++i) {
    state.top[i] = -__builtin_inff();
    state.total[i] = 0.0f;
  }
  for_queries(task, [&](std::uint32_t, std::uint32_t, float* out) {
    for_chunks(task.head_v,
               [&](std::uint32_t d, auto chunk) { chunk.store(F32x16::zero(), out + d); });
  });
}

static void divide_by_totals(const AttentionTask& task, const AttentionState& state) {
  for_queries(task, [&](std::uint32_t row, std::uint32_t i, float* out) {
    if (first_visible(task, row) >= task.length + row) return;
    const F32x16 total = F32x16::broadcast(state.total[i / 4 * 16 + i % 4]);
    for_chunks(task.head_v, [&](std::uint32_t d, auto chunk) {
      chunk.store(chunk.load(out + d) / total, out + d);
    });
  });
}

static void attention(CellType keys, CellType values, const AttentionTask& task) {
  const AttentionState state = attention_state(task);
  const PageWork dots = dots_of(keys).of(task), sums = values_of(values).of(task);
  if (dots_of(keys).is_many(task)) turn_queries(task, state);
  begin_sums(task, state);
  const std::uint32_t length = task.length + task.rows - 1;  // of the last row
  const std::uint32_t first = first_visible(task, 0);
  const RowBytes bytes = {cell_row_bytes(keys, task.head_k), cell_row_bytes(values, task.head_v)};
  for (std::uint32_t p = first / task.page_tokens; p * task.page_tokens < length; ++p) {
    const Page page = page_of(task, bytes, p);
    if (page.begin >= page.end) break;
    dots(task, page, state);
    page_softmax(task, page, state);
    sums(task, page, state);
  }
  divide_by_totals(task, state);
}

}  // namespace inlay::INLAY_ISA
