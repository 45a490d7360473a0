// blocks.cpp - the shared paragraphs.
#include "arch/blocks.h"

namespace inlay::arch {

float attention_scale(const Heads& heads) {
  return static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(heads.key_size)));
}

Tensor rotary_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads,
                       const Rope& rope, Tensor table) {
  Tensor q = g.linear(x, l.matrix("attn_q.weight", heads.q_width(), width),
                     l.vector_if("attn_q.bias", heads.q_width()));
  Tensor k = g.linear(x, l.matrix("attn_k.weight", heads.k_width(), width),
                     l.vector_if("attn_k.bias", heads.k_width()));
  Tensor v = g.linear(x, l.matrix("attn_v.weight", heads.v_width(), width),
                     l.vector_if("attn_v.bias", heads.v_width()));
  q = g.rope(q, rope, heads.query, heads.key_size, table);
  k = g.rope(k, rope, heads.kv, heads.key_size, table);
  const Tensor a = g.attention(q, k, v, heads, attention_scale(heads));
  return g.linear(a, l.matrix("attn_output.weight", width, heads.query * heads.value_size),
                  l.vector_if("attn_output.bias", width));
}

Tensor gated_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                Act kind) {
  const Tensor gate = g.linear(x, l.matrix("ffn_gate.weight", inner, width));
  const Tensor up = g.linear(x, l.matrix("ffn_up.weight", inner, width));
  return g.linear(g.gate(kind, gate, up), l.matrix("ffn_down.weight", width, inner));
}

Tensor plain_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                Act kind) {
  const Tensor up = g.linear(x, l.matrix("ffn_up.weight", inner, width),
                            l.vector("ffn_up.bias", inner));
  return g.linear(g.activate(kind, up), l.matrix("ffn_down.weight", width, inner),
                  l.vector("ffn_down.bias", width));
}

Weight output_matrix(Graph& g, Weight embedding, std::uint32_t width) {
  const Weight own = g.matrix_if("output.weight", g.rows(embedding), width);
  return own ? own : embedding;
}

void rotary_decoder(const Meta& m, Graph& g, RopePairs order) {
  const std::uint32_t width = m.width();
  const Heads heads = m.heads();
  const Rope rope = m.rope(heads, order);
  const std::uint32_t inner = m.feed_forward_width();
  const Weight embedding = g.embedding("token_embd.weight", width);
  Tensor x = g.embed(embedding);                                                  // (T, d)
  const Tensor table = g.rope_table(rope, g.vector_if("rope_freqs.weight", rope.pairs));
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    Tensor n = g.rms_norm(x, l.vector("attn_norm.weight", width), m.rms_eps());
    x = g.add(x, rotary_attention(g, l, n, width, heads, rope, table));
    n = g.rms_norm(x, l.vector("ffn_norm.weight", width), m.rms_eps());
    x = g.add(x, gated_ffn(g, l, n, width, inner, Act::silu));
  }
  g.end_layers();
  x = g.rms_norm(g.take(x), g.vector("output_norm.weight", width), m.rms_eps());  // (R, d)
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
