// norm_test.cpp - RMSNorm and LayerNorm: equal bits on every unit, errors within derived bounds.

#include "reference/norm.h"

#include "kernels/rows.h"
#include "kernels/units.h"

using namespace inlay;
using namespace inlay::test;

namespace {

reference::Row to_double(const Floats& row) {
  return Eigen::Map<const Eigen::ArrayXf>(row.data(), static_cast<Eigen::Index>(row.size()))
      .cast<double>();
}

// Largest relative error of a sum of n terms of one sign in 16 lanes and a tree of 4 levels.
double sum_error(std::size_t n) { return (static_cast<double>(n) / 16 + 6) * half_ulp; }

constexpr std::uint32_t sizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64, 100, 576, 1000, 4096};

}  // namespace

TEST_CASE("norms have the same bits on every unit") {
  std::mt19937 random(1);
  for_units([&](const FloatKernels& law, const FloatKernels& unit) {
    for (const std::uint32_t n : sizes) {
      for (const Floats& x : {normal_row(random, n, 3.0f), wild_row(random, n)}) {
        const Floats w = wild_row(random, n, 4), b = normal_row(random, n);
        const auto compare = [&](auto call) {
          Floats wanted(n), got(n);
          call(law, x.data(), wanted.data());
          call(unit, x.data(), got.data());
          REQUIRE(first_difference(got, wanted) == "");
          got = x;  // in place
          call(unit, got.data(), got.data());
          REQUIRE(first_difference(got, wanted) == "");
        };
        compare([&](const FloatKernels& f, const float* in, float* out) {
          f.rms_norm(in, w.data(), n, 1e-5f, out);
        });
        compare([&](const FloatKernels& f, const float* in, float* out) {
          f.rms_norm(in, nullptr, n, 1e-6f, out);
        });
        compare([&](const FloatKernels& f, const float* in, float* out) {
          f.layer_norm(in, w.data(), b.data(), n, 1e-5f, out);
        });
        compare([&](const FloatKernels& f, const float* in, float* out) {
          f.layer_norm(in, w.data(), nullptr, n, 1e-5f, out);
        });
      }
    }
  });
}

TEST_CASE("RMSNorm is within its error bound of double precision") {
  std::mt19937 random(2);
  const FloatKernels f = usable_units().back().f;
  for (const std::uint32_t n : sizes) {
    const Floats x = normal_row(random, n, 2.0f), w = normal_row(random, n);
    const float eps = 1e-5f;
    Floats y(n);
    f.rms_norm(x.data(), w.data(), n, eps, y.data());
    const reference::Row wanted = reference::rms_norm(to_double(x), to_double(w), eps);
    // The square root halves the error of mean and eps (2 roundings); then root, inverse, 2
    // products.
    const double relative = sum_error(n) / 2 + 5.5 * half_ulp;
    const double worst = ((to_double(y) - wanted).abs() / wanted.abs()).maxCoeff();
    INFO("n = " << n);
    REQUIRE(worst <= relative);
  }
}

TEST_CASE("LayerNorm is within its error bound of double precision") {
  std::mt19937 random(3);
  const FloatKernels f = usable_units().back().f;
  for (const std::uint32_t n : sizes) {
    Floats x = normal_row(random, n, 2.0f);
    for (float& v : x) v += 1.5f;
    const Floats w = normal_row(random, n), b = normal_row(random, n);
    const float eps = 1e-5f;
    Floats y(n);
    f.layer_norm(x.data(), w.data(), b.data(), n, eps, y.data());
    const reference::Row exact = to_double(x);
    const reference::Row wanted = reference::layer_norm(exact, to_double(w), to_double(b), eps);
    const reference::Row centred = (exact - exact.mean()).abs();
    const double sigma = std::sqrt(centred.square().mean() + eps);
    // The mean's error moves every difference; the differences' errors move sigma.
    const double mean_error = (sum_error(n) + half_ulp) * exact.abs().mean();
    const double moved = mean_error + half_ulp * centred.maxCoeff();
    const double factor_error = moved / sigma + sum_error(n) / 2 + 4.5 * half_ulp;
    const reference::Row bound =
        1.01 * (to_double(w).abs() * (moved / sigma + centred / sigma * factor_error) +
                2 * half_ulp * (wanted.abs() + to_double(w).abs() * centred / sigma));
    INFO("n = " << n);
    REQUIRE(((to_double(y) - wanted).abs() - bound).maxCoeff() <= 0.0);
  }
}
