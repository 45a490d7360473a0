// table_fit.h - the search for the scale of weights whose codes are places in a table of values.
#pragma once

#include <cstdint>

#include "quant/four_floats.h"
#include "quant/rounding.h"

namespace inlay {

// Sums of w v^2 and w x v, v the values nearest to x / scale, for four scales at once. The error is
// scale^2 vv - 2 scale xv, and the sum of w x^2.
struct TableSums {
  Four vv, xv;
};

// `values` ascend.
template <const auto& values>
struct TableFit {
  static constexpr int count = sizeof values / sizeof values[0];

  static constexpr float middle(int i) {
    return 0.5f * (static_cast<float>(values[i]) + static_cast<float>(values[i + 1]));
  }

  static std::uint8_t nearest_code(float x) {
    std::uint8_t code = 0;
    for (int i = 0; i + 1 < count; ++i) code += x > middle(i);
    return code;
  }

  static TableSums sums(const float* x, const float* w, int n, Four inverse) {
    const Four zero = four(0.0f);
    TableSums sum{zero, zero};
    for (int i = 0; i < n; ++i) {
      const Four scaled = four(x[i]) * inverse;
      Four v = four(values[0]);
      INLAY_UNROLL for (int k = 0; k + 1 < count; ++k) {
        const auto gap = static_cast<float>(values[k + 1] - values[k]);
        v = v + if_less(four(middle(k)), scaled, four(gap), zero);
      }
      const Four wv = four(w[i]) * v;
      sum.vv = sum.vv + wv * v;
      sum.xv = sum.xv + wv * four(x[i]);
    }
    return sum;
  }

  // The scale that loses least, of either sign: the best of twenty that bring the largest weight to
  // between 70 and 156 (of values that reach about 120) and of their negatives, then of four around
  // the one that suits its codes.
  static float free_scale(const float* x, const float* w, int n) {
    const float largest = largest_magnitude(x, n);
    if (largest == 0.0f) return 0.0f;
    Best best{0.0f, 0.0f};
    for (int k = 0; k < 5; ++k) {
      const Four reach =
          four(70.0f + 18.0f * static_cast<float>(k)) + Four{0.0f, 4.5f, 9.0f, 13.5f};
      const Four inverse = reach * four(1.0f / largest);
      best.take(sums(x, w, n, inverse));
      best.take(sums(x, w, n, four(0.0f) - inverse));
    }
    best.take(sums(x, w, n, four(finite_inverse(best.scale)) * Four{0.985f, 0.995f, 1.0f, 1.008f}));
    return best.scale;
  }

 private:
  struct Best {
    float scale, gain;  // the gain: how much less than that of all zeros the error is

    void take(const TableSums& sum) {
      for (int c = 0; c < 4; ++c) {
        if (!(sum.xv[c] * sum.xv[c] > gain * sum.vv[c])) continue;
        scale = sum.xv[c] / sum.vv[c];
        gain = sum.xv[c] * scale;
      }
    }
  };
};

// The code of E2M1 for x, whose magnitude is `size` scales.
template <class Fit>
inline std::uint32_t e2m1_code(float x, float size) {
  const std::uint32_t code = Fit::nearest_code(size);
  return code != 0 && x < 0.0f ? code | 8u : code;
}

}  // namespace inlay
