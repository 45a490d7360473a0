// number_rows.h - rows of plain numbers that are turned into floats one by one: F64 and integers.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

// Each number is rounded to the nearest float.
template <class T>
struct NumberRows {
  struct Block {
    std::uint8_t bytes[sizeof(T)];
  };
  static constexpr std::uint32_t elements = 1;
  static constexpr Activation activation = Activation::f32;

  static INLAY_FORCE_INLINE float number(const void* row, std::size_t i) {
    T value;
    std::memcpy(&value, static_cast<const std::uint8_t*>(row) + i * sizeof(T), sizeof(T));
    return static_cast<float>(value);
  }
  static void dequantize(const void* row, std::uint32_t k, float* out) {
    for (std::uint32_t i = 0; i < k; ++i) out[i] = number(row, i);
  }

  // A piece is 16 neighbouring elements; lane = index mod 16.
  template <class V>
  struct Lanes {
    using Piece = typename V::F32;
    static constexpr std::uint32_t piece = 16;

    static INLAY_FORCE_INLINE Piece weights(const std::uint8_t* row, std::size_t i) {
      return last_weights(row, i, 16);
    }
    static INLAY_FORCE_INLINE Piece last_weights(const std::uint8_t* row, std::size_t i,
                                                 std::uint32_t count) {
      alignas(64) float lanes[16] = {};
      for (std::uint32_t j = 0; j < count; ++j) lanes[j] = number(row, i * 16 + j);
      return Piece::load(lanes);
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
