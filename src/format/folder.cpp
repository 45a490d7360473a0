// folder.cpp - the files of a Hugging Face folder, one after the other.
#include "format/folder.h"

#include <algorithm>

#include "format/hf_family.h"
#include "format/hf_tensors.h"

namespace inlay {
namespace {

constexpr const char* config_name = "config.json";
constexpr const char* generation_name = "generation_config.json";
constexpr std::size_t max_end_tokens = 64;

struct Family {
  std::string_view model_type, architecture;
  HfFamily describe;
};
constexpr Family families[] = {
#define INLAY_FAMILY(model_type, architecture, function) {model_type, architecture, function},
#include "format/families.inc"
#undef INLAY_FAMILY
};

// "bloom, llama ...", for error texts.
struct FamilyList {
  char text[256];
  std::size_t length = 0;
  FamilyList() {
    for (const Family& f : families) {
      length +=
          print(text + length, sizeof text - length, "{}{}", length ? ", " : "", f.model_type);
      if (length >= sizeof text) length = sizeof text - 1;
    }
  }
  std::string_view view() const { return {text, length}; }
};

const Family* find_family(const ConfigFile& config) {
  const std::string_view type = config.text_or("model_type", "");
  for (const Family& f : families) {
    if (f.model_type == type) return &f;
  }
  if (type.empty()) {
    config.refuse_with(Status::format, "model_type is missing");
  } else {
    config.refuse_with(Status::unsupported, "model_type {} is not supported, these are: {}",
                       Shown(type), FamilyList().view());
  }
  return nullptr;
}

std::string_view folder_name(std::string_view path) {
  while (path.size() > 1 && (path.back() == '/' || path.back() == '\\')) path.remove_suffix(1);
  return last_component(path);
}

class FolderReader {
 public:
  FolderReader(ModelFiles& files, Manifest& manifest, Error& error)
      : files_(files),
        manifest_(manifest),
        error_(error),
        config_(manifest.allocator(), error),
        generation_(manifest.allocator(), error) {}

  Status read();

 private:
  Status read_configs();
  Status read_layout();
  Status describe(const Family& family, HfModel& model);
  Status add_tensors(const HfModel& model);
  void add_token(KeyWriter& keys, std::string_view path, std::string_view name);
  std::size_t read_end_tokens(std::uint32_t* ids);
  void add_end_tokens(KeyWriter& keys, KeyWriter& own);
  Status add_tokens();
  Status add_sampling();
  // generation_config.json, where it has this setting, else config.json.
  const ConfigFile& of(std::string_view path) const {
    return generation_.has(path) ? generation_ : config_;
  }

  ModelFiles& files_;
  Manifest& manifest_;
  Error& error_;
  ConfigFile config_;
  std::uint32_t config_part_ = 0;
  ConfigFile generation_;
  QuantizedLayout layout_;
};

Status FolderReader::read() {
  INLAY_TRY(read_configs());
  const Family* family = find_family(config_);
  if (!family) return config_.status();
  HfModel model;
  INLAY_TRY(describe(*family, model));
  INLAY_TRY(add_tensors(model));
  INLAY_TRY(read_tokenizer_json(files_, manifest_, error_));
  INLAY_TRY(add_tokens());
  INLAY_TRY(add_sampling());
  INLAY_TRY(manifest_.index_keys(error_));
  return manifest_.index_tensors(error_);
}

Status FolderReader::read_configs() {
  bool present = false;
  std::uint32_t part = 0;
  INLAY_TRY(files_.find(config_name, &present, &config_part_, error_));
  if (!present) {
    return fail(error_, Status::io, "{}: the folder has no {}", Shown(files_.name()), config_name);
  }
  INLAY_TRY(config_.read(files_[config_part_], "quantization_config"));
  INLAY_TRY(read_layout());
  INLAY_TRY(files_.find(generation_name, &present, &part, error_));
  return present ? generation_.read(files_[part], "") : Status::ok;
}

Status FolderReader::read_layout() {
  if (config_.aside_position() == 0) return Status::ok;
  JsonReader json(files_[config_part_], manifest_.allocator(), error_);
  json.seek(config_.aside_position(), "quantization_config");
  INLAY_TRY(read_quantized_layout(json, layout_, error_));
  return json.status();
}

Status FolderReader::describe(const Family& family, HfModel& model) {
  KeyWriter general(manifest_, "general", error_), keys(manifest_, family.architecture, error_);
  const std::string_view name = folder_name(files_.name());
  general.text("architecture", family.architecture);
  general.text("type", "model");
  if (!name.empty()) general.text("name", name);
  family.describe(config_, keys, model);
  INLAY_TRY(config_.status());
  INLAY_TRY(general.status());
  return keys.status();
}

Status FolderReader::add_tensors(const HfModel& model) {
  StoredTensors stored(manifest_.allocator());
  INLAY_TRY(stored.read(files_, error_));
  return add_hf_tensors(files_, stored, layout_, model, manifest_, error_);
}

Status FolderReader::add_tokens() {
  KeyWriter keys(manifest_, "tokenizer.ggml", error_), own(manifest_, "tokenizer.inlay", error_);
  add_token(keys, "bos_token_id", "bos_token_id");
  add_token(keys, "pad_token_id", "padding_token_id");
  add_end_tokens(keys, own);
  INLAY_TRY(config_.status());
  INLAY_TRY(generation_.status());
  INLAY_TRY(keys.status());
  return own.status();
}

// The tokenizer's own files know better what begins a text; a negative id means none.
void FolderReader::add_token(KeyWriter& keys, std::string_view path, std::string_view name) {
  const ConfigFile& config = of(path);
  if (keys.has(name) || !config.has(path) || config.real_or(path, 0) < 0) return;
  keys.number(name, config.number_or(path, 0));
}

// eos_token_id is a number or a list of them.
std::size_t FolderReader::read_end_tokens(std::uint32_t* ids) {
  const ConfigFile& config = of("eos_token_id");
  std::size_t count = 0;
  for (const ConfigValue& value : config.values()) {
    const bool is_id = value.path == "eos_token_id" || value.path.starts_with("eos_token_id[");
    if (!is_id || value.kind == JsonReader::Kind::array || value.kind == JsonReader::Kind::null)
      continue;
    if (value.kind != JsonReader::Kind::number) {
      config.refuse(Status::format, value.path, "a token id");
      break;
    }
    if (value.number < 0) continue;
    if (count == max_end_tokens) {
      config.refuse_with(Status::limit, "eos_token_id: more than {} tokens", max_end_tokens);
      break;
    }
    ids[count++] = config.number_or(value.path, 0);
  }
  return count;
}

// GGUF has three names for tokens that end a text. An id that the tokenizer's files did not name
// takes the next free one; where they do not suffice, a key of our own lists all.
void FolderReader::add_end_tokens(KeyWriter& keys, KeyWriter& own) {
  static constexpr std::string_view names[] = {"eos_token_id", "eot_token_id", "eom_token_id"};
  std::uint32_t ids[max_end_tokens];
  const std::size_t count = read_end_tokens(ids);
  bool all_named = true;
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view free_name;
    bool named = false;
    for (const std::string_view name : names) {
      std::uint64_t id = 0;
      const Value* value = keys.find(name);
      named = named || (value && value->integer(0, id) && id == ids[i]);
      if (!value && free_name.empty()) free_name = name;
    }
    if (named) continue;
    if (free_name.empty()) {
      all_named = false;
    } else {
      keys.number(free_name, ids[i]);
    }
  }
  if (all_named) return;
  own.numbers("end_token_ids", {ids, count});
}

// What the model's makers sample with, unless they say that they do not.
Status FolderReader::add_sampling() {
  KeyWriter keys(manifest_, "general.sampling", error_);
  if (!generation_.flag_or("do_sample", true)) return generation_.status();
  const auto real = [&](std::string_view path, std::string_view name) {
    if (generation_.has(path)) keys.real(name, generation_.real_or(path, 0));
  };
  real("temperature", "temp");
  real("top_p", "top_p");
  real("min_p", "min_p");
  real("repetition_penalty", "penalty_repeat");
  if (generation_.has("top_k")) {
    const std::uint32_t top_k = generation_.number_or("top_k", 0);
    keys.integer("top_k", static_cast<std::int32_t>(std::min<std::uint32_t>(top_k, 0x7fffffffu)));
  }
  INLAY_TRY(generation_.status());
  return keys.status();
}

}  // namespace

Status read_folder(ModelFiles& files, Manifest& manifest, Error& error) {
  INLAY_TRY(manifest.clear(files.name(), error));
  const Status status = FolderReader(files, manifest, error).read();
  if (is_error(status)) manifest.clear();
  return status;
}

}  // namespace inlay
