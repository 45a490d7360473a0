// hf_names.h - the table of names: which module of a Hugging Face model is which tensor of GGUF.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace inlay {

// In which order GGUF has the rows of a stored matrix (and the elements of its bias).
enum class HfRows : std::uint8_t {
  same,
  queries,  // halves of a head to neighbours, where HfModel::pairs_neighbour
  keys,
  fused,  // [head][q, k, v] to [q, k, v][head]
};

enum class HfBias : std::uint8_t {
  none,
  always,
  attention,         // where HfModel::attention_bias
  attention_output,  // where HfModel::attention_output_bias
  mlp,               // where HfModel::mlp_bias
};

struct HfTensor {
  std::string_view name;    // "attn_q" of "blk.3.attn_q.weight"
  std::string_view module;  // "self_attn.q_proj" of "model.layers.3.self_attn.q_proj.weight"
  bool matrix = true;
  HfBias bias = HfBias::none;
  HfRows rows = HfRows::same;
};

struct HfNames {
  // Of all modules but the output's; the one with which the last norm is there is right.
  std::span<const std::string_view> prefixes;
  std::string_view last_norm;
  std::string_view blocks;      // "layers" of "model.layers.3"
  std::string_view activation;  // of a block; has no tensors but the scales that AWQ may put there
  std::span<const std::string_view>
      outputs;                        // modules of the output matrix, the first that is there
  std::span<const HfTensor> outside;  // the embedding first
  std::span<const HfTensor> block;
};

extern const HfNames hf_gated_names;     // Llama and its kin: separate projections, gated FFN
extern const HfNames hf_gpt_neox_names;  // GPT-NeoX
extern const HfNames hf_bloom_names;     // BLOOM

}  // namespace inlay
