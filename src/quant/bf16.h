// bf16.h - BF16: the upper halves of floats, multiplied with activations rounded to the same form.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/inline.h"
#include "quant/activation.h"

namespace inlay {

struct BF16 {
  using Block = std::uint16_t;
  static constexpr std::uint32_t elements = 1;
  static constexpr Activation activation = Activation::bf16;

  static void dequantize(const void* row, std::uint32_t k, float* out) {
    for (std::uint32_t i = 0; i < k; ++i) {
      Block bfloat;
      std::memcpy(&bfloat, static_cast<const std::uint8_t*>(row) + std::size_t{i} * 2, 2);
      out[i] = bfloat_to_float(bfloat);
    }
  }
  static void encode(const float* x, const float* /*importance*/, std::uint32_t k, void* row) {
    for (std::uint32_t i = 0; i < k; ++i) {
      const Block bfloat = float_to_bfloat(x[i]);
      std::memcpy(static_cast<std::uint8_t*>(row) + std::size_t{i} * 2, &bfloat, 2);
    }
  }

  // A piece is 16 pairs of neighbouring elements; lane = pair index mod 16. The odd element is
  // added first, then the even one: the order of the vdpbf16ps instruction.
  template <class V>
  struct Lanes {
    struct Piece {
      typename V::F32 odd, even;
    };
    static constexpr std::uint32_t piece = 32;

    static INLAY_FORCE_INLINE Piece weights(const std::uint8_t* row, std::size_t i) {
      return split(V::pairs(row + i * 64));
    }
    static INLAY_FORCE_INLINE Piece last_weights(const std::uint8_t* row, std::size_t i,
                                                 std::uint32_t count) {
      return split(V::first_pairs(row + i * 64, count));
    }
    static INLAY_FORCE_INLINE Piece activations(const std::uint8_t* x, std::size_t i) {
      return split(V::pairs(x + i * 64));
    }
    static INLAY_FORCE_INLINE Piece last_activations(const std::uint8_t* x, std::size_t i,
                                                     std::uint32_t count) {
      static_cast<void>(count);  // rows in this form end in zeros
      return activations(x, i);
    }
    // Of weights as floats, in the order of the sum; and one vector of activations of that order.
    static INLAY_FORCE_INLINE void store(Piece w, float* out) {
      w.odd.store(out);
      w.even.store(out + 16);
    }
    static INLAY_FORCE_INLINE auto part(const std::uint8_t* x, std::uint32_t i) {
      return i == 0 ? V::upper_part(x) : V::lower_part(x);
    }
    static INLAY_FORCE_INLINE typename V::F32 multiply(Piece w, Piece x, typename V::F32 acc) {
      return fma(w.even, x.even, fma(w.odd, x.odd, acc));
    }

   private:
    static INLAY_FORCE_INLINE Piece split(typename V::I32 pairs) {
      return {V::upper_bfloats(pairs), from_bits(shift_left<16>(pairs))};
    }
  };
};

}  // namespace inlay
