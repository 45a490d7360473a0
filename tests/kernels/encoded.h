// encoded.h - values through an encoder and back, and what they lose on the way.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "reference/linear.h"
#include "support/catch.h"

namespace inlay::test {

inline std::vector<float> normal_values(std::uint32_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

inline std::vector<std::uint8_t> encode(Type type, const std::vector<float>& x,
                                        const float* importance = nullptr) {
  const auto k = static_cast<std::uint32_t>(x.size());
  std::vector<std::uint8_t> row(weight_row_bytes(type, k));
  REQUIRE(encode_row(type, x.data(), importance, k, row.data()));
  return row;
}

inline std::vector<float> round_trip(Type type, const std::vector<float>& x,
                                     const float* importance = nullptr) {
  std::vector<float> y(x.size());
  dequantize_row(type, encode(type, x, importance).data(), static_cast<std::uint32_t>(x.size()),
                 y.data());
  return y;
}

// Root of the mean square of y - x over that of x, each counted w[i] times; w null: once.
inline double relative_error(const std::vector<float>& y, const std::vector<float>& x,
                             const float* w = nullptr) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double weight = w ? w[i] : 1.0;
    error += weight * (double(y[i]) - x[i]) * (double(y[i]) - x[i]);
    size += weight * x[i] * x[i];
  }
  return std::sqrt(error / size);
}

}  // namespace inlay::test
