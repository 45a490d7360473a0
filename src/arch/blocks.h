// blocks.h - paragraphs that several families share: attention with separate projections, gated
// FFN.
#pragma once

#include "graph/graph.h"

namespace inlay::arch {

// 1 / sqrt(head size), rounded once.
float attention_scale(const Heads& heads);

// W x [+ b]: the matrix <name>.weight of the block, and <name>.bias where the file has one.
Tensor project(Graph& g, const Layer& l, Tensor x, std::string_view name, std::uint32_t rows,
               std::uint32_t columns);
// The same where the file must have the bias.
Tensor project_with_bias(Graph& g, const Layer& l, Tensor x, std::string_view name,
                         std::uint32_t rows, std::uint32_t columns);

// LayerNorm with <name>.weight and <name>.bias of the block.
Tensor norm_with_bias(Graph& g, const Layer& l, Tensor x, std::string_view name,
                      std::uint32_t width, float eps);

// The heads of one fused projection attn_qkv = [Q; K; V].
struct FusedHeads {
  Tensor q, k, v;
};
FusedHeads fused_heads(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads);

// Wo attention(rope(Wq x [+ bq]), rope(Wk x [+ bk]), Wv x [+ bv]); biases where the file has them.
Tensor rotary_attention(Graph& g, const Layer& l, Tensor x, std::uint32_t width, const Heads& heads,
                        const Rope& rope, Tensor table);

// Wdown (kind(Wgate x) * (Wup x))
Tensor gated_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                 Act kind);

// Wdown kind(Wup x + b) + b
Tensor plain_ffn(Graph& g, const Layer& l, Tensor x, std::uint32_t width, std::uint32_t inner,
                 Act kind);

// The output matrix, or the embedding again when the file has none ("tied").
Weight output_matrix(Graph& g, Weight embedding, std::uint32_t width);

// The pre-norm decoder of Llama and Qwen 2 from the first block to the logits.
void rotary_decoder(const Meta& m, Graph& g, RopePairs order);

}  // namespace inlay::arch
