// grid_encode.cpp - encoders of the types made of tables: the search in a grid against looking at
// every entry, and what is lost.
#include <cmath>
#include <random>
#include <vector>

#include "kernels/encoded.h"
#include "quant/encode.h"
#include "quant/grid_search.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr float iq2_values[] = {8, 25, 43};
constexpr float iq1_values[] = {-7, 1, 9};
constexpr float iq3_values[] = {2, 6, 10, 14, 18, 22, 26, 31};

// The values of an entry, from the order the search goes by.
template <class Order>
std::vector<double> entry_values(const Order& order, int index, const float* values) {
  int upper = 0;
  while (order.first[upper + 1] <= index) ++upper;
  std::vector<double> v;
  for (int part : {int{order.lower[index]}, upper}) {
    for (int i = 0; i < Order::half; ++i, part /= Order::levels)
      v.push_back(values[part % Order::levels]);
  }
  return v;
}

struct Exact {
  double right = 1e30, wrong = 1e30;  // the least errors with all signs right, with one wrong
};

template <class Order>
double error_of(const Order& order, int index, int flip, const float* values, const float* w,
                const float* wx, float e) {
  const std::vector<double> v = entry_values(order, index, values);
  double error = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double side = static_cast<int>(i) == flip ? -1.0 : 1.0;
    error += double(w[i]) * e * e * v[i] * v[i] - 2.0 * wx[i] * e * v[i] * side;
  }
  return error;
}

template <class Order>
void check_search(const Order& order, const float* values, float scale, bool signs_apart) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 60; ++round) {
    constexpr int width = 2 * Order::half;
    float w[width], wx[width];
    for (int i = 0; i < width; ++i) {
      const float x = normal(random);
      w[i] = round % 2 ? std::exp(2 * normal(random)) : 1.0f;
      wx[i] = w[i] * (signs_apart ? std::abs(x) : x);
    }
    const float e = scale * (0.3f + static_cast<float>(random() % 200) / 100);
    double right = 1e30, wrong = 1e30, size = 0;
    for (int k = 0; k < Order::count; ++k) {
      right = std::min(right, error_of(order, k, -1, values, w, wx, e));
      for (int i = 0; i < width; ++i) {
        wrong = std::min(wrong, error_of(order, k, i, values, w, wx, e));
      }
    }
    for (int i = 0; i < width; ++i) size += std::abs(wx[i]) + w[i];
    GridErrors<Order> errors(order, w, wx, values, e);
    const GridFound found = errors.right();
    const double bound = 1e-5 * size;
    REQUIRE(found.flip == -1);
    REQUIRE(error_of(order, found.index, -1, values, w, wx, e) <= right + bound);
    REQUIRE(std::abs(found.error - right) <= bound);
    if (!signs_apart) continue;
    const GridFound flipped = errors.wrong(3.4e38f);
    REQUIRE(flipped.flip >= 0);
    REQUIRE(error_of(order, flipped.index, flipped.flip, values, w, wx, e) <= wrong + bound);
    REQUIRE(std::abs(flipped.error - wrong) <= bound);
    REQUIRE(errors.wrong(flipped.error).index == -1);
  }
}

// Relative errors on normal values: plain, and weighted by importances of e^(2 normal). The figures
// are one part in a hundred above what was measured when the searches were written.
struct Figure {
  Type type;
  double plain, weighted;
};
constexpr Figure figures[] = {
    {Type::IQ1_S, 0.45049, 0.29293},   {Type::IQ1_M, 0.41760, 0.24033},
    {Type::IQ2_XXS, 0.32973, 0.17898}, {Type::IQ2_XS, 0.28879, 0.14802},
    {Type::IQ2_S, 0.24303, 0.14142},   {Type::IQ3_XXS, 0.17802, 0.08419},
    {Type::IQ3_S, 0.13160, 0.07278},   {Type::IQ4_NL, 0.07449, 0.04783},
    {Type::IQ4_XS, 0.07504, 0.04856},  {Type::MXFP4, 0.11185, 0.11373},
    {Type::NVFP4, 0.08645, 0.05647},
};

}  // namespace

TEST_CASE("grids: the search finds what looking at every entry finds") {
  check_search(iq2_xxs_order, iq2_values, 0.045f, true);
  check_search(iq2_xs_order, iq2_values, 0.045f, true);
  check_search(iq2_s_order, iq2_values, 0.045f, true);
  check_search(iq3_xxs_order, iq3_values, 0.07f, true);
  check_search(iq3_s_order, iq3_values, 0.07f, true);
  check_search(iq1_order, iq1_values, 0.15f, false);
}

TEST_CASE("encode: what the types made of tables lose stays below the known figures") {
  const std::vector<float> x = normal_values(1 << 14, 1);
  std::vector<float> importance = normal_values(1 << 14, 99);
  for (float& v : importance) v = std::exp(2 * v);
  const float* w = importance.data();
  for (const Figure& figure : figures) {
    INFO(type_info(figure.type)->name);
    const std::vector<float> plain = round_trip(figure.type, x, nullptr);
    const double weighted = relative_error(round_trip(figure.type, x, w), x, w);
    CHECK(relative_error(plain, x, nullptr) < figure.plain);
    CHECK(weighted < figure.weighted);
    CHECK(weighted < relative_error(plain, x, w));
  }
}

TEST_CASE("encode: the types made of tables hold what they wrote exactly") {
  // Weights that come from a block go back into one without loss, or nearly: the scale may be
  // another. IQ types have many local bests and are left out.
  std::vector<float> x = normal_values(4096, 3);
  for (const Type type : {Type::IQ4_NL, Type::MXFP4, Type::NVFP4}) {
    INFO(type_info(type)->name);
    const std::vector<float> once = round_trip(type, x, nullptr);
    const std::vector<float> twice = round_trip(type, once, nullptr);
    CHECK(relative_error(twice, once, nullptr) < 1e-3);
  }
}
