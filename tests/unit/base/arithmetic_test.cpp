// arithmetic_test.cpp - checked sums, half and bfloat16, the fused multiply-add: against double and
// std::fma.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/fma.h"
#include "base/half.h"
#include "base/random.h"
#include "support/catch.h"

namespace inlay::test {
namespace {

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

// A small floating-point format, described by its numbers only: value = (1 + f / 2^fraction) 2^e.
struct Format {
  int fraction_bits;
  int lowest_exponent;  // of normal numbers; denormals share it
  int bias;
  int exponent_bits;

  double value(std::uint32_t bits) const {
    const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction =
        std::ldexp(static_cast<double>(bits & ((1u << fraction_bits) - 1)), -fraction_bits);
    const double sign = bits >> (fraction_bits + exponent_bits) & 1 ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1) {
      return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
    }
    if (exponent == 0) return sign * std::ldexp(fraction, lowest_exponent);
    return sign * std::ldexp(1 + fraction, exponent - bias);
  }

  // Rounds to the format, to nearest even, by arithmetic: x / ulp rounded to a whole number.
  double round(double x) const {
    if (!std::isfinite(x) || x == 0) return x;
    int exponent = std::ilogb(x);
    if (exponent < lowest_exponent) exponent = lowest_exponent;
    const double ulp = std::ldexp(1.0, exponent - fraction_bits);
    const double rounded = std::nearbyint(x / ulp) * ulp;
    const double largest =
        std::ldexp(2.0 - std::ldexp(1.0, -fraction_bits), (1 << exponent_bits) - 2 - bias);
    if (std::fabs(rounded) <= largest) return rounded;
    return std::copysign(std::numeric_limits<double>::infinity(), x);
  }
};
constexpr Format half_format{10, -14, 15, 5};
constexpr Format bfloat_format{7, -126, 127, 8};

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

// Both neighbours of every boundary between two results, the boundary itself, and random floats.
template <class Narrow, class Widen>
void check_rounding(const Format& format, Narrow narrow, Widen widen) {
  std::uint64_t wrong = 0, checked = 0;
  const auto check = [&](float x) {
    ++checked;
    const std::uint16_t result = narrow(x);
    if (!same(static_cast<double>(widen(result)), format.round(static_cast<double>(x)))) {
      if (++wrong < 5) UNSCOPED_INFO("wrong for bits " << bits_of(x) << ": " << result);
    }
  };
  const std::uint32_t infinity = ((1u << format.exponent_bits) - 1) << format.fraction_bits;
  for (std::uint32_t bits = 0; bits < infinity; ++bits) {
    const double here = format.value(bits);
    const double next =
        bits + 1 < infinity ? format.value(bits + 1) : 2 * here - format.value(bits - 1);
    const auto middle = static_cast<float>(here / 2 + next / 2);
    for (const std::uint32_t at : {bits_of(static_cast<float>(here)), bits_of(middle)}) {
      for (const std::uint32_t near : {at, at + 1, at == 0 ? at : at - 1}) {
        check(float_of(near));
        check(-float_of(near));
      }
    }
  }
  std::mt19937 random(3);
  for (int i = 0; i < 2000000; ++i) check(float_of(static_cast<std::uint32_t>(random())));
  check(std::numeric_limits<float>::max());
  check(std::numeric_limits<float>::infinity());
  check(-std::numeric_limits<float>::infinity());
  check(std::numeric_limits<float>::quiet_NaN());
  check(float_of(0x7f800001u));  // a NaN whose payload is cut off
  check(float_of(0xff800001u));
  CHECK(wrong == 0);
  CHECK(checked > 2300000);
}

}  // namespace

TEST_CASE("checked arithmetic says what does not fit", "[base]") {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  std::uint64_t out = 0;
  CHECK((checked_add(most - 1, 1, out) && out == most));
  CHECK(!checked_add(most, 1, out));
  CHECK(!checked_add(most / 2 + 1, most / 2 + 1, out));
  CHECK((checked_mul(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1, out) &&
         out == most - 0xffffffffu));
  CHECK(!checked_mul(std::uint64_t{1} << 32, std::uint64_t{1} << 32, out));
  CHECK((checked_mul(0, most, out) && out == 0));
  CHECK((checked_align(65, 64, out) && out == 128));
  CHECK((checked_align(64, 64, out) && out == 64));
  CHECK((checked_align(0, 64, out) && out == 0));
  CHECK((checked_align(most - 63, 64, out) && out == most - 63));
  CHECK(!checked_align(most - 62, 64, out));
  CHECK(!checked_align(most, 8, out));
  CHECK(align_up(33, 32) == 64);
  CHECK(divide_up(33, 32) == 2);
  CHECK(divide_up(32, 32) == 1);
}

TEST_CASE("half and bfloat16 to float: all 65,536 of each", "[base]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    wrong += !same(static_cast<double>(half_to_float(narrow)), half_format.value(bits));
    wrong += !same(static_cast<double>(bfloat_to_float(narrow)), bfloat_format.value(bits));
  }
  CHECK(wrong == 0);
}

TEST_CASE("half and bfloat16: back and forth gives the same bits", "[base]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    const bool half_nan = (bits & 0x7fff) > 0x7c00, bfloat_nan = (bits & 0x7fff) > 0x7f80;
    // A signalling NaN becomes quiet, with its payload.
    wrong += float_to_half(half_to_float(narrow)) != (half_nan ? bits | 0x200 : bits);
    wrong += float_to_bfloat(bfloat_to_float(narrow)) != (bfloat_nan ? bits | 0x40 : bits);
  }
  CHECK(wrong == 0);
}

TEST_CASE("float to half: every boundary and random floats, to nearest even", "[base]") {
  check_rounding(half_format, float_to_half, half_to_float);
  CHECK(float_to_half(65504.0f) == 0x7bff);
  CHECK(float_to_half(65519.996f) == 0x7bff);
  CHECK(float_to_half(65520.0f) == 0x7c00);
  CHECK(float_to_half(0x1p-25f) == 0);
  CHECK(float_to_half(0x1.000002p-25f) == 1);
  CHECK(float_to_half(-0.0f) == 0x8000);
}

TEST_CASE("float to bfloat16: every boundary and random floats, to nearest even", "[base]") {
  check_rounding(bfloat_format, float_to_bfloat, bfloat_to_float);
  CHECK(float_to_bfloat(1.00390625f) == 0x3f80);  // a tie goes to even
  CHECK(float_to_bfloat(1.01171875f) == 0x3f82);
  CHECK(float_to_bfloat(std::numeric_limits<float>::max()) == 0x7f80);
}

TEST_CASE("fused multiply-add: std::fma, bit for bit", "[base]") {
  std::uint64_t wrong = 0, checked = 0;
  const auto check = [&](float a, float b, float c) {
    ++checked;
    const float ours = fused_multiply_add(a, b, c), theirs = std::fma(a, b, c);
    const bool equal = std::isnan(ours) ? std::isnan(theirs) : bits_of(ours) == bits_of(theirs);
    if (!equal && ++wrong < 5) {
      UNSCOPED_INFO(bits_of(a) << " " << bits_of(b) << " " << bits_of(c) << ": " << bits_of(ours)
                               << ", expected " << bits_of(theirs));
    }
  };
  std::vector<float> edges;
  for (const std::uint32_t bits :
       {0x00000000u, 0x00000001u, 0x00000002u, 0x007fffffu, 0x00800000u, 0x00800001u,
        0x0d000001u, 0x1f800000u, 0x20000001u, 0x33800000u, 0x33800001u, 0x34000000u,
        0x3effffffu, 0x3f000000u, 0x3f7fffffu, 0x3f800000u, 0x3f800001u, 0x3f800003u,
        0x3fc00000u, 0x40000000u, 0x4b000001u, 0x4b800000u, 0x5f000000u, 0x5f7fffffu,
        0x7effffffu, 0x7f000000u, 0x7f7fffffu, 0x7f800000u, 0x7fc00000u}) {
    edges.push_back(float_of(bits));
    edges.push_back(-float_of(bits));
  }
  for (const float a : edges) {
    for (const float b : edges) {
      for (const float c : edges) check(a, b, c);
    }
  }
  std::mt19937 random(4);
  const auto any = [&] { return float_of(static_cast<std::uint32_t>(random())); };
  for (int i = 0; i < 400000; ++i) {
    const float a = any(), b = any();
    check(a, b, any());     // far apart in size
    check(a, b, -(a * b));  // cancels all but the rounding error
    const float product = a * b;
    check(a, b, float_of(bits_of(product) ^ (random() & 0xffu)));  // cancels most
    const int scale = 20 + static_cast<int>(random() % 12);        // ties and near ties
    check(a, b, std::ldexp(product, random() % 2 ? scale : -scale));
    // Results among the denormals.
    check(std::ldexp(1 + a / 0x1p+127f, -70), std::ldexp(1 + b / 0x1p+127f, -60),
          float_of(static_cast<std::uint32_t>(random()) & 0x80ffffffu));
  }
  CHECK(wrong == 0);
  CHECK(checked > 2000000);
}

TEST_CASE("philox: the published known answers", "[base]") {
  using Four = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        Four{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
        Four{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                   {0xa4093822u, 0x299f31d0u}) ==
        Four{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

}  // namespace inlay::test
