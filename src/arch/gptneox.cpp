// gptneox.cpp - GPT-NeoX: Pythia, RedPajama-INCITE (Black et al. 2022, arXiv:2204.06745).
//   parallel:   x += Attention(LN1(x)) + FFN(LN2(x))
//   sequential: x += Attention(LN1(x));   x += FFN(LN2(x))
// One fused projection [Q; K; V]; rope on the first part of each head, over its two halves.
#include "arch/blocks.h"

namespace inlay::arch {
namespace {

Tensor fused_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads,
                      const Rope& rope, Tensor table) {
  const std::uint32_t q = heads.q_width(), k = heads.k_width(), v = heads.v_width();
  const Tensor qkv = g.linear(x, l.matrix("attn_qkv.weight", q + k + v, width),
                             l.vector("attn_qkv.bias", q + k + v));
  const Tensor a = g.attention(g.rope(g.slice(qkv, 0, q), rope, heads.query, heads.key_size, table),
                              g.rope(g.slice(qkv, q, k), rope, heads.kv, heads.key_size, table),
                              g.slice(qkv, q + k, v), heads, attention_scale(heads));
  return g.linear(a, l.matrix("attn_output.weight", width, heads.query * heads.value_size),
                  l.vector("attn_output.bias", width));
}

Tensor norm(Graph& g, const Meta& m, Tensor x, Weight scale, Weight bias) {
  return g.layer_norm(x, scale, bias, m.layer_norm_eps());
}

}  // namespace

void gptneox(const Meta& m, Graph& g) {
  const std::uint32_t width = m.width();
  const Heads heads = m.heads();
  const Rope rope = m.rope(heads, RopePairs::halves);
  const std::uint32_t inner = m.feed_forward_width();
  const bool parallel = m.flag_or("use_parallel_residual", true);
  const Weight embedding = g.embedding("token_embd.weight", width);
  Tensor x = g.embed(embedding);                                                  // (T, d)
  const Tensor table = g.rope_table(rope);
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    const Tensor n = norm(g, m, x, l.vector("attn_norm.weight", width),
                         l.vector("attn_norm.bias", width));
    const Tensor attended = g.add(x, fused_attention(g, l, n, width, heads, rope, table));
    const Tensor f = norm(g, m, parallel ? x : attended, l.vector("ffn_norm.weight", width),
                         l.vector("ffn_norm.bias", width));
    x = g.add(attended, plain_ffn(g, l, f, width, inner, Act::gelu));
  }
  g.end_layers();
  x = norm(g, m, g.take(x), g.vector("output_norm.weight", width),
           g.vector("output_norm.bias", width));                                 // (R, d)
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
