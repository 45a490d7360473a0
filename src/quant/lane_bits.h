// lane_bits.h - what several weight types need to bring their bits into a panel, made of the words
// of a vocabulary V: steps as numbers, fields of a few bits, common scales.
#pragma once

#include <cstdint>

#include "base/inline.h"
#include "quant/panel.h"

namespace inlay {

// The four bytes of each row as one number, and back.
template <class V>
INLAY_FORCE_INLINE typename V::I32 step_as_number(typename V::Step step) {
  if constexpr (requires { step.low; }) {
    return {step.low, step.high};
  } else {
    return step;
  }
}
template <class V>
INLAY_FORCE_INLINE typename V::Step number_as_step(typename V::I32 number) {
  if constexpr (requires { number.part; }) {
    return number;
  } else if constexpr (requires { number.raw_low(); }) {
    return {number.raw_low(), number.raw_high()};
  } else {
    return number.raw();
  }
}

// Four neighbouring fields of `width` bits each, the lowest bits of each row, one to a byte, at bit
// `place` of it. Above the fields are zeros.
template <class V, int width, int place>
INLAY_FORCE_INLINE typename V::Step spread_fields(typename V::I32 fields) {
  constexpr int gap = 8 - width;
  const auto pairs =
      V::either(number_as_step<V>(fields), number_as_step<V>(shift_left<2 * gap>(fields)));
  const auto singles =
      V::either(pairs, number_as_step<V>(shift_left<gap>(step_as_number<V>(pairs))));
  return V::template bits<-place>(singles, ((1 << width) - 1) << place);
}

// 32 bits of each row, a bit to a weight: calls put(step, bits at `place` of the four bytes) for
// eight steps.
template <class V, int place, class Put>
INLAY_FORCE_INLINE void spread_bits(typename V::Step bits, Put put) {
  const auto low = V::template bits<0>(bits, 0x0f), high = V::template bits<4>(bits, 0x0f);
  put(0u, spread_fields<V, 1, place>(V::template byte<0>(low)));
  put(1u, spread_fields<V, 1, place>(V::template byte<0>(high)));
  put(2u, spread_fields<V, 1, place>(V::template byte<1>(low)));
  put(3u, spread_fields<V, 1, place>(V::template byte<1>(high)));
  put(4u, spread_fields<V, 1, place>(V::template byte<2>(low)));
  put(5u, spread_fields<V, 1, place>(V::template byte<2>(high)));
  put(6u, spread_fields<V, 1, place>(V::template byte<3>(low)));
  put(7u, spread_fields<V, 1, place>(V::template byte<3>(high)));
}

// 32 less than each byte, 0 to 63, as a signed byte.
template <class V>
INLAY_FORCE_INLINE typename V::Step less_32(typename V::Step bytes) {
  // Adding 32 turns bit 5 over, which then is the sign: it goes on in bits 6 and 7.
  const auto turned = number_as_step<V>(step_as_number<V>(bytes) + V::I32::broadcast(0x20202020));
  const auto sign = V::template bits<0>(turned, 0x20);
  return V::either(V::template bits<0>(turned, 0x3f),
                   V::either(V::template bits<-1>(sign, 0x40),
                             V::template bits<-2>(sign, static_cast<char>(0x80))));
}

// Four steps of codes (byte >> shift) & mask.
template <class V, int shift, char mask>
INLAY_FORCE_INLINE void put_bits(const typename V::Step (&bytes)[4], std::uint32_t step,
                                 auto& panel) {
  typename V::Step codes[4];
  INLAY_UNROLL for (int i = 0; i < 4; ++i) codes[i] = V::template bits<shift>(bytes[i], mask);
  panel.put_four(step, codes);
}

// Four steps of codes of which some bits lie in `a`, the others in `b`.
template <class V, int a_shift, char a_mask, int b_shift, char b_mask>
INLAY_FORCE_INLINE void put_both(const typename V::Step (&a)[4], const typename V::Step (&b)[4],
                                 std::uint32_t step, auto& panel) {
  typename V::Step codes[4];
  INLAY_UNROLL for (int i = 0; i < 4; ++i) {
    codes[i] =
        V::either(V::template bits<a_shift>(a[i], a_mask), V::template bits<b_shift>(b[i], b_mask));
  }
  panel.put_four(step, codes);
}

// The low and the high nibbles of 16 bytes of each row, as codes of the steps from `low` and `high`
// on.
template <class V>
INLAY_FORCE_INLINE void put_nibbles_of(const typename V::Step (&bytes)[4], std::uint32_t low,
                                       std::uint32_t high, auto& panel) {
  put_bits<V, 0, 0x0f>(bytes, low, panel);
  put_bits<V, 4, 0x0f>(bytes, high, panel);
}

// The same with the nibbles as places in a table.
template <class V>
INLAY_FORCE_INLINE void put_looked_up(const typename V::Step (&bytes)[4],
                                      const std::int8_t (&table)[16], std::uint32_t low,
                                      std::uint32_t high, auto& panel) {
  typename V::Step codes[4];
  INLAY_UNROLL for (int i = 0; i < 4; ++i) {
    codes[i] = V::look_up(V::template bits<0>(bytes[i], 0x0f), table);
  }
  panel.put_four(low, codes);
  INLAY_UNROLL for (int i = 0; i < 4; ++i) {
    codes[i] = V::look_up(V::template bits<4>(bytes[i], 0x0f), table);
  }
  panel.put_four(high, codes);
}

// Codes of 2 bits, eight steps apart in the four fields of a byte, at `at`, `at` + 32 (and so on)
// of 64 bytes: the layout of Q2_K and TQ2_0.
template <class V, class Panel>
INLAY_FORCE_INLINE void put_quarters(const WeightRows& rows, std::size_t at, Panel& panel) {
  INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) {
    typename V::Step steps[4];
    V::columns(rows, at + i * 16, steps);
    const std::uint32_t step = i / 2 * 32 + i % 2 * 4;
    put_bits<V, 0, 0x03>(steps, step, panel);
    put_bits<V, 2, 0x03>(steps, step + 8, panel);
    put_bits<V, 4, 0x03>(steps, step + 16, panel);
    put_bits<V, 6, 0x03>(steps, step + 24, panel);
  }
}

// d, dmin, scales and minima of Q4_K and Q5_K, the first 16 bytes of their blocks.
template <class V, class Panel>
INLAY_FORCE_INLINE void put_k_scales(const WeightRows& rows, std::size_t at, Panel& panel) {
  typename V::Step head[4];
  V::columns(rows, at, head);
  panel.d[0] = V::low_halves(head[0]);
  panel.m[0] = V::high_halves(head[0]);
  panel.put_scales(0, V::template bits<0>(head[1], 0x3f));
  panel.put_scales(
      1, V::either(V::template bits<0>(head[3], 0x0f), V::template bits<2>(head[1], 0x30)));
  panel.put_mins(0, V::template bits<0>(head[2], 0x3f));
  panel.put_mins(1,
                 V::either(V::template bits<4>(head[3], 0x0f), V::template bits<2>(head[2], 0x30)));
}

// For types of 256 weights with one scale: eight whole-number scales of 1.
template <class V, class Panel>
INLAY_FORCE_INLINE void put_unit_scales(Panel& panel) {
  const auto ones = number_as_step<V>(V::I32::broadcast(0x01010101));
  panel.put_scales(0, ones);
  panel.put_scales(1, ones);
}

}  // namespace inlay
