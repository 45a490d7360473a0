// encode_quality.cpp - what the encoders of weight types lose, with and without importance.
#include "kernels/encoded.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Relative errors on normal values: plain, and weighted by importances of e^(2 normal). The figures
// are one part in a hundred above what was measured when the searches were written.
struct Figure {
  Type type;
  double plain, weighted;
};
constexpr Figure figures[] = {
    {Type::Q4_0, 0.08677, 0.05833},  {Type::Q4_1, 0.06961, 0.04199},
    {Type::Q5_0, 0.04044, 0.02819},  {Type::Q5_1, 0.03387, 0.02024},
    {Type::Q8_0, 0.00542, 0.00320},  {Type::Q2_K, 0.26077, 0.14429},
    {Type::Q3_K, 0.14478, 0.09720},  {Type::Q4_K, 0.07001, 0.04284},
    {Type::Q5_K, 0.03456, 0.02170},  {Type::Q6_K, 0.01662, 0.01056},
    {Type::TQ1_0, 0.43883, 0.40092}, {Type::TQ2_0, 0.43883, 0.40092},
    {Type::Q1_0, 0.60629, 0.55516},  {Type::Q2_0, 0.35438, 0.26512},
};

std::vector<float> some_importance(std::uint32_t n) {
  std::vector<float> importance = normal_values(n, 99);
  for (float& v : importance) v = std::exp(2 * v);
  return importance;
}

}  // namespace

TEST_CASE("encode: what is lost stays below the known figures") {
  const std::vector<float> x = normal_values(1 << 16, 1);
  const std::vector<float> importance = some_importance(1 << 16);
  for (const Figure& figure : figures) {
    INFO(type_info(figure.type)->name);
    CHECK(relative_error(round_trip(figure.type, x, nullptr), x, nullptr) < figure.plain);
    const float* w = importance.data();
    const double weighted = relative_error(round_trip(figure.type, x, w), x, w);
    CHECK(weighted < figure.weighted);
    CHECK(weighted < relative_error(round_trip(figure.type, x, nullptr), x, w));
  }
}

TEST_CASE("encode: importances that are all the same, or all zero, say nothing") {
  const std::vector<float> x = normal_values(2048, 2), same(2048, 8.0f), zero(2048, 0.0f);
  for (const Figure& figure : figures) {
    INFO(type_info(figure.type)->name);
    const auto bytes = encode(figure.type, x, same.data());
    CHECK(encode(figure.type, x, zero.data()) == bytes);
    // Q4_0 and Q8_0 without importance are those of every other program, without a search.
    const bool searched = figure.type != Type::Q4_0 && figure.type != Type::Q8_0;
    if (searched) CHECK(encode(figure.type, x, nullptr) == bytes);
  }
}

TEST_CASE("encode: exact values stay exact whatever counts") {
  const std::vector<float> importance = some_importance(512);
  struct Case {
    Type type;
    int low, high;
    float offset;
  };
  for (const Case& c : {Case{Type::Q4_0, -8, 7, 0.0f}, Case{Type::Q5_0, -16, 15, 0.0f},
                        Case{Type::Q4_1, 0, 15, 3.0f}, Case{Type::Q5_1, 0, 31, -7.5f},
                        Case{Type::Q8_0, -127, 127, 0.0f}, Case{Type::Q2_0, -1, 2, 0.0f},
                        Case{Type::TQ1_0, -1, 1, 0.0f}, Case{Type::TQ2_0, -1, 1, 0.0f}}) {
    INFO(type_info(c.type)->name);
    std::mt19937 random(3);
    std::vector<float> x(512);
    for (std::uint32_t i = 0; i < 512; ++i) {
      const int code = i % 32 == 0   ? c.low
                       : i % 32 == 1 ? c.high
                                     : c.low + int(random() % std::uint32_t(c.high - c.low + 1));
      x[i] = 0.25f * static_cast<float>(code) + c.offset;
    }
    CHECK(round_trip(c.type, x, nullptr) == x);
    CHECK(round_trip(c.type, x, importance.data()) == x);
  }
}

TEST_CASE("encode: odd values and odd importances give finite weights of the right size") {
  const FlushDenormals flushed;
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (int kind = 0; kind < 70; ++kind) {
    std::vector<float> x(512), importance(512);
    float largest = 0.0f;
    for (std::uint32_t i = 0; i < 512; ++i) {
      const float v = normal(random), w = std::exp(2 * normal(random));
      const float tiny = 1e-41f * static_cast<float>(random() % 1000);
      const float wide = std::ldexp(v, static_cast<int>(random() % 100) - 90);
      const float values[] = {v,    5.0f,       -3.0f, 0.0f,   tiny,
                              wide, 1e-20f * v, 1e4f,  -v * v, i % 256 == 77 ? 9.0f : 0.0f};
      const float weights[] = {w, 0.0f, i % 5 ? 0.0f : 1e-30f, tiny, 3e38f, w * 1e-25f, 1e20f * w};
      x[i] = values[kind % 10];
      importance[i] = weights[kind / 10];
      largest = std::max(largest, std::abs(x[i]));
    }
    for (const Figure& figure : figures) {
      INFO(type_info(figure.type)->name << " kind " << kind);
      const std::vector<float> y = round_trip(figure.type, x, importance.data());
      std::size_t wrong = 0;
      for (const float v : y) wrong += std::abs(v) <= 2 * largest + 1e-6f ? 0 : 1;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("encode: what is in Q8_0 already stays, also with importances") {
  const std::vector<float> x = round_trip(Type::Q8_0, normal_values(1 << 14, 2));
  const std::vector<float> importance = some_importance(1 << 14);
  CHECK(round_trip(Type::Q8_0, x) == x);
  CHECK(round_trip(Type::Q8_0, x, importance.data()) == x);
}
