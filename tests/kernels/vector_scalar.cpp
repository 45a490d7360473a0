// vector_scalar.cpp - the words of the scalar vocabulary.
#define INLAY_ISA scalar
#include "kernels/vector/scalar.h"

#include "kernels/vector_words.h"

namespace inlay::test {

bool run_scalar_words(const WordInput& in, WordRecord& record) {
  scalar::run_words(in, record);
  return true;
}

}  // namespace inlay::test
