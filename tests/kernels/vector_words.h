// vector_words.h - every word of the float vocabulary, run on given lanes and recorded bit by bit.
#pragma once

#include <cstdint>

namespace inlay::test {

// What one unit's words gave, in the order they were run.
struct WordRecord {
  static constexpr std::uint32_t capacity = 64;
  const char* name[capacity];
  std::uint32_t lane[capacity][16];
  std::uint32_t count = 0;

  std::uint32_t* add(const char* word);  // 16 zeros to fill
};

// Sixteen lanes for each operand; n, 0 to 16, is the length of partial words.
struct WordInput {
  float a[16], b[16], c[16];
  std::uint16_t h[16];
  std::uint32_t n;
};

// One per unit, in files of their own; false when the file was built without its flags.
bool run_scalar_words(const WordInput& in, WordRecord& record);
bool run_avx2_words(const WordInput& in, WordRecord& record);
bool run_avx512_words(const WordInput& in, WordRecord& record);
bool run_neon_words(const WordInput& in, WordRecord& record);

}  // namespace inlay::test

#ifdef INLAY_ISA

#include "base/math.h"

namespace inlay::INLAY_ISA {

static void run_words(const test::WordInput& in, test::WordRecord& record) {
  const F32x16 a = F32x16::load(in.a), b = F32x16::load(in.b), c = F32x16::load(in.c);
  const std::uint32_t n = in.n;
  const auto floats = [&](const char* word) { return reinterpret_cast<float*>(record.add(word)); };
  const auto halves = [&](const char* word) {
    return reinterpret_cast<std::uint16_t*>(record.add(word));
  };
  const auto put = [&](const char* word, F32x16 v) { v.store(floats(word)); };
  const auto put_int = [&](const char* word, I32x16 v) {
    v.store(reinterpret_cast<std::int32_t*>(record.add(word)));
  };

  put("load", a);
  put("load_partial", F32x16::load_partial(in.a, n));
  put("load_doubled", F32x16::load_doubled(in.a));
  put("load_quad", F32x16::load_quad(in.a + 5));
  put("load_half", F32x16::load_half(in.h));
  put("load_half_partial", F32x16::load_half_partial(in.h, n));
  put("load_bfloat", F32x16::load_bfloat(in.h));
  put("load_bfloat_partial", F32x16::load_bfloat_partial(in.h, n));
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(in.h);
  put("broadcast_half", F32x16::broadcast_half(in.h[2]));
  put("load_int8", F32x16::load_int8(reinterpret_cast<const std::int8_t*>(bytes)));
  put("load_nibbles, lower", F32x16::load_nibbles<0>(bytes));
  put("load_nibbles, upper", F32x16::load_nibbles<4>(bytes));
  put("broadcast", F32x16::broadcast(in.a[3]));
  put("zero", F32x16::zero());
  a.store_partial(floats("store_partial"), n);
  a.store_half(halves("store_half"));
  a.store_half_partial(halves("store_half_partial"), n);
  a.store_bfloat(halves("store_bfloat"));
  a.store_bfloat_partial(halves("store_bfloat_partial"), n);

  put("add", a + b);
  put("sub", a - b);
  put("mul", a * b);
  put("div", a / b);
  put("neg", -a);
  put("abs", abs(a));
  put("sqrt", sqrt(a));
  put("fma", fma(a, b, c));
  put("min", min(a, b));
  put("max", max(a, b));
  put("swap_pairs", swap_pairs(a));
  put("negate_even", negate_even(a));
  put("less and select", select(less(a, b), a, c));
  put("first_lanes", select(first_lanes(n), a, b));

  put_int("round_to_int", round_to_int(a));
  put("to_float", to_float(bits_of(a)));
  put_int("bits_of", bits_of(a));
  put("from_bits", from_bits(bits_of(a)));
  put_int("int add", bits_of(a) + bits_of(b));
  put_int("int sub", bits_of(a) - bits_of(b));
  put_int("shift_left", shift_left<9>(bits_of(a)));
  put_int("shift_right", shift_right<23>(bits_of(a)));
  put_int("int broadcast", I32x16::broadcast(static_cast<std::int32_t>(n) - 7));
  const I32x16 small = shift_right<24>(bits_of(a));
  put("scale2", scale2(F32x16::broadcast(1.5f), small));
  small.store_int8(reinterpret_cast<std::int8_t*>(record.add("store_int8")));

  float* const sums = floats("sum, max, store_sums");
  sums[0] = sum(a);
  sums[1] = max(a);
  store_sums(a, b, c, a + b, sums + 2);
  float quads[16 * 5] = {};
  store_quads(a, b, c, swap_pairs(a), quads, 5);
  for (int i = 0; i < 5; ++i) put("store_quads", F32x16::load(quads + 16 * i));

  put("exp", math::exp_of(a));
  put("log", math::log_of(a));
  put("tanh", math::tanh_of(a));
  put("erf", math::erf_of(a));
}

}  // namespace inlay::INLAY_ISA

#endif
