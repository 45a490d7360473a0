// neon.cpp - the kernels for every aarch64 processor.
#define INLAY_ISA neon
#include "kernels/vector/neon.h"

#include "kernels/vector/dot_neon.h"

#include "kernels/unit.h"

namespace inlay {

const KernelTable* neon_kernels() {
  static constexpr FloatKernels floats = neon::float_kernels();
  static constexpr KernelTable table = neon::make_table("neon", floats);
  return &table;
}

}  // namespace inlay
