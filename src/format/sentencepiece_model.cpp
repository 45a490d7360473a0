// sentencepiece_model.cpp - a SentencePiece model (tokenizer.model, spiece.model) to keys as a GGUF
// file has them.
#include <cmath>

#include "base/diagnostics.h"
#include "format/folder.h"
#include "format/key_writer.h"
#include "format/limits.h"
#include "format/protobuf.h"

namespace inlay {
namespace {

// tokenizer.ggml.token_type has the numbers of the model's own types.
constexpr std::uint64_t type_normal = 1, type_user_defined = 4, last_type = 6;
constexpr std::uint64_t unigram = 1, bpe = 2;

class SentencePieceModel {
 public:
  SentencePieceModel(const Source& source, Manifest& manifest, Error& error)
      : source_(source),
        manifest_(manifest),
        error_(error),
        ggml_(manifest, "tokenizer.ggml", error),
        tokens_(manifest.allocator()),
        scores_(manifest.allocator()),
        types_(manifest.allocator()) {}

  Status read(const ConfigFile& config);

 private:
  Status out_of_memory() { return fail_memory(error_, "a SentencePiece model"); }
  Status refuse(const char* what) {
    return fail(error_, Status::unsupported, "{}: {} is not supported", Shown(name()), what);
  }
  Status malformed(const char* what) {
    return fail(error_, Status::format, "{}: {} is malformed", Shown(name()), what);
  }
  std::string_view name() const { return last_component(source_.name()); }

  Status load();
  Status read_piece(std::string_view bytes);
  Status read_trainer(std::string_view bytes);
  Status read_normalizer(std::string_view bytes);
  Status read_denormalizer(std::string_view bytes);
  Status check();
  Status write(const ConfigFile& config);
  void write_id(const char* name, std::int64_t id);
  template <class T, class From>
  Status write_array(std::string_view key, ValueType type, const From& from);

  const Source& source_;
  Manifest& manifest_;
  Error& error_;
  KeyWriter ggml_;
  std::string_view bytes_;
  Array<std::string_view> tokens_;
  Array<float> scores_;
  Array<std::int32_t> types_;
  std::uint64_t model_ = unigram;
  std::int64_t unknown_ = 0, bos_ = 1, eos_ = 2, padding_ = -1;
  bool suffix_ = false, prefix_ = true, squeeze_ = true, escape_ = true;
  bool has_user_defined_ = false;
  std::string_view charsmap_;
};

Status SentencePieceModel::load() {
  if (source_.size() > limits::metadata_bytes) {
    return fail(error_, Status::limit, "{}: {} bytes, at most {}", Shown(name()), source_.size(),
                limits::metadata_bytes);
  }
  const auto size = static_cast<std::size_t>(source_.size());
  auto* bytes = manifest_.store().allocate<char>(size);
  if (!bytes && size) return out_of_memory();
  if (size) INLAY_TRY(source_.read(0, bytes, size, error_));
  bytes_ = {bytes, size};
  return Status::ok;
}

Status SentencePieceModel::read(const ConfigFile& config) {
  INLAY_TRY(load());
  ProtobufReader fields(bytes_);
  while (fields.next()) {
    switch (fields.field()) {
      case 1: INLAY_TRY(read_piece(fields.bytes())); break;
      case 2: INLAY_TRY(read_trainer(fields.bytes())); break;
      case 3: INLAY_TRY(read_normalizer(fields.bytes())); break;
      case 5: INLAY_TRY(read_denormalizer(fields.bytes())); break;
      default: break;
    }
  }
  if (fields.is_bad()) return malformed("the file");
  INLAY_TRY(check());
  return write(config);
}

Status SentencePieceModel::read_piece(std::string_view bytes) {
  std::string_view text;
  float score = 0;
  std::uint64_t type = type_normal;
  ProtobufReader fields(bytes);
  while (fields.next()) {
    if (fields.field() == 1) text = fields.bytes();
    if (fields.field() == 2) score = fields.real();
    if (fields.field() == 3) type = fields.number();
  }
  if (fields.is_bad()) return malformed("a piece");
  if (type == 0 || type > last_type || !std::isfinite(score)) {
    return fail(error_, Status::format, "{}: piece {}: type {} or its score is not possible",
                Shown(name()), tokens_.size(), type);
  }
  if (tokens_.size() >= limits::array_items) {
    return fail(error_, Status::limit, "{}: over {} pieces", Shown(name()), limits::array_items);
  }
  has_user_defined_ = has_user_defined_ || type == type_user_defined;
  const bool added = !is_error(tokens_.push(text)) && !is_error(scores_.push(score)) &&
                     !is_error(types_.push(static_cast<std::int32_t>(type)));
  return added ? Status::ok : out_of_memory();
}

Status SentencePieceModel::read_trainer(std::string_view bytes) {
  ProtobufReader fields(bytes);
  while (fields.next()) {
    // Ids are 32 bits, written as 64 with the sign.
    const auto id = static_cast<std::int32_t>(fields.number());
    switch (fields.field()) {
      case 3: model_ = fields.number(); break;
      case 24: suffix_ = fields.number() != 0; break;
      case 40: unknown_ = id; break;
      case 41: bos_ = id; break;
      case 42: eos_ = id; break;
      case 43: padding_ = id; break;
      default: break;
    }
  }
  return fields.is_bad() ? malformed("trainer_spec") : Status::ok;
}

Status SentencePieceModel::read_normalizer(std::string_view bytes) {
  ProtobufReader fields(bytes);
  while (fields.next()) {
    switch (fields.field()) {
      case 2: charsmap_ = fields.bytes(); break;
      case 3: prefix_ = fields.number() != 0; break;
      case 4: squeeze_ = fields.number() != 0; break;
      case 5: escape_ = fields.number() != 0; break;
      default: break;
    }
  }
  return fields.is_bad() ? malformed("normalizer_spec") : Status::ok;
}

Status SentencePieceModel::read_denormalizer(std::string_view bytes) {
  ProtobufReader fields(bytes);
  bool maps = false;
  while (fields.next()) maps = maps || (fields.field() == 2 && !fields.bytes().empty());
  if (fields.is_bad()) return malformed("denormalizer_spec");
  return maps ? refuse("denormalizer_spec with a map") : Status::ok;
}

Status SentencePieceModel::check() {
  if (tokens_.empty()) return malformed("the file, which has no pieces,");
  if (model_ != unigram && model_ != bpe) {
    return fail(error_, Status::unsupported,
                "{}: trainer_spec.model_type: {} is not 1 (unigram) or 2 (BPE)", Shown(name()),
                model_);
  }
  if (suffix_) return refuse("trainer_spec.treat_whitespace_as_suffix");
  if (!escape_) return refuse("normalizer_spec.escape_whitespaces false");
  // Between two such tokens SentencePiece adds no space, the keys of GGUF do.
  const bool unclear = has_user_defined_ && (prefix_ || !charsmap_.empty());
  return unclear ? refuse("add_dummy_prefix or a map with user-defined pieces") : Status::ok;
}

void SentencePieceModel::write_id(const char* key, std::int64_t id) {
  if (id >= 0 && static_cast<std::uint64_t>(id) < tokens_.size()) {
    ggml_.number(key, static_cast<std::uint32_t>(id));
  }
}

template <class T, class From>
Status SentencePieceModel::write_array(std::string_view key, ValueType type, const From& from) {
  T* stored = manifest_.store().allocate<T>(from.size());
  if (!stored && !from.empty()) return out_of_memory();
  for (std::size_t i = 0; i < from.size(); ++i) stored[i] = static_cast<T>(from[i]);
  return manifest_.add_key(key, Value(type, true, from.size(), stored), error_);
}

Status SentencePieceModel::write(const ConfigFile& config) {
  const bool is_unigram = model_ == unigram;
  ggml_.text("model", is_unigram ? "t5" : "llama");
  INLAY_TRY(write_array<std::string_view>("tokenizer.ggml.tokens", ValueType::string, tokens_));
  INLAY_TRY(write_array<float>("tokenizer.ggml.scores", ValueType::f32, scores_));
  INLAY_TRY(write_array<std::int32_t>("tokenizer.ggml.token_type", ValueType::i32, types_));
  write_id("unknown_token_id", unknown_);
  write_id("bos_token_id", bos_);
  write_id("eos_token_id", eos_);
  write_id("padding_token_id", padding_);
  ggml_.flag("add_bos_token", config.flag_or("add_bos_token", !is_unigram));
  ggml_.flag("add_eos_token", config.flag_or("add_eos_token", is_unigram));
  ggml_.flag("add_space_prefix", prefix_);
  ggml_.flag("remove_extra_whitespaces", squeeze_);
  if (!charsmap_.empty()) {
    INLAY_TRY(write_array<char>("tokenizer.ggml.precompiled_charsmap", ValueType::u8, charsmap_));
  }
  return ggml_.status();
}

}  // namespace

Status read_sentencepiece(const Source& source, const ConfigFile& config, Manifest& manifest,
                          Error& error) {
  return SentencePieceModel(source, manifest, error).read(config);
}

}  // namespace inlay
