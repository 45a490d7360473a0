// scalar.h - the float vocabulary in plain C++: the law that every other vocabulary follows bit for
// bit.
//
// F32x16 is 16 virtual lanes. Kernels are written with these words alone and are compiled once per
// instruction set, in namespace inlay::INLAY_ISA. Every word gives the same bits everywhere, also
// when denormals are flushed; only the payload and sign of a NaN are open.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "base/fma.h"
#include "base/half.h"
#include "base/inline.h"

namespace inlay::INLAY_ISA {

inline constexpr std::uint32_t vector_registers = 16;  // a hint for the size of register blocks

struct Mask16 {
  bool lane[16];
};

struct I32x16 {
  std::int32_t lane[16];

  static INLAY_FORCE_INLINE I32x16 broadcast(std::int32_t x) {
    I32x16 v;
    for (std::int32_t& lane : v.lane) lane = x;
    return v;
  }
  static INLAY_FORCE_INLINE I32x16 load(const std::int32_t* p) {
    I32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = p[i];
    return v;
  }
  INLAY_FORCE_INLINE void store(std::int32_t* p) const {
    for (int i = 0; i < 16; ++i) p[i] = lane[i];
  }
  // Values must lie in [-128, 127].
  INLAY_FORCE_INLINE void store_int8(std::int8_t* p) const {
    for (int i = 0; i < 16; ++i) p[i] = static_cast<std::int8_t>(lane[i]);
  }
};

struct F32x16 {
  using Int = I32x16;
  using Mask = Mask16;
  float lane[16];

  static INLAY_FORCE_INLINE F32x16 broadcast(float x) {
    F32x16 v;
    for (float& lane : v.lane) lane = x;
    return v;
  }
  static INLAY_FORCE_INLINE F32x16 zero() { return broadcast(0.0f); }
  static INLAY_FORCE_INLINE F32x16 load(const float* p) {
    F32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = p[i];
    return v;
  }
  // The first n <= 16 elements; the other lanes are zero. Reads nothing beyond.
  static INLAY_FORCE_INLINE F32x16 load_partial(const float* p, std::uint32_t n) {
    F32x16 v;
    for (std::uint32_t i = 0; i < 16; ++i) v.lane[i] = i < n ? p[i] : 0.0f;
    return v;
  }
  // Lane i = p[i / 2]: eight elements, each twice.
  static INLAY_FORCE_INLINE F32x16 load_doubled(const float* p) {
    F32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = p[i / 2];
    return v;
  }
  // Lane i = p[i % 4]: four elements, again and again.
  static INLAY_FORCE_INLINE F32x16 load_quad(const float* p) {
    F32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = p[i % 4];
    return v;
  }
  static INLAY_FORCE_INLINE F32x16 load_half(const std::uint16_t* p) {
    return load_half_partial(p, 16);
  }
  static INLAY_FORCE_INLINE F32x16 load_half_partial(const std::uint16_t* p, std::uint32_t n) {
    F32x16 v;
    for (std::uint32_t i = 0; i < 16; ++i) v.lane[i] = i < n ? half_to_float(p[i]) : 0.0f;
    return v;
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) {
    return load_bfloat_partial(p, 16);
  }
  static INLAY_FORCE_INLINE F32x16 load_bfloat_partial(const std::uint16_t* p, std::uint32_t n) {
    F32x16 v;
    for (std::uint32_t i = 0; i < 16; ++i) v.lane[i] = i < n ? bfloat_to_float(p[i]) : 0.0f;
    return v;
  }
  static INLAY_FORCE_INLINE F32x16 broadcast_half(std::uint16_t x) {
    return broadcast(half_to_float(x));
  }
  static INLAY_FORCE_INLINE F32x16 load_int8(const std::int8_t* p) {
    F32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = static_cast<float>(p[i]);
    return v;
  }
  // Bits [first, first + 4) of 16 bytes, as numbers less 8; first is 0 or 4.
  template <int first>
  static INLAY_FORCE_INLINE F32x16 load_nibbles(const std::uint8_t* p) {
    F32x16 v;
    for (int i = 0; i < 16; ++i) v.lane[i] = static_cast<float>((p[i] >> first & 15) - 8);
    return v;
  }

  INLAY_FORCE_INLINE void store(float* p) const {
    for (int i = 0; i < 16; ++i) p[i] = lane[i];
  }
  // The first n <= 16 lanes. Writes nothing beyond.
  INLAY_FORCE_INLINE void store_partial(float* p, std::uint32_t n) const {
    for (std::uint32_t i = 0; i < n; ++i) p[i] = lane[i];
  }
  INLAY_FORCE_INLINE void store_half(std::uint16_t* p) const { store_half_partial(p, 16); }
  INLAY_FORCE_INLINE void store_half_partial(std::uint16_t* p, std::uint32_t n) const {
    for (std::uint32_t i = 0; i < n; ++i) p[i] = float_to_half(lane[i]);
  }
  INLAY_FORCE_INLINE void store_bfloat(std::uint16_t* p) const { store_bfloat_partial(p, 16); }
  INLAY_FORCE_INLINE void store_bfloat_partial(std::uint16_t* p, std::uint32_t n) const {
    for (std::uint32_t i = 0; i < n; ++i) p[i] = float_to_bfloat(lane[i]);
  }
};

namespace detail {
// a < b ? a : b and a > b ? a : b. Where denormals are flushed, so is a denormal result; a compiler
// left to itself may or may not take the instruction that does so.
#if defined(__SSE__)
static INLAY_FORCE_INLINE float lower(float a, float b) {
  return _mm_cvtss_f32(_mm_min_ss(_mm_set_ss(a), _mm_set_ss(b)));
}
static INLAY_FORCE_INLINE float higher(float a, float b) {
  return _mm_cvtss_f32(_mm_max_ss(_mm_set_ss(a), _mm_set_ss(b)));
}
#elif defined(__aarch64__)
static INLAY_FORCE_INLINE float flushed(float x) {  // x * 1, which no compiler leaves out
  asm("fmul %s0, %s0, %s1" : "+w"(x) : "w"(1.0f));
  return x;
}
static INLAY_FORCE_INLINE float lower(float a, float b) { return flushed(a < b ? a : b); }
static INLAY_FORCE_INLINE float higher(float a, float b) { return flushed(a > b ? a : b); }
#else
static INLAY_FORCE_INLINE float lower(float a, float b) { return a < b ? a : b; }
static INLAY_FORCE_INLINE float higher(float a, float b) { return a > b ? a : b; }
#endif

template <class Out, class Function>
static INLAY_FORCE_INLINE Out each(Function f) {
  Out v;
  for (int i = 0; i < 16; ++i) v.lane[i] = f(i);
  return v;
}
}  // namespace detail

static INLAY_FORCE_INLINE F32x16 operator+(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return a.lane[i] + b.lane[i]; });
}
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return a.lane[i] - b.lane[i]; });
}
static INLAY_FORCE_INLINE F32x16 operator*(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return a.lane[i] * b.lane[i]; });
}
static INLAY_FORCE_INLINE F32x16 operator/(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return a.lane[i] / b.lane[i]; });
}
// Flips the sign bit.
static INLAY_FORCE_INLINE F32x16 operator-(F32x16 a) {
  return detail::each<F32x16>([&](int i) { return -a.lane[i]; });
}
static INLAY_FORCE_INLINE F32x16 abs(F32x16 a) {
  return detail::each<F32x16>([&](int i) { return __builtin_fabsf(a.lane[i]); });
}
// Correctly rounded, as IEEE 754 asks.
static INLAY_FORCE_INLINE F32x16 sqrt(F32x16 a) {
  return detail::each<F32x16>([&](int i) { return __builtin_sqrtf(a.lane[i]); });
}
// a * b + c with one rounding. Never inline: sixteen of them in plain operations are long.
[[maybe_unused, gnu::noinline]] static F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  for (int i = 0; i < 16; ++i) a.lane[i] = fused_multiply_add(a.lane[i], b.lane[i], c.lane[i]);
  return a;
}
// a < b ? a : b, so b where one of them is NaN or both are zero.
static INLAY_FORCE_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return detail::lower(a.lane[i], b.lane[i]); });
}
// a > b ? a : b, so b where one of them is NaN or both are zero.
static INLAY_FORCE_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return detail::each<F32x16>([&](int i) { return detail::higher(a.lane[i], b.lane[i]); });
}
// Lane i = v[i ^ 1].
static INLAY_FORCE_INLINE F32x16 swap_pairs(F32x16 v) {
  return detail::each<F32x16>([&](int i) { return v.lane[i ^ 1]; });
}
// Flips the sign bit of lanes 0, 2, 4 ...
static INLAY_FORCE_INLINE F32x16 negate_even(F32x16 v) {
  return detail::each<F32x16>([&](int i) { return i % 2 ? v.lane[i] : -v.lane[i]; });
}

// False where one of them is NaN.
static INLAY_FORCE_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return detail::each<Mask16>([&](int i) { return a.lane[i] < b.lane[i]; });
}
// Lanes below n.
static INLAY_FORCE_INLINE Mask16 first_lanes(std::uint32_t n) {
  return detail::each<Mask16>([&](int i) { return static_cast<std::uint32_t>(i) < n; });
}
static INLAY_FORCE_INLINE F32x16 select(Mask16 mask, F32x16 yes, F32x16 no) {
  return detail::each<F32x16>([&](int i) { return mask.lane[i] ? yes.lane[i] : no.lane[i]; });
}

// Nearest even; what an int32 cannot hold (NaN too) becomes its lowest value.
static INLAY_FORCE_INLINE I32x16 round_to_int(F32x16 v) {
  return detail::each<I32x16>([&](int i) {
    const double x = static_cast<double>(v.lane[i]);
    const double shifted = x + 6755399441055744.0;  // 1.5 * 2^52: the integer is in the low bits
    const auto low = static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(shifted));
    const bool fits = x >= -2147483648.0 && x < 2147483648.0;
    return static_cast<std::int32_t>(fits ? low : 0x80000000u);
  });
}
static INLAY_FORCE_INLINE F32x16 to_float(I32x16 v) {
  return detail::each<F32x16>([&](int i) { return static_cast<float>(v.lane[i]); });
}
static INLAY_FORCE_INLINE I32x16 bits_of(F32x16 v) {
  return detail::each<I32x16>([&](int i) { return std::bit_cast<std::int32_t>(v.lane[i]); });
}
static INLAY_FORCE_INLINE F32x16 from_bits(I32x16 v) {
  return detail::each<F32x16>([&](int i) { return std::bit_cast<float>(v.lane[i]); });
}

// Integer sums and differences wrap around.
static INLAY_FORCE_INLINE I32x16 operator+(I32x16 a, I32x16 b) {
  return detail::each<I32x16>([&](int i) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) +
                                     static_cast<std::uint32_t>(b.lane[i]));
  });
}
static INLAY_FORCE_INLINE I32x16 operator-(I32x16 a, I32x16 b) {
  return detail::each<I32x16>([&](int i) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) -
                                     static_cast<std::uint32_t>(b.lane[i]));
  });
}
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_left(I32x16 v) {
  return detail::each<I32x16>([&](int i) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(v.lane[i]) << count);
  });
}
// Keeps the sign.
template <int count>
static INLAY_FORCE_INLINE I32x16 shift_right(I32x16 v) {
  return detail::each<I32x16>([&](int i) { return v.lane[i] >> count; });
}
// v * 2^n by the exponent bits; v and the result must be normal numbers.
static INLAY_FORCE_INLINE F32x16 scale2(F32x16 v, I32x16 n) {
  return from_bits(bits_of(v) + shift_left<23>(n));
}

// The one tree: s8[i] = v[i] + v[i + 8], s4[i] = s8[i] + s8[i + 4], s2, s1.
static INLAY_FORCE_INLINE float sum(F32x16 v) {
  for (int half = 8; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) v.lane[i] = v.lane[i] + v.lane[i + half];
  }
  return v.lane[0];
}
// The same tree with max(a, b).
static INLAY_FORCE_INLINE float max(F32x16 v) {
  for (int half = 8; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) {
      v.lane[i] = detail::higher(v.lane[i], v.lane[i + half]);
    }
  }
  return v.lane[0];
}
// p[0..3] = sum(a), sum(b), sum(c), sum(d).
static INLAY_FORCE_INLINE void store_sums(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p) {
  p[0] = sum(a);
  p[1] = sum(b);
  p[2] = sum(c);
  p[3] = sum(d);
}
// p[i * stride + 0..3] = a[i], b[i], c[i], d[i] for the 16 lanes i.
static INLAY_FORCE_INLINE void store_quads(F32x16 a, F32x16 b, F32x16 c, F32x16 d, float* p,
                                           std::size_t stride) {
  for (int i = 0; i < 16; ++i, p += stride) {
    p[0] = a.lane[i];
    p[1] = b.lane[i];
    p[2] = c.lane[i];
    p[3] = d.lane[i];
  }
}

}  // namespace inlay::INLAY_ISA
