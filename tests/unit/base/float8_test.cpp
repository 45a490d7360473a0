// float8_test.cpp - the eight-bit number formats against their definitions, code by code.
#include "base/float8.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "support/catch.h"

namespace inlay {
namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// sign * 2^(exponent - bias) * (1 + fraction / 2^bits), or without the 1 where the exponent is 0.
float defined(int code, int bits, int bias) {
  const int exponent = (code & 0x7f) >> bits, fraction = code & ((1 << bits) - 1);
  const int whole = exponent == 0 ? fraction : fraction + (1 << bits);
  const float size = std::ldexp(static_cast<float>(whole), (exponent ? exponent : 1) - bias - bits);
  return code & 0x80 ? -size : size;
}

float after(float x) { return std::nextafter(x, std::numeric_limits<float>::infinity()); }
float before(float x) { return std::nextafter(x, -std::numeric_limits<float>::infinity()); }

}  // namespace

TEST_CASE("Every code of E4M3 means what the format says", "[base][float8]") {
  for (int code = 0; code < 256; ++code) {
    INFO(code);
    const float value = e4m3_to_float(static_cast<std::uint8_t>(code));
    if ((code & 0x7f) == 0x7f) {
      CHECK(std::isnan(value));
    } else {
      CHECK(same_bits(value, defined(code, 3, 7)));
    }
  }
  CHECK(e4m3_to_float(0x7e) == 448.0f);
  CHECK(e4m3_to_float(0x01) == 0x1p-9f);
}

TEST_CASE("Every code of E5M2 means what the format says", "[base][float8]") {
  for (int code = 0; code < 256; ++code) {
    INFO(code);
    const float value = e5m2_to_float(static_cast<std::uint8_t>(code));
    if ((code & 0x7f) == 0x7c) {
      CHECK(std::isinf(value));
      CHECK(std::signbit(value) == (code > 127));
    } else if ((code & 0x7f) > 0x7c) {
      CHECK(std::isnan(value));
    } else {
      CHECK(same_bits(value, defined(code, 2, 15)));
    }
  }
}

TEST_CASE("E8M0 is a power of two", "[base][float8]") {
  for (int code = 0; code < 255; ++code) {
    INFO(code);
    CHECK(same_bits(e8m0_to_float(static_cast<std::uint8_t>(code)), std::ldexp(1.0f, code - 127)));
  }
  CHECK(std::isnan(e8m0_to_float(255)));
}

TEST_CASE("UE4M3 is the magnitude of E4M3 but for its two last codes", "[base][float8]") {
  for (int code = 0; code < 256; ++code) {
    INFO(code);
    const float expected = code == 0x7f ? 0.0f : code == 0xff ? 480.0f : defined(code & 0x7f, 3, 7);
    CHECK(same_bits(ue4m3_to_float(static_cast<std::uint8_t>(code)), expected));
  }
}

TEST_CASE("Floats become the nearest code of E4M3, ties the even one", "[base][float8]") {
  for (int code = 0; code < 0x7e; ++code) {
    INFO(code);
    const float value = defined(code, 3, 7), next = defined(code + 1, 3, 7);
    const float middle = (value + next) / 2;
    const int even = code % 2 ? code + 1 : code;
    for (const int sign : {0, 0x80}) {
      const float side = sign ? -1.0f : 1.0f;
      CHECK(float_to_e4m3(side * value) == (sign | code));
      CHECK(float_to_e4m3(side * middle) == (sign | even));
      CHECK(float_to_e4m3(side * before(middle)) == (sign | code));
      CHECK(float_to_e4m3(side * after(middle)) == (sign | (code + 1)));
    }
    CHECK(float_to_ue4m3(value) == code);
    CHECK(float_to_ue4m3(middle) == even);
    CHECK(float_to_ue4m3(after(middle)) == code + 1);
  }
}

TEST_CASE("What E4M3 cannot hold is limited", "[base][float8]") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(float_to_e4m3(448.0f) == 0x7e);
  CHECK(float_to_e4m3(449.0f) == 0x7e);
  CHECK(float_to_e4m3(1e30f) == 0x7e);
  CHECK(float_to_e4m3(-infinity) == 0xfe);
  CHECK((float_to_e4m3(std::numeric_limits<float>::quiet_NaN()) & 0x7f) == 0x7f);
  CHECK(float_to_e4m3(1e-30f) == 0);
  CHECK(float_to_e4m3(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(float_to_ue4m3(infinity) == 0x7e);
  CHECK(float_to_ue4m3(-1.0f) == 0);
  CHECK(float_to_ue4m3(std::numeric_limits<float>::quiet_NaN()) == 0);
}

}  // namespace inlay
