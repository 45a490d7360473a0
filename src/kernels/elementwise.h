// elementwise.h - sums and products that treat every element alone.
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

}  // namespace inlay::INLAY_ISA
