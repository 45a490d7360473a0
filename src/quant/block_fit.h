// block_fit.h - the search for the two levels of scales of the K types: 256 values in groups, whose
// whole-number scales (and minima) share one half each.
#pragma once

#include <cstdint>

#include "base/half.h"
#include "quant/affine_fit.h"

namespace inlay {

namespace detail {

// The largest scale of a block becomes the largest number or a little less: which of these starts
// suits the other scales best is tried out, then d and m follow the codes for some rounds.
inline constexpr int unit_starts = 4, unit_rounds = 2;
constexpr float unit_levels(int scale_end, int start) {
  return static_cast<float>(scale_end) * (1.0f - 0.03f * static_cast<float>(start));
}

}  // namespace detail

// x ~ d * s * q - m * t, 0 <= q <= top, s and t at most scale_top. d and m are halves.
template <int groups, int top, int scale_top>
struct AffineBlock {
  static constexpr int size = 256 / groups;

  std::uint16_t d, m;
  std::uint8_t s[groups], t[groups], q[256];

  AffineBlock(const float* x, const float* importance) {
    const ErrorWeights<256> weights(importance);
    AffineFit fits[groups];
    AffineFit largest{};
    for (int j = 0; j < groups; ++j) {
      fits[j] = fit_affine(x + j * size, weights.w + j * size, size, top, Minimum::not_negative);
      if (fits[j].scale > largest.scale) largest.scale = fits[j].scale;
      if (fits[j].min > largest.min) largest.min = fits[j].min;
    }
    Scales best;
    for (int start = 0; start < detail::unit_starts; ++start) {
      const float levels = detail::unit_levels(scale_top, start);
      const Scales tried(x, weights.w, fits, {largest.scale / levels, largest.min / levels});
      if (start == 0 || tried.error < best.error) best = tried;
    }
    for (int round = 0; round < detail::unit_rounds; ++round) {
      const Scales tried(x, weights.w, fits, best.units(x, weights.w));
      if (!(tried.error < best.error)) break;
      best = tried;
    }
    put(best, x);
  }

 private:
  struct Scales {
    AffineFit unit{};  // d and m
    float error = 0.0f;
    std::uint8_t s[groups] = {}, t[groups] = {};

    Scales() = default;
    // The best scales and minima for given d and m, which are rounded to halves.
    Scales(const float* x, const float* w, const AffineFit* fits, AffineFit wanted)
        : unit{half_to_float(float_to_half(wanted.scale)),
               half_to_float(float_to_half(wanted.min))} {
      for (int j = 0; j < groups; ++j) choose(x + j * size, w + j * size, fits[j], j);
    }

    // Of four scales by three minima around the fit of a group those that lose least.
    void choose(const float* x, const float* w, AffineFit fit, int j) {
      const Four zero = four(0.0f), last = four(static_cast<float>(top));
      const int first_s = first_of(fit.scale * finite_inverse(unit.scale), 4);
      const int first_t = first_of(fit.min * finite_inverse(unit.min), 3);
      const Four scale =
          four(unit.scale) * (four(static_cast<float>(first_s)) + Four{0.0f, 1.0f, 2.0f, 3.0f});
      const Four inverse = if_less(zero, scale, four(1.0f) / scale, zero);
      float best = 0.0f;
      for (int k = 0; k < 3; ++k) {
        const Four min = four(unit.min * static_cast<float>(first_t + k));
        const Four offset = min * inverse;
        Four sum = zero;
        for (int i = 0; i < size; ++i) {
          const Four code = round_clamped(four(x[i]) * inverse + offset, zero, last);
          const Four e = scale * code - (min + four(x[i]));
          sum = sum + four(w[i]) * e * e;
        }
        for (int c = 0; c < 4; ++c) {
          if (sum[c] < best || (k | c) == 0) {
            best = sum[c];
            s[j] = static_cast<std::uint8_t>(first_s + c);
            t[j] = static_cast<std::uint8_t>(first_t + k);
          }
        }
      }
      error += best;
    }
    static int first_of(float ideal, int count) {
      return round_clamped(ideal - 0.5f * static_cast<float>(count - 1), 0, scale_top + 1 - count);
    }

    // The codes of four neighbouring values of group j.
    Four codes(Four x, int j) const {
      const float inverse = finite_inverse(unit.scale * s[j]);
      const Four offset = four(unit.min * t[j] * inverse);
      return round_clamped(x * four(inverse) + offset, four(0.0f), four(static_cast<float>(top)));
    }

    // The d and m that lose least with these scales, minima and their codes.
    AffineFit units(const float* x, const float* w) const {
      float sum_uu = 0, sum_ut = 0, sum_tt = 0, sum_xu = 0, sum_xt = 0;
      for (int j = 0; j < groups; ++j) {
        Four sum_w{}, sum_q{}, sum_qq{}, sum_x{}, sum_qx{};
        for (int i = j * size; i < (j + 1) * size; i += 4) {
          const Four value = load_four(x + i), weight = load_four(w + i);
          const Four code = codes(value, j), weighted = weight * code;
          sum_w = sum_w + weight;
          sum_q = sum_q + weighted;
          sum_qq = sum_qq + weighted * code;
          sum_x = sum_x + weight * value;
          sum_qx = sum_qx + weighted * value;
        }
        const float a = s[j], b = t[j];
        sum_uu += a * a * sum_of(sum_qq);
        sum_ut += a * b * sum_of(sum_q);
        sum_tt += b * b * sum_of(sum_w);
        sum_xu += a * sum_of(sum_qx);
        sum_xt += b * sum_of(sum_x);
      }
      const float determinant = sum_uu * sum_tt - sum_ut * sum_ut;
      const float scale = (sum_xu * sum_tt - sum_xt * sum_ut) / determinant;
      const float min = (sum_xu * sum_ut - sum_xt * sum_uu) / determinant;
      const bool sound = determinant > 1e-5f * sum_uu * sum_tt;
      if (sound && scale > 0.0f && min > 0.0f) return {scale, min};
      const float alone = (sum_xu + unit.min * sum_ut) / sum_uu;  // d for the m there is
      return {alone > 0.0f ? alone : unit.scale, unit.min};
    }
  };

  void put(const Scales& best, const float* x) {
    d = float_to_half(best.unit.scale);
    m = float_to_half(best.unit.min);
    for (int j = 0; j < groups; ++j) {
      s[j] = best.s[j];
      t[j] = best.t[j];
      for (int i = j * size; i < (j + 1) * size; i += 4) {
        const Four codes = best.codes(load_four(x + i), j);
        for (int c = 0; c < 4; ++c) q[i + c] = static_cast<std::uint8_t>(codes[c]);
      }
    }
  }
};

// x ~ d * s * q, low <= q <= high, scale_low <= s <= scale_high. d is a half of any sign.
template <int groups, int low, int high, int scale_low, int scale_high>
struct ScaledBlock {
  static constexpr int size = 256 / groups;

  std::uint16_t d;
  std::int8_t s[groups], q[256];

  ScaledBlock(const float* x, const float* importance) {
    const ErrorWeights<256> weights(importance);
    float fits[groups];
    float largest = 0.0f;
    for (int j = 0; j < groups; ++j) {
      fits[j] = fit_scale(x + j * size, weights.w + j * size, size, low, high);
      if (magnitude(fits[j]) > magnitude(largest)) largest = fits[j];
    }
    Scales best;
    for (int start = 0; start < detail::unit_starts; ++start) {
      const Scales tried(x, weights.w, fits, largest / detail::unit_levels(scale_low, start));
      if (start == 0 || tried.error < best.error) best = tried;
    }
    for (int round = 0; round < detail::unit_rounds; ++round) {
      const Scales tried(x, weights.w, fits, best.best_unit(x, weights.w));
      if (!(tried.error < best.error)) break;
      best = tried;
    }
    put(best, x);
  }

 private:
  struct Scales {
    float unit = 0.0f;  // d
    float error = 0.0f;
    std::int8_t s[groups] = {};

    Scales() = default;
    // The best scales for a given d, which is rounded to a half.
    Scales(const float* x, const float* w, const float* fits, float wanted)
        : unit(half_to_float(float_to_half(wanted))) {
      for (int j = 0; j < groups; ++j) choose(x + j * size, w + j * size, fits[j], j);
    }

    // Of four scales around the fit of a group, of either sign, the one that loses least.
    void choose(const float* x, const float* w, float fit, int j) {
      const Four first = four(static_cast<float>(low)), last = four(static_cast<float>(high));
      float best = 0.0f;
      for (int side = 0; side < 2; ++side) {
        const float ideal = (side ? -fit : fit) * finite_inverse(unit);
        const int first_s = round_clamped(ideal - 1.5f, scale_low, scale_high - 3);
        const Four scale =
            four(unit) * (four(static_cast<float>(first_s)) + Four{0.0f, 1.0f, 2.0f, 3.0f});
        const Four size_of_scale = larger(scale, four(0.0f) - scale);
        const Four inverse = if_less(four(0.0f), size_of_scale, four(1.0f) / scale, four(0.0f));
        Four sum = four(0.0f);
        for (int i = 0; i < size; ++i) {
          const Four e = scale * round_clamped(four(x[i]) * inverse, first, last) - four(x[i]);
          sum = sum + four(w[i]) * e * e;
        }
        for (int c = 0; c < 4; ++c) {
          if (sum[c] < best || (side | c) == 0) {
            best = sum[c];
            s[j] = static_cast<std::int8_t>(first_s + c);
          }
        }
      }
      error += best;
    }

    // The codes of four neighbouring values of group j.
    Four codes(Four x, int j) const {
      return round_clamped(x * four(finite_inverse(unit * s[j])), four(static_cast<float>(low)),
                           four(static_cast<float>(high)));
    }

    // The d that loses least with these scales and their codes.
    float best_unit(const float* x, const float* w) const {
      Four sum_uu{}, sum_xu{};
      for (int i = 0; i < 256; i += 4) {
        const Four value = load_four(x + i);
        const Four u = four(s[i / size]) * codes(value, i / size), weighted = load_four(w + i) * u;
        sum_uu = sum_uu + weighted * u;
        sum_xu = sum_xu + weighted * value;
      }
      const float all_uu = sum_of(sum_uu);
      return all_uu > 0.0f ? sum_of(sum_xu) / all_uu : unit;
    }
  };

  void put(const Scales& best, const float* x) {
    d = float_to_half(best.unit);
    for (int j = 0; j < groups; ++j) s[j] = best.s[j];
    for (int i = 0; i < 256; i += 4) {
      const Four codes = best.codes(load_four(x + i), i / size);
      for (int c = 0; c < 4; ++c) q[i + c] = static_cast<std::int8_t>(codes[c]);
    }
  }
};

}  // namespace inlay
