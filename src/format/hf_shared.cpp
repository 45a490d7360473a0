// hf_shared.cpp - the paragraphs that families of Hugging Face models share.
#include "format/hf_family.h"

namespace inlay {
namespace {

// As the graph has them.
constexpr double min_theta = 1, max_theta = 1e12;
constexpr std::uint32_t max_head_size = 4096;

// Where the settings of rope are, and the names of those inside.
struct RopePlace {
  const ConfigFile& config;
  std::string_view object;  // "" : there is none
  char text[64];
  std::string_view at(std::string_view name) {
    if (object.empty()) return name;
    return {text, print(text, sizeof text, "{}.{}", object, name)};
  }
};

// transformers before 5 wrote rope_scaling, since then rope_parameters; the former counts first.
std::string_view rope_object(const ConfigFile& config) {
  for (const std::string_view name : {"rope_scaling", "rope_parameters"}) {
    if (config.has(name)) return name;
  }
  return {};
}

void read_kind(RopePlace& place, bool has_divisors, HfRope& rope) {
  const ConfigFile& config = place.config;
  const std::string_view key = config.has(place.at("rope_type")) ? "rope_type" : "type";
  const std::string_view type = config.text_or(place.at(key), "default");
  if (type == "linear") {
    rope.kind = HfRope::Kind::linear;
  } else if (type == "llama3" && has_divisors) {
    rope.kind = HfRope::Kind::llama3;
  } else if (type != "default") {
    config.refuse(Status::unsupported, place.at(key),
                  has_divisors ? "default, linear or llama3" : "default or linear");
  }
}

// The setting of rope, else the one at `outside`, else `fallback`.
double positive(RopePlace& place, std::string_view name, double fallback,
                std::string_view outside = {}) {
  const ConfigFile& config = place.config;
  const bool inside = outside.empty() || config.has(place.at(name));
  const std::string_view path = inside ? place.at(name) : outside;
  const double value = config.real_or(path, fallback);
  if (value > 0) return value;
  config.refuse(Status::format, path, "a number above 0");
  return 1;
}

void read_llama3(RopePlace& place, std::uint32_t context, HfRope& rope) {
  rope.low = positive(place, "low_freq_factor", 0);
  rope.high = positive(place, "high_freq_factor", 0);
  rope.context = positive(place, "original_max_position_embeddings", context);
  if (rope.high <= rope.low) {
    place.config.refuse(Status::format, place.at("high_freq_factor"), "more than low_freq_factor");
  }
}

}  // namespace

void hf_expect_text(const ConfigFile& config, std::string_view path, std::string_view either,
                    std::string_view other) {
  const std::string_view found = config.text_or(path, either);
  if (found != either && found != other) config.refuse(Status::unsupported, path, either);
}

void hf_expect_flag(const ConfigFile& config, std::string_view path, bool expected) {
  if (config.flag_or(path, expected) == expected) return;
  config.refuse(Status::unsupported, path, expected ? "true" : "false");
}

void hf_sizes(const ConfigFile& config, KeyWriter& keys, HfModel& model) {
  const std::uint32_t width = config.number("hidden_size");
  model.layers = config.number("num_hidden_layers");
  model.heads = config.number("num_attention_heads");
  model.kv_heads = config.number_or("num_key_value_heads", model.heads);
  const bool stated = config.has("head_dim");
  model.head_size = stated ? config.number("head_dim") : width / model.heads;
  if (!stated && width % model.heads != 0) {
    config.refuse(Status::format, "num_attention_heads", "a divisor of hidden_size");
  }
  if (model.head_size < 2 || model.head_size > max_head_size) {
    config.refuse_with(Status::format, "heads of {} elements, expected 2 to {}", model.head_size,
                       max_head_size);
  }
  model.vocabulary = config.number("vocab_size");
  keys.number("vocab_size", model.vocabulary);
  keys.number("embedding_length", width);
  keys.number("block_count", model.layers);
  keys.number("feed_forward_length", config.number("intermediate_size"));
  keys.number("attention.head_count", model.heads);
  keys.number("attention.head_count_kv", model.kv_heads);
  keys.number("attention.key_length", model.head_size);
  keys.number("attention.value_length", model.head_size);
}

void hf_output(const ConfigFile& config, bool fallback, HfModel& model) {
  const bool tied = config.flag_or("tie_word_embeddings", fallback);
  const bool stated = config.has("tie_word_embeddings");
  model.output = tied ? HfOutput::tied : stated ? HfOutput::own : HfOutput::if_there;
}

void hf_rope(const ConfigFile& config, std::string_view theta, std::string_view part,
             double part_fallback, bool has_divisors, KeyWriter& keys, HfModel& model) {
  HfRope& rope = model.rope;
  RopePlace place{config, rope_object(config), {}};
  for (const std::string_view by_layer : {"full_attention", "sliding_attention"}) {
    if (!config.has(place.at(by_layer))) continue;
    config.refuse(Status::unsupported, place.at(by_layer), "one form of rope for all layers");
  }
  read_kind(place, has_divisors, rope);
  rope.theta = positive(place, "rope_theta", rope.theta, theta);
  rope.part = positive(place, "partial_rotary_factor", part_fallback, part);
  if (rope.kind != HfRope::Kind::plain) rope.factor = positive(place, "factor", 0);
  if (rope.kind == HfRope::Kind::llama3) {
    read_llama3(place, config.number_or("max_position_embeddings", 0), rope);
  }
  if (rope.theta < min_theta || rope.theta > max_theta) {
    config.refuse_with(Status::format, "expected a base of rope from {} to {}, file has {}",
                       min_theta, max_theta, rope.theta);
  }
  const double rotated = rope.part * model.head_size;
  if (!(rope.part <= 1)) {
    config.refuse_with(Status::format, "expected a part of each head to be rotated, file has {}",
                       rope.part);
    return;
  }
  if (is_error(config.status())) return;
  keys.number("rope.dimension_count", static_cast<std::uint32_t>(rotated));
  keys.real("rope.freq_base", rope.theta);
  if (rope.kind != HfRope::Kind::linear) return;
  keys.text("rope.scaling.type", "linear");
  keys.real("rope.scaling.factor", rope.factor);
}

void hf_refuse_window(const ConfigFile& config, bool used, std::uint32_t fallback,
                      std::uint32_t context) {
  // null means that there is no window, a missing key the class's own.
  if (!used || config.is_null("sliding_window")) return;
  const std::uint32_t window = config.number_or("sliding_window", fallback);
  if (window >= context) return;
  config.refuse_with(Status::unsupported,
                     "sliding_window: attention over {} of {} positions is not supported", window,
                     context);
}

}  // namespace inlay
