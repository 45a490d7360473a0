// avx512.cpp - the kernels for x86-64 with AVX-512 (F, BW, DQ, VL) and VNNI.
#define INLAY_ISA avx512
#include "kernels/vector/avx512.h"

#include "kernels/vector/int_avx512.h"

#include "kernels/unit.h"

namespace inlay {

// Also those of amx.cpp.
extern const FloatKernels avx512_floats;
const FloatKernels avx512_floats = avx512::float_kernels();

const KernelTable* avx512_kernels() {
  static constexpr KernelTable table = avx512::make_table("avx512", avx512_floats);
  return &table;
}

}  // namespace inlay
