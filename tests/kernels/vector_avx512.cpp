// vector_avx512.cpp - the words of the AVX-512 vocabulary; the build gives this file the flags of
// its unit.
#ifdef __AVX512BW__

#define INLAY_ISA avx512
#include "kernels/vector/avx512.h"

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_avx512_words(const WordInput& in, WordRecord& record) {
  avx512::run_words(in, record);
  return true;
}

}  // namespace inlay::test

#else

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_avx512_words(const WordInput&, WordRecord&) { return false; }

}  // namespace inlay::test

#endif
