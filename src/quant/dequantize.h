// dequantize.h - rows of weights as floats, in plain code: for embedding rows, tools and tests.
#pragma once

#include <cstdint>

#include "quant/type.h"

namespace inlay {

// Writes k floats; `row` holds k / block_elements blocks at any alignment, k a multiple of the
// type's block. Bit for bit what the gguf package for Python computes. Nothing happens for an
// unknown type.
void dequantize_row(Type type, const void* row, std::uint32_t k, float* out);

}  // namespace inlay
