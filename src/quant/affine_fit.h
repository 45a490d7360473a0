// affine_fit.h - the search for the scale (and minimum) that loses least over one group of values.
//
// The error is the sum of w[i] * (x[i] - value[i])^2. For given codes the best scale and minimum
// are a least squares problem, for a given scale and minimum the best codes are the nearest ones:
// the search goes to and fro between the two from several guesses, four of them at a time.
#pragma once

#include <cstdint>

#include "base/half.h"
#include "quant/four_floats.h"
#include "quant/rounding.h"

namespace inlay {

// How much the errors of n values count: importance over its largest, or all 1 without.
template <int n>
struct ErrorWeights {
  float w[n];

  explicit ErrorWeights(const float* importance) {
    const float largest = importance ? largest_magnitude(importance, n) : 0.0f;
    const float inverse = finite_inverse(largest);
    // The floor keeps what does not count from being anything at all.
    for (int i = 0; i < n; ++i) {
      w[i] = inverse > 0.0f ? importance[i] * inverse + 0x1p-24f : 1.0f;
    }
  }
};

// x[i] ~ scale * q[i] - min with 0 <= q[i] <= top and scale >= 0.
struct AffineFit {
  float scale;
  float min;
};

enum class Minimum : bool { any, not_negative };

namespace detail {

// The gain of a fit: how much less its error is than that of the mean of the values.
struct FourFits {
  Four scale, min, gain;
};

// Sums over the values of a group that all guesses share.
struct Moments {
  float weight = 0.0f, mean = 0.0f;

  Moments(const float* x, const float* w, int n) {
    for (int i = 0; i < n; ++i) {
      weight += w[i];
      mean += w[i] * x[i];
    }
    mean /= weight;
  }
};

// Codes of four guesses, and the best fits for these codes.
inline FourFits refit(const float* x, const float* w, int n, int top, Minimum kind,
                      const Moments& all, Four scale, Four min) {
  const Four zero = four(0.0f), last = four(static_cast<float>(top));
  const Four inverse = four(1.0f) / scale, offset = min * inverse;
  Four sum_q = zero, sum_qq = zero, sum_qx = zero;  // x less its mean
  for (int i = 0; i < n; ++i) {
    const Four q = round_clamped(four(x[i]) * inverse + offset, zero, last);
    const Four wq = four(w[i]) * q;
    sum_q = sum_q + wq;
    sum_qq = sum_qq + wq * q;
    sum_qx = sum_qx + wq * four(x[i] - all.mean);
  }
  const Four mean = four(all.mean), mean_q = sum_q / four(all.weight);
  const Four spread = sum_qq - sum_q * mean_q;
  FourFits fits;
  // Codes that are all but one and the same tell nothing but rounding errors.
  fits.scale = if_less(sum_qq * four(1e-5f), spread, sum_qx / spread, zero);
  fits.min = fits.scale * mean_q - mean;
  fits.gain = fits.scale * sum_qx;
  if (kind == Minimum::not_negative) {
    const Four sum_product = sum_qx + mean * sum_q, without = sum_product / sum_qq;
    const Four gain = without * sum_product - mean * mean * four(all.weight);
    fits.scale = if_less(fits.min, zero, without, fits.scale);
    fits.gain = if_less(fits.min, zero, gain, fits.gain);
    fits.min = larger(fits.min, zero);
  }
  return fits;
}

}  // namespace detail

// The scale and minimum of x[i] ~ scale * q[i] - min.
inline AffineFit fit_affine(const float* x, const float* w, int n, int top, Minimum kind) {
  float low = x[0], high = x[0];
  for (int i = 1; i < n; ++i) {
    if (x[i] < low) low = x[i];
    if (x[i] > high) high = x[i];
  }
  if (kind == Minimum::not_negative && low > 0.0f) low = 0.0f;
  if (!(high > low)) return {0.0f, -low};
  const float step = (high - low) / static_cast<float>(top);
  AffineFit best{step, -low};
  float best_gain = 0.0f;
  // Both ends of the range, moved in by these numbers of steps; a finer type gains from ranges that
  // are too wide, too.
  const float least = -0.2f - 0.05f * static_cast<float>(top), apart = (1.4f - least) / 3.0f;
  const detail::Moments all(x, w, n);
  for (int start = 0; start < 4; ++start) {
    const Four first = four(low + (least + apart * static_cast<float>(start)) * step);
    const Four moved = four(least) + four(apart) * Four{0.0f, 1.0f, 2.0f, 3.0f};
    const Four end = four(high) - moved * four(step);
    detail::FourFits fits{(end - first) / four(static_cast<float>(top)), four(0.0f) - first, {}};
    for (int round = 0; round < 3; ++round) {
      fits = detail::refit(x, w, n, top, kind, all, fits.scale, fits.min);
      for (int c = 0; c < 4; ++c) {
        // Of equals the smaller minimum: neighbouring groups of few values then agree.
        const float margin = fits.min[c] < 0.99f * best.min ? -1e-6f : 1e-6f;
        if (fits.gain[c] > best_gain + margin * best_gain && fits.scale[c] > 0.0f) {
          best_gain = fits.gain[c];
          best = {fits.scale[c], fits.min[c]};
        }
      }
    }
  }
  return best;
}

// The scale of x[i] ~ scale * q[i] with low <= q[i] <= high, low < 0 < high; it may be negative,
// so that the longer side of the codes serves the longer side of the values.
inline float fit_scale(const float* x, const float* w, int n, int low, int high) {
  const float largest = largest_magnitude(x, n);
  if (largest == 0.0f) return 0.0f;
  const Four first = four(static_cast<float>(low)), last = four(static_cast<float>(high));
  const auto edge = static_cast<float>(high > -low ? high : -low);
  float best = largest / edge, best_gain = 0.0f;
  const float apart = (5.0f + 0.2f * edge) / 12.0f;
  for (int start = 0; start < 6; ++start) {  // both signs, 12 codes for the largest value
    const Four place = Four{-6.0f, -5.0f, -4.0f, -3.0f} + four(static_cast<float>(start / 2 * 4));
    Four inverse = (four(edge) + place * four(apart)) / four(start % 2 ? -largest : largest);
    for (int round = 0; round < 2; ++round) {
      Four sum_qq = four(0.0f), sum_qx = four(0.0f);
      for (int i = 0; i < n; ++i) {
        const Four q = round_clamped(four(x[i]) * inverse, first, last);
        const Four wq = four(w[i]) * q;
        sum_qq = sum_qq + wq * q;
        sum_qx = sum_qx + wq * four(x[i]);
      }
      inverse = sum_qq / sum_qx;
      const Four gain = sum_qx * sum_qx / sum_qq;
      for (int c = 0; c < 4; ++c) {
        if (gain[c] > best_gain) {
          best_gain = gain[c];
          best = sum_qx[c] / sum_qq[c];
        }
      }
    }
  }
  return best;
}

// A block of 32 with two halves: x[i] ~ d * q[i] + m, 0 <= q[i] <= top.
template <int top>
struct HalfAffineFit {
  std::uint16_t d, m;
  std::uint8_t q[32];

  HalfAffineFit(const float* x, const float* importance) {
    const ErrorWeights<32> weights(importance);
    const AffineFit fit = fit_affine(x, weights.w, 32, top, Minimum::any);
    d = float_to_half(fit.scale);
    // A fit may begin outside of the weights, but not outside of the halves that they fit.
    const float largest = largest_magnitude(x, 32), edge = largest > 65504.0f ? largest : 65504.0f;
    m = float_to_half(fit.min > edge ? -edge : fit.min < -edge ? edge : -fit.min);
    const float inverse = finite_inverse(half_to_float(d)), offset = half_to_float(m);
    for (int i = 0; i < 32; ++i) {
      q[i] = static_cast<std::uint8_t>(round_clamped((x[i] - offset) * inverse, 0, top));
    }
  }
};

// A block of n with one half: x[i] ~ d * (q[i] + low), 0 <= q[i] <= high - low.
template <int n, int low, int high>
struct HalfScaleFit {
  std::uint16_t d;
  std::uint8_t q[n];

  HalfScaleFit(const float* x, const float* importance) {
    const ErrorWeights<n> weights(importance);
    d = float_to_half(fit_scale(x, weights.w, n, low, high));
    const float inverse = finite_inverse(half_to_float(d));
    for (int i = 0; i < n; ++i) {
      q[i] = static_cast<std::uint8_t>(round_clamped(x[i] * inverse, low, high) - low);
    }
  }
};

}  // namespace inlay
