// neon_dotprod.cpp - the kernels for aarch64 with dot products of bytes (FEAT_DotProd, in most
// processors since 2018).
#define INLAY_ISA neon_dotprod
#include "kernels/vector/neon.h"

#include "kernels/vector/dot_neon_dotprod.h"

#include "kernels/unit.h"

namespace inlay {

const KernelTable* neon_dotprod_kernels() {
  static constexpr FloatKernels floats = neon_dotprod::float_kernels();
  static constexpr KernelTable table = neon_dotprod::make_table("neon_dotprod", floats);
  return &table;
}

}  // namespace inlay
