// llama.cpp - Llama 1 to 3.3, Mistral, TinyLlama, SmolLM2: the plain pre-norm decoder
// (Touvron et al. 2023, arXiv:2302.13971; arXiv:2407.21783).
//   x += Wo Attention(RMSNorm(x));   x += SwiGLU(RMSNorm(x));   logits = W RMSNorm(x)
// Rope turns interleaved pairs; a rope_freqs tensor divides its frequencies (Llama 3.1 and later).
#include "arch/blocks.h"

namespace inlay::arch {

void llama(const Meta& m, Graph& g) {
  if (m.number_or("expert_count", 0, 0, 0xffff) != 0) return g.unsupported("expert_count");
  rotary_decoder(m, g, RopePairs::neighbours);
}

}  // namespace inlay::arch
