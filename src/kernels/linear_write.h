// linear_write.h - the end of every matrix product: scale, bias, residual, and the store.
#pragma once

#include <cstdint>

#include "kernels/kernel_table.h"

namespace inlay::INLAY_ISA {

static INLAY_FORCE_INLINE void write_one(const LinearTask& task, std::uint32_t token,
                                         std::uint32_t row, float dot) {
  dot *= task.scale;
  if (task.bias) dot = task.bias[row] + dot;
  if (task.add) dot = task.add[token * task.add_stride + row] + dot;
  task.y[token * task.y_stride + row] = dot;
}

// The outputs of `count` <= 16 neighbouring rows, lane = row.
static INLAY_FORCE_INLINE void write_rows(const LinearTask& task, std::uint32_t token,
                                          std::uint32_t row, std::uint32_t count, F32x16 dot) {
  float* y = task.y + token * task.y_stride + row;
  const float* add = task.add ? task.add + token * task.add_stride + row : nullptr;
  dot = dot * F32x16::broadcast(task.scale);
  if (count == 16) {
    if (task.bias) dot = F32x16::load(task.bias + row) + dot;
    if (add) dot = F32x16::load(add) + dot;
    dot.store(y);
    return;
  }
  if (task.bias) dot = F32x16::load_partial(task.bias + row, count) + dot;
  if (add) dot = F32x16::load_partial(add, count) + dot;
  dot.store_partial(y, count);
}

}  // namespace inlay::INLAY_ISA
