// norm.h - RMSNorm and LayerNorm of one row; sums run in 16 lanes, lane = index mod 16, then the
// tree.
#pragma once

#include "kernels/chunks.h"

namespace inlay::INLAY_ISA {

// 1 / sqrt(total / n + eps), each step rounded.
static INLAY_FORCE_INLINE float inverse_root(float total, std::uint32_t n, float eps) {
  return 1.0f / __builtin_sqrtf(total / static_cast<float>(n) + eps);
}

static void rms_norm(const float* x, const float* weight, std::uint32_t n, float eps, float* y) {
  F32x16 squares = F32x16::zero();
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    const F32x16 v = chunk.load(x + i);
    squares = fma(v, v, squares);
  });
  const F32x16 factor = F32x16::broadcast(inverse_root(sum(squares), n, eps));
  if (!weight) {
    for_chunks(
        n, [&](std::uint32_t i, auto chunk) { chunk.store(chunk.load(x + i) * factor, y + i); });
    return;
  }
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    chunk.store(chunk.load(x + i) * factor * chunk.load(weight + i), y + i);
  });
}

static void layer_norm(const float* x, const float* weight, const float* bias, std::uint32_t n,
                       float eps, float* y) {
  F32x16 total = F32x16::zero();
  for_chunks(n, [&](std::uint32_t i, auto chunk) { total = total + chunk.load(x + i); });
  const F32x16 mean = F32x16::broadcast(sum(total) / static_cast<float>(n));

  F32x16 squares = F32x16::zero();
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    const F32x16 v = chunk.keep(chunk.load(x + i) - mean);
    squares = fma(v, v, squares);
  });
  const F32x16 factor = F32x16::broadcast(inverse_root(sum(squares), n, eps));
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    const F32x16 v = (chunk.load(x + i) - mean) * factor;
    const F32x16 shift = bias ? chunk.load(bias + i) : F32x16::zero();
    chunk.store(fma(v, chunk.load(weight + i), shift), y + i);
  });
}

}  // namespace inlay::INLAY_ISA
