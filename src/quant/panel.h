// panel.h - panels: 16 rows of weights side by side, the form the fast integer kernels multiply.
//
// V is the vocabulary of an instruction set (kernels/vector/int_*.h). Lane = row. A "step" is four
// neighbouring codes of each of the 16 rows, 64 bytes; a panel holds 64 steps, so 256 weights a
// row. What a type has to do is fill(): bring its bits into a panel; how a panel is multiplied
// follows from the type's span, sub, low, high and has_min.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/inline.h"
#include "quant/activation.h"
#include "quant/normal_form.h"

namespace inlay {

// Where 16 rows begin. A group with fewer rows repeats its last one.
struct WeightRows {
  const std::uint8_t* interleaved = nullptr;  // all 16, as quant/interleave.h puts them; or
  const std::uint8_t* row[16];                // one by one
  std::size_t ahead;                          // bytes from here to what is wanted soon
};

// With each 16 bytes that are read of 16 rows one by one, as many bytes of what lies ahead are
// asked for, from its begin to its end: the hardware's own prefetcher follows that, and not 16
// short rows. Beyond the end of memory this does nothing.
INLAY_FORCE_INLINE void prefetch_rows(const WeightRows& rows, std::size_t at) {
  const std::uint8_t* p = rows.row[0] + rows.ahead + at * 16;
  INLAY_UNROLL for (int i = 0; i < 4; ++i) __builtin_prefetch(p + i * 64, 0, 2);
}

// Called for each 256 bytes that are read of 16 rows side by side. A core has more reads under way
// on several pages than on one: a line is asked for of each of the four pages that follow.
INLAY_FORCE_INLINE void prefetch_interleaved(const std::uint8_t* p) {
  constexpr std::uintptr_t page = 4096, pages = 4 * page;
  const auto at = reinterpret_cast<std::uintptr_t>(p) % pages;
  const std::uint8_t* line = p - at + pages + at / 4;
  INLAY_UNROLL for (int i = 0; i < 4; ++i) __builtin_prefetch(line + i * page, 0, 3);
}

inline constexpr std::uint32_t step_bytes = 64;

// Codes are kept as q - low, unsigned, where their range lets sums of two products fit 16 bits;
// else as q itself.
template <class Q>
inline constexpr bool has_signed_codes = Q::high - Q::low > 128;
template <class Q>
inline constexpr int zero_code = has_signed_codes<Q> ? 0 : -Q::low;
// How much more than q a panel keeps. Types with whole-number scales would need the sums of x by
// group to take it back; a vocabulary that multiplies signed codes as fast takes it off before.
template <class Q, class V>
inline constexpr int kept_shift = V::has_tiles || (V::multiplies_signed && !has_float_scales<Q>)
                                      ? 0
                                      : zero_code<Q>;
template <class Q, class V>
inline constexpr int largest_code = kept_shift<Q, V> == zero_code<Q>
                                        ? Q::high - Q::low
                                        : (Q::high > -Q::low ? Q::high : -Q::low);

// From q - low to the codes that are multiplied.
template <class Q, class V>
INLAY_FORCE_INLINE typename V::Step kept_codes(typename V::Step four) {
  if constexpr (kept_shift<Q, V> == zero_code<Q>)
    return four;
  else
    return V::template less<zero_code<Q>>(four);
}

// One byte of each row.
struct RowBytes {
  std::uint8_t row[16];
};
INLAY_FORCE_INLINE RowBytes row_bytes(const WeightRows& rows, std::size_t at) {
  RowBytes bytes;
  if (rows.interleaved) {
    __builtin_memcpy(bytes.row, rows.interleaved + at * 16, sizeof bytes.row);
  } else {
    INLAY_UNROLL for (int r = 0; r < 16; ++r) bytes.row[r] = rows.row[r][at];
  }
  return bytes;
}

// What a panel has beside its codes.
template <class Q, class V>
struct PanelScales {
  using Step = typename V::Step;
  static constexpr std::uint32_t spans = 256 / Q::span;
  static constexpr std::uint32_t groups = has_float_scales<Q> ? 2 : 256 / Q::sub;
  static constexpr bool shifted = !has_float_scales<Q> && kept_shift<Q, V> != 0;
  static constexpr bool has_mins = !has_float_scales<Q> && Q::has_min;

  typename V::F32 d[spans];
  typename V::F32 m[Q::has_min ? spans : 1];
  typename V::I32 scale[groups];
  // Pairs of int16, groups (0, 2), (1, 3), (4, 6), (5, 7) ..., as the sums of activations lie.
  Step scale_pairs[shifted ? groups / 2 : 1];
  Step min_pairs[has_mins ? groups / 2 : 1];
  std::uint32_t blocks;  // of 32 weights that are in use: at the end of a row fewer than eight

  // One byte each of groups 4 * i to 4 * i + 3.
  INLAY_FORCE_INLINE void put_scales(std::uint32_t i, Step four) {
    scale[4 * i] = V::template scale_byte<0>(four);
    scale[4 * i + 1] = V::template scale_byte<1>(four);
    scale[4 * i + 2] = V::template scale_byte<2>(four);
    scale[4 * i + 3] = V::template scale_byte<3>(four);
    if constexpr (shifted) {
      scale_pairs[2 * i] = V::for_dot_pairs(V::even_bytes(four));
      scale_pairs[2 * i + 1] = V::for_dot_pairs(V::odd_bytes(four));
    }
  }
  INLAY_FORCE_INLINE void put_signed_scales(std::uint32_t i, Step four) {
    scale[4 * i] = V::template scale_signed_byte<0>(four);
    scale[4 * i + 1] = V::template scale_signed_byte<1>(four);
    scale[4 * i + 2] = V::template scale_signed_byte<2>(four);
    scale[4 * i + 3] = V::template scale_signed_byte<3>(four);
    if constexpr (shifted) {
      scale_pairs[2 * i] = V::for_dot_pairs(V::even_signed_bytes(four));
      scale_pairs[2 * i + 1] = V::for_dot_pairs(V::odd_signed_bytes(four));
    }
  }
  INLAY_FORCE_INLINE void put_mins(std::uint32_t i, Step four) {
    static_assert(has_mins);
    min_pairs[2 * i] = V::for_dot_pairs(V::even_bytes(four));
    min_pairs[2 * i + 1] = V::for_dot_pairs(V::odd_bytes(four));
  }
};

template <class Q, class V>
struct Panel : PanelScales<Q, V> {
  alignas(64) std::uint8_t codes[64 * step_bytes];

  // Four codes of each row, as weights 4 * step ... of the panel: q - low, or signed q.
  INLAY_FORCE_INLINE void put_codes(std::uint32_t step, typename V::Step four) {
    if constexpr (has_signed_codes<Q>) {
      V::store_signed(four, codes + step * step_bytes);
    } else {
      V::store(kept_codes<Q, V>(four), codes + step * step_bytes);
    }
  }
  // Of steps `step` to step + 3.
  INLAY_FORCE_INLINE void put_four(std::uint32_t step, const typename V::Step (&steps)[4]) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < 4; ++i) put_codes(step + i, steps[i]);
  }
};

namespace detail {

template <class Block>
INLAY_FORCE_INLINE const Block* block_of(const std::uint8_t* x, std::uint32_t t) {
  return reinterpret_cast<const Block*>(x) + t;
}

// acc = fma(d * scale, float(sum), acc) of one span with float scales, then acc = fma(-(m * scale),
// total, acc), the total being the sum of the span's codes of x.
template <class Q, class V>
INLAY_FORCE_INLINE void add_span(const PanelScales<Q, V>& panel, std::uint32_t span, float scale,
                                 typename V::I32 sum, std::int32_t total, typename V::F32& acc) {
  const auto dx = V::F32::broadcast(scale);
  acc = fma(panel.d[span] * dx, to_float(sum), acc);
  if constexpr (Q::has_min) {
    const auto all = V::F32::broadcast(static_cast<float>(total));
    acc = fma(-(panel.m[span] * dx), all, acc);
  }
}

// One span of `steps` steps. total(t): the sum of the span's codes of x.
template <class Q, class V, std::uint32_t steps, std::uint32_t n, class Total>
INLAY_FORCE_INLINE void multiply_span(const Panel<Q, V>& panel, std::uint32_t span,
                                      const std::uint8_t* x, std::uint32_t block, Total total,
                                      typename V::F32 (&acc)[n]) {
  typename V::I32 sum[n];
  const std::uint8_t* codes = panel.codes + span * steps * step_bytes;
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
    sum[t] = has_signed_codes<Q> ? V::signed_start(total(t))
                                 : V::I32::broadcast(-zero_code<Q> * total(t));
  }
  if constexpr (has_signed_codes<Q>) {
    V::template dot_signed<n, steps>(codes, x + span * steps * 4, sum);
  } else {
    V::template dot<n, steps, largest_code<Q, V>>(codes, x + span * steps * 4, sum);
  }
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
    add_span(panel, span, block_of<Q8x32Group>(x, t)->scale[block], sum[t], total(t), acc[t]);
  }
}

// The sum of the codes of x that belong to a span, inside one block of 32.
template <class Q>
INLAY_FORCE_INLINE std::int32_t total_of(const Q8x32Group* group, std::uint32_t span) {
  static_assert(Q::span == 32 || Q::span == 16);
  if constexpr (Q::span == 32) return group->sum[span];
  const std::int32_t first = group->first[span / 2];
  return span % 2 ? group->sum[span / 2] - first : first;
}

template <class Q, class V, std::uint32_t n>
INLAY_FORCE_INLINE void multiply_q8_32(const Panel<Q, V>& panel, const std::uint8_t* x,
                                       typename V::F32 (&acc)[n]) {
  constexpr std::uint32_t in_block = 32 / Q::span;
  for (std::uint32_t b = 0; b < panel.blocks; ++b) {
    INLAY_UNROLL for (std::uint32_t i = 0; i < in_block; ++i) {
      const std::uint32_t span = b * in_block + i;
      const auto total = [&](std::uint32_t t) INLAY_LAMBDA_INLINE {
        return total_of<Q>(block_of<Q8x32Group>(x, t), span);
      };
      multiply_span<Q, V, Q::span / 4, n>(panel, span, x, b, total, acc);
    }
  }
}

// The sums of x that belong to a type's groups.
template <class Q>
INLAY_FORCE_INLINE const std::int16_t* sums_of(const Q8x256Block* block) {
  static_assert(Q::sub == 16 || Q::sub == 32);
  return Q::sub == 16 ? block->sum16 : block->sum32;
}

// The sum over groups of w times the sum of x, w in pairs.
template <class Q, class V>
INLAY_FORCE_INLINE typename V::I32 dot_sums(const typename V::Step* pairs, const Q8x256Block* x) {
  auto sum = V::I32::broadcast(0);
  INLAY_UNROLL for (std::uint32_t j = 0; j < 256 / Q::sub / 2; ++j) {
    sum = V::dot_pairs(pairs[j], sums_of<Q>(x) + 2 * j, sum);
  }
  return sum;
}

// What q - low in place of q has added to the sum of s * dot.
template <class Q, class V>
INLAY_FORCE_INLINE typename V::I32 shift_of(const PanelScales<Q, V>& panel, const Q8x256Block* x) {
  if constexpr (!PanelScales<Q, V>::shifted) return V::I32::broadcast(0);
  return V::template times<-kept_shift<Q, V>>(dot_sums<Q, V>(panel.scale_pairs, x));
}

// acc = fma(d * scale, float(sum of s * dot), acc), then fma(-(m * scale), float(sum of t * sum of
// x), acc).
template <class Q, class V>
INLAY_FORCE_INLINE void add_block(const PanelScales<Q, V>& panel, const Q8x256Block* x,
                                  typename V::I32 sum, typename V::F32& acc) {
  const auto dx = V::F32::broadcast(x->scale);
  acc = fma(panel.d[0] * dx, to_float(sum), acc);
  if constexpr (Q::has_min) {
    acc = fma(-(panel.m[0] * dx), to_float(dot_sums<Q, V>(panel.min_pairs, x)), acc);
  }
}

template <class Q, class V, std::uint32_t n>
INLAY_FORCE_INLINE void multiply_q8_256(const Panel<Q, V>& panel, const std::uint8_t* x,
                                        typename V::F32 (&acc)[n]) {
  constexpr std::uint32_t groups = 256 / Q::sub, steps = Q::sub / 4;
  typename V::I32 sum[n];
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
    sum[t] = shift_of(panel, block_of<Q8x256Block>(x, t));
  }
  for (std::uint32_t j = 0; j < groups; ++j) {
    const std::uint8_t* codes = panel.codes + j * steps * step_bytes;
    if constexpr (has_signed_codes<Q>) {
      V::template dot_scaled_signed<n, steps>(
          codes, x + j * Q::sub, panel.scale[j],
          sums_of<Q>(block_of<Q8x256Block>(x, 0)) + sum_place(j), sum);
    } else {
      V::template dot_scaled<n, steps, largest_code<Q, V>>(codes, x + j * Q::sub, panel.scale[j],
                                                           sum);
    }
  }
  INLAY_UNROLL for (std::uint32_t t = 0; t < n; ++t) {
    add_block(panel, block_of<Q8x256Block>(x, t), sum[t], acc[t]);
  }
}

}  // namespace detail

// n tokens, whose blocks of activations follow each other.
template <class Q, class V, std::uint32_t n>
INLAY_FORCE_INLINE void multiply_panel(const Panel<Q, V>& panel, const std::uint8_t* x,
                                       typename V::F32 (&acc)[n]) {
  if constexpr (has_float_scales<Q>) {
    detail::multiply_q8_32<Q, V, n>(panel, x, acc);
  } else {
    detail::multiply_q8_256<Q, V, n>(panel, x, acc);
  }
}

// Lanes of a type whose codes come from tables: each row is unpacked to the normal form, then the
// 16 rows are put side by side.
template <class Q, class V>
struct NormalLanes {
  static INLAY_FORCE_INLINE void fill(const WeightRows& rows, std::uint32_t first,
                                      std::uint32_t blocks, auto& panel) {
    alignas(64) std::uint8_t codes[16][256];
    alignas(64) std::uint8_t scales[16][16], mins[16][16];
    alignas(64) float d[PanelScales<Q, V>::spans][16], m[PanelScales<Q, V>::spans][16];
    for (std::uint32_t r = 0; r < 16; ++r) {
      const std::uint8_t* p = rows.row[r] + std::size_t{first} * sizeof(typename Q::Block);
      for (std::size_t at = 0; at < blocks * sizeof(typename Q::Block); at += 64) {
        __builtin_prefetch(p + rows.ahead + at, 0, 2);
      }
      for (std::uint32_t b = 0; b < blocks; ++b) {
        NormalBlock block;
        Q::unpack(p + b * sizeof(typename Q::Block), block);
        std::uint8_t* out = codes[r] + b * Q::elements;
        for (std::uint32_t i = 0; i < Q::elements; ++i) {
          out[i] = static_cast<std::uint8_t>(block.q[i] + zero_code<Q>);
        }
        for (std::uint32_t i = 0; i < Q::elements / Q::span; ++i) {
          d[b * (Q::elements / Q::span) + i][r] = block.d[i];
          if constexpr (Q::has_min) m[b * (Q::elements / Q::span) + i][r] = block.m[i];
        }
        for (std::uint32_t i = 0; !has_float_scales<Q> && i < 256 / Q::sub; ++i) {
          scales[r][i] = static_cast<std::uint8_t>(block.s[i]);
          if constexpr (Q::has_min) mins[r][i] = static_cast<std::uint8_t>(block.t[i]);
        }
      }
    }
    for (std::uint32_t i = 0; i < blocks * Q::elements / Q::span; ++i) {
      panel.d[i] = V::F32::load(d[i]);
      if constexpr (Q::has_min) panel.m[i] = V::F32::load(m[i]);
    }
    typename V::Step steps[4];
    if constexpr (!has_float_scales<Q>) {
      side_by_side(scales, 16, 0, steps);
      for (std::uint32_t j = 0; j < 64 / Q::sub; ++j) panel.put_signed_scales(j, steps[j]);
      if constexpr (Q::has_min) {
        side_by_side(mins, 16, 0, steps);
        for (std::uint32_t j = 0; j < 64 / Q::sub; ++j) panel.put_mins(j, steps[j]);
      }
    }
    for (std::uint32_t i = 0; i < blocks * Q::elements / 16; ++i) {
      side_by_side(codes, 256, i * 16, steps);
      panel.put_four(i * 4, steps);
    }
  }

 private:
  static INLAY_FORCE_INLINE void side_by_side(const void* bytes, std::size_t row_bytes,
                                              std::size_t at, typename V::Step (&steps)[4]) {
    const std::uint8_t* row[16];
    for (int r = 0; r < 16; ++r) {
      row[r] = static_cast<const std::uint8_t*>(bytes) + static_cast<std::size_t>(r) * row_bytes;
    }
    V::transpose(row, at, steps);
  }
};

}  // namespace inlay
