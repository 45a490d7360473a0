// attention_page.h - what a step of attention works on: a page's cells, four queries, the scratch.
#pragma once

#include "kernels/chunks.h"
#include "kernels/float_kernels.h"

namespace inlay::INLAY_ISA {

struct RowBytes {
  std::size_t key, value;
};

// The cells of one page that some row sees: [begin, end), counted from its first cell.
struct Page {
  const std::byte* keys;
  const std::byte* values;
  const std::byte* next_keys;  // of the next page; the last has its own
  RowBytes bytes;
  std::uint32_t first_cell;  // absolute
  std::uint32_t begin, end;
};

// The visible cells of one row in a page; begin > end where there is none.
struct Visible {
  std::uint32_t begin, end;
};

static INLAY_FORCE_INLINE std::uint32_t least(std::uint32_t a, std::uint32_t b) {
  return a < b ? a : b;
}
static INLAY_FORCE_INLINE std::uint32_t most(std::uint32_t a, std::uint32_t b) {
  return a > b ? a : b;
}

static INLAY_FORCE_INLINE std::uint32_t chunks_of(std::uint32_t n) { return (n + 15) / 16; }

static INLAY_FORCE_INLINE std::uint32_t first_visible(const AttentionTask& task,
                                                      std::uint32_t row) {
  const std::uint32_t length = task.length + row;
  return length > task.window ? length - task.window : 0;
}

static INLAY_FORCE_INLINE Visible visible_in(const AttentionTask& task, std::uint32_t row,
                                             std::uint32_t first_cell) {
  const std::uint32_t first = first_visible(task, row), length = task.length + row;
  const std::uint32_t begin = first > first_cell ? first - first_cell : 0;
  const std::uint32_t end = length > first_cell ? length - first_cell : 0;
  if (begin >= least(end, task.page_tokens)) return {task.page_tokens, 0};
  return {begin, least(end, task.page_tokens)};
}

static INLAY_FORCE_INLINE Page page_of(const AttentionTask& task, RowBytes bytes, std::uint32_t p) {
  const std::uint32_t cell = p * task.page_tokens;
  const std::uint32_t first = first_visible(task, 0), length = task.length + task.rows - 1;
  const std::uint32_t next = length - cell > task.page_tokens ? p + 1 : p;
  return {static_cast<const std::byte*>(task.k_pages[p]),
          static_cast<const std::byte*>(task.v_pages[p]),
          static_cast<const std::byte*>(task.k_pages[next]),
          bytes,
          cell,
          first > cell ? first - cell : 0,
          least(length - cell, task.page_tokens)};
}

// Values are prefetched while keys are read, the next page's keys while values are.
static INLAY_FORCE_INLINE void prefetch_row(const std::byte* row, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 64) INLAY_PREFETCH(row + i);
}

// The queries of a task are the heads of its first row, then those of the next, and so on.
static INLAY_FORCE_INLINE std::uint32_t query_count(const AttentionTask& task) {
  return task.rows * task.group;
}
static INLAY_FORCE_INLINE std::uint32_t quad_count(const AttentionTask& task) {
  return (query_count(task) + 3) / 4;
}

// Four queries and what they see of a page; places that are left over repeat the last query.
struct Quad {
  std::uint32_t index;  // of the quad
  std::uint32_t count;  // of different queries
  const float* q[4];
  float* out[4];
  std::uint32_t row[4], head[4];
  Visible sees[4];
  std::uint32_t begin, end;                // cells that some query sees
  std::uint32_t common_begin, common_end;  // cells that all of them see, maybe none: at the end

  INLAY_FORCE_INLINE bool ragged(std::uint32_t from, std::uint32_t to) const {
    return from < common_begin || to > common_end;
  }
};

static INLAY_FORCE_INLINE void set_visible(const AttentionTask& task, std::uint32_t first_cell,
                                           Quad& quad) {
  quad.begin = quad.common_end = task.page_tokens;
  quad.end = quad.common_begin = 0;
  INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
    const Visible sees = quad.sees[h] = visible_in(task, quad.row[h], first_cell);
    quad.begin = least(quad.begin, sees.begin);
    quad.end = most(quad.end, sees.end);
    quad.common_begin = most(quad.common_begin, sees.begin);
    quad.common_end = least(quad.common_end, sees.end);
  }
  if (quad.common_begin >= quad.common_end) quad.common_begin = quad.common_end = quad.end;
}

static INLAY_FORCE_INLINE Quad quad_of(const AttentionTask& task, const Page& page,
                                       std::uint32_t index) {
  Quad quad;
  const std::uint32_t left = query_count(task) - 4 * index;
  quad.index = index;
  quad.count = least(left, 4);
  std::uint32_t row = task.rows == 1 ? 0 : 4 * index / task.group;
  std::uint32_t head = 4 * index - row * task.group;
  INLAY_UNROLL for (std::uint32_t h = 0; h < 4; ++h) {
    quad.q[h] = task.q + row * task.q_row_stride + head * task.q_stride;
    quad.out[h] = task.out + row * task.out_row_stride + head * task.out_stride;
    quad.row[h] = row;
    quad.head[h] = head;
    if (h + 1 >= left) continue;
    const bool next = ++head == task.group;
    row += next;
    if (next) head = 0;
  }
  set_visible(task, page.first_cell, quad);
  return quad;
}

// Calls f(quad) for the quads that see something of the page.
template <class Function>
static INLAY_FORCE_INLINE void for_quads(const AttentionTask& task, const Page& page, Function f) {
  const std::uint32_t quads = quad_count(task);
  for (std::uint32_t i = 0; i < quads; ++i) {
    const Quad quad = quad_of(task, page, i);
    if (quad.begin < quad.end) f(quad);
  }
}

// The scratch of a task. Lanes of a quad's state: four queries, four times over.
struct AttentionState {
  float* scores;   // (quads, page_tokens, 4), then the weights p_j
  float* top;      // (quads, 16) m
  float* total;    // (quads, 16) l
  float* keep;     // (quads, 16) a of this page
  float* take;     // (quads, 16) b of this page
  float* queries;  // (quads, 16 lanes, chunks of a key, 4 queries)
  float* keys;     // (page_tokens / 16, 16 lanes, chunks of a key, 16 cells)
  float* values;   // (chunks of a value, page_tokens, 16)

  INLAY_FORCE_INLINE float* scores_of(const AttentionTask& task, const Quad& quad) const {
    return scores + std::size_t{quad.index} * 4 * task.page_tokens;
  }
};

static INLAY_FORCE_INLINE AttentionState attention_state(const AttentionTask& task) {
  const std::size_t quads = quad_count(task), key = 16 * chunks_of(task.head_k);
  AttentionState state;
  state.scores = task.scratch;
  state.top = state.scores + quads * 4 * task.page_tokens;
  state.total = state.top + quads * 16;
  state.keep = state.total + quads * 16;
  state.take = state.keep + quads * 16;
  state.queries = state.take + quads * 16;
  state.keys = state.queries + quads * 4 * key;
  state.values = state.keys + task.page_tokens * key;
  return state;
}

}  // namespace inlay::INLAY_ISA
