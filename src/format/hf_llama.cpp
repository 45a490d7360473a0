// hf_llama.cpp - Llama, Mistral and Qwen 2 folders.
#include "format/hf_family.h"

namespace inlay {
namespace {

// The default of the configuration classes of all three.
constexpr double rms_eps = 1e-6;

// Returns the context length.
std::uint32_t gated(const ConfigFile& config, std::uint32_t context_fallback, KeyWriter& keys,
                    HfModel& model) {
  const std::uint32_t context = config.number_or("max_position_embeddings", context_fallback);
  model.names = &hf_gated_names;
  hf_expect_text(config, "hidden_act", "silu", "swish");
  hf_sizes(config, keys, model);
  hf_rope(config, "rope_theta", "partial_rotary_factor", 1.0, true, keys, model);
  if (model.rope.part != 1) {
    config.refuse_with(Status::unsupported, "partial_rotary_factor: expected 1, file has {}",
                       model.rope.part);
  }
  hf_output(config, false, model);
  keys.number("context_length", context);
  keys.real("attention.layer_norm_rms_epsilon", config.real_or("rms_norm_eps", rms_eps));
  return context;
}

}  // namespace

void hf_llama(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  gated(config, 2048, keys, model);
  model.pairs_neighbour = true;
  model.attention_bias = model.attention_output_bias = config.flag_or("attention_bias", false);
  model.mlp_bias = config.flag_or("mlp_bias", false);
}

void hf_mistral(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  const std::uint32_t context = gated(config, 131072, keys, model);
  model.pairs_neighbour = true;
  hf_refuse_window(config, true, 4096, context);
}

void hf_qwen2(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  const std::uint32_t context = gated(config, 32768, keys, model);
  model.attention_bias = true;
  const bool reaches_layers = config.number_or("max_window_layers", 28) < model.layers;
  const bool listed = config.has("layer_types");
  bool used = config.flag_or("use_sliding_window", false) && (listed || reaches_layers);
  hf_refuse_window(config, used, 4096, context);
}

}  // namespace inlay
