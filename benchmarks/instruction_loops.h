// instruction_loops.h - loops of one instruction each, over registers or over memory, in the best
// form that the processor at hand has. What a processor can do at most is read off them.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace bench {

// A loop of independent accumulators in registers. What `run` returns depends on all of them.
struct ArithmeticLoop {
  const char* form;       // the instructions, for the reader
  double operations = 0;  // a round: 2 for each product that is added; 0: there is none
  std::uint32_t (*run)(std::uint32_t rounds) = nullptr;
};

// Reads `bytes` (a multiple of 512) from an address that is a multiple of 64, once, in order.
struct ReadLoop {
  const char* form;
  std::uint64_t (*run)(const std::byte* data, std::size_t bytes);
};

// Before 512 bytes at `at` are read: asks for two lines of each of the four pages that follow. A
// core has more reads under way on several pages than on one.
inline void ask_ahead(const std::byte* at) {
  constexpr std::uintptr_t page = 4096, pages = 4 * page;
  const std::uintptr_t place = reinterpret_cast<std::uintptr_t>(at) % pages;
  const std::byte* line = at - place + pages + place / 4;
  for (std::uintptr_t i = 0; i < 4; ++i) {
    __builtin_prefetch(line + i * page, 0, 3);
    __builtin_prefetch(line + i * page + 64, 0, 3);
  }
}

// Statements for 4, 12, 16 numbers in a row: loops that no compiler needs to unroll.
#define BENCH_4(DO, i) DO((i)) DO((i) + 1) DO((i) + 2) DO((i) + 3)
#define BENCH_8(DO) BENCH_4(DO, 0) BENCH_4(DO, 4)
#define BENCH_12(DO) BENCH_8(DO) BENCH_4(DO, 8)
#define BENCH_16(DO) BENCH_12(DO) BENCH_4(DO, 12)

inline volatile std::int32_t opaque_one = 1;  // no compiler knows the operands

#if defined(__x86_64__)

#define BENCH_TARGET(names) __attribute__((target(names))) inline

#define BENCH_START(i) sum[i] = _mm512_set1_epi32(one + (i));
#define BENCH_STEP(i) sum[i] = _mm512_dpbusd_epi32(sum[i], x, y);
#define BENCH_END(i) all = _mm512_xor_si512(all, sum[i]);
BENCH_TARGET("avx512f,avx512vnni") std::uint32_t int8_zmm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m512i x = _mm512_set1_epi32(one), y = _mm512_set1_epi32(one + 1);
  __m512i sum[16], all = x;
  BENCH_16(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_16(BENCH_STEP)
  }
  BENCH_16(BENCH_END)
  std::uint32_t words[16];
  _mm512_storeu_si512(words, all);
  return words[0];
}
#undef BENCH_START
#undef BENCH_STEP
#undef BENCH_END

#define BENCH_START(i) sum[i] = _mm256_set1_epi32(one + (i));
#define BENCH_STEP(i) sum[i] = _mm256_dpbusd_avx_epi32(sum[i], x, y);
#define BENCH_END(i) all = _mm256_xor_si256(all, sum[i]);
BENCH_TARGET("avx2,avxvnni") std::uint32_t int8_ymm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m256i x = _mm256_set1_epi32(one), y = _mm256_set1_epi32(one + 1);
  __m256i sum[12], all = x;
  BENCH_12(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_12(BENCH_STEP)
  }
  BENCH_12(BENCH_END)
  return static_cast<std::uint32_t>(_mm256_extract_epi32(all, 0));
}
#undef BENCH_STEP

// Without a dot instruction: sums of 16 bits for eight products, then widened. As asm, or compilers
// share products and spill sums. The sums take some of the multipliers' turns (Zen 3: 1.4 of 2).
#define BENCH_6(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define BENCH_ADD(i)                                            \
  __asm__ volatile("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" \
                   : "+x"(half[i]), "=&x"(product)              \
                   : "x"(x), "x"(y));
#define BENCH_ADD_ALL(step) BENCH_6(BENCH_ADD)
#define BENCH_WIDEN(i)                                                 \
  sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(half[i], ones)); \
  half[i] = _mm256_setzero_si256();
BENCH_TARGET("avx2") std::uint32_t int8_pairs_ymm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m256i x = _mm256_set1_epi8(static_cast<char>(one)), y = x;
  const __m256i ones = _mm256_set1_epi16(static_cast<short>(one));
  __m256i sum[6], half[6], product, all = x;
  BENCH_6(BENCH_START)
  for (__m256i& h : half) h = _mm256_setzero_si256();
  for (; rounds; --rounds) {
    BENCH_8(BENCH_ADD_ALL)
    BENCH_6(BENCH_WIDEN)
  }
  BENCH_6(BENCH_END)
  return static_cast<std::uint32_t>(_mm256_extract_epi32(all, 0));
}
#undef BENCH_6
#undef BENCH_ADD
#undef BENCH_ADD_ALL
#undef BENCH_WIDEN
#undef BENCH_START
#undef BENCH_END

#define BENCH_START(i) sum[i] = _mm512_set1_ps(static_cast<float>(one + (i)));
#define BENCH_STEP(i) sum[i] = _mm512_dpbf16_ps(sum[i], x, y);
#define BENCH_END(i) all = _mm512_add_ps(all, sum[i]);
BENCH_TARGET("avx512f,avx512bf16") std::uint32_t bf16_zmm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m512 small = _mm512_set1_ps(1e-9f * static_cast<float>(one));
  const __m512bh x = _mm512_cvtne2ps_pbh(small, small), y = x;
  __m512 sum[16], all = small;
  BENCH_16(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_16(BENCH_STEP)
  }
  BENCH_16(BENCH_END)
  return static_cast<std::uint32_t>(_mm512_cvtss_f32(all));
}
#undef BENCH_STEP

#define BENCH_STEP(i) sum[i] = _mm512_fmadd_ps(x, x, sum[i]);
BENCH_TARGET("avx512f") std::uint32_t f32_zmm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m512 x = _mm512_set1_ps(1e-9f * static_cast<float>(one));
  __m512 sum[16], all = x;
  BENCH_16(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_16(BENCH_STEP)
  }
  BENCH_16(BENCH_END)
  return static_cast<std::uint32_t>(_mm512_cvtss_f32(all));
}
#undef BENCH_START
#undef BENCH_STEP
#undef BENCH_END

#define BENCH_START(i) sum[i] = _mm256_set1_ps(static_cast<float>(one + (i)));
#define BENCH_STEP(i) sum[i] = _mm256_fmadd_ps(x, x, sum[i]);
#define BENCH_END(i) all = _mm256_add_ps(all, sum[i]);
BENCH_TARGET("avx2,fma") std::uint32_t f32_ymm(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const __m256 x = _mm256_set1_ps(1e-9f * static_cast<float>(one));
  __m256 sum[12], all = x;
  BENCH_12(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_12(BENCH_STEP)
  }
  BENCH_12(BENCH_END)
  return static_cast<std::uint32_t>(_mm256_cvtss_f32(all));
}
#undef BENCH_START
#undef BENCH_STEP
#undef BENCH_END

#define BENCH_STEP(i) sum[(i) % 4] = _mm512_or_si512(sum[(i) % 4], _mm512_load_si512(at + (i)*64));
BENCH_TARGET("avx512f") std::uint64_t read_zmm(const std::byte* at, std::size_t bytes) {
  __m512i sum[4] = {};
  for (const std::byte* const end = at + bytes; at < end; at += 512) {
    ask_ahead(at);
    BENCH_8(BENCH_STEP)
  }
  for (int i = 1; i < 4; ++i) sum[0] = _mm512_or_si512(sum[0], sum[i]);
  std::uint64_t words[8];
  _mm512_storeu_si512(words, sum[0]);
  return words[0] | words[7];
}
#undef BENCH_STEP

#define BENCH_STEP(i)                          \
  sum[(i) % 8] = _mm256_or_si256(sum[(i) % 8], \
                                 _mm256_load_si256(reinterpret_cast<const __m256i*>(at) + (i)));
BENCH_TARGET("avx2") std::uint64_t read_ymm(const std::byte* at, std::size_t bytes) {
  __m256i sum[8] = {};
  for (const std::byte* const end = at + bytes; at < end; at += 512) {
    ask_ahead(at);
    BENCH_16(BENCH_STEP)
  }
  for (int i = 1; i < 8; ++i) sum[0] = _mm256_or_si256(sum[0], sum[i]);
  return static_cast<std::uint64_t>(_mm256_extract_epi64(sum[0], 0) |
                                    _mm256_extract_epi64(sum[0], 2));
}
#undef BENCH_STEP

inline bool has_avxvnni() {  // older compilers do not know its name
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

#undef BENCH_TARGET

#elif defined(__ARM_NEON)

#define BENCH_START(i) sum[i] = vdupq_n_f32(static_cast<float>(one + (i)));
#define BENCH_STEP(i) sum[i] = vfmaq_f32(sum[i], x, x);
#define BENCH_END(i) all = vaddq_f32(all, sum[i]);
inline std::uint32_t f32_neon(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const float32x4_t x = vdupq_n_f32(1e-9f * static_cast<float>(one));
  float32x4_t sum[16], all = x;
  BENCH_16(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_16(BENCH_STEP)
  }
  BENCH_16(BENCH_END)
  return static_cast<std::uint32_t>(vgetq_lane_f32(all, 0));
}
#undef BENCH_START
#undef BENCH_STEP
#undef BENCH_END

#if defined(__ARM_FEATURE_DOTPROD)
#define BENCH_START(i) sum[i] = vdupq_n_s32(one + (i));
#define BENCH_STEP(i) sum[i] = vdotq_s32(sum[i], x, x);
#define BENCH_END(i) all = veorq_s32(all, sum[i]);
inline std::uint32_t int8_neon(std::uint32_t rounds) {
  const std::int32_t one = opaque_one;
  const int8x16_t x = vdupq_n_s8(static_cast<std::int8_t>(one));
  int32x4_t sum[16], all = vdupq_n_s32(one);
  BENCH_16(BENCH_START)
  for (; rounds; --rounds) {
    BENCH_16(BENCH_STEP)
  }
  BENCH_16(BENCH_END)
  return static_cast<std::uint32_t>(vgetq_lane_s32(all, 0));
}
#undef BENCH_START
#undef BENCH_STEP
#undef BENCH_END
#endif

#endif

inline std::uint64_t read_words(const std::byte* at, std::size_t bytes) {
  std::uint64_t sum[8] = {};
  const auto* word = reinterpret_cast<const std::uint64_t*>(at);
  for (const auto* const end = word + bytes / 8; word < end; word += 8) {
    if (reinterpret_cast<std::uintptr_t>(word) % 512 == 0) {
      ask_ahead(reinterpret_cast<const std::byte*>(word));
    }
    for (int i = 0; i < 8; ++i) sum[i] |= word[i];
  }
  for (int i = 1; i < 8; ++i) sum[0] |= sum[i];
  return sum[0];
}

inline ArithmeticLoop int8_loop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) return {"vpdpbusd zmm", 16 * 128, int8_zmm};
  if (has_avxvnni()) return {"vpdpbusd ymm", 12 * 64, int8_ymm};
  if (__builtin_cpu_supports("avx2"))
    return {"8 vpmaddubsw + vpaddw, then vpmaddwd + vpaddd, ymm", 48 * 64, int8_pairs_ymm};
#elif defined(__ARM_FEATURE_DOTPROD)
  return {"sdot, 128 bits", 16 * 32, int8_neon};
#endif
  return {"none"};
}

inline ArithmeticLoop bf16_loop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return {"vdpbf16ps zmm", 16 * 64, bf16_zmm};
#endif
  return {"none"};
}

inline ArithmeticLoop f32_loop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"vfmadd zmm", 16 * 32, f32_zmm};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"vfmadd ymm", 12 * 16, f32_ymm};
#elif defined(__ARM_NEON)
  return {"fmla, 128 bits", 16 * 8, f32_neon};
#endif
  return {"none"};
}

inline ReadLoop read_loop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"512-bit loads", read_zmm};
  if (__builtin_cpu_supports("avx2")) return {"256-bit loads", read_ymm};
#endif
  return {"64-bit words", read_words};
}

#undef BENCH_4
#undef BENCH_8
#undef BENCH_12
#undef BENCH_16

}  // namespace bench
