// scalar.cpp - the kernels in plain C++, for any processor.
#define INLAY_ISA scalar
#include "kernels/vector/scalar.h"

#include "kernels/vector/int_scalar.h"

#include "kernels/unit.h"

namespace inlay {

const KernelTable* scalar_kernels() {
  static constexpr FloatKernels floats = scalar::float_kernels();
  static constexpr KernelTable table = scalar::make_table("scalar", floats);
  return &table;
}

}  // namespace inlay
