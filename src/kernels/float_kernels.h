// float_kernels.h - the kernels on float rows, as one struct of functions that every unit fills.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/activation_kind.h"
#include "base/rope.h"

namespace inlay {

// What a cell of the key-value cache is made of.
enum class CellType : std::uint8_t { f32, f16 };

constexpr std::uint32_t cell_bytes(CellType type) { return type == CellType::f32 ? 4 : 2; }

// Most cells in a page of the cache.
inline constexpr std::uint32_t max_page_tokens = 256;

// Attention of one token's query heads that share one key and value head, over the cells
// [first, length) of its sequence: out = softmax(scale * q K^T + bias) V. A cell's place is its
// position in the sequence; page p holds the cells [p * page_tokens, (p + 1) * page_tokens).
struct AttentionTask {
  const float* q;              // (group, head_k)
  std::size_t q_stride;        // floats from one query head to the next
  std::uint32_t group;         // query heads, at least 1
  std::uint32_t head_k;        // size of a key
  std::uint32_t head_v;        // size of a value
  const void* const* k_pages;  // per page: this head's key of the page's first cell
  const void* const* v_pages;  // the same for values
  std::size_t k_stride;        // elements from one cell's key to the next cell's
  std::size_t v_stride;
  std::uint32_t page_tokens;  // a multiple of 16, at most max_page_tokens
  std::uint32_t first;        // first visible cell; > 0 with a sliding window
  std::uint32_t length;       // cells first .. length - 1 are visible; none gives zeros
  float scale;
  const float* slopes;     // (group) ALiBi: adds slope * (cell - (length - 1)); or null
  float* out;              // (group, head_v)
  std::size_t out_stride;  // floats
  float* scratch;          // attention_scratch() floats, 64-byte aligned
};

// Floats of scratch that an AttentionTask needs.
constexpr std::size_t attention_scratch(std::uint32_t group, std::uint32_t page_tokens) {
  return static_cast<std::size_t>(group) * (page_tokens + 4);
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
  // Writes n floats as cells, halves rounded to nearest even.
  void (*store_cells)(CellType type, const float* x, std::uint32_t n, void* out);
  void (*attention)(CellType type, const AttentionTask& task);
};

}  // namespace inlay
