// four_floats.h - four floats side by side: the encoders try four guesses at once.
#pragma once

#include <cstring>

#include "base/inline.h"

namespace inlay {

#if defined(__GNUC__)
using Four = float __attribute__((vector_size(16)));

INLAY_FORCE_INLINE Four four(float x) { return Four{x, x, x, x}; }
// b where a is no number.
INLAY_FORCE_INLINE Four larger(Four a, Four b) { return a > b ? a : b; }
INLAY_FORCE_INLINE Four smaller(Four a, Four b) { return a < b ? a : b; }
INLAY_FORCE_INLINE Four if_less(Four a, Four b, Four then, Four other) {
  return a < b ? then : other;
}
#else
struct Four {
  float lane[4];
  float operator[](int i) const { return lane[i]; }
};

template <class F>
INLAY_FORCE_INLINE Four each_of_four(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}
INLAY_FORCE_INLINE Four four(float x) { return {{x, x, x, x}}; }
INLAY_FORCE_INLINE Four operator+(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] + b[i]; });
}
INLAY_FORCE_INLINE Four operator-(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] - b[i]; });
}
INLAY_FORCE_INLINE Four operator*(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] * b[i]; });
}
INLAY_FORCE_INLINE Four operator/(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] / b[i]; });
}
INLAY_FORCE_INLINE Four larger(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] > b[i] ? a[i] : b[i]; });
}
INLAY_FORCE_INLINE Four smaller(Four a, Four b) {
  return each_of_four([&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
}
INLAY_FORCE_INLINE Four if_less(Four a, Four b, Four then, Four other) {
  return each_of_four([&](int i) { return a[i] < b[i] ? then[i] : other[i]; });
}
#endif

INLAY_FORCE_INLINE Four load_four(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
INLAY_FORCE_INLINE void store_four(Four v, float* p) { std::memcpy(p, &v, sizeof v); }
INLAY_FORCE_INLINE float sum_of(Four v) { return (v[0] + v[1]) + (v[2] + v[3]); }

// To the nearest integers, ties to even, within [low, high] inside +-2^22; NaN gives low.
INLAY_FORCE_INLINE Four round_clamped(Four x, Four low, Four high) {
  const Four large = four(12582912.0f);
  return (smaller(larger(x, low), high) + large) - large;
}

}  // namespace inlay
