// f32.h - F32: weights as they are.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

struct F32 {
  using Block = float;
  static constexpr std::uint32_t elements = 1;
  static constexpr Activation activation = Activation::f32;

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    std::memcpy(out, row, std::size_t{k} * 4);
  }
  static void encode(const float* x, const float* /*importance*/, std::uint32_t k, void* row) {
    std::memcpy(row, x, std::size_t{k} * 4);
  }

  // A piece is 16 neighbouring elements; lane = index mod 16.
  template <class V>
  struct Lanes {
    using Piece = typename V::F32;
    static constexpr std::uint32_t piece = 16;

    static INLAY_FORCE_INLINE Piece weights(const std::uint8_t* row, std::size_t i) {
      return V::floats(row + i * 64);
    }
    static INLAY_FORCE_INLINE Piece last_weights(const std::uint8_t* row, std::size_t i,
                                                 std::uint32_t count) {
      return V::first_floats(row + i * 64, count);
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
