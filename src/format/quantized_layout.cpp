// quantized_layout.cpp - "quantization_config": which published form of quantization a folder uses.
#include "format/quantized_layout.h"

#include <cstring>

#include "base/diagnostics.h"
#include "format/json.h"

namespace inlay {
namespace {

using Method = QuantizedLayout::Method;

// A short text of the file, kept; a longer one is cut and then matches nothing.
struct Word {
  char text[48] = {};
  std::size_t length = 0;
  void keep(std::string_view value) {
    length = value.size() < sizeof text ? value.size() : sizeof text;
    std::memcpy(text, value.data(), length);
  }
  std::string_view view() const { return {text, length}; }
  bool empty() const { return length == 0; }
  // Letters in either case; `word` is in lower case.
  bool is(std::string_view word) const {
    if (length != word.size()) return false;
    for (std::size_t i = 0; i < length; ++i) {
      const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
      if (c != word[i]) return false;
    }
    return true;
  }
};

// A number that may be absent, null or -1: not said.
struct Count {
  std::int64_t value = -1;
  bool said() const { return value >= 0; }
};

// The settings as they are written, whatever their order.
class Settings {
 public:
  explicit Settings(JsonReader& json) : json_(json) {}

  void read();
  void interpret(QuantizedLayout& layout);

 private:
  void read_key(std::string_view key);
  void read_word(Word& word);
  void read_count(Count& count);
  void read_flag(bool& flag);
  void read_block(Count& rows, Count& columns);
  void read_groups();
  void read_group();
  void read_weights();
  void read_part(std::string_view wanted, Word& word);
  void refuse_members(const char* what);
  bool skip_null();

  void fp8(QuantizedLayout& layout);
  void awq(QuantizedLayout& layout);
  void gptq(QuantizedLayout& layout);
  void compressed(QuantizedLayout& layout);
  void unsupported(const char* key, const Word& word, const char* expected);
  void unsupported(const char* key, std::int64_t value, const char* expected);
  std::uint32_t checked(const char* key, Count count, std::int64_t low);

  JsonReader& json_;
  Word method_, version_, format_, checkpoint_, pack_type_, float_, algorithm_, sparsity_;
  Word group_format_;
  Count bits_, group_, block_rows_, block_columns_;
  bool zero_point_ = true, symmetric_ = false;
};

bool Settings::skip_null() {
  if (json_.peek() != JsonReader::Kind::null) return false;
  json_.null();
  return true;
}

void Settings::read_word(Word& word) {
  std::string_view value;
  if (!skip_null() && json_.text(value)) word.keep(value);
}

void Settings::read_count(Count& count) {
  if (!skip_null()) json_.integer(count.value);
}

void Settings::read_flag(bool& flag) {
  if (!skip_null()) json_.boolean(flag);
}

// [rows, columns]
void Settings::read_block(Count& rows, Count& columns) {
  if (skip_null() || !json_.begin_array()) return;
  Count* const parts[] = {&rows, &columns};
  std::size_t count = 0;
  for (; json_.next_item(); ++count) {
    if (count == 2) return json_.refuse(Status::format, "more than 2 numbers");
    json_.integer(parts[count]->value);
  }
  if (count != 2) json_.refuse(Status::format, "expected 2 numbers");
}

// The text of one key of an object.
void Settings::read_part(std::string_view wanted, Word& word) {
  if (skip_null() || !json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) {
    if (key == wanted) {
      read_word(word);
    } else {
      json_.skip();
    }
  }
}

void Settings::refuse_members(const char* what) {
  if (skip_null() || !json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) {
    const bool empty = json_.peek() == JsonReader::Kind::null;
    json_.skip();
    if (!empty && key != "version") json_.refuse(Status::unsupported, what);
  }
}

void Settings::read() {
  if (!json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) read_key(key);
}

void Settings::read_key(std::string_view key) {
  if (key == "quant_method") return read_word(method_);
  if (key == "bits" || key == "w_bit") return read_count(bits_);
  if (key == "group_size" || key == "q_group_size") return read_count(group_);
  if (key == "sym") return read_flag(symmetric_);
  if (key == "zero_point") return read_flag(zero_point_);
  if (key == "version") return read_word(version_);
  if (key == "format") return read_word(format_);
  if (key == "checkpoint_format") return read_word(checkpoint_);
  if (key == "pack_dtype") return read_word(pack_type_);
  if (key == "fmt") return read_word(float_);
  if (key == "quant_algo") return read_word(algorithm_);
  if (key == "weight_block_size") return read_block(block_rows_, block_columns_);
  if (key == "config_groups") return read_groups();
  if (key == "sparsity_config") return read_part("format", sparsity_);
  if (key == "transform_config") return refuse_members("rotated weights are not supported");
  // Lists of modules need no reading: what is not quantized has plain tensors. Settings of
  // activations, caches and of the way the weights were made do not change the weights.
  json_.skip();
}

// compressed-tensors: {"group_0": {"weights": {...}, "format": ...}, ...}
void Settings::read_groups() {
  if (skip_null() || !json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) read_group();
}

void Settings::read_group() {
  if (!json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) {
    if (key == "weights") {
      read_weights();
    } else if (key == "format") {
      read_word(group_format_);
      if (group_format_.is("nvfp4-pack-quantized")) format_ = group_format_;
    } else {
      json_.skip();
    }
  }
}

void Settings::read_weights() {
  if (skip_null() || !json_.begin_object()) return;
  for (std::string_view key; json_.next_key(key);) {
    if (key == "block_structure" && json_.peek() == JsonReader::Kind::array) {
      read_block(block_rows_, block_columns_);
    } else {
      json_.skip();
    }
  }
}

// ---- Meaning ------------------------------------------------------------------------------------

void Settings::unsupported(const char* key, const Word& word, const char* expected) {
  char text[256];
  print(text, sizeof text, "{}: expected {}, file has {}", key, expected, Shown(word.view()));
  json_.refuse(Status::unsupported, text);
}

void Settings::unsupported(const char* key, std::int64_t value, const char* expected) {
  char text[256];
  print(text, sizeof text, "{}: expected {}, file has {}", key, expected, value);
  json_.refuse(Status::unsupported, text);
}

// 0 when it is not said.
std::uint32_t Settings::checked(const char* key, Count count, std::int64_t low) {
  if (!count.said()) return 0;
  constexpr std::int64_t high = 1 << 24;
  if (count.value >= low && count.value <= high) return static_cast<std::uint32_t>(count.value);
  char text[160];
  print(text, sizeof text, "{}: expected {} to {}, file has {}", key, low, high, count.value);
  json_.refuse(Status::format, text);
  return 0;
}

void Settings::fp8(QuantizedLayout& layout) {
  layout.method = Method::fp8;
  if (!float_.empty() && !float_.is("e4m3")) unsupported("fmt", float_, "e4m3");
  layout.block_rows = checked("weight_block_size", block_rows_, 1);
  layout.block_columns = checked("weight_block_size", block_columns_, 1);
}

// All names of the one layout that AutoAWQ calls GEMM.
void Settings::awq(QuantizedLayout& layout) {
  layout.method = Method::awq;
  for (const Word* word : {&version_, &format_, &checkpoint_}) {
    const bool known = word->empty() || word->is("gemm") || word->is("exllama") || word->is("ipex");
    if (!known) unsupported("version", *word, "gemm");
  }
  if (bits_.said() && bits_.value != 4) unsupported("bits", bits_.value, "4");
  if (!zero_point_) json_.refuse(Status::unsupported, "zero_point: expected true, file has false");
  layout.bits = 4;
  layout.group = checked("group_size", group_, 1);
}

void Settings::gptq(QuantizedLayout& layout) {
  layout.method = Method::gptq;
  for (const Word* word : {&checkpoint_, &format_}) {
    const bool known = word->empty() || word->is("gptq") || word->is("gptq_v2");
    if (!known) unsupported("checkpoint_format", *word, "gptq or gptq_v2");
    if (word->is("gptq_v2")) layout.zeros_less_one = false;
  }
  if (!bits_.said()) return json_.refuse(Status::format, "bits is missing");
  if (bits_.value != 4 && bits_.value != 8) unsupported("bits", bits_.value, "4 or 8");
  if (!pack_type_.empty() && !pack_type_.is("int32"))
    unsupported("pack_dtype", pack_type_, "int32");
  layout.bits = static_cast<std::uint32_t>(bits_.value);
  layout.group = checked("group_size", group_, 1);
  layout.symmetric = symmetric_;
}

void Settings::compressed(QuantizedLayout& layout) {
  layout.method = Method::compressed_tensors;
  constexpr const char* forms[] = {"dense",           "int-quantized",       "naive-quantized",
                                   "float-quantized", "pack-quantized",      "mixed-precision",
                                   "mxfp8-quantized", "mxfp4-pack-quantized"};
  bool known = format_.empty();
  for (const char* form : forms) known = known || format_.is(form);
  if (!known) {
    unsupported("format", format_,
                "int-quantized, float-quantized, pack-quantized or mxfp4-pack-quantized");
  }
  const bool dense = sparsity_.empty() || sparsity_.is("dense");
  if (!dense) unsupported("sparsity_config.format", sparsity_, "dense");
  layout.block_rows = checked("block_structure", block_rows_, 1);
  layout.block_columns = checked("block_structure", block_columns_, 1);
}

void Settings::interpret(QuantizedLayout& layout) {
  if (method_.empty()) return json_.refuse(Status::format, "quant_method is missing");
  if (method_.is("fp8") || method_.is("fbgemm_fp8")) return fp8(layout);
  if (method_.is("modelopt") && algorithm_.is("fp8")) return fp8(layout);
  if (method_.is("awq")) return awq(layout);
  if (method_.is("gptq")) return gptq(layout);
  if (method_.is("compressed-tensors")) return compressed(layout);
  if (method_.is("mxfp4")) {
    layout.method = Method::mxfp4;
    return;
  }
  unsupported("quant_method", method_, "fp8, mxfp4, awq, gptq or compressed-tensors");
}

}  // namespace

Status read_quantized_layout(JsonReader& json, QuantizedLayout& layout, Error&) {
  Settings settings(json);
  settings.read();
  if (is_error(json.status())) return json.status();
  layout = {};
  settings.interpret(layout);
  return json.status();
}

}  // namespace inlay
