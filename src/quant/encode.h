// encode.h - rows of floats as weights of any type.
#pragma once

#include <cstdint>

#include "quant/type.h"

namespace inlay {

// Writes k / block_elements blocks at `out` (any alignment). False, with nothing written, when the
// type is unknown, k is not a multiple of its block, or a value is not finite. Values beyond the
// range of a half (or of a half scale) become infinities.
bool encode_row(Type type, const float* x, std::uint32_t k, void* out);

}  // namespace inlay
