// encode.h - rows of floats as weights of any type.
#pragma once

#include <cstdint>

#include "quant/type.h"

namespace inlay {

// Writes k / block_elements blocks at `out` (any alignment). `importance`: for each of the k
// columns how much its squared error counts, finite and not negative; nullptr: all the same. The
// float types do without it. False, with nothing written, when no encoder is known for the type, k
// is not a multiple of its block, or a value is not finite, or beyond the `largest` of a type
// that has one. Values beyond the range of a half (or of a half scale) become infinities.
bool encode_row(Type type, const float* x, const float* importance, std::uint32_t k, void* out);

// Whether encode_row knows the type: all but the integers.
bool has_encoder(Type type);

}  // namespace inlay
