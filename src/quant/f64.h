// f64.h - F64: doubles, rounded to floats as they are read.
#pragma once

#include "quant/number_rows.h"

namespace inlay {

struct F64 : NumberRows<double> {
  static void encode(const float* x, const float*, std::uint32_t k, void* row) {
    for (std::uint32_t i = 0; i < k; ++i) {
      const double value = x[i];
      std::memcpy(static_cast<std::uint8_t*>(row) + std::size_t{i} * sizeof value, &value,
                  sizeof value);
    }
  }
};

}  // namespace inlay
