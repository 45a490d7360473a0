// hf_bloom.cpp - BLOOM folders. Older files say n_embed, num_attention_heads, num_hidden_layers
// and seq_length; positions are told by ALiBi, so no length is a limit.
#include "format/hf_family.h"

namespace inlay {

void hf_bloom(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  const auto first = [&](std::string_view a, std::string_view b) {
    return config.number(config.has(a) || !config.has(b) ? a : b);
  };
  model.names = &hf_bloom_names;
  hf_expect_flag(config, "apply_residual_connection_post_layernorm", false);
  const std::uint32_t width = first("n_embed", "hidden_size");
  model.layers = first("n_layer", "num_hidden_layers");
  model.heads = model.kv_heads = first("n_head", "num_attention_heads");
  model.head_size = width / model.heads;
  if (width % model.heads != 0) {
    config.refuse_with(Status::format, "{} heads do not divide a width of {}", model.heads, width);
  }
  hf_output(config, true, model);
  model.vocabulary = config.number("vocab_size");
  keys.number("vocab_size", model.vocabulary);
  keys.number("context_length", config.number_or("seq_length", 2048));
  keys.number("embedding_length", width);
  keys.number("block_count", model.layers);
  keys.number("feed_forward_length", width <= 0x3fffffffu ? 4 * width : width);
  keys.number("attention.head_count", model.heads);
  keys.number("attention.head_count_kv", model.heads);
  keys.real("attention.layer_norm_epsilon", config.real_or("layer_norm_epsilon", 1e-5));
}

}  // namespace inlay
