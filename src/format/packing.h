// packing.h - tensors that do not lie in their file as inlay uses them: how their rows are made.
//
// Checkpoints of the Hugging Face kind store other number formats, other orders of rows, and
// quantized weights spread over several tensors. A Packing names the pieces; unpack_rows() makes
// any range of rows as blocks of the tensor's type.
#pragma once

#include <cstdint>

#include "base/array.h"
#include "base/status.h"
#include "quant/type.h"

namespace inlay {

class ModelFiles;
struct TensorInfo;

// Number formats of safetensors.
enum class Element : std::uint8_t {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,  // FN: no infinities
  f8_e5m2,
  f8_e8m0,
  i64,
  i32,
  i16,
  i8,
  u8,
  boolean
};
std::uint32_t element_bytes(Element element);
const char* element_name(Element element);  // as safetensors writes it: "BF16", "F8_E4M3" ...

// Bytes of one file of the model.
struct FileRange {
  std::uint32_t part = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// Rows seen as (outer, first, second, inner) in the file, and as (outer, second, first, inner)
// here. All 1: as they are. Llama's query and key rows go from halves to pairs with (heads, 2, size
// / 2, 1); GPT-NeoX's and BLOOM's fused rows from (1, heads, 3, size) to (1, 3, heads, size).
struct RowSwap {
  std::uint32_t outer = 1, first = 1, second = 1, inner = 1;
  // The row of the file that is row `r` here. rows = outer * first * second * inner.
  std::uint64_t stored_row(std::uint64_t r) const {
    const std::uint64_t i = r % inner, f = r / inner % first, s = r / inner / first % second;
    return ((r / inner / first / second * first + f) * second + s) * inner + i;
  }
};

struct Packing {
  enum class Kind : std::uint8_t {
    elements,    // (n, k) of `element`
    fp8_blocks,  // (n, k) of an 8-bit float and scales (n / group_rows, k / group)
    mxfp4,       // (n, k / 2) pairs of e2m1, low bits first, and (n, k / 32) E8M0 scales
    awq,   // (k, n / 8) of i32, in AWQ's order; zeros (k / group, n / 8); scales (k / group, n)
    gptq,  // (k / 8, n) of i32; zeros (k / group, n / 8); scales (k / group, n)
    packed_rows,  // (n, k / 8) of i32; zeros (n / 8, k / group); scales (n / group_rows, k / group)
    int8_channels,  // (n, k) of i8; zeros of i8 and scales (n / group_rows, k / group)
    stored,         // no file has it: `values` are all elements, in order (of an F32 tensor)
  };
  Kind kind = Kind::elements;
  Element element = Element::f32;        // of `data`
  Element scale_element = Element::f16;  // of `scales`
  bool zeros_less_one = false;           // gptq: the file has zero points minus one
  std::uint32_t bits = 4;                // of a code in an i32: 4, or 8 (gptq, packed_rows)
  std::uint64_t group = 0;               // columns of one scale
  std::uint64_t group_rows = 1;          // rows of one scale
  RowSwap swap;                          // of a tensor of rank 1 its elements are the rows
  const float* values = nullptr;         // stored: in the Manifest's store
  // zeros: bytes 0: all in the middle of the codes. order: the group of each column (i32); bytes 0:
  // column / group.
  FileRange data, scales, zeros, order;
};

// Rows [first, first + count) of `tensor`, in its type, to `out`. `scratch` is used as it is
// needed. Thread-safe for different scratch. Errors: MEMORY, IO, FORMAT (an index in the data is
// out of its range, a zero point or scale does not go with the tensor's type).
Status unpack_rows(const ModelFiles& files, const TensorInfo& tensor, const Packing& packing,
                   std::uint64_t first, std::uint64_t count, void* out, Array<std::byte>& scratch,
                   Error& error);

}  // namespace inlay
