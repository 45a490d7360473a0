// hf_family.h - what a family of Hugging Face models says of a folder: the keys that its
// config.json comes to, and the shape of its tensors.
#pragma once

#include <cstdint>

#include "format/config_file.h"
#include "format/hf_names.h"
#include "format/key_writer.h"

namespace inlay {

// Rotary position embedding as config.json has it.
struct HfRope {
  enum class Kind : std::uint8_t { plain, linear, llama3 };
  Kind kind = Kind::plain;
  double theta = 10000;
  double part = 1;  // of each head that is rotated
  double factor = 1;
  double low = 1, high = 4;  // llama3: turns within `context` below and above which factor counts
  double context = 0;        // llama3: positions it was trained with first
};

// Whether the model has an output matrix of its own.
enum class HfOutput : std::uint8_t { own, tied, if_there };

struct HfModel {
  std::uint32_t vocabulary = 0;  // rows of the embedding
  const HfNames* names = nullptr;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_size = 0;
  bool pairs_neighbour = false;  // rows of queries and keys go from halves to neighbours
  bool attention_bias = false;   // of queries, keys and values
  bool attention_output_bias = false;
  bool mlp_bias = false;
  HfOutput output = HfOutput::if_there;
  HfRope rope;
};

// Errors stick in the config or the keys.
using HfFamily = void (*)(const ConfigFile& config, KeyWriter& keys, HfModel& model);

#define INLAY_FAMILY(model_type, architecture, function) \
  void function(const ConfigFile& config, KeyWriter& keys, HfModel& model);
#include "format/families.inc"
#undef INLAY_FAMILY

// Paragraphs that families share.

// Refuses UNSUPPORTED what the family's graph does not do: the text at `path` must be one of two.
void hf_expect_text(const ConfigFile& config, std::string_view path, std::string_view either,
                    std::string_view other);
void hf_expect_flag(const ConfigFile& config, std::string_view path, bool expected);
// Sizes of the decoder by the usual names, to keys and `model`.
void hf_sizes(const ConfigFile& config, KeyWriter& keys, HfModel& model);
// tie_word_embeddings; `fallback` is what the family's configuration class says.
void hf_output(const ConfigFile& config, bool fallback, HfModel& model);
// rope_scaling or rope_parameters, `theta` and `part` being the names of older files. Writes the
// rope keys; what needs a tensor stays in model.rope.
void hf_rope(const ConfigFile& config, std::string_view theta, std::string_view part,
             double part_fallback, bool has_divisors, KeyWriter& keys, HfModel& model);
// A window of attention shorter than the context would matter, and no graph has one.
void hf_refuse_window(const ConfigFile& config, bool used, std::uint32_t fallback,
                      std::uint32_t context);

}  // namespace inlay
