// folder.h - Hugging Face folders in memory: a tiny Llama model whose files a test may break.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "inlay/inlay.h"

namespace inlay::test {

// The first place of `from` in `text` becomes `to`; throws when there is none, so that no test
// changes nothing by mistake.
inline void replace_once(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("not found: " + from);
  text.replace(at, from.size(), to);
}

// A safetensors file, tensor after tensor.
class SafetensorsBuilder {
 public:
  SafetensorsBuilder& tensor(const std::string& name, const std::string& element,
                             const std::vector<std::uint64_t>& shape, const std::string& bytes) {
    std::string dims;
    for (const std::uint64_t d : shape) dims += (dims.empty() ? "" : ",") + std::to_string(d);
    header_ += (header_.empty() ? "" : ",") + ("\"" + name + "\":{\"dtype\":\"" + element) +
               "\",\"shape\":[" + dims + "],\"data_offsets\":[" + std::to_string(data_.size()) +
               "," + std::to_string(data_.size() + bytes.size()) + "]}";
    data_ += bytes;
    return *this;
  }
  // Normal values of a fixed stream, as F32.
  SafetensorsBuilder& random(const std::string& name, const std::vector<std::uint64_t>& shape) {
    std::uint64_t n = 1;
    for (const std::uint64_t d : shape) n *= d;
    std::normal_distribution<float> normal(0.0f, 0.1f);
    std::string bytes;
    for (std::uint64_t i = 0; i < n; ++i) {
      const float value = shape.size() == 1 ? 1.0f : normal(random_);
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    return tensor(name, "F32", shape, bytes);
  }
  std::string header() const { return "{" + header_ + "}"; }
  std::string build() const { return with_header(header()); }
  std::string with_header(const std::string& header) const {
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + header + data_;
  }

 private:
  std::mt19937 random_{7};
  std::string header_, data_;
};

// The files by name; source() shows them to inlay as the parts of one model.
struct Folder {
  std::map<std::string, std::string> files;

  std::string& operator[](const std::string& name) { return files[name]; }
  const inlay_source& source() {
    parts_.clear();
    for (const auto& [name, bytes] : files) {
      inlay_source part;
      inlay_source_memory(&part, bytes.data(), bytes.size());
      part.text = name.data();
      part.text_length = name.size();
      parts_.push_back(part);
    }
    inlay_source_parts(&source_, parts_.data(), parts_.size());
    return source_;
  }

 private:
  std::vector<inlay_source> parts_;
  inlay_source source_{};
};

inline constexpr const char* tiny_llama_config = R"({
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "hidden_size": 32,
  "intermediate_size": 64,
  "num_hidden_layers": 1,
  "num_attention_heads": 4,
  "num_key_value_heads": 2,
  "max_position_embeddings": 64,
  "hidden_act": "silu",
  "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0,
  "rope_scaling": null,
  "tie_word_embeddings": false,
  "vocab_size": 48,
  "torch_dtype": "float32"
})";

inline SafetensorsBuilder tiny_llama_tensors() {
  SafetensorsBuilder b;
  b.random("model.embed_tokens.weight", {48, 32}).random("lm_head.weight", {48, 32});
  const std::string layer = "model.layers.0.";
  b.random(layer + "input_layernorm.weight", {32});
  b.random(layer + "self_attn.q_proj.weight", {32, 32});
  b.random(layer + "self_attn.k_proj.weight", {16, 32});
  b.random(layer + "self_attn.v_proj.weight", {16, 32});
  b.random(layer + "self_attn.o_proj.weight", {32, 32});
  b.random(layer + "post_attention_layernorm.weight", {32});
  b.random(layer + "mlp.gate_proj.weight", {64, 32});
  b.random(layer + "mlp.up_proj.weight", {64, 32});
  b.random(layer + "mlp.down_proj.weight", {32, 64});
  b.random("model.norm.weight", {32});
  return b;
}

// 48 tokens: <s>, </s>, then printable bytes; byte-level BPE with one merge.
inline std::string tiny_tokenizer() {
  std::string vocab = R"("<s>": 0, "</s>": 1)";
  for (int i = 2; i < 47; ++i) {
    vocab += ", \"" + std::string(1, static_cast<char>('0' + i)) + "\": " + std::to_string(i);
  }
  replace_once(vocab, "\"\\\"", "\"\\\\\"");  // the backslash
  vocab += R"(, "AB": 47)";
  return R"({"version": "1.0", "added_tokens": [
    {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 1, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
  "normalizer": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
  "post_processor": null,
  "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
    "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": {)" +
         vocab + R"(}, "merges": ["A B"]}})";
}

inline Folder tiny_llama_folder() {
  Folder folder;
  folder["config.json"] = tiny_llama_config;
  folder["model.safetensors"] = tiny_llama_tensors().build();
  folder["tokenizer.json"] = tiny_tokenizer();
  folder["generation_config.json"] = R"({"bos_token_id": 0, "eos_token_id": 1})";
  return folder;
}

}  // namespace inlay::test
