// lane_grids.h - what the weight types whose codes are numbers of vectors need to fill a panel:
// signs and scales of 16 rows, made of the words of a vocabulary V.
#pragma once

#include <cstdint>

#include "base/inline.h"
#include "quant/grids.h"
#include "quant/lane_bits.h"
#include "quant/panel.h"

namespace inlay {

// 2 * s + 1 of bytes that hold 2 * s.
template <class V>
INLAY_FORCE_INLINE typename V::Step one_more(typename V::Step doubled) {
  return V::either(doubled, number_as_step<V>(V::I32::broadcast(0x01010101)));
}

// Scales 2 * s + 1 of groups 4 * i to 4 * i + 3, s being the nibbles of bytes 2 * half and
// 2 * half + 1, the low one first.
template <class V, int half>
INLAY_FORCE_INLINE void put_nibble_scales(typename V::Step nibbles, std::uint32_t i, auto& panel) {
  const auto two =
      V::either(number_as_step<V>(V::template byte<2 * half>(nibbles)),
                number_as_step<V>(shift_left<16>(V::template byte<2 * half + 1>(nibbles))));
  const auto moved = number_as_step<V>(shift_left<4>(step_as_number<V>(two)));
  panel.put_scales(i, one_more<V>(V::template bits<-1>(V::either(two, moved), 0x1e)));
}

// The same, s being the highest nibbles of four words.
template <class V>
INLAY_FORCE_INLINE void put_top_scales(typename V::Step a, typename V::Step b, typename V::Step c,
                                       typename V::Step d, std::uint32_t i, auto& panel) {
  const auto all = V::template field<27, 0x1e>(a) + V::template field<19, 0x1e00>(b) +
                   V::template field<11, 0x1e0000>(c) + V::template field<3, 0x1e000000>(d);
  panel.put_scales(i, one_more<V>(number_as_step<V>(all)));
}

// Bytes of seven signs each, with an eighth that makes the number of minus signs even.
template <class V>
INLAY_FORCE_INLINE typename V::Step eight_signs(typename V::Step sevens) {
  static constexpr std::int8_t odd[16] = {0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0};
  const auto low = V::look_up(V::template bits<0>(sevens, 0x0f), odd);
  const auto high = V::look_up(V::template bits<4>(sevens, 0x07), odd);
  const auto count = number_as_step<V>(step_as_number<V>(low) + step_as_number<V>(high));
  return V::either(sevens, V::template bits<-7>(count, static_cast<char>(0x80)));
}

// The same of four times seven signs in the lowest 28 bits of each row.
template <class V>
INLAY_FORCE_INLINE typename V::Step packed_signs(typename V::Step word) {
  const auto two = number_as_step<V>(V::template field<0, 0x3fff>(word) +
                                     V::template field<-2, 0x3fff0000>(word));
  return eight_signs<V>(number_as_step<V>(V::template field<0, 0x007f007f>(two) +
                                          V::template field<-1, 0x7f007f00>(two)));
}

// Four steps of codes: two entries of a grid of eights, with their signs in bytes `a_byte` and
// `b_byte`.
template <class V, int a_byte, int b_byte, int middle>
INLAY_FORCE_INLINE void put_two_eights(const auto& grid, typename V::I32 a, typename V::I32 b,
                                       typename V::Step signs, std::uint32_t step, auto& panel) {
  typename V::Step four[4];
  V::gather_two(grid.entry, a, four[0], four[1]);
  V::gather_two(grid.entry, b, four[2], four[3]);
  panel.put_four(step, {V::template around<a_byte, 0, middle>(four[0], signs),
                        V::template around<a_byte, 1, middle>(four[1], signs),
                        V::template around<b_byte, 0, middle>(four[2], signs),
                        V::template around<b_byte, 1, middle>(four[3], signs)});
}

}  // namespace inlay
