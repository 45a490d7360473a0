// f16.h - F16: IEEE halves, turned into floats exactly.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

struct F16 {
  using Block = std::uint16_t;
  static constexpr std::uint32_t elements = 1;
  static constexpr Activation activation = Activation::f32;

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    for (std::uint32_t i = 0; i < k; ++i) {
      Block half;
      std::memcpy(&half, static_cast<const std::uint8_t*>(row) + std::size_t{i} * 2, 2);
      out[i] = half_to_float(half);
    }
  }
  static void encode(const float* x, const float* /*importance*/, std::uint32_t k, void* row) {
    for (std::uint32_t i = 0; i < k; ++i) {
      const Block half = float_to_half(x[i]);
      std::memcpy(static_cast<std::uint8_t*>(row) + std::size_t{i} * 2, &half, 2);
    }
  }

  // A piece is 16 neighbouring elements; lane = index mod 16.
  template <class V>
  struct Lanes {
    using Piece = typename V::F32;
    static constexpr std::uint32_t piece = 16;

    static INLAY_FORCE_INLINE Piece weights(const std::uint8_t* row, std::size_t i) {
      return V::half_floats(row + i * 32);
    }
    static INLAY_FORCE_INLINE Piece last_weights(const std::uint8_t* row, std::size_t i,
                                                 std::uint32_t count) {
      return V::first_half_floats(row + i * 32, count);
    }
    static INLAY_FORCE_INLINE Piece activations(const std::uint8_t* x, std::size_t i) {
      return V::floats(x + i * 64);
    }
    static INLAY_FORCE_INLINE Piece last_activations(const std::uint8_t* x, std::size_t i,
                                                     std::uint32_t count) {
      return V::first_floats(x + i * 64, count);
    }
    static INLAY_FORCE_INLINE void store(Piece w, float* out) { w.store(out); }
    static INLAY_FORCE_INLINE auto part(const std::uint8_t* x, std::uint32_t) {
      return V::load_part(reinterpret_cast<const float*>(x));
    }
    static INLAY_FORCE_INLINE Piece multiply(Piece w, Piece x, typename V::F32 acc) {
      return fma(w, x, acc);
    }
  };
};

}  // namespace inlay
