// rope.cpp - the table of cosines and sines for one position.
#include "base/rope.h"

#include "base/math.h"

namespace inlay {

void rope_table(float position, const float* inverse_frequency, std::uint32_t pairs, float scale,
                float* cos_sin) {
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const float angle = position * inverse_frequency[i];
    cos_sin[i] = static_cast<float>(math::cos(static_cast<double>(angle))) * scale;
    cos_sin[pairs + i] = static_cast<float>(math::sin(static_cast<double>(angle))) * scale;
  }
}

}  // namespace inlay
