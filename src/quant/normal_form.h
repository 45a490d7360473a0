// normal_form.h - what every block of quantized weights means: w = d * s * q - m * t, and its use.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

// One block, unpacked: weight i is d[i / span] * s[i / sub] * q[i] - m[i / span] * t[i / sub], with
// span and sub those of the type. Types for q8_32 have no s and t (both count as 1); m and t are
// only of types with has_min.
struct NormalBlock {
  float d[8];
  float m[8];
  std::int8_t q[256];
  std::int16_t s[16];
  std::int16_t t[16];
};

// The bytes [begin, end) of a block that lanes read as words of four; the bytes outside are halves,
// or single ones where `begin` is odd. A type without `words` is read by unpack() alone.
struct WordRange {
  std::uint32_t begin, end;
};

template <class Q>
inline constexpr bool has_float_scales = Q::activation == Activation::q8_32;

// A row of k weights by way of the normal form: ((d * s) * q) - (m * t), each operation rounded.
template <class Q>
void dequantize_blocks(const void* row, std::uint32_t k, float* out) {
  const auto* bytes = static_cast<const std::uint8_t*>(row);
  NormalBlock block;
  for (std::uint32_t begin = 0; begin < k; begin += Q::elements) {
    Q::unpack(bytes + begin / Q::elements * sizeof(typename Q::Block), block);
    for (std::uint32_t j = 0; j < Q::elements / Q::sub; ++j) {
      float scale = block.d[j * Q::sub / Q::span];
      if constexpr (!has_float_scales<Q>) scale *= static_cast<float>(block.s[j]);
      float min = 0.0f;
      if constexpr (Q::has_min) min = block.m[j * Q::sub / Q::span];
      if constexpr (Q::has_min && !has_float_scales<Q>) min *= static_cast<float>(block.t[j]);
      for (std::uint32_t i = j * Q::sub; i < (j + 1) * Q::sub; ++i) {
        float value = scale * static_cast<float>(block.q[i]);
        if constexpr (Q::has_min) value -= min;
        out[begin + i] = value;
      }
    }
  }
}

// A row of k floats, block by block. `importance`: k weights of the squared errors, or nullptr.
template <class Q>
void encode_blocks(const float* x, const float* importance, std::uint32_t k, void* row) {
  auto* bytes = static_cast<std::uint8_t*>(row);
  for (std::uint32_t begin = 0; begin < k; begin += Q::elements) {
    typename Q::Block block;
    Q::encode_block(x + begin, importance ? importance + begin : nullptr, block);
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
