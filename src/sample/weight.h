// weight.h - e^x for x <= 0, the weight of a logit under the largest: the same bits one by one and
// in pieces.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/inline.h"

namespace inlay {

inline constexpr float least_logit = -80.0f;

// The exponential of a clamped x, within one unit of the last place of float. Whole vocabularies
// pass here, so it is plain double arithmetic without branches: x = n ln 2 + r, |r| <= ln 2 / 2, a
// Taylor series for e^r.
struct Exponential {
  double r;
  std::uint64_t n;  // for the exponent
  INLAY_FORCE_INLINE explicit Exponential(double x) {
    constexpr double magic = 0x1.8p52;  // adding it leaves round(...) in the low bits
    const double shifted = x * 0x1.71547652b82fep0 + magic;
    r = x - (shifted - magic) * 0x1.62e42fefa39efp-1;
    n = std::bit_cast<std::uint64_t>(shifted) << 52;
  }
  INLAY_FORCE_INLINE double value() const {
    double e = 1.0 / 5040;
    e = e * r + 1.0 / 720;
    e = e * r + 1.0 / 120;
    e = e * r + 1.0 / 24;
    e = e * r + 1.0 / 6;
    e = e * r + 1.0 / 2;
    e = e * r + 1.0;
    e = e * r + 1.0;
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(e) + n);
  }
};

// 0 below -80: denormals would depend on the floating-point mode of the thread.
inline float weight_of(float logit) {
  if (logit < least_logit) return 0.0f;
  return static_cast<float>(Exponential(logit).value());
}

inline constexpr std::size_t piece_size = 32;
using Piece = float[piece_size];

// The same for many; loops that compilers make vector code of.
inline void weigh_piece(const Piece& logits, Piece& weights) {
  Piece clamped;
  double values[piece_size];
  for (std::size_t i = 0; i < piece_size; ++i) {
    clamped[i] = least_logit > logits[i] ? least_logit : logits[i];
  }
  for (std::size_t i = 0; i < piece_size; ++i) values[i] = clamped[i];
  for (std::size_t i = 0; i < piece_size; ++i) values[i] = Exponential(values[i]).value();
  for (std::size_t i = 0; i < piece_size; ++i) weights[i] = static_cast<float>(values[i]);
  for (std::size_t i = 0; i < piece_size; ++i) {
    weights[i] = logits[i] < least_logit ? 0.0f : weights[i];
  }
}

}  // namespace inlay
