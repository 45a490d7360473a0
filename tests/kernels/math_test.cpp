// math_test.cpp - exp, log, sin, cos, tanh, erf, pow: largest errors against long double.

#include "base/math.h"

#include <cfenv>
#include <cfloat>
#include <cmath>

#include "base/flush_denormals.h"
#include "kernels/rows.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// |got - exact| in units of the last place of `exact` as a T; denormal results count like the
// smallest normal one.
template <class T>
double ulps(T got, long double exact) {
  if (static_cast<long double>(got) == exact) return 0.0;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const int digits = std::numeric_limits<T>::digits;
  const int lowest = std::numeric_limits<T>::min_exponent;
  if (exponent < lowest) exponent = lowest;
  const long double error = std::fabs(static_cast<long double>(got) - exact);
  return static_cast<double>(std::ldexp(error, digits - exponent));
}

// The worst error of f over every `step`-th float in [from, to], by bit pattern, both signs.
template <class Function, class Exact>
double worst_float(Function f, Exact exact, float from, float to, std::uint32_t step, bool both) {
  double worst = 0;
  const auto last = std::bit_cast<std::uint32_t>(to);
  for (std::uint32_t bits = std::bit_cast<std::uint32_t>(from); bits <= last; bits += step) {
    for (const std::uint32_t sign : {0u, 0x80000000u}) {
      if (sign && !both) continue;
      const float x = std::bit_cast<float>(bits | sign);
      worst = std::max(worst, ulps(f(x), exact(static_cast<long double>(x))));
    }
  }
  return worst;
}

// The worst error of f over random doubles in [from, to].
template <class Function, class Exact>
double worst_double(Function f, Exact exact, double from, double to) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> places(from, to);
  double worst = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = places(random);
    worst = std::max(worst, ulps(f(x), exact(static_cast<long double>(x))));
  }
  return worst;
}

constexpr bool long_double_is_longer = LDBL_MANT_DIG > DBL_MANT_DIG;
// What the reference itself may be off when it is no more than a double.
constexpr double slack = long_double_is_longer ? 0.0 : 1.0;
constexpr float infinity = std::numeric_limits<float>::infinity();

using Long = long double;

}  // namespace

TEST_CASE("float functions keep within their stated errors") {
  constexpr std::uint32_t step = 1009;
  const auto e = [](Long x) { return std::exp(x); };
  CHECK(worst_float([](float x) { return math::exp(x); }, e, 1e-9f, 87.3f, step, true) < 1.0);
  CHECK(worst_float([](float x) { return math::exp(x); }, e, 87.3f, 88.722831f, 17, false) < 1.0);
  CHECK(worst_float([](float x) { return math::log(x); }, [](Long x) { return std::log(x); },
                    FLT_MIN, FLT_MAX, step, false) < 1.0);
  CHECK(worst_float([](float x) { return math::log(x); }, [](Long x) { return std::log(x); }, 0.5f,
                    2.0f, 31, false) < 1.0);
  CHECK(worst_float([](float x) { return math::tanh(x); }, [](Long x) { return std::tanh(x); },
                    1e-9f, 40.0f, step / 4, true) < 2.0);
  CHECK(worst_float([](float x) { return math::erf(x); }, [](Long x) { return std::erf(x); }, 1e-9f,
                    10.0f, step / 4, true) < 2.0);
}

TEST_CASE("float functions at their ends") {
  CHECK(math::exp(-87.31f) == 0.0f);
  CHECK(math::exp(-infinity) == 0.0f);
  CHECK(math::exp(infinity) == infinity);
  CHECK(math::exp(88.72284f) == infinity);
  CHECK(math::exp(88.722831f) < infinity);
  CHECK(math::exp(0.0f) == 1.0f);
  CHECK(math::exp(-0.0f) == 1.0f);
  CHECK(std::isnan(math::exp(std::nanf(""))));
  CHECK(math::log(0.0f) == -infinity);
  CHECK(math::log(1.0f) == 0.0f);
  CHECK(math::log(infinity) == infinity);
  CHECK(std::isnan(math::log(-1.0f)));
  CHECK(std::isnan(math::log(std::nanf(""))));
  for (const auto f :
       {+[](float x) { return math::tanh(x); }, +[](float x) { return math::erf(x); }}) {
    CHECK(f(infinity) == 1.0f);
    CHECK(f(-infinity) == -1.0f);
    CHECK(f(50.0f) == 1.0f);
    CHECK(f(0.0f) == 0.0f);
    CHECK(f(-0.0f) == 0.0f);
    CHECK(std::isnan(f(std::nanf(""))));
  }
}

TEST_CASE("double functions keep within their stated errors") {
  const double limit = 1.0 + slack;
  CHECK(worst_double([](double x) { return math::exp(x); }, [](Long x) { return std::exp(x); },
                     -700, 709.7) < limit);
  CHECK(worst_double([](double x) { return math::exp(x); }, [](Long x) { return std::exp(x); }, -1,
                     1) < limit);
  const auto log = [](double x) { return math::log(x); };
  const auto long_log = [](Long x) { return std::log(x); };
  CHECK(worst_double(log, long_log, 1e-300, 1e-290) < limit);
  CHECK(worst_double(log, long_log, 0.5, 2) < limit);
  CHECK(worst_double(log, long_log, 0.99, 1.01) < limit);
  CHECK(worst_double(log, long_log, 1, 1e9) < limit);
  for (const double range : {0.8, 10.0, 1e3, 1e6, 134217728.0}) {
    INFO("range " << range);
    CHECK(worst_double([](double x) { return math::sin(x); }, [](Long x) { return std::sin(x); },
                       -range, range) < limit);
    CHECK(worst_double([](double x) { return math::cos(x); }, [](Long x) { return std::cos(x); },
                       -range, range) < limit);
  }
  for (const double base : {1e4, 5e5, 1e6, 1.0000001, 0.3}) {
    INFO("base " << base);
    CHECK(worst_double([=](double x) { return math::pow(base, x); },
                       [=](Long x) { return std::pow(static_cast<Long>(base), x); }, -2,
                       2) < limit);
  }
}

TEST_CASE("double functions at their ends") {
  const double large = std::numeric_limits<double>::infinity();
  CHECK(math::exp(-800.0) == 0.0);
  CHECK(math::exp(-large) == 0.0);
  CHECK(math::exp(800.0) == large);
  CHECK(math::exp(large) == large);
  CHECK(std::isnan(math::exp(std::nan(""))));
  CHECK(math::exp(-745.0) == 0x1p-1074);
  CHECK(math::log(0.0) == -large);
  CHECK(math::log(1.0) == 0.0);
  CHECK(std::isnan(math::log(-1.0)));
  CHECK(math::log(large) == large);
  CHECK(math::sin(0.0) == 0.0);
  CHECK(math::cos(0.0) == 1.0);
  CHECK(math::pow(10000.0, 0.0) == 1.0);
  CHECK(math::pow(2.0, 10.0) == 1024.0);
}

TEST_CASE("sine and cosine stay exact beside multiples of a quarter turn") {
  // The doubles next to k pi/2, where the reduction loses most.
  double worst = 0;
  for (int k = 1; k < 80000000; k = k + k / 37 + 1) {
    const auto near = static_cast<double>(static_cast<Long>(k) * 1.57079632679489661923L);
    worst = std::max(worst, ulps(math::sin(near), std::sin(static_cast<Long>(near))));
    worst = std::max(worst, ulps(math::cos(near), std::cos(static_cast<Long>(near))));
  }
  CHECK(worst < 1.0 + slack);
}

#if defined(__SSE2__) || defined(__aarch64__)
TEST_CASE("denormals are flushed while asked for, whatever rounding the host has set") {
  volatile float denormal = 0x1p-130f, tiny = FLT_MIN, half = 0.5f, third = 3.0f, one = 1.0f;
  const float nearest = one / third;
  std::fesetround(FE_DOWNWARD);
  {
    const FlushDenormals flushed;
    CHECK(denormal * 4194304.0f == 0.0f);  // denormal operands are zero
    CHECK(tiny * half == 0.0f);            // and results
    CHECK(one / third == nearest);
  }
  CHECK(std::fegetround() == FE_DOWNWARD);
  CHECK(one / third < nearest);
  std::fesetround(FE_TONEAREST);
  CHECK(denormal * 4194304.0f == 0x1p-108f);
  CHECK(tiny * half == 0x1p-127f);
}
#endif
