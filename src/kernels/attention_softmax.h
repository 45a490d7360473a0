// attention_softmax.h - the dots of a page become weights, and join the maximum and the sum of the
// pages before.
#pragma once

#include "base/math.h"
#include "kernels/attention_page.h"

namespace inlay::INLAY_ISA {

// Lanes of four cells by four queries: lane i is cell i / 4, query i % 4.
struct QuadLanes {
  F32x16 begin, end;  // visible cells
  F32x16 cell;        // 0 to 3
  I32x16 distance;    // cell - (length - 1) for the page's first cells
  F32x16 slope;
};

static INLAY_FORCE_INLINE QuadLanes quad_lanes(const AttentionTask& task, const Page& page,
                                               const Quad& quad) {
  float begin[4], end[4], slope[4] = {}, cell[16];
  std::int32_t distance[16];
  for (std::uint32_t h = 0; h < 4; ++h) {
    begin[h] = static_cast<float>(quad.sees[h].begin);
    end[h] = static_cast<float>(quad.sees[h].end);
    if (task.slopes) slope[h] = task.slopes[quad.head[h]];
  }
  for (std::uint32_t i = 0; i < 16; ++i) {
    const std::uint32_t last = task.length + quad.row[i % 4] - 1;
    cell[i] = static_cast<float>(i / 4);
    distance[i] = static_cast<std::int32_t>(page.first_cell + i / 4 - last);
  }
  return {F32x16::load_quad(begin), F32x16::load_quad(end), F32x16::load(cell),
          I32x16::load(distance), F32x16::load_quad(slope)};
}

// The dots of cells j .. j + 3 as scores; minus infinity where a query does not see a cell.
static INLAY_FORCE_INLINE F32x16 with_bias(F32x16 score, std::uint32_t j, const QuadLanes& lanes) {
  const I32x16 place = lanes.distance + I32x16::broadcast(static_cast<std::int32_t>(j));
  return fma(lanes.slope, to_float(place), score);
}
static INLAY_FORCE_INLINE F32x16 hide(F32x16 score, std::uint32_t j, const QuadLanes& lanes) {
  const F32x16 lowest = F32x16::broadcast(-__builtin_inff());
  const F32x16 cell = lanes.cell + F32x16::broadcast(static_cast<float>(j));
  return select(less(cell, lanes.begin), lowest, select(less(cell, lanes.end), score, lowest));
}

// Each query's maximum, four times over.
static INLAY_FORCE_INLINE F32x16 quad_max(F32x16 v) {
  alignas(64) float lane[16];
  v.store(lane);
  return max(max(F32x16::load_quad(lane), F32x16::load_quad(lane + 8)),
             max(F32x16::load_quad(lane + 4), F32x16::load_quad(lane + 12)));
}

// The tree over cells j mod 16 that lie in four vectors.
static INLAY_FORCE_INLINE F32x16 quad_sum(const F32x16 (&v)[4]) {
  alignas(64) float lane[16];
  ((v[0] + v[2]) + (v[1] + v[3])).store(lane);
  return (F32x16::load_quad(lane) + F32x16::load_quad(lane + 8)) +
         (F32x16::load_quad(lane + 4) + F32x16::load_quad(lane + 12));
}

// m, l, a and b of the quad's queries; a query that sees nothing of the page keeps its own.
static INLAY_FORCE_INLINE void join_page(F32x16 top, F32x16 sum, const QuadLanes& lanes,
                                         std::uint32_t quad, const AttentionState& state) {
  const std::size_t at = std::size_t{quad} * 16;
  const F32x16 before = F32x16::load(state.top + at), total = F32x16::load(state.total + at);
  const F32x16 next = max(before, top);
  const F32x16 keep = math::exp_of(before - next), take = math::exp_of(top - next);
  const F32x16::Mask sees = less(lanes.begin, lanes.end);
  select(sees, next, before).store(state.top + at);
  select(sees, total * keep + sum * take, total).store(state.total + at);
  keep.store(state.keep + at);
  take.store(state.take + at);
}

static INLAY_FORCE_INLINE void quad_softmax(const AttentionTask& task, const Page& page,
                                            const Quad& quad, const AttentionState& state) {
  const QuadLanes lanes = quad_lanes(task, page, quad);
  float* const scores = state.scores_of(task, quad);
  const std::uint32_t begin = quad.begin / 16 * 16, end = (quad.end + 15) / 16 * 16;
  const F32x16 scale = F32x16::broadcast(task.scale);

  F32x16 tops = F32x16::broadcast(-__builtin_inff());
  for (std::uint32_t j = begin; j < end; j += 4) {
    F32x16 s = F32x16::load(scores + 4 * j) * scale;
    if (task.slopes) s = with_bias(s, j, lanes);
    if (quad.ragged(j, j + 4)) s = hide(s, j, lanes);
    tops = max(tops, s);
    s.store(scores + 4 * j);
  }
  const F32x16 top = quad_max(tops);

  F32x16 sums[4] = {F32x16::zero(), F32x16::zero(), F32x16::zero(), F32x16::zero()};
  for (std::uint32_t j = begin; j < end; j += 16) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
      float* const weights = scores + 4 * (j + 4 * i);
      const F32x16 p = math::exp_of(F32x16::load(weights) - top);
      sums[i] = sums[i] + p;
      p.store(weights);
    }
  }
  join_page(top, quad_sum(sums), lanes, quad.index, state);
}

static void page_softmax(const AttentionTask& task, const Page& page, const AttentionState& state) {
  for_quads(task, page,
            [&](const Quad& quad) INLAY_LAMBDA_INLINE { quad_softmax(task, page, quad, state); });
}

}  // namespace inlay::INLAY_ISA
