// vector_neon.cpp - the words of the NEON vocabulary; the build gives this file the flags of its
// unit.
#ifdef __aarch64__

#define INLAY_ISA neon
#include "kernels/vector/neon.h"

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_neon_words(const WordInput& in, WordRecord& record) {
  neon::run_words(in, record);
  return true;
}

}  // namespace inlay::test

#else

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_neon_words(const WordInput&, WordRecord&) { return false; }

}  // namespace inlay::test

#endif
