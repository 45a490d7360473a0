// bloom.cpp - BLOOM (arXiv:2211.05100): LayerNorm after the embedding, one fused projection [Q; K; V],
// no rope but ALiBi: a penalty that grows with distance, per head (arXiv:2108.12409).
//   x += Attention(LN(x));   x += FFN(LN(x))
#include "arch/blocks.h"

namespace inlay::arch {
namespace {

constexpr float max_alibi_bias = 8.0f;  // slopes of head h: 2^(-8 (h + 1) / heads)

Tensor alibi_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads) {
  const std::uint32_t q = heads.q_width(), k = heads.k_width(), v = heads.v_width();
  const Tensor qkv = g.linear(x, l.matrix("attn_qkv.weight", q + k + v, width),
                             l.vector("attn_qkv.bias", q + k + v));
  const Tensor a = g.attention(g.slice(qkv, 0, q), g.slice(qkv, q, k), g.slice(qkv, q + k, v),
                              heads, attention_scale(heads), max_alibi_bias);
  return g.linear(a, l.matrix("attn_output.weight", width, heads.query * heads.value_size),
                  l.vector("attn_output.bias", width));
}

}  // namespace

void bloom(const Meta& m, Graph& g) {
  const std::uint32_t width = m.width();
  const float eps = m.layer_norm_eps();
  const Heads heads = m.heads();
  const std::uint32_t inner = m.feed_forward_width();
  const Weight embedding = g.embedding("token_embd.weight", width);
  Tensor x = g.layer_norm(g.embed(embedding), g.vector("token_embd_norm.weight", width),
                         g.vector("token_embd_norm.bias", width), eps);          // (T, d)
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    Tensor n = g.layer_norm(x, l.vector("attn_norm.weight", width),
                           l.vector("attn_norm.bias", width), eps);
    x = g.add(x, alibi_attention(g, l, n, width, heads));
    n = g.layer_norm(x, l.vector("ffn_norm.weight", width), l.vector("ffn_norm.bias", width), eps);
    x = g.add(x, plain_ffn(g, l, n, width, inner, Act::gelu_tanh));
  }
  g.end_layers();
  x = g.layer_norm(g.take(x), g.vector("output_norm.weight", width),
                   g.vector("output_norm.bias", width), eps);                    // (R, d)
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
