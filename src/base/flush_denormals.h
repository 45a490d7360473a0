// flush_denormals.h - the processor treats denormal floats as zero while an object of this type
// lives.
#pragma once

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace inlay {

// One thread's setting. Denormals cost a hundred cycles each on some processors and carry nothing a
// model needs. The host's setting comes back when the object goes. Does nothing on processors not
// named here.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(read()) { write((saved_ & ~cleared) | set); }
  ~FlushDenormals() { write(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__) || defined(_M_X64)
  using Word = std::uint32_t;
  static constexpr Word set = 0x9fc0;      // MXCSR: FTZ, DAZ, every exception masked
  static constexpr Word cleared = 0x6000;  // rounding to nearest
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  // FPCR: FZ, which also takes denormal operands for zero; rounding to nearest, no traps, and the
  // plain ways for halves and NaN (not AHP, DN, FZ16, NEP, AH, FIZ).
  static constexpr Word set = 1u << 24;
  static constexpr Word cleared = 1u << 26 | 1u << 25 | 3u << 22 | 1u << 19 | 0x9f00 | 7u;
  static Word read() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { asm volatile("msr fpcr, %0" ::"r"(word) : "memory"); }
#else
  using Word = std::uint32_t;
  static constexpr Word set = 0;
  static constexpr Word cleared = 0;
  static Word read() { return 0; }
  static void write(Word) {}
#endif
  Word saved_;
};

}  // namespace inlay
