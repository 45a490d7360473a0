// qwen2.cpp - Qwen 2 and 2.5 (arXiv:2407.10671): as Llama, with biases on queries, keys and values
// and rope over the two halves of a head.
#include "arch/blocks.h"

namespace inlay::arch {

void qwen2(const Meta& m, Graph& g) { rotary_decoder(m, g, RopePairs::halves); }

}  // namespace inlay::arch
