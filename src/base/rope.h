// rope.h - rotary position embedding: which elements form a pair, and the table of cosines and
// sines.
#pragma once

#include <cstdint>

namespace inlay {

// Su et al., "RoFormer" (2021). A pair is rotated as one point of the plane.
enum class RopePairs : std::uint8_t {
  halves,      // elements i and i + pairs, the order of Hugging Face models
  neighbours,  // elements 2i and 2i + 1, the order of the paper and of Llama in GGUF
};

// cos_sin[0 .. pairs) = scale * cos(position * inverse_frequency[i]), cos_sin[pairs .. 2 pairs) the
// sines. The angle is a float product, as the reference implementations have it; the same bits on
// every machine. |angle| up to 2^27 radians.
void rope_table(float position, const float* inverse_frequency, std::uint32_t pairs, float scale,
                float* cos_sin);

}  // namespace inlay
