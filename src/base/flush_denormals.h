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
  FlushDenormals() : saved_(read()) { write(saved_ | flags); }
  ~FlushDenormals() { write(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__) || defined(_M_X64)
  using Word = std::uint32_t;
  static constexpr Word flags = 0x8040;  // MXCSR: FTZ and DAZ
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word flags = 1u << 24;  // FPCR: FZ
  static Word read() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { asm volatile("msr fpcr, %0" ::"r"(word) : "memory"); }
#else
  using Word = std::uint32_t;
  static constexpr Word flags = 0;
  static Word read() { return 0; }
  static void write(Word) {}
#endif
  Word saved_;
};

}  // namespace inlay
