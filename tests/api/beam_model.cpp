// beam_model.cpp - the model of beam_test.cpp, which includes nothing of src.
#include "support/small_model.h"

namespace inlay::test {

std::vector<std::uint8_t> model_of_eight_tokens() { return SmallModel{.vocabulary = 8}.build(); }

}  // namespace inlay::test
