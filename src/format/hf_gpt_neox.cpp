// hf_gpt_neox.cpp - GPT-NeoX folders: Pythia, RedPajama-INCITE, Dolly.
#include "format/hf_family.h"

namespace inlay {

void hf_gpt_neox(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  model.names = &hf_gpt_neox_names;
  hf_expect_text(config, "hidden_act", "gelu", "gelu_python");
  hf_expect_flag(config, "attention_bias", true);
  hf_sizes(config, keys, model);
  hf_rope(config, "rotary_emb_base", "rotary_pct", 0.25, false, keys, model);
  hf_output(config, false, model);
  keys.number("context_length", config.number_or("max_position_embeddings", 2048));
  keys.real("attention.layer_norm_epsilon", config.real_or("layer_norm_eps", 1e-5));
  keys.flag("use_parallel_residual", config.flag_or("use_parallel_residual", true));
}

}  // namespace inlay
