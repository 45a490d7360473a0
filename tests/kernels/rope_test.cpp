// rope_test.cpp - rotary position embedding: equal bits on every unit, errors within derived
// bounds.

#include "reference/rope.h"

#include "base/math.h"
#include "kernels/rows.h"
#include "kernels/units.h"

using namespace inlay;
using namespace inlay::test;

namespace {

Floats inverse_frequencies(std::uint32_t pairs, double base) {
  Floats f(pairs);
  for (std::uint32_t i = 0; i < pairs; ++i) {
    f[i] = static_cast<float>(math::pow(base, -static_cast<double>(i) / pairs));
  }
  return f;
}

Floats table(float position, const Floats& frequencies, float scale) {
  const auto pairs = static_cast<std::uint32_t>(frequencies.size());
  Floats t(2 * pairs);
  rope_table(position, frequencies.data(), pairs, scale, t.data());
  return t;
}

struct Shape {
  std::uint32_t heads, head_size, pairs;
};
constexpr Shape shapes[] = {{1, 2, 1},    {3, 16, 8},  {2, 20, 7},   {4, 64, 32}, {5, 80, 16},
                            {3, 128, 64}, {2, 96, 48}, {1, 100, 50}, {2, 33, 16}, {2, 8, 0}};

}  // namespace

TEST_CASE("rope has the same bits on every unit") {
  std::mt19937 random(1);
  for_units([&](const FloatKernels& law, const FloatKernels& unit) {
    for (const Shape s : shapes) {
      const Floats t = table(1234.0f, inverse_frequencies(s.pairs, 10000.0), 1.0f);
      const std::size_t n = s.heads * s.head_size;
      for (const RopePairs order : {RopePairs::halves, RopePairs::neighbours}) {
        for (const Floats& x : {normal_row(random, n), wild_row(random, n)}) {
          Floats wanted(n), got(n), in_place = x;
          law.rope(x.data(), t.data(), s.heads, s.head_size, s.pairs, order, wanted.data());
          unit.rope(x.data(), t.data(), s.heads, s.head_size, s.pairs, order, got.data());
          unit.rope(in_place.data(), t.data(), s.heads, s.head_size, s.pairs, order,
                    in_place.data());
          REQUIRE(first_difference(got, wanted) == "");
          REQUIRE(first_difference(in_place, wanted) == "");
        }
      }
    }
  });
}

TEST_CASE("rope is within its error bound of double precision") {
  std::mt19937 random(2);
  const FloatKernels f = usable_units().back().f;
  for (const Shape s : shapes) {
    for (const RopePairs order : {RopePairs::halves, RopePairs::neighbours}) {
      for (const float scale : {1.0f, 1.2f}) {
        const float position = 4097.0f;
        const Floats frequencies = inverse_frequencies(s.pairs, 500000.0);
        const Floats t = table(position, frequencies, scale);
        Eigen::VectorXd angles(s.pairs);
        for (std::uint32_t i = 0; i < s.pairs; ++i) angles[i] = position * frequencies[i];
        const Floats x = normal_row(random, s.heads * s.head_size);
        Floats y(x.size());
        f.rope(x.data(), t.data(), s.heads, s.head_size, s.pairs, order, y.data());
        for (std::uint32_t h = 0; h < s.heads; ++h) {
          const auto head = [&](const Floats& row) {
            return Eigen::Map<const Eigen::VectorXf>(row.data() + h * s.head_size, s.head_size)
                .cast<double>();
          };
          const Eigen::VectorXd wanted = reference::rope(head(x), angles, scale, order);
          // Table entries carry 2 roundings, products and sum 2 more: 4 half ulps of |a| + |b|.
          const double size = head(x).cwiseAbs().maxCoeff() * 2 * scale;
          REQUIRE((head(y) - wanted).cwiseAbs().maxCoeff() <= 4.01 * half_ulp * size);
        }
      }
    }
  }
}

TEST_CASE("the rope table is cosine and sine rounded to float") {
  const Floats frequencies = inverse_frequencies(64, 10000.0);
  for (const float position : {0.0f, 1.0f, 77.0f, 4095.0f, 131071.0f, 1000000.0f}) {
    const Floats t = table(position, frequencies, 1.0f);
    for (std::uint32_t i = 0; i < 64; ++i) {
      const auto angle = static_cast<long double>(position * frequencies[i]);
      // Correct rounding but for ties closer than the double's own error.
      REQUIRE(std::abs(t[i] - std::cos(angle)) <= 1.0001 * half_ulp * std::abs(t[i]));
      REQUIRE(std::abs(t[64 + i] - std::sin(angle)) <= 1.0001 * half_ulp * std::abs(t[64 + i]));
    }
  }
}
