// float_kernels.h - the kernels on float rows, as one struct of functions that every unit fills.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/activation_kind.h"
#include "base/rope.h"

namespace inlay {

// What a row of the key-value cache is made of: numbers, or the blocks of 32 codes with a half
// scale in front that the weight types of the same names have.
enum class CellType : std::uint8_t { f32, f16, bf16, q8_0, q4_0 };
inline constexpr std::uint32_t cell_type_count = 5;

// Bytes of one cell's row of n elements; a last block that is not full takes a whole one's.
constexpr std::size_t cell_row_bytes(CellType type, std::uint32_t n) {
  const std::size_t blocks = (std::size_t{n} + 31) / 32;
  switch (type) {
    case CellType::f32: return std::size_t{n} * 4;
    case CellType::f16:
    case CellType::bf16: return std::size_t{n} * 2;
    case CellType::q8_0: return blocks * 34;
    case CellType::q4_0: return blocks * 18;
  }
  return 0;
}

// Most cells in a page of the cache.
inline constexpr std::uint32_t max_page_tokens = 256;

// Attention of some consecutive tokens of a sequence, the rows, with the query heads that share one
// key and value head, over the cells of the sequence: out = softmax(scale * q K^T + bias) V. A
// cell's place is its position in the sequence; page p holds the cells [p * page_tokens,
// (p + 1) * page_tokens). A row's result does not depend on the rows beside it.
struct AttentionTask {
  const float* q;              // (rows, group, head_k)
  std::size_t q_row_stride;    // floats from one row to the next
  std::size_t q_stride;        // floats from one query head to the next
  std::uint32_t rows;          // at least 1
  std::uint32_t group;         // query heads of a row, at least 1
  std::uint32_t head_k;        // size of a key
  std::uint32_t head_v;        // size of a value
  const void* const* k_pages;  // per page: this head's key of the page's first cell
  const void* const* v_pages;  // the same for values
  std::size_t k_stride;        // bytes from one cell's key to the next cell's
  std::size_t v_stride;
  std::uint32_t page_tokens;  // a multiple of 16, at most max_page_tokens
  std::uint32_t length;       // row r sees the last `window` of the cells [0, length + r);
  std::uint32_t window;       // no cell gives zeros
  float scale;
  const float* slopes;         // (group) ALiBi: adds slope * (cell - (length + r - 1)); or null
  float* out;                  // (rows, group, head_v)
  std::size_t out_row_stride;  // floats
  std::size_t out_stride;
  float* scratch;  // attention_scratch() floats, 64-byte aligned
};

// A window that hides nothing.
inline constexpr std::uint32_t whole_window = UINT32_MAX;

// Floats of scratch that an AttentionTask with so many queries, rows * group, needs.
constexpr std::size_t attention_scratch(std::uint32_t queries, std::uint32_t head_k,
                                        std::uint32_t head_v, std::uint32_t page_tokens) {
  const std::size_t quads = (std::size_t{queries} + 3) / 4;
  const std::size_t key = (std::size_t{head_k} + 15) / 16 * 16;
  const std::size_t value = (std::size_t{head_v} + 15) / 16 * 16;
  return quads * (4 * page_tokens + 64 + 4 * key) + page_tokens * (key + value);
}

// All functions are pure, allocate nothing and may run on any number of threads at once. They
// expect denormals to be flushed; every unit gives the same bits. Pointers need the alignment of
// their elements only. "y may be x" means exactly the same pointer; other overlaps are not allowed.
struct FloatKernels {
  // y = x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019); weight null: all ones; y may
  // be x.
  void (*rms_norm)(const float* x, const float* weight, std::uint32_t n, float eps, float* y);
  // y = (x - mean) / sqrt(variance + eps) * weight + bias; bias may be null; y may be x.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, std::uint32_t n,
                     float eps, float* y);
  // y = a + b, y = a * b, y = x * factor; y may be an input.
  void (*add)(const float* a, const float* b, std::uint32_t n, float* y);
  void (*mul)(const float* a, const float* b, std::uint32_t n, float* y);
  void (*scale)(const float* x, float factor, std::uint32_t n, float* y);
  // y = act(x); y may be x.
  void (*activate)(Act act, const float* x, std::uint32_t n, float* y);
  // y = act(g) * u; y may be an input.
  void (*gate)(Act act, const float* g, const float* u, std::uint32_t n, float* y);
  // Rotates the first 2 * pairs elements of each head by the table of rope_table, copies the rest;
  // x and y are (heads, head_size) without gaps; y may be x.
  void (*rope)(const float* x, const float* cos_sin, std::uint32_t heads, std::uint32_t head_size,
               std::uint32_t pairs, RopePairs order, float* y);
  // Writes the row of a cell, cell_row_bytes(type, n) bytes. f16 and bf16 round to nearest even.
  // q8_0 and q4_0 give what the encoder of that weight type gives without importances for the row
  // with zeros up to the end of its last block; a block with an infinity or a NaN becomes all NaN.
  void (*store_cells)(CellType type, const float* x, std::uint32_t n, void* out);
  // On the exact floats that the cells stand for.
  void (*attention)(CellType keys, CellType values, const AttentionTask& task);
};

}  // namespace inlay
