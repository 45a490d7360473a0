// avx2.cpp - the kernels for x86-64 with AVX2, FMA and F16C.
#define INLAY_ISA avx2
#include "kernels/vector/avx2.h"

#include "kernels/vector/int_avx2.h"

#include "kernels/unit.h"

namespace inlay {

const KernelTable* avx2_kernels() {
  static constexpr FloatKernels floats = avx2::float_kernels();
  static constexpr KernelTable table = avx2::make_table("avx2", floats);
  return &table;
}

}  // namespace inlay
