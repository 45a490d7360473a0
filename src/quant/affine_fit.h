// affine_fit.h - the search for the scale (and minimum) that loses least, for the K-type encoders.
#pragma once

#include <cstdint>

#include "quant/rounding.h"

namespace inlay {

// x[i] ~ scale * q[i] - min with 0 <= q[i] <= top, scale >= 0 and min >= 0.
struct AffineFit {
  float scale;
  float min;
};

namespace detail {

// Sum of squared errors of x under a fit, each value at its best code.
inline float affine_error(const float* x, int n, int top, AffineFit fit) {
  const float inverse = finite_inverse(fit.scale);
  float error = 0.0f;
  for (int i = 0; i < n; ++i) {
    const auto q = static_cast<float>(round_clamped((x[i] + fit.min) * inverse, 0, top));
    const float e = fit.scale * q - fit.min - x[i];
    error += e * e;
  }
  return error;
}

// Least squares for the codes that `guess` gives; the guess itself where that has no answer.
inline AffineFit affine_refit(const float* x, int n, int top, AffineFit guess) {
  const float inverse = finite_inverse(guess.scale);
  float sum_q = 0, sum_qq = 0, sum_x = 0, sum_qx = 0;
  for (int i = 0; i < n; ++i) {
    const auto q = static_cast<float>(round_clamped((x[i] + guess.min) * inverse, 0, top));
    sum_q += q;
    sum_qq += q * q;
    sum_x += x[i];
    sum_qx += q * x[i];
  }
  const auto count = static_cast<float>(n);
  const float determinant = count * sum_qq - sum_q * sum_q;
  if (!(determinant > 0.0f)) return guess;
  AffineFit fit{(count * sum_qx - sum_q * sum_x) / determinant,
                (sum_q * sum_qx - sum_qq * sum_x) / determinant};
  if (fit.min < 0.0f) fit = {sum_qx / sum_qq, 0.0f};
  return fit.scale > 0.0f ? fit : guess;
}

}  // namespace detail

// Tries a few starting ranges around the full one, refits each and keeps the smallest error.
inline AffineFit fit_affine(const float* x, int n, int top) {
  float low = 0.0f, high = x[0];
  for (int i = 0; i < n; ++i) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
  }
  if (high <= low) return {0.0f, -low};
  AffineFit best{(high - low) / static_cast<float>(top), -low};
  float best_error = detail::affine_error(x, n, top, best);
  for (int step = -6; step <= 9; ++step) {
    const float levels = static_cast<float>(top) + 0.15f * static_cast<float>(step);
    const AffineFit fit = detail::affine_refit(x, n, top, {(high - low) / levels, -low});
    const float error = detail::affine_error(x, n, top, fit);
    if (error < best_error) {
      best = fit;
      best_error = error;
    }
  }
  return best;
}

// The scale of x[i] ~ scale * q[i] with -half <= q[i] < half; it may be negative.
inline float fit_scale(const float* x, int n, int half) {
  float largest = 0.0f;
  for (int i = 0; i < n; ++i) {
    if (magnitude(x[i]) > magnitude(largest)) largest = x[i];
  }
  if (largest == 0.0f) return 0.0f;
  float best = 0.0f, best_gain = -1.0f;
  for (int step = -9; step <= 9; ++step) {
    const float inverse = -(static_cast<float>(half) + 0.1f * static_cast<float>(step)) / largest;
    float sum_qq = 0.0f, sum_qx = 0.0f;
    for (int i = 0; i < n; ++i) {
      const auto q = static_cast<float>(round_clamped(x[i] * inverse, -half, half - 1));
      sum_qq += q * q;
      sum_qx += q * x[i];
    }
    // The squared error is sum_xx - sum_qx^2 / sum_qq at the scale sum_qx / sum_qq.
    const float gain = sum_qq > 0.0f ? sum_qx * sum_qx / sum_qq : 0.0f;
    if (gain > best_gain && sum_qq > 0.0f) {
      best_gain = gain;
      best = sum_qx / sum_qq;
    }
  }
  return best;
}

}  // namespace inlay
