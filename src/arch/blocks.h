// blocks.h - paragraphs that several families share: attention with separate projections, gated FFN.
#pragma once

#include "graph/graph.h"

namespace inlay::arch {

// 1 / sqrt(head size), rounded once.
float attention_scale(const Heads& heads);

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
