// normal_form.h - what every block of quantized weights means: w = d * s * q - m * t, and its use.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/inline.h"

namespace inlay {

// One block, unpacked. s and t hold for `sub` neighbouring weights each, a number of the type.
struct NormalBlock {
  float d;
  float m;  // only of types with has_min
  std::int8_t q[256];
  std::int16_t s[16];
  std::int16_t t[16];  // only of types with has_min
};

// A row of k weights by way of the normal form: ((d * s) * q) - (m * t), each operation rounded.
template <class Q>
void dequantize_blocks(const void* row, std::uint32_t k, float* out) {
  const auto* bytes = static_cast<const std::uint8_t*>(row);
  NormalBlock block;
  for (std::uint32_t begin = 0; begin < k; begin += Q::elements) {
    Q::unpack(bytes + begin / Q::elements * sizeof(typename Q::Block), block);
    for (std::uint32_t i = 0; i < Q::elements; ++i) {
      const std::uint32_t sub = i / Q::sub;
      float value = block.d * static_cast<float>(block.s[sub]) * static_cast<float>(block.q[i]);
      if constexpr (Q::has_min) value -= block.m * static_cast<float>(block.t[sub]);
      out[begin + i] = value;
    }
  }
}

// A row of k floats, block by block.
template <class Q>
void encode_blocks(const float* x, std::uint32_t k, void* row) {
  auto* bytes = static_cast<std::uint8_t*>(row);
  for (std::uint32_t begin = 0; begin < k; begin += Q::elements) {
    typename Q::Block block;
    Q::encode_block(x + begin, block);
    std::memcpy(bytes + begin / Q::elements * sizeof block, &block, sizeof block);
  }
}

template <class Block>
INLAY_FORCE_INLINE Block load_block(const void* p) {
  Block block;
  std::memcpy(&block, p, sizeof block);
  return block;
}

}  // namespace inlay
