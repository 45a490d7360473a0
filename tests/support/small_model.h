// small_model.h - a random model whose rows fit every type, quantized models in memory, their rows.
#pragma once

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/source.h"
#include "format/gguf.h"
#include "quant/dequantize.h"
#include "support/gguf_builder.h"
#include "support/model.h"

namespace inlay::test {

// The same numbers everywhere: about normal, some of them large, as weights are.
inline std::vector<float> random_weights(std::size_t count, std::uint32_t seed) {
  std::vector<float> values(count);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (float& value : values) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<double>(state >> 40) / (1 << 24) - 0.5;
    }
    value = static_cast<float>(sum * (state >> 58 == 0 ? 0.3 : 0.08));
  }
  return values;
}

struct SmallModel {
  std::uint32_t layers = 1;
  std::uint32_t width = 256;  // also of the feed-forward
  std::uint32_t rows = 256;   // of every matrix of a layer; other than width: for its types only
  std::uint32_t kv_heads = 1;
  std::uint32_t vocabulary = 48;
  bool tied = false;

  GgufBuilder builder() const {
    GgufBuilder file;
    file.key("general.architecture", "llama").key("general.name", "small");
    file.key("llama.block_count", layers).key("llama.context_length", std::uint32_t{64});
    file.key("llama.embedding_length", width).key("llama.feed_forward_length", width);
    file.key("llama.attention.head_count", std::uint32_t{4});
    file.key("llama.attention.head_count_kv", kv_heads);
    file.key("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    std::uint32_t seed = 1;
    const auto matrix = [&](const std::string& name, std::uint64_t n) {
      file.tensor(name, {width, n}, random_weights(n * width, seed++));
    };
    const auto ones = [&](const std::string& name) {
      file.tensor(name, {width}, std::vector<float>(width, 1.0f));
    };
    matrix("token_embd.weight", vocabulary);
    for (std::uint32_t i = 0; i < layers; ++i) {
      const std::string layer = "blk." + std::to_string(i) + ".";
      const std::uint64_t kv = std::uint64_t{rows} * kv_heads / 4;
      ones(layer + "attn_norm.weight");
      matrix(layer + "attn_q.weight", rows);
      matrix(layer + "attn_k.weight", kv);
      matrix(layer + "attn_v.weight", kv);
      matrix(layer + "attn_output.weight", rows);
      ones(layer + "ffn_norm.weight");
      matrix(layer + "ffn_gate.weight", rows);
      matrix(layer + "ffn_up.weight", rows);
      matrix(layer + "ffn_down.weight", rows);
    }
    ones("output_norm.weight");
    if (!tied) matrix("output.weight", vocabulary);
    return file;
  }
  std::vector<std::uint8_t> build() const { return builder().build(); }
};

inline inlay_source block_source(const std::vector<std::uint8_t>& bytes) {
  inlay_source source;
  inlay_source_memory(&source, bytes.data(), bytes.size());
  return source;
}

inline inlay_model_options depth_options(std::uint32_t depth) {
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.depth = depth;
  return options;
}

struct Quantized {
  inlay_status status = INLAY_OK;
  inlay_error error{};
  std::vector<std::uint8_t> bytes;
};

inline inlay_sink sink_to(std::vector<std::uint8_t>& bytes) {
  inlay_sink sink;
  inlay_sink_callback(&sink, &bytes, [](void* user, const void* data, size_t size) {
    auto& to = *static_cast<std::vector<std::uint8_t>*>(user);
    const auto* from = static_cast<const std::uint8_t*>(data);
    to.insert(to.end(), from, from + size);
    return inlay_status{INLAY_OK};
  });
  return sink;
}

inline inlay_quantize_options quantize_options(const char* type, std::uint32_t threads = 1) {
  inlay_quantize_options options;
  inlay_quantize_options_defaults(&options);
  options.type = type;
  options.threads = threads;
  return options;
}

inline Quantized quantize(const TestModel& model, const inlay_quantize_options& options) {
  Quantized result;
  const inlay_sink sink = sink_to(result.bytes);
  result.status = inlay_model_quantize(model.handle, &sink, &options, &result.error);
  return result;
}

inline Quantized quantize(const std::vector<std::uint8_t>& file,
                          const inlay_quantize_options& options) {
  return quantize(TestModel(file), options);
}

// "blk.0.attn_q.weight" -> "Q4_K", of every tensor.
inline std::map<std::string, std::string> types_of(const TestModel& model) {
  std::map<std::string, std::string> types;
  inlay_tensor tensor{};
  tensor.struct_size = sizeof tensor;
  for (std::uint64_t i = 0; inlay_model_get_tensor(model.handle, i, &tensor) == INLAY_OK; ++i) {
    types[std::string(tensor.name, tensor.name_length)] = tensor.type;
  }
  return types;
}

// The floats that a tensor of a file stands for.
inline std::vector<float> values_of(const std::vector<std::uint8_t>& file,
                                    const std::string& name) {
  Allocator allocator(system_allocator());
  Source source;
  Manifest manifest(allocator);
  Error error{};
  inlay_source description;
  inlay_source_memory(&description, file.data(), file.size());
  if (is_error(source.open(allocator, description, error)) ||
      is_error(read_gguf(source, manifest, error)) || !manifest.tensor(name)) {
    throw std::runtime_error(name + ": " + error.text);
  }
  const TensorInfo& tensor = *manifest.tensor(name);
  std::vector<float> values(tensor.elements);
  const std::uint64_t k = tensor.shape[0], rows = tensor.elements / k;
  for (std::uint64_t r = 0; r < rows; ++r) {
    dequantize_row(tensor.type, source.map() + tensor.offset + r * (tensor.bytes / rows),
                   static_cast<std::uint32_t>(k), values.data() + r * k);
  }
  return values;
}

}  // namespace inlay::test
