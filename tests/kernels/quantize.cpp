// quantize.cpp - activation forms: the scalar unit against their definition, every unit against the
// scalar one.
#include <bit>

#include "base/half.h"
#include "reference/linear.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

namespace {

std::vector<float> make_row(std::uint32_t k, int kind, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> x(k);
  for (std::uint32_t i = 0; i < k; ++i) {
    switch (kind) {
      case 0: x[i] = normal(random); break;
      case 1: x[i] = static_cast<float>(int(random() % 509) - 254) / 2; break;  // many exact ties
      case 2: x[i] = i / 32 % 2 ? 0.0f : normal(random); break;
      case 3: x[i] = normal(random) * std::ldexp(1.0f, int(i / 32) % 60 - 130); break;
      case 4: x[i] = normal(random) * 1e37f; break;
      default: x[i] = std::bit_cast<float>(std::uint32_t(random()) & 0xff7fffffu); break;
    }
  }
  return x;
}
constexpr int kinds = 6;

// A row of a form, on 64-byte aligned memory that was full of other bytes before.
struct FormRow {
  FormRow(const KernelTable& unit, Activation form, const std::vector<float>& x)
      : size(activation_row_bytes(form, static_cast<std::uint32_t>(x.size()))),
        bytes(size + 128, 0xee) {
    const auto at = reinterpret_cast<std::uintptr_t>(bytes.data());
    data = bytes.data() + (64 - at % 64) % 64;
    unit.quantize[static_cast<int>(form)](x.data(), static_cast<std::uint32_t>(x.size()), data,
                                          activation_block_bytes);
  }
  bool clean_beyond() const { return data[size] == 0xee && data[size + 31] == 0xee; }
  std::size_t size;
  std::vector<std::uint8_t> bytes;
  std::uint8_t* data;
};

// The definition of a block in quant/activation.h. Ties to even is the default rounding of
// nearbyint.
void check_block(const float* x, std::uint32_t n, float scale, const std::int8_t* q) {
  float largest = 0;
  for (std::uint32_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  const bool zero = largest < 0x1p-100f;
  REQUIRE(scale == (zero ? 0.0f : largest / 127.0f));
  const float inverse = zero ? 0.0f : 127.0f / largest;
  for (std::uint32_t i = 0; i < n; ++i) {
    const float code = zero ? 0.0f : std::nearbyint(x[i] * inverse);
    REQUIRE(float(q[i]) == code);
  }
}

std::int32_t sum_of(const std::int8_t* q, int n) {
  std::int32_t sum = 0;
  for (int i = 0; i < n; ++i) sum += q[i];
  return sum;
}

}  // namespace

TEST_CASE("quantize: q8_32 is what its definition says") {
  const FlushDenormals flushed;
  std::mt19937 random(1);
  for (int kind = 0; kind < kinds; ++kind) {
    const std::uint32_t k = 32 * (1 + random() % 20);
    const std::vector<float> x = make_row(k, kind, random);
    const FormRow row(*isa_kernels("scalar"), Activation::q8_32, x);
    const auto* groups = reinterpret_cast<const Q8x32Group*>(row.data);
    REQUIRE(row.clean_beyond());
    for (std::uint32_t b = 0; b < (k + 255) / 256 * 8; ++b) {
      const Q8x32Group& group = groups[b / 8];
      INFO("kind " << kind << " block " << b);
      REQUIRE(group.sum[b % 8] == sum_of(group.q[b % 8], 32));
      if (b < k / 32) {
        check_block(x.data() + b * 32, 32, group.scale[b % 8], group.q[b % 8]);
      } else {
        REQUIRE(group.scale[b % 8] == 0.0f);
        REQUIRE(std::count(group.q[b % 8], group.q[b % 8] + 32, 0) == 32);
      }
    }
  }
}

TEST_CASE("quantize: q8_256 is what its definition says") {
  const FlushDenormals flushed;
  std::mt19937 random(2);
  for (int kind = 0; kind < kinds; ++kind) {
    const std::uint32_t k = 256 * (1 + random() % 4);
    const std::vector<float> x = make_row(k, kind, random);
    const FormRow row(*isa_kernels("scalar"), Activation::q8_256, x);
    const auto* blocks = reinterpret_cast<const Q8x256Block*>(row.data);
    REQUIRE(row.clean_beyond());
    for (std::uint32_t b = 0; b < k / 256; ++b) {
      INFO("kind " << kind << " block " << b);
      check_block(x.data() + b * 256, 256, blocks[b].scale, blocks[b].q);
      constexpr int order[] = {0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15};
      for (int i = 0; i < 16; ++i) {
        REQUIRE(blocks[b].sum16[i] == sum_of(blocks[b].q + order[i] * 16, 16));
      }
      for (int i = 0; i < 8; ++i) {
        REQUIRE(blocks[b].sum32[i] == sum_of(blocks[b].q + order[i] * 32, 32));
      }
    }
  }
}

TEST_CASE("quantize: bf16 and f32 rows, padded with zeros") {
  std::mt19937 random(3);
  for (std::uint32_t k = 1; k < 70; ++k) {
    const std::vector<float> x = make_row(k, static_cast<int>(k % kinds), random);
    for (const KernelTable* unit : usable_tables()) {
      const FormRow floats(*unit, Activation::f32, x), bfloats(*unit, Activation::bf16, x);
      REQUIRE(floats.clean_beyond());
      REQUIRE(bfloats.clean_beyond());
      for (std::uint32_t i = 0; i < floats.size / 4; ++i) {
        const float want = i < k ? x[i] : 0.0f;
        REQUIRE(std::memcmp(floats.data + i * 4, &want, 4) == 0);
      }
      for (std::uint32_t i = 0; i < bfloats.size / 2; ++i) {
        const std::uint16_t want = i < k ? float_to_bfloat(x[i]) : std::uint16_t{0};
        REQUIRE(std::memcmp(bfloats.data + i * 2, &want, 2) == 0);
      }
    }
  }
}

TEST_CASE("quantize: every unit gives the scalar unit's bytes") {
  const FlushDenormals flushed;
  std::mt19937 random(4);
  for (const Activation form :
       {Activation::f32, Activation::bf16, Activation::q8_32, Activation::q8_256}) {
    for (int kind = 0; kind < kinds; ++kind) {
      for (const std::uint32_t blocks : {1, 2, 7}) {
        const std::vector<float> x =
            make_row(blocks * (form == Activation::q8_256 ? 256 : 32), kind, random);
        const FormRow expected(*isa_kernels("scalar"), form, x);
        for (const KernelTable* unit : usable_tables()) {
          const FormRow row(*unit, form, x);
          INFO("form " << int(form) << " kind " << kind << " " << unit->name);
          REQUIRE(std::memcmp(row.data, expected.data, row.size) == 0);
        }
      }
    }
  }
}

TEST_CASE("quantize: a block with an infinity or NaN has the scale NaN and no codes") {
  const FlushDenormals flushed;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::uint32_t place : {0u, 17u, 31u, 255u}) {
      std::vector<float> x(512, 1.0f);
      x[place] = bad;
      for (const KernelTable* unit : usable_tables()) {
        INFO(unit->name << " " << bad << " at " << place);
        const FormRow row(*unit, Activation::q8_256, x);
        const auto* blocks = reinterpret_cast<const Q8x256Block*>(row.data);
        REQUIRE(std::isnan(blocks[0].scale));
        REQUIRE(std::count(blocks[0].q, blocks[0].q + 256, 0) == 256);
        REQUIRE(blocks[0].sum32[0] == 0);
        REQUIRE(blocks[1].scale == 1.0f / 127.0f);
        const FormRow small(*unit, Activation::q8_32, x);
        const auto* groups = reinterpret_cast<const Q8x32Group*>(small.data);
        for (std::uint32_t b = 0; b < 16; ++b) {
          REQUIRE(std::isnan(groups[b / 8].scale[b % 8]) == (b == place / 32));
        }
      }
    }
  }
}
