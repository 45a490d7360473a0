// elementwise.h - sums, products and stores that treat every element alone.
#pragma once

#include "kernels/chunks.h"
#include "kernels/float_kernels.h"

namespace inlay::INLAY_ISA {

static void add(const float* a, const float* b, std::uint32_t n, float* y) {
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    chunk.store(chunk.load(a + i) + chunk.load(b + i), y + i);
  });
}

static void mul(const float* a, const float* b, std::uint32_t n, float* y) {
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    chunk.store(chunk.load(a + i) * chunk.load(b + i), y + i);
  });
}

static void scale(const float* x, float factor, std::uint32_t n, float* y) {
  const F32x16 factors = F32x16::broadcast(factor);
  for_chunks(n,
             [&](std::uint32_t i, auto chunk) { chunk.store(chunk.load(x + i) * factors, y + i); });
}

template <class Cell>
static INLAY_FORCE_INLINE void store_row(const float* x, std::uint32_t n, Cell* out) {
  for_chunks(n, [&](std::uint32_t i, auto chunk) { chunk.store(chunk.load(x + i), out + i); });
}

static void store_cells(CellType type, const float* x, std::uint32_t n, void* out) {
  switch (type) {
    case CellType::f32: return store_row(x, n, static_cast<float*>(out));
    case CellType::f16: return store_row(x, n, static_cast<std::uint16_t*>(out));
  }
}

}  // namespace inlay::INLAY_ISA
