// gptneox.cpp - GPT-NeoX: Pythia, RedPajama-INCITE (Black et al. 2022, arXiv:2204.06745).
//   parallel:   x += Attention(LN1(x)) + FFN(LN2(x))
//   sequential: x += Attention(LN1(x));   x += FFN(LN2(x))
// One fused projection [Q; K; V]; rope on the first part of each head, over its two halves.
#include "arch/blocks.h"

namespace inlay::arch {
namespace {

Tensor fused_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads,
                       const Rope& rope, Tensor table) {
  const FusedHeads h = fused_heads(g, l, x, width, heads);
  g.rope(h.q, rope, heads.query, heads.key_size, table);
  g.rope(h.k, rope, heads.kv, heads.key_size, table);
  const Tensor a = g.attention(h.q, h.k, h.v, heads, attention_scale(heads));
  return project_with_bias(g, l, a, "attn_output", width, heads.query * heads.value_size);
}

}  // namespace

void gptneox(const Meta& m, Graph& g) {
  const std::uint32_t width = m.width();
  const float eps = m.layer_norm_eps();
  const Heads heads = m.heads();
  const Rope rope = m.rope(heads, RopePairs::halves);
  const std::uint32_t inner = m.feed_forward_width();
  const bool parallel = m.flag_or("use_parallel_residual", true);
  const Weight embedding = g.embedding("token_embd.weight", width);
  Tensor x = g.embed(embedding);  // (T, d)
  const Tensor table = g.rope_table(rope);
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    const Tensor n = norm_with_bias(g, l, x, "attn_norm", width, eps);
    const Tensor attended = g.add(x, fused_attention(g, l, n, width, heads, rope, table));
    const Tensor f = norm_with_bias(g, l, parallel ? x : attended, "ffn_norm", width, eps);
    x = g.add(attended, plain_ffn(g, l, f, width, inner, Act::gelu));
  }
  g.end_layers();
  x = g.take(x);  // (R, d)
  const Weight scale = g.vector("output_norm.weight", width);
  x = g.layer_norm(x, scale, g.vector("output_norm.bias", width), eps);
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
