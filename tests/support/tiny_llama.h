// tiny_llama.h - a llama of random F32 weights in memory, small enough to compute by hand.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/gguf_builder.h"

namespace inlay::test {

struct TinyWeights {
  static constexpr std::uint32_t width = 64, inner = 96, vocabulary = 50, layers = 2, heads = 4;
  bool tied = false;
  // What tensors are multiplied with before they are written, by name; others: 1.
  std::map<std::string, float> factors;
  // Tensors of one number.
  std::map<std::string, float> scales;

  std::vector<std::uint8_t> build() {
    GgufBuilder b;
    b.key("general.architecture", "llama").key("llama.embedding_length", width);
    b.key("llama.block_count", layers).key("llama.attention.head_count", heads);
    b.key("llama.feed_forward_length", inner).key("llama.context_length", std::uint32_t{256});
    b.key("llama.attention.layer_norm_rms_epsilon", eps);
    add(b, "token_embd.weight", {width, vocabulary});
    add(b, "output_norm.weight", {width});
    if (!tied) add(b, "output.weight", {width, vocabulary});
    for (std::uint32_t i = 0; i < layers; ++i) {
      const std::string l = "blk." + std::to_string(i) + ".";
      add(b, l + "attn_norm.weight", {width});
      add(b, l + "ffn_norm.weight", {width});
      for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
        add(b, l + name + ".weight", {width, width});
      }
      add(b, l + "ffn_gate.weight", {width, inner});
      add(b, l + "ffn_up.weight", {width, inner});
      add(b, l + "ffn_down.weight", {inner, width});
    }
    for (const auto& [name, value] : scales) b.tensor(name, {1}, std::vector<float>{value});
    return b.build();
  }

  static constexpr float eps = 1e-5f;
  std::map<std::string, std::vector<float>> tensors;  // as written

 private:
  void add(GgufBuilder& b, const std::string& name, const std::vector<std::uint64_t>& shape) {
    const bool vector = shape.size() == 1;
    std::vector<float> values(shape[0] * (vector ? 1 : shape[1]));
    const auto factor = factors.find(name);
    for (float& x : values) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      const float uniform = static_cast<float>(state_ >> 40) / 8388608.0f - 1.0f;  // [-1, 1)
      x = (vector ? 1.0f + uniform / 2 : uniform / 4);
      if (factor != factors.end()) x *= factor->second;
    }
    b.tensor(name, shape, values);
    tensors[name] = values;
  }
  std::uint64_t state_ = 1;
};

}  // namespace inlay::test
