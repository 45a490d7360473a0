// tq1_0.h - TQ1_0: 256 weights of -1, 0 or 1 with a half scale, five in a byte; w = d * (q - 1).
#pragma once

#include "quant/affine_fit.h"
#include "quant/lane_bits.h"
#include "quant/normal_form.h"

namespace inlay {

struct TQ1_0 {
  struct Block {
    std::uint8_t q[52];  // see spread
    std::uint16_t d;
  };
  static_assert(sizeof(Block) == 54);
  static constexpr std::uint32_t elements = 256;
  static constexpr std::uint32_t span = 256;
  static constexpr std::uint32_t sub = 32;
  static constexpr bool has_min = false;
  static constexpr int low = -1, high = 1;
  static constexpr Activation activation = Activation::q8_256;
  static constexpr WordRange words{0, 52};

  static INLAY_FORCE_INLINE void unpack(const void* p, NormalBlock& out) {
    const Block block = load_block<Block>(p);
    out.d[0] = half_to_float(block.d);
    for (int i = 0; i < 8; ++i) out.s[i] = 1;
    for (const Spread& part : spread) {
      for (int j = 0, power = 1; j < part.trits; ++j, power *= 3) {
        for (int i = 0; i < part.bytes; ++i) {
          const auto rest = static_cast<std::uint8_t>(block.q[part.byte + i] * power);
          out.q[part.weight + j * part.bytes + i] = static_cast<std::int8_t>((rest * 3 >> 8) - 1);
        }
      }
    }
  }

  static void encode_block(const float* x, const float* importance, Block& block) {
    const HalfScaleFit<256, low, high> fit(x, importance);
    block.d = fit.d;
    for (const Spread& part : spread) {
      for (int i = 0; i < part.bytes; ++i) {
        int number = 0;
        for (int j = 0; j < 5; ++j) {
          number = number * 3 + (j < part.trits ? fit.q[part.weight + j * part.bytes + i] : 0);
        }
        block.q[part.byte + i] = static_cast<std::uint8_t>((number * 256 + 242) / 243);
      }
    }
  }

  template <class V>
  struct Lanes {
    static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                        std::uint32_t blocks, auto& panel) {
      static_cast<void>(blocks);  // one fills a panel
      const std::size_t at = std::size_t{first} * sizeof(Block);
      panel.d[0] = V::halves(rows, at + 52);
      put_unit_scales<V>(panel);
      typename V::Step steps[4];
      INLAY_UNROLL for (std::uint32_t i = 0; i < 3; ++i) {
        V::columns(rows, at + i * 16, steps);
        INLAY_UNROLL for (std::uint32_t j = 0; j < 4; ++j) {
          if (i < 2) {
            put_trits<5>(steps[j], i * 4 + j, 8, panel);
          } else {
            put_trits<5>(steps[j], 40 + j, 4, panel);
          }
        }
      }
      V::columns(rows, at + 36, steps);
      put_trits<4>(steps[3], 60, 1, panel);
    }

   private:
    // Trit after trit of four bytes, `apart` steps from each other: what comes out above a byte
    // when it is multiplied with 3.
    template <int trits>
    static INLAY_FORCE_INLINE void put_trits(typename V::Step bytes, std::uint32_t step,
                                             std::uint32_t apart, auto& panel) {
      auto even = V::even_bytes(bytes), odd = V::odd_bytes(bytes);
      INLAY_UNROLL for (int i = 0; i < trits; ++i, step += apart) {
        even = three_times(even);
        odd = three_times(odd);
        panel.put_codes(
            step, V::either(V::odd_bytes(even), V::template bits<-8>(V::odd_bytes(odd), 0x03)));
        even = V::even_bytes(even);
        odd = V::even_bytes(odd);
      }
    }
    static INLAY_FORCE_INLINE typename V::Step three_times(typename V::Step bytes) {
      const auto once = step_as_number<V>(bytes);
      return number_as_step<V>(once + shift_left<1>(once));
    }
  };

 private:
  // A byte is the fraction of 256 whose digits to the base 3 are its trits: times a power of 3 and
  // cut to a byte, then times 3, each comes out above 256. Trit j of byte i of a part belongs to
  // weight j * bytes + i of the part.
  struct Spread {
    int byte, bytes, weight, trits;
  };
  static constexpr Spread spread[] = {{0, 32, 0, 5}, {32, 16, 160, 5}, {48, 4, 240, 4}};
};

}  // namespace inlay
