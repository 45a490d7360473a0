// activate_test.cpp - activations and elementwise kernels: equal bits on every unit, derived
// bounds.

#include "reference/activate.h"

#include <limits>

#include "base/math.h"
#include "kernels/rows.h"
#include "kernels/units.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr std::uint32_t sizes[] = {1, 7, 15, 16, 17, 32, 45, 64, 511, 1024};

std::vector<Act> all_acts() {
  std::vector<Act> acts;
  for (std::uint32_t a = 0; a < act_count; ++a) acts.push_back(static_cast<Act>(a));
  return acts;
}

// The largest error of act(x), in half ulps of the exact value, from the rounding of each step.
double bound(Act act, double x, double exact) {
  const auto sigmoid_like = [&](double t, double t_error) {
    // t's error acts on e^-t, which is the share 1 / (1 + e^t) of the divisor; exp has 1 ulp.
    const double share = 1 / (1 + std::exp(t));
    return ((t_error * std::abs(t) + 2) * share + 2) * std::abs(exact);
  };
  switch (act) {
    case Act::silu:
    case Act::sigmoid: return sigmoid_like(x, 0);
    case Act::gelu_quick: return sigmoid_like(1.702 * x, 2);
    case Act::gelu_tanh: return sigmoid_like(1.5957691216 * (x + 0.044715 * x * x * x), 5);
    case Act::gelu: return (3 + 2 + 2) * std::abs(x);  // argument, erf 2 ulp near 1, sum, product
    case Act::tanh: return 4 * std::abs(exact);
    case Act::relu: return 0;
    case Act::relu_squared: return std::abs(exact);
  }
  return 0;
}

}  // namespace

TEST_CASE("elementwise kernels have the same bits on every unit") {
  std::mt19937 random(1);
  for_units([&](const FloatKernels& law, const FloatKernels& unit) {
    for (const std::uint32_t n : sizes) {
      for (const Floats& a : {normal_row(random, n, 4.0f), wild_row(random, n)}) {
        const Floats b = wild_row(random, n);
        const auto compare = [&](auto call) {
          Floats wanted(n), got(n);
          call(law, a.data(), wanted.data());
          call(unit, a.data(), got.data());
          REQUIRE(first_difference(got, wanted) == "");
          got = a;  // in place
          call(unit, got.data(), got.data());
          REQUIRE(first_difference(got, wanted) == "");
        };
        using F = FloatKernels;
        compare([&](const F& f, const float* x, float* y) { f.add(x, b.data(), n, y); });
        compare([&](const F& f, const float* x, float* y) { f.mul(x, b.data(), n, y); });
        compare([&](const F& f, const float* x, float* y) { f.scale(x, 0.37f, n, y); });
        for (const Act act : all_acts()) {
          INFO("act " << static_cast<int>(act));
          compare([&](const F& f, const float* x, float* y) { f.activate(act, x, n, y); });
          compare([&](const F& f, const float* x, float* y) { f.gate(act, x, b.data(), n, y); });
          compare([&](const F& f, const float* x, float* y) { f.gate(act, b.data(), x, n, y); });
        }
      }
    }
  });
}

TEST_CASE("activations keep within their error bounds") {
  const FloatKernels f = usable_units().back().f;
  Floats x;
  for (double v = 1e-6; v < 120; v *= 1.003) {
    x.push_back(static_cast<float>(v));
    x.push_back(static_cast<float>(-v));
  }
  Floats y(x.size());
  for (const Act act : all_acts()) {
    f.activate(act, x.data(), static_cast<std::uint32_t>(x.size()), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = reference::activate(act, static_cast<double>(x[i]));
      INFO("act " << static_cast<int>(act) << " of " << x[i]);
      // Where e^-x passes the largest float, the result is zero instead of something below 1e-35.
      REQUIRE(std::abs(y[i] - exact) <= 1.01 * half_ulp * bound(act, x[i], exact) + 1e-35);
    }
  }
}

TEST_CASE("activations are the scalar functions of base/math.h") {
  std::mt19937 random(4);
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    Floats x = wild_row(random, 1000);
    x.push_back(std::numeric_limits<float>::infinity());
    x.push_back(-std::numeric_limits<float>::infinity());
    x.push_back(std::numeric_limits<float>::quiet_NaN());
    const auto n = static_cast<std::uint32_t>(x.size());
    Floats got(n), tanh(n), sigmoid(n), gelu(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      tanh[i] = math::tanh(x[i]);
      sigmoid[i] = 1.0f / (math::exp(-x[i]) + 1.0f);
      gelu[i] = x[i] * 0.5f * (math::erf(x[i] * 0x1.6a09e6p-1f) + 1.0f);
    }
    unit.f.activate(Act::tanh, x.data(), n, got.data());
    CHECK(first_difference(got, tanh) == "");
    unit.f.activate(Act::sigmoid, x.data(), n, got.data());
    CHECK(first_difference(got, sigmoid) == "");
    unit.f.activate(Act::gelu, x.data(), n, got.data());
    CHECK(first_difference(got, gelu) == "");
  }
}
