// math.h - own exp, log, sin, cos, tanh, erf: made of + - * / sqrt and fma only, so that every
// machine computes the same bits. The polynomials are minimax fits of our own; errors in the
// comments are measured by tests/kernels/math_test.cpp.
#pragma once

#include "base/inline.h"

namespace inlay::math {

// Same bits as the vector forms below.
float exp(float x);
float log(float x);
float tanh(float x);
float erf(float x);

// Errors below 1 ulp; results below the smallest normal number may lose bits.
double exp(double x);
double log(double x);  // x positive and normal; 0 gives -infinity, below NaN
// Errors below 1 ulp for |x| <= 2^27; beyond that the result has no meaning.
double sin(double x);
double cos(double x);
// base^exponent, base positive and normal; below 1 ulp while the result is within 1e-12 .. 1e12.
double pow(double base, double exponent);

// The forms below take V, a vector of floats with the words of kernels/vector/scalar.h.

// c0 + x (c1 + x (c2 + ...)).
template <class V>
INLAY_FORCE_INLINE V polynomial(V, float c) {
  return V::broadcast(c);
}
template <class V, class... Floats>
INLAY_FORCE_INLINE V polynomial(V x, float c, Floats... higher) {
  return fma(polynomial(x, higher...), x, V::broadcast(c));
}

// e^x: zero below -87.3, infinity above 88.72283, 1 ulp between.
template <class V>
INLAY_FORCE_INLINE V exp_of(V x) {
  const auto n = round_to_int(x * V::broadcast(0x1.715476p+0f));  // 1 / ln 2
  const V whole = to_float(n);
  V r = fma(whole, V::broadcast(-0x1.62e430p-1f), x);  // x - n ln 2, |r| <= ln 2 / 2
  r = fma(whole, V::broadcast(0x1.05c610p-29f), r);
  const V tail = polynomial(r, 0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.1239e2p-7f,
                            0x1.6a2434p-10f);
  const V e = fma(fma(tail, r, V::broadcast(1.0f)), r, V::broadcast(1.0f));
  V y = scale2(e, n);
  y = select(less(x, V::broadcast(-87.3f)), V::zero(), y);
  return select(less(V::broadcast(0x1.62e42ep+6f), x), V::broadcast(__builtin_inff()), y);
}

// The natural logarithm: -infinity below the smallest normal number, NaN below zero; 1 ulp.
template <class V>
INLAY_FORCE_INLINE V log_of(V x) {
  using Int = typename V::Int;
  // x = 2^k m with sqrt(1/2) <= m < sqrt(2); log m = 2 atanh(s), s = f / (2 + f).
  const Int k = shift_right<23>(bits_of(x) - Int::broadcast(0x3f3504f3));
  const V m = from_bits(bits_of(x) - shift_left<23>(k));
  const V whole = to_float(k);
  const V f = m - V::broadcast(1.0f);
  const V s = f / (f + V::broadcast(2.0f));
  const V z = s * s;
  const V r = z * polynomial(z, 0x1.55557ap-1f, 0x1.995eb8p-2f, 0x1.31e346p-2f);
  const V low = fma(whole, V::broadcast(-0x1.7f7d1cp-20f), s * (f - r));
  V y = fma(whole, V::broadcast(0x1.62e4p-1f), f - low);
  y = select(less(V::broadcast(0x1.fffffep+127f), x), x, y);
  y = select(less(x, V::broadcast(0x1p-126f)), V::broadcast(-__builtin_inff()), y);
  y = select(less(x, V::zero()), V::broadcast(__builtin_nanf("")), y);
  return select(less(V::zero(), abs(x)), y, x + y);  // NaN stays NaN, zero gives -infinity
}

// 2 ulp.
template <class V>
INLAY_FORCE_INLINE V tanh_of(V x) {
  const V one = V::broadcast(1.0f);
  const V z = x * x;
  const V small = fma(x * z,
                      polynomial(z, -0x1.555534p-2f, 0x1.110768p-3f, -0x1.b84448p-5f,
                                 0x1.5256c8p-6f, -0x1.76abb6p-8f),
                      x);
  const V size = abs(x);
  const V large = one - V::broadcast(2.0f) / (exp_of(size + size) + one);
  const V with_sign = select(less(x, V::zero()), -large, large);
  return select(less(size, V::broadcast(0.625f)), small, with_sign);
}

// The error function; 2 ulp.
template <class V>
INLAY_FORCE_INLINE V erf_of(V x) {
  const V z = x * x;
  const V small =
      fma(x,
          polynomial(z, 0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2d20p-4f, -0x1.b7fbb6p-6f,
                     0x1.5419fap-8f, -0x1.a485f8p-11f, 0x1.4ae4c6p-14f),
          x);
  // 1 - e^(-P(x)) on [1, 4], P fitted to -log(1 - erf x); beyond 4 the result is 1.
  const V size = min(V::broadcast(4.0f), abs(x));
  const V p = polynomial(size, 0x1.a830e0p-13f, 0x1.20bf98p+0f, 0x1.45b43ep-1f, 0x1.b0b490p-4f,
                         -0x1.83da2cp-6f, 0x1.e66a84p-9f, -0x1.7531bcp-12f, 0x1.0492b4p-16f);
  const V large = V::broadcast(1.0f) - exp_of(-p);
  const V with_sign = select(less(x, V::zero()), -large, large);
  return select(less(size, V::broadcast(1.0f)), small, with_sign);
}

}  // namespace inlay::math
