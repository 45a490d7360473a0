// vocab_view.cpp - from the tokenizer.ggml keys to a VocabSource.
#include "engine/vocab_view.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

constexpr std::uint32_t written_for_none = 0xffffffffu;  // how some files write "no such token"

Status wrong_array(const Manifest& m, std::string_view key, const char* expected,
                   const Value& value, Error& error) {
  return fail(error, Status::format, "{}: {}: expected an array of {}, file has {} {}",
              Shown(m.file()), key, expected, value.count(), value_type_name(value.type()));
}

Status get_texts(const Manifest& m, std::string_view key, std::span<const std::string_view>& out,
                 Error& error) {
  const Value* value = m.find(key);
  if (!value) return Status::ok;
  if (!value->is_array() || (value->count() && value->type() != ValueType::string)) {
    return wrong_array(m, key, "string", *value, error);
  }
  out = value->texts();
  return Status::ok;
}

Status get_floats(const Manifest& m, std::string_view key, std::span<const float>& out,
                  Error& error) {
  const Value* value = m.find(key);
  if (!value) return Status::ok;
  if (!value->is_array() || (value->count() && value->type() != ValueType::f32)) {
    return wrong_array(m, key, "f32", *value, error);
  }
  out = value->floats();
  return Status::ok;
}

// Types or ids of tokens; another width than 32 bits is not what the format says of them.
Status get_integers(const Manifest& m, std::string_view key, Array<std::int32_t>& out,
                    Error& error) {
  const Value* value = m.find(key);
  if (!value) return Status::ok;
  const bool fits = value->type() == ValueType::i32 || value->type() == ValueType::u32;
  if (!value->is_array() || (value->count() && !fits)) {
    return wrong_array(m, key, "i32", *value, error);
  }
  if (is_error(out.resize(value->count()))) return fail_memory(error, key);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::int64_t type = 0;
    if (!value->integer(i, type) || type < INT32_MIN || type > INT32_MAX) {
      return wrong_array(m, key, "i32", *value, error);
    }
    out[i] = static_cast<std::int32_t>(type);
  }
  return Status::ok;
}

// The tokens that begin and end text must exist when they are named; of the others a file may say
// -1.
Status get_id(const Manifest& m, std::string_view key, bool optional, std::int64_t& id,
              Error& error) {
  id = VocabSource::absent;
  if (!m.find(key)) return Status::ok;
  INLAY_TRY(m.get(key, id, error));
  if (optional && (id == -1 || id == written_for_none)) {
    id = VocabSource::absent;
    return Status::ok;
  }
  if (id < 0 || id >= written_for_none) {
    return fail(error, Status::format, "{}: {}: expected a token id, file has {}", Shown(m.file()),
                key, id);
  }
  return Status::ok;
}

Status get_flag(const Manifest& m, std::string_view key, VocabSource::Flag& flag, Error& error) {
  flag = VocabSource::Flag::absent;
  if (!m.find(key)) return Status::ok;
  bool value = false;
  INLAY_TRY(m.get(key, value, error));
  flag = value ? VocabSource::Flag::yes : VocabSource::Flag::no;
  return Status::ok;
}

Status get_bytes(const Manifest& m, std::string_view key, std::span<const std::byte>& out,
                 Error& error) {
  const Value* value = m.find(key);
  if (!value) return Status::ok;
  if (!value->is_array() ||
      (value->count() && value->type() != ValueType::u8 && value->type() != ValueType::i8)) {
    return wrong_array(m, key, "u8 or i8", *value, error);
  }
  out = value->bytes();
  return Status::ok;
}

Status get_doubles(const Manifest& m, std::string_view key, Array<double>& out, Error& error) {
  const Value* value = m.find(key);
  if (!value) return Status::ok;
  if (!value->is_array() || (value->count() && value->type() != ValueType::f64)) {
    return wrong_array(m, key, "f64", *value, error);
  }
  if (is_error(out.resize(value->count()))) return fail_memory(error, key);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!value->number(i, out[i])) return wrong_array(m, key, "f64", *value, error);
  }
  return Status::ok;
}

// What the rules need beside their views.
struct RuleData {
  explicit RuleData(Allocator& allocator) : begin(allocator), end(allocator), scores(allocator) {}
  Array<std::int32_t> begin;
  Array<std::int32_t> end;
  Array<double> scores;
};

// Of a file that was made from a tokenizer.json.
Status get_rules(const Manifest& m, TextRules& rules, RuleData& data, Error& error) {
  std::uint32_t version = 0;
  INLAY_TRY(m.get_or("tokenizer.inlay.rules", version, 0, error));
  if (version == 0) return Status::ok;
  if (version != 2) {
    return fail(error, Status::unsupported, "{}: tokenizer.inlay.rules: file has {}, known is 2",
                Shown(m.file()), version);
  }
  rules.present = true;
  INLAY_TRY(get_bytes(m, "tokenizer.inlay.token_flags", rules.flags, error));
  INLAY_TRY(get_texts(m, "tokenizer.inlay.normalizers", rules.normalizers, error));
  INLAY_TRY(get_texts(m, "tokenizer.inlay.decoders", rules.decoders, error));
  INLAY_TRY(m.get_or("tokenizer.inlay.word_prefix", rules.word_prefix, {}, error));
  INLAY_TRY(m.get_or("tokenizer.inlay.word_suffix", rules.word_suffix, {}, error));
  std::uint32_t max_word = 0;
  INLAY_TRY(m.get_or("tokenizer.inlay.max_word", max_word, 100, error));
  rules.max_word = max_word;
  INLAY_TRY(get_doubles(m, "tokenizer.inlay.scores", data.scores, error));
  rules.scores = data.scores;
  INLAY_TRY(m.get_or("tokenizer.inlay.fuse_unknown", rules.fuse_unknown, false, error));
  INLAY_TRY(m.get_or("tokenizer.inlay.ignore_merges", rules.ignore_merges, false, error));
  rules.has_steps = m.find("tokenizer.inlay.pre_steps") != nullptr;
  INLAY_TRY(get_texts(m, "tokenizer.inlay.pre_steps", rules.steps, error));
  INLAY_TRY(get_integers(m, "tokenizer.inlay.begin_tokens", data.begin, error));
  INLAY_TRY(get_integers(m, "tokenizer.inlay.end_tokens", data.end, error));
  rules.begin_tokens = data.begin;
  rules.end_tokens = data.end;
  return Status::ok;
}

}  // namespace

Status load_tokenizer(const Manifest& m, Allocator& allocator, Tokenizer& tokenizer, Error& error) {
  VocabSource v{};
  v.file = m.file();
  Array<std::int32_t> types(allocator);
  INLAY_TRY(m.get("tokenizer.ggml.model", v.model, error));
  INLAY_TRY(m.get_or("tokenizer.ggml.pre", v.pre, {}, error));
  INLAY_TRY(get_texts(m, "tokenizer.ggml.tokens", v.tokens, error));
  INLAY_TRY(get_floats(m, "tokenizer.ggml.scores", v.scores, error));
  INLAY_TRY(get_integers(m, "tokenizer.ggml.token_type", types, error));
  v.types = types;
  INLAY_TRY(get_texts(m, "tokenizer.ggml.merges", v.merges, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.bos_token_id", false, v.bos, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.eos_token_id", false, v.eos, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.eot_token_id", true, v.eot, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.eom_token_id", true, v.eom, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.unknown_token_id", true, v.unknown, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.padding_token_id", true, v.padding, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.seperator_token_id", true, v.separator, error));
  INLAY_TRY(get_id(m, "tokenizer.ggml.cls_token_id", true, v.classifier, error));
  INLAY_TRY(get_bytes(m, "tokenizer.ggml.precompiled_charsmap", v.charsmap, error));
  Array<std::int32_t> ends(allocator);
  INLAY_TRY(get_integers(m, "tokenizer.inlay.end_token_ids", ends, error));
  v.ends = ends;
  INLAY_TRY(get_flag(m, "tokenizer.ggml.add_bos_token", v.add_bos, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.add_eos_token", v.add_eos, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.add_space_prefix", v.add_space_prefix, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.add_sep_token", v.add_sep, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.remove_extra_whitespaces", v.remove_spaces, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.normalizer.lowercase", v.lowercase, error));
  INLAY_TRY(get_flag(m, "tokenizer.ggml.normalizer.strip_accents", v.strip_accents, error));
  RuleData rules(allocator);
  INLAY_TRY(get_rules(m, v.rules, rules, error));
  return tokenizer.load(v, error);
}

}  // namespace inlay
