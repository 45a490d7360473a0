// vector_avx2.cpp - the words of the AVX2 vocabulary; the build gives this file the flags of its
// unit.
#ifdef __AVX2__

#define INLAY_ISA avx2
#include "kernels/vector/avx2.h"

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_avx2_words(const WordInput& in, WordRecord& record) {
  avx2::run_words(in, record);
  return true;
}

}  // namespace inlay::test

#else

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_avx2_words(const WordInput&, WordRecord&) { return false; }

}  // namespace inlay::test

#endif
