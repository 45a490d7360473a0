// blocks.cpp - the shared paragraphs.
#include "arch/blocks.h"

namespace inlay::arch {

float attention_scale(const Heads& heads) {
  return static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(heads.key_size)));
}

Tensor project(Graph& g, const Layer& l, Tensor x, std::string_view name, std::uint32_t rows,
               std::uint32_t columns) {
  const Weight w = l.matrix(name, rows, columns);
  return g.linear(x, w, l.bias_if(name, rows));
}

Tensor project_with_bias(Graph& g, const Layer& l, Tensor x, std::string_view name,
                         std::uint32_t rows, std::uint32_t columns) {
  const Weight w = l.matrix(name, rows, columns);
  return g.linear(x, w, l.bias(name, rows));
}

Tensor norm_with_bias(Graph& g, const Layer& l, Tensor x, std::string_view name,
                      std::uint32_t width, float eps) {
  const Weight scale = l.vector(name, width);
  return g.layer_norm(x, scale, l.bias(name, width), eps);
}

FusedHeads fused_heads(Graph& g, const Layer& l, Tensor x, std::uint32_t width,
                       const Heads& heads) {
  const std::uint32_t q = heads.q_width(), k = heads.k_width(), v = heads.v_width();
  const Tensor qkv = project_with_bias(g, l, x, "attn_qkv", q + k + v, width);
  const Tensor queries = g.slice(qkv, 0, q);
  const Tensor keys = g.slice(qkv, q, k);
  return {queries, keys, g.slice(qkv, q + k, v)};
}

Tensor rotary_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads,
                        const Rope& rope, Tensor table) {
  const Tensor q = project(g, l, x, "attn_q", heads.q_width(), width);
  const Tensor k = project(g, l, x, "attn_k", heads.k_width(), width);
  const Tensor v = project(g, l, x, "attn_v", heads.v_width(), width);
  g.rope(q, rope, heads.query, heads.key_size, table);
  g.rope(k, rope, heads.kv, heads.key_size, table);
  const Tensor a = g.attention(q, k, v, heads, attention_scale(heads));
  return project(g, l, a, "attn_output", width, heads.query * heads.value_size);
}

Tensor gated_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                 Act kind) {
  const Tensor gate = project(g, l, x, "ffn_gate", inner, width);
  const Tensor up = project(g, l, x, "ffn_up", inner, width);
  const Tensor both = g.gate(kind, gate, up);
  return project(g, l, both, "ffn_down", width, inner);
}

Tensor plain_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                 Act kind) {
  const Tensor up = g.activate(kind, project_with_bias(g, l, x, "ffn_up", inner, width));
  return project_with_bias(g, l, up, "ffn_down", width, inner);
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
  Tensor x = g.embed(embedding);  // (T, d)
  const Tensor table = g.rope_table(rope, g.vector_if("rope_freqs.weight", rope.pairs));
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    Tensor n = g.rms_norm(x, l.vector("attn_norm", width), m.rms_eps());
    x = g.add(x, rotary_attention(g, l, n, width, heads, rope, table));
    n = g.rms_norm(x, l.vector("ffn_norm", width), m.rms_eps());
    x = g.add(x, gated_ffn(g, l, n, width, inner, Act::silu));
  }
  g.end_layers();
  x = g.take(x);  // (R, d)
  x = g.rms_norm(x, g.vector("output_norm.weight", width), m.rms_eps());
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
