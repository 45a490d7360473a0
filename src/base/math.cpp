// math.cpp - the functions of math.h on single numbers.
#include "base/math.h"

#include <bit>
#include <cstdint>

#include "base/fma.h"

namespace inlay::math {
namespace {

// ---- One float in the words of kernels/vector/scalar.h ----

struct I32x1 {
  std::int32_t v;
  static I32x1 broadcast(std::int32_t x) { return {x}; }
};
struct F32x1 {
  using Int = I32x1;
  float v;
  static F32x1 broadcast(float x) { return {x}; }
  static F32x1 zero() { return {0.0f}; }
};

F32x1 operator+(F32x1 a, F32x1 b) { return {a.v + b.v}; }
F32x1 operator-(F32x1 a, F32x1 b) { return {a.v - b.v}; }
F32x1 operator*(F32x1 a, F32x1 b) { return {a.v * b.v}; }
F32x1 operator/(F32x1 a, F32x1 b) { return {a.v / b.v}; }
F32x1 operator-(F32x1 a) { return {-a.v}; }
F32x1 abs(F32x1 a) { return {__builtin_fabsf(a.v)}; }
F32x1 min(F32x1 a, F32x1 b) { return {a.v < b.v ? a.v : b.v}; }
F32x1 fma(F32x1 a, F32x1 b, F32x1 c) { return {fused_multiply_add(a.v, b.v, c.v)}; }
bool less(F32x1 a, F32x1 b) { return a.v < b.v; }
F32x1 select(bool mask, F32x1 yes, F32x1 no) { return mask ? yes : no; }
I32x1 bits_of(F32x1 a) { return {std::bit_cast<std::int32_t>(a.v)}; }
F32x1 from_bits(I32x1 a) { return {std::bit_cast<float>(a.v)}; }
F32x1 to_float(I32x1 a) { return {static_cast<float>(a.v)}; }
I32x1 round_to_int(F32x1 a) {
  if (!(__builtin_fabsf(a.v) < 2147483648.0f)) return {INT32_MIN};
  const double shifted = static_cast<double>(a.v) + 6755399441055744.0;  // 1.5 * 2^52
  return {static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(shifted))};
}
I32x1 operator-(I32x1 a, I32x1 b) {
  return {
      static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) - static_cast<std::uint32_t>(b.v))};
}
template <int count>
I32x1 shift_left(I32x1 a) {
  return {static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v) << count)};
}
template <int count>
I32x1 shift_right(I32x1 a) {
  return {a.v >> count};
}
F32x1 scale2(F32x1 a, I32x1 n) {
  const auto sum = std::bit_cast<std::uint32_t>(a.v) + (static_cast<std::uint32_t>(n.v) << 23);
  return {std::bit_cast<float>(sum)};
}

// ---- Doubles, and sums of two doubles that do not overlap ----

struct Pair {
  double high, low;
};

// a + b without error (Knuth).
Pair two_sum(double a, double b) {
  const double sum = a + b;
  const double back = sum - a;
  return {sum, (a - (sum - back)) + (b - back)};
}

// a * b without error (Dekker), by halves of 26 bits.
Pair two_product(double a, double b) {
  constexpr double splitter = 134217729.0;  // 2^27 + 1
  const double ca = splitter * a;
  const double a_high = ca - (ca - a);
  const double a_low = a - a_high;
  const double cb = splitter * b;
  const double b_high = cb - (cb - b);
  const double b_low = b - b_high;
  const double product = a * b;
  return {product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low};
}

constexpr double shifter = 6755399441055744.0;  // x + shifter - shifter rounds to an integer
constexpr double infinity = __builtin_inf();
constexpr double ln2_high = 0x1.62e42fefa3800p-1;  // 42 bits: times an exponent it is exact
constexpr double ln2_low = 0x1.ef35793c76730p-45;

// c0 + x (c1 + x (c2 + ...)).
double polynomial(double, double c) { return c; }
template <class... Doubles>
double polynomial(double x, double c, Doubles... higher) {
  return polynomial(x, higher...) * x + c;
}

double power_of_two(std::int64_t n) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

// e^(x + low), |low| far below an ulp of x.
double exp_pair(double x, double low) {
  if (!(x < 709.79)) return x >= 709.79 ? infinity : x;
  if (x < -745.2) return 0.0;
  const double whole = (x * 0x1.71547652b82fep+0 + shifter) - shifter;
  const double high = x - whole * ln2_high;  // exact
  const double correction = whole * ln2_low - low;
  const double r = high - correction;
  const double lost = (high - r) - correction;
  const double p = polynomial(r, 0x1.000000000000bp-1, 0x1.5555555555561p-3, 0x1.5555555550033p-5,
                              0x1.111111110d685p-7, 0x1.6c16c185a730fp-10, 0x1.a01a01bac4d66p-13,
                              0x1.a01996932cc1fp-16, 0x1.71dde010350d7p-19, 0x1.28b04a223ba94p-22,
                              0x1.af851b824268dp-26);
  const double e = 1.0 + (r + (r * r * p + lost));
  const auto n = static_cast<std::int64_t>(whole);
  return e * power_of_two(n / 2) * power_of_two(n - n / 2);
}

// x = 2^k m with sqrt(1/2) <= m < sqrt(2).
struct Split {
  double k, m;
};
Split split(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto k = static_cast<std::int64_t>(bits - 0x3fe6a09e667f3bcdu) >> 52;
  return {static_cast<double>(k),
          std::bit_cast<double>(bits - (static_cast<std::uint64_t>(k) << 52))};
}

// 2 atanh(s) / s - 2, z = s^2.
double atanh_tail(double z) {
  const double p = polynomial(z, 0x1.555555555557fp-1, 0x1.9999999984b3bp-2, 0x1.2492493e6e036p-2,
                              0x1.c71c547e03fd7p-3, 0x1.7465cc795850ep-3, 0x1.39ac2def1a8bep-3,
                              0x1.2ea489f462a8dp-3);
  return z * p;
}

// log x with about 60 bits.
Pair log_pair(double x) {
  const Split parts = split(x);
  const double f = parts.m - 1.0;
  const Pair divisor = two_sum(2.0, f);
  const double s = f / divisor.high;
  const Pair back = two_product(s, divisor.high);
  const double s_low = (((f - back.high) - back.low) - s * divisor.low) / divisor.high;
  const Pair sum = two_sum(parts.k * ln2_high, 2.0 * s);
  const double low = sum.low + ((2.0 * s_low + parts.k * ln2_low) + s * atanh_tail(s * s));
  return two_sum(sum.high, low);
}

// x = quarter * pi/2 + r, |r| <= pi/4; only the low two bits of `quarter` count.
struct Reduced {
  std::uint32_t quarter;
  Pair r;
};
Reduced reduce(double x) {
  // pi/2 in pieces of 26 bits: a multiple below 2^27 of a piece is exact (Cody and Waite).
  const double shifted = x * 0x1.45f306dc9c883p-1 + shifter;
  const double n = shifted - shifter;
  const Pair first = two_sum(x - n * 0x1.921fb5p+0, -(n * 0x1.110b46p-26));
  const Pair second = two_sum(first.high, -(n * 0x1.1a6263p-54));
  const Pair r = two_sum(second.high, (second.low + first.low) - n * 0x1.8a2e03707344ap-81);
  return {static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(shifted)), r};
}

double sin_near_zero(Pair r) {
  const double x = r.high;
  const double z = x * x;
  const double p =
      polynomial(z, -0x1.555555555554bp-3, 0x1.111111110fa9ap-7, -0x1.a01a019c47bcbp-13,
                 0x1.71de359f26a8ep-19, -0x1.ae5e8112b9ce2p-26, 0x1.5d99ee852e1e2p-33);
  return x + (x * z * p + r.low * (1.0 - 0.5 * z));
}

double cos_near_zero(Pair r) {
  const double x = r.high;
  const double z = x * x;
  const double p =
      polynomial(z, 0x1.5555555555554p-5, -0x1.6c16c16c160cdp-10, 0x1.a01a019e05531p-16,
                 -0x1.27e4f8e7e7e74p-22, 0x1.1eea765bda74bp-29, -0x1.8ff1190e1d4c8p-37);
  const double main = 1.0 - 0.5 * z;
  return main + (((1.0 - main) - 0.5 * z) + (z * z * p - x * r.low));
}

double sin_or_cos(double x, std::uint32_t quarters_ahead) {
  const Reduced reduced = reduce(x);
  const std::uint32_t quarter = reduced.quarter + quarters_ahead;
  const double y = quarter % 2 ? cos_near_zero(reduced.r) : sin_near_zero(reduced.r);
  return quarter & 2 ? -y : y;
}

}  // namespace

float exp(float x) { return exp_of(F32x1{x}).v; }
float log(float x) { return log_of(F32x1{x}).v; }
float tanh(float x) { return tanh_of(F32x1{x}).v; }
float erf(float x) { return erf_of(F32x1{x}).v; }

double exp(double x) { return exp_pair(x, 0.0); }

double log(double x) {
  if (!(x < infinity)) return x;
  if (x < 0x1p-1022) return x < 0 ? __builtin_nan("") : -infinity;
  const Split parts = split(x);
  const double f = parts.m - 1.0;
  const double s = f / (2.0 + f);
  const double low = s * (f - atanh_tail(s * s)) - parts.k * ln2_low;
  return parts.k * ln2_high + (f - low);
}

double sin(double x) { return sin_or_cos(x, 0); }
double cos(double x) { return sin_or_cos(x, 1); }

double pow(double base, double exponent) {
  const Pair l = log_pair(base);
  const Pair product = two_product(exponent, l.high);
  return exp_pair(product.high, product.low + exponent * l.low);
}

}  // namespace inlay::math
