// grid_search.h - the entry of a grid that loses least for its weights, found exactly.
//
// The error of a pattern is a sum over its weights, so it is the error of its upper half plus that
// of its lower half: two small tables say all, and whole rows of a grid fall out at once.
#pragma once

#include <cstdint>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "quant/grids.h"

namespace inlay {

namespace detail {

// out[i * columns + j] = f(a[i], b[j]); reads and writes up to three floats more.
template <int rows, int columns, class F>
INLAY_FORCE_INLINE void outer(const float* a, const float* b, float* out, F f) {
  constexpr int padded = (columns + 3) / 4 * 4;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < padded; ++j) out[i * columns + j] = f(a[i], b[j]);
  }
}

// Whether any of eight floats is below x.
INLAY_FORCE_INLINE bool any_below(const float* eight, float x) {
#if defined(__SSE__)
  const __m128 all = _mm_set1_ps(x);
  const __m128 a = _mm_cmplt_ps(_mm_loadu_ps(eight), all);
  const __m128 b = _mm_cmplt_ps(_mm_loadu_ps(eight + 4), all);
  return _mm_movemask_ps(_mm_or_ps(a, b)) != 0;
#else
  bool any = false;
  for (int i = 0; i < 8; ++i) any |= eight[i] < x;
  return any;
#endif
}

// What half an entry adds to the error, for every half pattern; x its weights, w what each counts.
template <class Order>
struct HalfErrors {
  static constexpr int levels = Order::levels;
  static constexpr int half = Order::half;
  static constexpr int halves = Order::halves;

  const float* wx;  // w * x
  const float* values;
  float e;
  float digit[half][(levels + 3) / 4 * 4] = {};  // of each level of each weight
  float right[(halves + 7) / 8 * 8];             // the error; more than any after the last pattern
  float wrong[(halves + 7) / 8 * 8];  // the error when the cheapest of the signs is wrong
  float least_wrong;
  int best;  // the pattern of least error

  // The error at scale e is the sum of w e^2 v^2 - 2 w x e v (and of w x^2).
  HalfErrors(const float* w, const float* wx_, const float* values_, float e_)
      : wx(wx_), values(values_), e(e_), best(0) {
    int place = 1;
    for (int i = 0; i < half; ++i, place *= levels) {
      const float a = e * e * w[i], b = 2.0f * e * wx[i];
      int least = 0;
      for (int l = 0; l < levels; ++l) {
        digit[i][l] = values[l] * (a * values[l] - b);
        if (digit[i][l] < digit[i][least]) least = l;
      }
      best += least * place;
    }
    tabulate(right, [](float x, float y) { return x + y; });
  }

  // A wrong sign costs 4 w x e v more.
  void make_wrong() {
    for (int i = 0; i < half; ++i) {
      for (int l = 0; l < levels; ++l) digit[i][l] = 4.0f * e * wx[i] * values[l];
    }
    tabulate(wrong, [](float x, float y) { return x < y ? x : y; });
    least_wrong = 3.4e38f;
    for (int p = 0; p < halves; ++p) {
      wrong[p] += right[p];
      if (wrong[p] < least_wrong) least_wrong = wrong[p];
    }
  }

  // The weight whose sign is wrong in this pattern.
  int wrong_weight(int pattern) const {
    int cheapest = 0, l = pattern % levels;
    float least = digit[0][l];
    for (int i = 1; i < half; ++i) {
      pattern /= levels;
      l = pattern % levels;
      if (digit[i][l] < least) {
        least = digit[i][l];
        cheapest = i;
      }
    }
    return cheapest;
  }

 private:
  template <class F>
  void tabulate(float* out, F f) {
    if constexpr (half == 2) {
      outer<levels, levels>(digit[1], digit[0], out, f);
    } else {
      float low[levels * levels + 3], high[levels * levels + 3];
      outer<levels, levels>(digit[1], digit[0], low, f);
      outer<levels, levels>(digit[3], digit[2], high, f);
      for (int i = levels * levels; i < levels * levels + 3; ++i) low[i] = 0.0f;
      outer<levels * levels, levels * levels>(high, low, out, f);
      for (int i = halves; i < (halves + 7) / 8 * 8; ++i) out[i] = 3.4e38f;
    }
  }
};

}  // namespace detail

struct GridFound {
  float error;
  int index;
  int flip;  // the weight with the wrong sign, or -1
};

// The errors of the entries of a grid for its weights at a scale.
template <class Order>
struct GridErrors {
  detail::HalfErrors<Order> lower, upper;
  const Order& order;

  GridErrors(const Order& order_, const float* w, const float* wx, const float* values, float e)
      : lower(w, wx, values, e),
        upper(w + Order::half, wx + Order::half, values, e),
        order(order_) {}

  GridFound right() const {
    const Nearest near = nearest(upper.right, lower.right, lower.right[lower.best], {3.4e38f, 0});
    return {near.error, entry_of(near.row, lower.right), -1};
  }

  // The best entry with exactly one sign wrong, if its error is below `limit`; else index -1.
  GridFound wrong(float limit) {
    lower.make_wrong();
    upper.make_wrong();
    const Nearest a = nearest(upper.right, lower.wrong, lower.least_wrong, {limit, -1});
    const Nearest b = nearest(upper.wrong, lower.right, lower.right[lower.best], a);
    if (b.row < 0) return {limit, -1, -1};
    if (b.error < a.error) {
      return {b.error, entry_of(b.row, lower.right), Order::half + upper.wrong_weight(b.row)};
    }
    const int index = entry_of(a.row, lower.wrong);
    return {a.error, index, lower.wrong_weight(order.lower[index])};
  }

 private:
  struct Nearest {
    float error;
    int row;  // the upper half of the entry
  };

  // The least high[row] + low[column] of the grid if it is below `found`. No low[] is below
  // `least`.
  Nearest nearest(const float* high, const float* low, float least, Nearest found) const {
    look(upper.best, high, low, found);
    for (int begin = 0; begin < Order::halves; begin += 8) {
      if (!detail::any_below(high + begin, found.error - least)) continue;
      for (int row = begin; row < begin + 8; ++row) {
        if (high[row] < found.error - least) look(row, high, low, found);
      }
    }
    return found;
  }
  INLAY_FORCE_INLINE void look(int row, const float* high, const float* low, Nearest& found) const {
    float a = 3.4e38f, b = 3.4e38f;
    int k = order.first[row];
    const int end = order.first[row + 1];
    for (; k + 1 < end; k += 2) {
      const float c = low[order.lower[k]], d = low[order.lower[k + 1]];
      a = c < a ? c : a;
      b = d < b ? d : b;
    }
    if (k < end && low[order.lower[k]] < a) a = low[order.lower[k]];
    const float error = high[row] + (a < b ? a : b);
    if (error < found.error) found = {error, row};
  }
  int entry_of(int row, const float* low) const {
    int best = order.first[row];
    for (int k = best; k < order.first[row + 1]; ++k) {
      if (low[order.lower[k]] < low[order.lower[best]]) best = k;
    }
    return best;
  }
};

}  // namespace inlay
