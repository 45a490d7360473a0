// quant_types.cpp - weight types: rows dequantize to the fixtures' bits, encoders give known bytes
// and small errors.
#include <bit>
#include <fstream>
#include <set>
#include <sstream>

#include "kernels/encoded.h"
#include "support/catch.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;

namespace {

std::vector<Type> encodable_types() {
  std::vector<Type> types;
  for (const Type type : all_types()) {
    if (has_encoder(type)) types.push_back(type);
  }
  return types;
}

// Floats that every language makes the same: a multiplicative hash as 24-bit fractions in
// [-0.5, 0.5), times a power of two for each 32.
std::vector<float> known_values(std::uint32_t n) {
  std::vector<float> x(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const float fraction = static_cast<float>((i * 2654435761u) >> 8) * 0x1p-24f - 0.5f;
    x[i] = std::ldexp(fraction, static_cast<int>(i / 32 % 9) - 4);
  }
  return x;
}

// splitmix64 of a counter: the bytes and the hash of scripts/fixtures_dequant.py.
std::uint64_t mix(std::uint64_t i) {
  std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void put_known_bytes(const std::string& fill, std::uint8_t* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<std::uint8_t>(fill == "random" ? mix(i / 8) >> i % 8 * 8
                                                        : std::stoul(fill, nullptr, 16));
  }
}

std::uint64_t hash_floats(const std::vector<float>& values) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool nan = values[i] != values[i];
    const std::uint64_t bits = nan ? 0x7fc00000u : std::bit_cast<std::uint32_t>(values[i]);
    hash += (bits + 1) * (mix(i) | 1);
  }
  return hash;
}

Type type_named(const std::string& name) {
  for (const Type type : all_types()) {
    if (type_info(type)->name == name) return type;
  }
  throw std::runtime_error("no type " + name);
}

// FNV-1a.
std::uint64_t hash_bytes(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

}  // namespace

TEST_CASE("types: known bytes dequantize to the bits of the gguf package") {
  std::istringstream lines(read_text(fixture_path("dequant/hashes.txt")));
  std::string name, fill;
  std::uint32_t elements = 0, bytes = 0, blocks = 0;
  std::uint64_t expected = 0;
  std::set<std::string> tried;
  while (lines >> name >> elements >> bytes >> fill >> std::dec >> blocks >> std::hex >> expected >>
         std::dec) {
    INFO(name << " filled with " << fill);
    const Type type = type_named(name);
    REQUIRE(type_info(type)->block_elements == elements);
    REQUIRE(type_info(type)->block_bytes == bytes);
    std::vector<std::uint8_t> odd(std::size_t{blocks} * bytes + 1);  // weights may lie anywhere
    put_known_bytes(fill, odd.data() + 1, odd.size() - 1);
    std::vector<float> values(std::size_t{blocks} * elements);
    dequantize_row(type, odd.data() + 1, static_cast<std::uint32_t>(values.size()), values.data());
    REQUIRE(hash_floats(values) == expected);
    tried.insert(name);
  }
  REQUIRE(tried.size() == all_types().size());
}

TEST_CASE("types: F32 rows are copied") {
  const std::vector<float> x = known_values(77);
  REQUIRE(round_trip(Type::F32, x) == x);
}

TEST_CASE("encode: Q8_0, Q4_0, F16 and BF16 give the bytes of the gguf package") {
  // Hashes of gguf.quants.quantize(known_values(4096), type) of gguf for Python.
  const std::vector<float> x = known_values(4096);
  CHECK(hash_bytes(encode(Type::Q8_0, x)) == 0xe82bd82cba5f1ff7u);
  CHECK(hash_bytes(encode(Type::Q4_0, x)) == 0x25f9bd7cb48a8a4au);
  CHECK(hash_bytes(encode(Type::F16, x)) == 0xaf7644e11db9d796u);
  CHECK(hash_bytes(encode(Type::BF16, x)) == 0x617dc5cfc53fb4f4u);
}

TEST_CASE("encode: errors on normal values are those of the type's bits") {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(256 * 64);
  for (float& v : x) v = normal(random);
  CHECK(relative_error(round_trip(Type::Q8_0, x), x) < 0.0060);
  // Plain rounding with one float scale (and minimum) a group gives 0.0187 and 0.0783; the search
  // must gain more than the small scales lose.
  CHECK(relative_error(round_trip(Type::Q6_K, x), x) < 0.0180);
  CHECK(relative_error(round_trip(Type::Q4_K, x), x) < 0.0740);
  CHECK(relative_error(round_trip(Type::Q4_0, x), x) < 0.0960);
  CHECK(relative_error(round_trip(Type::F16, x), x) < 0.0003);
  CHECK(relative_error(round_trip(Type::BF16, x), x) < 0.0021);
}

TEST_CASE("encode: what a type can hold exactly stays exact") {
  std::mt19937 random(2);
  for (const Type type : encodable_types()) {
    INFO(type_info(type)->name);
    const std::vector<float> zeros(256, 0.0f);
    CHECK(round_trip(type, zeros) == zeros);
  }
  // Whole multiples of a scale, with the ends of the range in every group.
  std::vector<float> q4k(256), q6k(256);
  for (std::uint32_t i = 0; i < 256; ++i) {
    q4k[i] = 63 * 0.5f * static_cast<float>(i % 32 < 2 ? i % 2 * 15 : random() % 16);
    q6k[i] = 128 * 0.25f * static_cast<float>(i % 16 == 0 ? -32 : int(random() % 63) - 31);
  }
  CHECK(round_trip(Type::Q4_K, q4k) == q4k);
  CHECK(round_trip(Type::Q6_K, q6k) == q6k);
}

TEST_CASE("encode: odd inputs give finite weights") {
  std::mt19937 random(3);
  for (const Type type : encodable_types()) {
    INFO(type_info(type)->name);
    const std::uint32_t bits = 8 * type_info(type)->block_bytes / type_info(type)->block_elements;
    for (int kind = 0; kind < 6; ++kind) {
      std::vector<float> x(512);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const float fraction = static_cast<float>(random() % 1000) / 1000;
        const float values[] = {
            5.0f, -3.0f, fraction, -fraction, fraction * 1e-42f, i % 256 == 99 ? 1000.0f : 0.0f};
        x[i] = values[kind];
      }
      const std::vector<float> y = round_trip(type, x);
      INFO("kind " << kind);
      for (std::size_t i = 0; i < x.size(); ++i) {
        REQUIRE(std::isfinite(y[i]));
        REQUIRE(std::abs(y[i]) <= 1100.0f);
        if (bits < 5) continue;  // below, weights share few patterns or scales of powers of two
        REQUIRE(std::abs(y[i] - x[i]) <= 0.07f * 1000.0f);
        if (kind < 2) REQUIRE(y[i] == Approx(x[i]).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("encode: what cannot be encoded is refused") {
  std::vector<float> x(512, 1.0f);
  std::vector<std::uint8_t> out(4096, 0xee);
  CHECK_FALSE(encode_row(Type::Q8_0, x.data(), nullptr, 31, out.data()));
  CHECK_FALSE(encode_row(Type::Q4_K, x.data(), nullptr, 128, out.data()));
  CHECK_FALSE(encode_row(static_cast<Type>(999), x.data(), nullptr, 256, out.data()));
  x[300] = std::numeric_limits<float>::infinity();
  for (const Type type : all_types())
    CHECK_FALSE(encode_row(type, x.data(), nullptr, 512, out.data()));
  x[300] = std::numeric_limits<float>::quiet_NaN();
  for (const Type type : all_types())
    CHECK_FALSE(encode_row(type, x.data(), nullptr, 512, out.data()));
  CHECK(out == std::vector<std::uint8_t>(4096, 0xee));
  CHECK(encode_row(Type::Q4_K, x.data(), nullptr, 256, out.data()));
}

TEST_CASE("encode: what halves reach stays finite, and what scales do not reach is refused") {
  std::vector<float> x(512), read(512);
  std::vector<std::uint8_t> out(4096);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float near = i * 7919 % 1001 * 5.0f;
    x[i] = (i % 2 ? -65504.0f : -65504.0f + near) * (i < 256 ? 1.0f : -1.0f);
  }
  for (const Type type : all_types()) {
    if (!encode_row(type, x.data(), nullptr, 512, out.data())) {
      CHECK((!has_encoder(type) || type == Type::NVFP4));
      continue;
    }
    INFO(type_info(type)->name);
    dequantize_row(type, out.data(), 512, read.data());
    bool finite = true;
    for (const float value : read) finite = finite && std::isfinite(value);
    CHECK(finite);
  }
  x[300] = 2689.0f;
  CHECK_FALSE(encode_row(Type::NVFP4, x.data() + 256, nullptr, 64, out.data()));
  std::fill(x.begin(), x.end(), -2688.0f);
  REQUIRE(encode_row(Type::NVFP4, x.data(), nullptr, 512, out.data()));
  dequantize_row(Type::NVFP4, out.data(), 512, read.data());
  CHECK(read == x);
  x[0] = 2.3e8f;
  CHECK_FALSE(encode_row(Type::IQ4_XS, x.data(), nullptr, 512, out.data()));
}

TEST_CASE("types: each has an activation form, and its place in the tables") {
  CHECK(activation_of(Type::F32) == Activation::f32);
  CHECK(activation_of(Type::F16) == Activation::f32);
  CHECK(activation_of(Type::BF16) == Activation::bf16);
  CHECK(activation_of(Type::Q8_0) == Activation::q8_32);
  CHECK(activation_of(Type::Q4_0) == Activation::q8_32);
  CHECK(activation_of(Type::Q4_K) == Activation::q8_256);
  CHECK(activation_of(Type::Q6_K) == Activation::q8_256);
  CHECK(activation_row_bytes(Activation::f32, 17) == 128);
  CHECK(activation_row_bytes(Activation::bf16, 32) == 64);
  CHECK(activation_row_bytes(Activation::q8_32, 288) == 640);
  CHECK(activation_row_bytes(Activation::q8_256, 512) == 640);
  CHECK(type_index(static_cast<Type>(999)) == type_count);
  for (const Type type : all_types()) CHECK(type_index(type) < type_count);
}
