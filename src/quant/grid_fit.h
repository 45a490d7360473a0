// grid_fit.h - the search for the scales and entries of 256 weights that lose least, for the types
// whose codes are numbers of vectors.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/half.h"
#include "quant/affine_fit.h"
#include "quant/grid_search.h"
#include "quant/rounding.h"
#include "quant/unit_scale.h"

namespace inlay {

// Eight neighbouring weights of an encoder.
struct Eight {
  float w[8];          // how much an error counts
  float wx[8];         // w * x, or w * |x| where signs stand apart
  std::uint8_t minus;  // bit i: weight i is negative, where signs stand apart
};

// What was found for them.
struct EightFit {
  float error;             // sum of w (x - e v)^2 - w x^2
  float vv, xv;            // sums of w v^2 and w x v
  std::uint16_t index[2];  // one entry of eight, or two of four
  std::uint8_t signs;      // bit i: weight i is negative; of IQ1 1 where the shift is negative
};

inline constexpr float iq2_magnitudes[3] = {8, 25, 43};
inline constexpr float iq2_typical = 0.045f;

// What signs a book may choose: those it can write, or any, which is quicker and good enough to
// find a scale.
enum class Signs : bool { exact, any };

// Books say how eight weights are written. find(x, e, shift, signs): their best codes at scale e.

// Magnitudes from a grid and signs apart; with `even` the number of minus signs must be even.
template <const auto& order, const auto& grid, const auto& values, bool even>
struct SignedBook {
  using Order = std::remove_cvref_t<decltype(order)>;
  static constexpr bool signs_apart = true;
  static constexpr int shifts = 1;

  static EightFit find(const Eight& x, float e, int, Signs signs) {
    EightFit fit{};
    fit.signs = x.minus;
    const bool odd = even && signs == Signs::exact && even_signs(x.minus & 127u) != x.minus;
    if constexpr (width == 8) {
      GridErrors<Order> errors(order, x.w, x.wx, values, e);
      put(fit, 0, odd ? errors.wrong(no_limit) : errors.right());
    } else {
      GridErrors<Order> first(order, x.w, x.wx, values, e);
      GridErrors<Order> second(order, x.w + 4, x.wx + 4, values, e);
      GridFound a = first.right(), b = second.right();
      if (odd) wrong_in_one(first, second, a, b);
      put(fit, 0, a);
      put(fit, 1, b);
    }
    for (int i = 0; i < 8; ++i) {
      const auto v = static_cast<float>(grid[fit.index[i / width]] >> (i % width * 8) & 255);
      fit.vv += x.w[i] * v * v;
      fit.xv += ((fit.signs ^ x.minus) >> i & 1 ? -v : v) * x.wx[i];
    }
    return fit;
  }

 private:
  static constexpr int width = 2 * Order::half;  // weights of an entry
  static constexpr float no_limit = 3.4e38f;

  static void wrong_in_one(GridErrors<Order>& first, GridErrors<Order>& second, GridFound& a,
                           GridFound& b) {
    const GridFound c = first.wrong(no_limit), d = second.wrong(c.error - a.error + b.error);
    if (d.index < 0) {
      a = c;
    } else {
      b = d;
    }
  }
  static void put(EightFit& fit, int part, const GridFound& found) {
    fit.error += found.error;
    fit.index[part] = static_cast<std::uint16_t>(found.index);
    if (found.flip >= 0) fit.signs ^= static_cast<std::uint8_t>(1 << (found.flip + part * width));
  }
};

// Entries of eight of -1, 0, 1 in eighths, all moved by 1 or -1: for all weights of one scale alike
// with `shared`, else for each eight.
template <const auto& order, const auto& grid, bool shared>
struct ShiftedBook {
  using Order = std::remove_cvref_t<decltype(order)>;
  static constexpr bool signs_apart = false;
  static constexpr int shifts = shared ? 2 : 1;

  static EightFit find(const Eight& x, float e, int shift, Signs) {
    if constexpr (shared) return find_shifted(x, e, shift);
    const EightFit up = find_shifted(x, e, 0), down = find_shifted(x, e, 1);
    return down.error < up.error ? down : up;
  }

 private:
  static EightFit find_shifted(const Eight& x, float e, int shift) {
    static constexpr float values[2][3] = {{-7.0f, 1.0f, 9.0f}, {-9.0f, -1.0f, 7.0f}};
    const GridFound found = GridErrors<Order>(order, x.w, x.wx, values[shift], e).right();
    EightFit fit{};
    fit.error = found.error;
    fit.index[0] = static_cast<std::uint16_t>(found.index);
    fit.signs = static_cast<std::uint8_t>(shift);
    const std::uint64_t entry = grid[fit.index[0]];
    for (int i = 0; i < 8; ++i) {
      const float v = values[shift][(entry >> (8 * i) & 255) / 8 - 16];
      fit.vv += x.w[i] * v * v;
      fit.xv += v * x.wx[i];
    }
    return fit;
  }
};

// x ~ step * (2 s + 1) * v for 256 weights, `size` of which share one s < scales; the step is fold
// times the half d.
template <class Book, int size, int scales>
struct GridBlock {
  static constexpr int groups = 256 / size;

  std::uint16_t d;
  std::uint8_t s[groups];
  EightFit eight[32];

  // `typical`: about the best scale of weights whose mean square is 1.
  GridBlock(const float* x, const float* importance, float typical, float fold)
      : d(0), s{}, eight{} {
    const float unit = unit_scale(x, 256);
    Eight in[32];
    put_weights(x, unit, importance, in);
    GroupFit free[groups];
    for (int j = 0; j < groups; ++j) free[j] = free_fit(in + j * parts, typical);
    float step = best_step(free);
    if (!(step > 0.0f)) {  // d is 0, the codes mean nothing
      for (int j = 0; j < groups; ++j) find_group(in + j * parts, 0.0f, Signs::exact, j);
      return;
    }
    GroupFit fits[groups];
    for (int j = 0; j < groups; ++j) fits[j] = free[j];
    float best = 3.4e38f;
    for (int round = 0; round < 3; ++round) {
      GridBlock tried = GridBlock();
      tried.d = float_to_half(step / unit / fold);
      if (tried.d < 0x7c00) step = half_to_float(tried.d) * fold * unit;
      GroupFit sum{};
      for (int j = 0; j < groups; ++j) {
        fits[j] = tried.choose(in + j * parts, step, fits[j].scale(), j);
        const auto factor = static_cast<float>(2 * tried.s[j] + 1);
        sum.error += fits[j].error;
        sum.xv += factor * fits[j].xv;
        sum.vv += factor * factor * fits[j].vv;
      }
      if (sum.error < best) {
        best = sum.error;
        *this = tried;
      }
      step = sum.scale();
      if (!(step > 0.0f)) return;
    }
  }

 private:
  static constexpr int parts = size / 8;

  struct GroupFit {
    float error, xv, vv;
    // The scale that loses least with these codes.
    float scale() const { return vv > 0.0f ? xv / vv : 0.0f; }
  };
  GridBlock() = default;

  static void put_weights(const float* x, float unit, const float* importance, Eight* in) {
    const ErrorWeights<256> weights(importance);
    for (int i = 0; i < 256; ++i) {
      Eight& to = in[i / 8];
      const float value = near_one(x[i], unit);
      const bool minus = Book::signs_apart && value < 0.0f;
      if (i % 8 == 0) to.minus = 0;
      if (minus) to.minus |= static_cast<std::uint8_t>(1 << i % 8);
      to.w[i % 8] = weights.w[i];
      to.wx[i % 8] = weights.w[i] * (minus ? -value : value);
    }
  }

  // The codes of a group at scale e.
  GroupFit find_group(const Eight* in, float e, Signs signs, int j) {
    GroupFit best{};
    for (int shift = 0; shift < Book::shifts; ++shift) {
      EightFit fits[parts];
      GroupFit sum{};
      for (int i = 0; i < parts; ++i) {
        fits[i] = Book::find(in[i], e, shift, signs);
        sum.error += fits[i].error;
        sum.xv += fits[i].xv;
        sum.vv += fits[i].vv;
      }
      if (shift > 0 && !(sum.error < best.error)) continue;
      best = sum;
      for (int i = 0; i < parts; ++i) eight[j * parts + i] = fits[i];
    }
    return best;
  }

  // The best of five scales around the typical one, were it free.
  GroupFit free_fit(const Eight* in, float typical) {
    float sum_w = 0.0f, sum_xx = 0.0f;
    for (int i = 0; i < size; ++i) {
      const float w = in[i / 8].w[i % 8], wx = in[i / 8].wx[i % 8];
      sum_w += w;
      sum_xx += wx * (wx / w);
    }
    const float middle = __builtin_sqrtf(sum_xx / sum_w) * typical;
    GroupFit best{};
    for (int k = 0; k < 5; ++k) {
      const float e = middle * (0.65f + 0.17f * static_cast<float>(k));
      const GroupFit fit = find_group(in, e, Signs::any, 0);
      if (fit.xv > 0.0f && fit.xv * fit.scale() > best.xv * best.scale()) best = fit;
    }
    return best;
  }

  // The step whose odd multiples are nearest to the free scales; 0 if there is none.
  static float best_step(const GroupFit* free) {
    float largest = 0.0f;
    for (int j = 0; j < groups; ++j) {
      if (free[j].scale() > largest) largest = free[j].scale();
    }
    float best = 0.0f, least = 3.4e38f;
    for (int k = 0; k < 16; ++k) {
      const float step = largest / (static_cast<float>(2 * scales) -
                                    0.5f * scales * static_cast<float>(k) / 16.0f);
      float loss = 0.0f;
      for (int j = 0; j < groups; ++j) {
        const float off = free[j].scale() - step * multiple(free[j].scale(), step);
        loss += free[j].vv * off * off;
      }
      if (loss < least) {
        least = loss;
        best = step;
      }
    }
    return best;
  }
  static float multiple(float scale, float step) {
    const int n = round_clamped((scale * finite_inverse(step) - 1.0f) * 0.5f, 0, scales - 1);
    return static_cast<float>(2 * n + 1);
  }

  // Of the two multiples of the step around `ideal` the one that loses less.
  GroupFit choose(const Eight* in, float step, float ideal, int j) {
    const float below = (ideal * finite_inverse(step) - 1.0f) * 0.5f - 0.5f;
    const int first = round_clamped(below, 0, scales - 2);
    const GroupFit a = find_group(in, step * static_cast<float>(2 * first + 1), Signs::exact, j);
    EightFit kept[parts];
    for (int i = 0; i < parts; ++i) kept[i] = eight[j * parts + i];
    const GroupFit b = find_group(in, step * static_cast<float>(2 * first + 3), Signs::exact, j);
    s[j] = static_cast<std::uint8_t>(first + 1);
    if (b.error < a.error) return b;
    s[j] = static_cast<std::uint8_t>(first);
    for (int i = 0; i < parts; ++i) eight[j * parts + i] = kept[i];
    return a;
  }
};

}  // namespace inlay
