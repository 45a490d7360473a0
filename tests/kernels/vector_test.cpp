// vector_test.cpp - the words of every vocabulary give the bits of the scalar one.

#include <cmath>
#include <cstring>

#include "base/flush_denormals.h"
#include "base/half.h"
#include "isa/isa.h"
#include "kernels/rows.h"
#include "kernels/vector_words.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;

std::uint32_t* inlay::test::WordRecord::add(const char* word) {
  REQUIRE(count < capacity);
  name[count] = word;
  std::memset(lane[count], 0, sizeof lane[count]);
  return lane[count++];
}

namespace {

using Runner = bool (*)(const WordInput&, WordRecord&);

// Lanes of ordinary, tiny, huge, infinite values, zeros, NaN and arbitrary bits.
WordInput random_input(std::mt19937& random) {
  WordInput in{};
  for (float* lanes : {in.a, in.b, in.c}) {
    const Floats ordinary = normal_row(random, 16, 10.0f), wild = wild_row(random, 16, 100);
    for (int i = 0; i < 16; ++i) {
      const std::uint32_t kind = static_cast<std::uint32_t>(random()) % 16;
      lanes[i] = kind < 8 ? ordinary[i] : wild[i];
      if (kind == 0) lanes[i] = std::nearbyint(lanes[i]) + 0.5f;  // ties of rounding
      if (kind == 15) lanes[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (kind == 14) lanes[i] = random() & 1 ? INFINITY : -INFINITY;
    }
  }
  for (std::uint16_t& h : in.h) h = static_cast<std::uint16_t>(random());
  in.n = static_cast<std::uint32_t>(random()) % 17;
  return in;
}

bool is_nan(std::uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

// A NaN's payload and sign are open where a word computes; what moves or converts bits keeps them.
bool same_word(const WordRecord& got, const WordRecord& wanted, std::uint32_t word) {
  for (int i = 0; i < 16; ++i) {
    const std::uint32_t g = got.lane[word][i], w = wanted.lane[word][i];
    if (g != w && !(is_nan(g) && is_nan(w))) return false;
  }
  return true;
}

void compare(Runner unit, std::mt19937& random, int count) {
  for (int k = 0; k < count; ++k) {
    const WordInput in = random_input(random);
    WordRecord got, wanted;
    REQUIRE(run_scalar_words(in, wanted));
    REQUIRE(unit(in, got));
    REQUIRE(got.count == wanted.count);
    for (std::uint32_t w = 0; w < got.count; ++w) {
      INFO("word " << wanted.name[w] << ", n = " << in.n);
      REQUIRE(same_word(got, wanted, w));
    }
  }
}

void check_unit(const char* name, Runner unit) {
  if (!isa_kernels(name)) return print_skipped((std::string(name) + " cannot run here").c_str());
  WordRecord record;
  if (!unit(WordInput{}, record)) {
    return print_skipped((std::string(name) + " words were built without their flags").c_str());
  }
  std::mt19937 random(1);
  compare(unit, random, 2000);
  const FlushDenormals flushed;
  compare(unit, random, 2000);
}

}  // namespace

TEST_CASE("the words of AVX2 give the bits of the scalar ones") {
  check_unit("avx2", run_avx2_words);
}
TEST_CASE("the words of AVX-512 give the bits of the scalar ones") {
  check_unit("avx512", run_avx512_words);
}
TEST_CASE("the words of NEON give the bits of the scalar ones") {
  check_unit("neon", run_neon_words);
}

TEST_CASE("the scalar words are what they say") {
  WordInput in{};
  for (int i = 0; i < 16; ++i) {
    in.a[i] = static_cast<float>(i) - 4.5f;
    in.b[i] = static_cast<float>(1 << i);
    in.c[i] = -1.0f;
    in.h[i] = static_cast<std::uint16_t>(0x3c00 + 0x91 * i);
  }
  in.n = 5;
  WordRecord r;
  REQUIRE(run_scalar_words(in, r));
  const auto word = [&](const char* name) {
    for (std::uint32_t w = 0; w < r.count; ++w) {
      if (std::strcmp(r.name[w], name) == 0) return r.lane[w];
    }
    FAIL("no word " << name);
    return r.lane[0];
  };
  const auto lane = [&](const char* name, int i) { return std::bit_cast<float>(word(name)[i]); };
  for (int i = 0; i < 16; ++i) {
    INFO("lane " << i);
    const float a = in.a[i], b = in.b[i];
    CHECK(lane("load_partial", i) == (i < 5 ? a : 0.0f));
    CHECK(lane("load_doubled", i) == in.a[i / 2]);
    CHECK(lane("load_half", i) == half_to_float(in.h[i]));
    CHECK(lane("load_bfloat", i) == bfloat_to_float(in.h[i]));
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(in.h);
    CHECK(lane("broadcast_half", i) == half_to_float(in.h[2]));
    CHECK(lane("load_int8", i) == static_cast<float>(static_cast<std::int8_t>(bytes[i])));
    CHECK(lane("load_nibbles, lower", i) == static_cast<float>(bytes[i] % 16) - 8.0f);
    CHECK(lane("load_nibbles, upper", i) == static_cast<float>(bytes[i] / 16) - 8.0f);
    CHECK(lane("store_partial", i) == (i < 5 ? a : 0.0f));
    CHECK(lane("sub", i) == a - b);
    CHECK(lane("div", i) == a / b);
    CHECK(lane("fma", i) == std::fma(a, b, -1.0f));
    CHECK(lane("min", i) == std::min(a, b));
    CHECK(lane("max", i) == std::max(a, b));
    CHECK(lane("swap_pairs", i) == in.a[i ^ 1]);
    CHECK(lane("negate_even", i) == (i % 2 ? a : -a));
    CHECK(lane("less and select", i) == (a < b ? a : -1.0f));
    CHECK(lane("first_lanes", i) == (i < 5 ? a : b));
    CHECK(static_cast<int>(word("round_to_int")[i]) == static_cast<int>(std::nearbyint(a)));
  }
  CHECK(lane("sum, max, store_sums", 0) == 48.0f);
  CHECK(lane("sum, max, store_sums", 1) == 10.5f);
  CHECK(lane("sum, max, store_sums", 2) == 48.0f);
  CHECK(lane("sum, max, store_sums", 3) == 65535.0f);
  CHECK(lane("sum, max, store_sums", 4) == -16.0f);
  CHECK(lane("sum, max, store_sums", 5) == 65583.0f);
}
