// tensor_table.h - the rules every listed tensor keeps: its size fits, and no two share a byte.
#pragma once

#include "base/allocator.h"
#include "format/manifest.h"

namespace inlay {

// Fills `elements` and `bytes` from type, rank and shape. FORMAT: rank not 1 to 4, a dimension of
// zero, a row that is no whole number of blocks. LIMIT: too many elements. UNSUPPORTED: the type.
Status measure_tensor(std::string_view file, TensorInfo& tensor, Error& error);

// Refuses two tensors whose bytes overlap. O(n log n).
Status check_overlap(std::string_view file, std::span<const TensorInfo> tensors,
                     Allocator& allocator, Error& error);

}  // namespace inlay
