// bloom.cpp - BLOOM (arXiv:2211.05100): LayerNorm after the embedding, one fused projection [Q; K;
// V], no rope but ALiBi: a penalty that grows with distance, per head (arXiv:2108.12409).
//   x += Attention(LN(x));   x += FFN(LN(x))
#include "arch/blocks.h"

namespace inlay::arch {
namespace {

constexpr float max_alibi_bias = 8.0f;  // slopes of head h: 2^(-8 (h + 1) / heads)

Tensor alibi_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width,
                       const Heads& heads) {
  const FusedHeads h = fused_heads(g, l, x, width, heads);
  const Tensor a = g.attention(h.q, h.k, h.v, heads, attention_scale(heads), max_alibi_bias);
  return project_with_bias(g, l, a, "attn_output", width, heads.query * heads.value_size);
}

// LayerNorm with a scale and a bias outside the blocks.
Tensor norm(Graph& g, Tensor x, std::string_view scale, std::string_view bias, std::uint32_t width,
            float eps) {
  const Weight w = g.vector(scale, width);
  return g.layer_norm(x, w, g.vector(bias, width), eps);
}

}  // namespace

void bloom(const Meta& m, Graph& g) {
  const std::uint32_t width = m.width();
  const float eps = m.layer_norm_eps();
  const Heads heads = m.heads();
  const std::uint32_t inner = m.feed_forward_width();
  const Weight embedding = g.embedding("token_embd.weight", width);
  Tensor x = g.embed(embedding);  // (T, d)
  x = norm(g, x, "token_embd_norm.weight", "token_embd_norm.bias", width, eps);
  for (std::uint32_t i = 0; i < m.layers(); ++i) {
    const Layer l = g.layer(i);
    Tensor n = norm_with_bias(g, l, x, "attn_norm", width, eps);
    x = g.add(x, alibi_attention(g, l, n, width, heads));
    n = norm_with_bias(g, l, x, "ffn_norm", width, eps);
    x = g.add(x, plain_ffn(g, l, n, width, inner, Act::gelu_tanh));
  }
  g.end_layers();
  x = g.take(x);  // (R, d)
  x = norm(g, x, "output_norm.weight", "output_norm.bias", width, eps);
  g.logits(g.linear(x, output_matrix(g, embedding, width)));
}

}  // namespace inlay::arch
