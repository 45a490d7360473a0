// kernel_table.h - what an instruction set unit gives to the backend: one table of functions.
//
// All functions are pure: they touch the memory of their arguments only, allocate nothing and may
// run on any number of threads at once. They expect denormals to be flushed (FTZ and DAZ of MXCSR
// set). Every unit gives the same bits, for any split of rows and tokens.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/float_kernels.h"
#include "quant/activation.h"
#include "quant/type.h"

namespace inlay {

// Place of a type in the tables, in the order of types.inc; type_count for a type not listed.
enum TypeIndex : std::uint32_t {
#define INLAY_TYPE(id, name, file, elements, bytes) type_index_##name,
#include "quant/types.inc"
#undef INLAY_TYPE
  type_count
};

INLAY_FORCE_INLINE constexpr std::uint32_t type_index(Type type) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return type_index_##name;
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return type_count;
}

// y[t][r] = add[t][r] + (bias[r] + scale * dot(W[r], x[t])) for row_begin <= r < row_end and t <
// tokens: the dot product first, then one multiplication, then one float addition for the bias,
// then one for the residual, each left out when its pointer is null. So a fused call gives the bits
// of separate ones.
struct LinearTask {
  const void* weights;     // (n, k) row-major blocks as in the file, any alignment
  std::size_t row_bytes;   // from one row of weights to the next
  const void* x;           // (T, k) in the form activation_of(type), 64-byte aligned
  std::size_t x_stride;    // bytes from one row, in q8 forms from one block of 256 to the next
  float* y;                // (T, n)
  std::size_t y_stride;    // floats
  const float* bias;       // (n) or null
  const float* add;        // (T, n) or null; may be y itself
  std::size_t add_stride;  // floats
  std::uint32_t k;         // a multiple of the type's block
  std::uint32_t row_begin;
  std::uint32_t row_end;
  std::uint32_t tokens;  // T, at least 1
  float scale = 1.0f;    // of the whole matrix
  // Rows 16 i to 16 i + 15 of the matrix lie as quant/interleave.h puts them, the rest past the
  // last whole 16 row by row; `weights` is the matrix's begin and row_begin a multiple of 16.
  bool interleaved = false;
};

struct KernelTable {
  const char* name;
  bool takes_interleaved;  // LinearTask::interleaved, for the types that can be
  std::uint32_t tokens;    // that one call of `linear` is best given, where there are more
  // By type_index(type).
  void (*linear[type_count])(const LinearTask& task);
  // By Activation. Reads k floats, writes a row of the form at `out` (64-byte aligned); `stride`:
  // bytes from one block of 256 to the next in the q8 forms, else without meaning.
  void (*quantize[activation_count])(const float* x, std::uint32_t k, void* out,
                                     std::size_t stride);
  const FloatKernels& f;
};

}  // namespace inlay
