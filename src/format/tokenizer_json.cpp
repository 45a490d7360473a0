// tokenizer_json.cpp - the tokenizer files of a folder to keys as a GGUF file has them.
//
// Keys that GGUF has no words for are called tokenizer.inlay.*: text/rules.h says what they mean. A
// GGUF file that carries them tokenizes as the folder did.
#include <algorithm>

#include "base/diagnostics.h"
#include "format/chat_templates.h"
#include "format/config_file.h"
#include "format/folder.h"
#include "format/key_writer.h"
#include "format/limits.h"
#include "format/name_index.h"
#include "format/pretokenizer_names.h"
#include "format/tokenizer_file.h"

namespace inlay {
namespace {

constexpr std::uint32_t rules_version = 2;

// tokenizer.ggml.token_type
enum TokenType : std::int32_t {
  type_normal = 1,
  type_unknown = 2,
  type_control = 3,
  type_user_defined = 4,
  type_unused = 5,
  type_byte = 6,
};

// tokenizer.inlay.token_flags
enum TokenFlagBit : std::uint8_t {
  flag_normalized = 1,
  flag_lstrip = 2,
  flag_rstrip = 4,
  flag_single_word = 8,
  flag_not_in_model = 16,
};

bool is_byte_name(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return text.size() == 6 && text.starts_with("<0x") && is_hex(text[3]) && is_hex(text[4]) &&
         text[5] == '>';
}

class TokenizerKeys {
 public:
  TokenizerKeys(const TokenizerFile& file, std::string_view name, Manifest& manifest, Error& error)
      : file_(file),
        name_(name),
        manifest_(manifest),
        error_(error),
        vocab_(manifest.allocator()),
        added_(manifest.allocator()),
        begin_(manifest.allocator()),
        end_(manifest.allocator()),
        ggml_(manifest, "tokenizer.ggml", error),
        inlay_(manifest, "tokenizer.inlay", error) {}

  // `config` of tokenizer_config.json; empty when the folder has none.
  Status run(const ConfigFile& config);

 private:
  std::string_view model_name() const;
  Status count_tokens();
  Status place(std::uint32_t id, std::string_view text);
  Status two_ids(std::string_view text, std::uint32_t first, std::uint32_t second);
  Status place_vocab();
  Status place_added();
  Status place_holes();
  Status mark_unknown();
  Status read_around(const Array<std::string_view>& names, Array<std::int32_t>& ids);
  std::string_view token_text(const ConfigFile& config, std::string_view name) const;
  Status find_id(const ConfigFile& config, std::string_view name, bool needed, std::int64_t& id);
  Status add_ids(const ConfigFile& config);
  Status add_around(const ConfigFile& config, std::string_view flag, Array<std::int32_t>& around,
                    std::int64_t id, std::string_view list);
  Status add_tokens();
  Status add_pretokenizer();
  Status add_scores();
  bool adds_space() const;
  Status add_rules();

  template <class T>
  Status new_array(std::size_t count, T*& out) {
    out = manifest_.store().allocate<T>(count);
    return count && !out ? fail_memory(error_, "vocabulary") : Status::ok;
  }
  Status add_array(std::string_view key, ValueType type, std::size_t count, const void* data) {
    return manifest_.add_key(key, Value(type, true, count, data), error_);
  }
  Status add_texts(std::string_view key, const Array<std::string_view>& texts);
  Status add_numbers(std::string_view key, const Array<std::int32_t>& numbers);
  std::int32_t find(std::string_view text) const {
    if (const VocabEntry* entry = vocab_.find(file_.vocab, text)) {
      return static_cast<std::int32_t>(entry->id);
    }
    const AddedToken* token = added_.find(file_.added, text);
    return token ? static_cast<std::int32_t>(token->id) : -1;
  }

  const TokenizerFile& file_;
  std::string_view name_;
  Manifest& manifest_;
  Error& error_;
  NameIndex<VocabEntry, &VocabEntry::text> vocab_;
  NameIndex<AddedToken, &AddedToken::text> added_;
  std::string_view* tokens_ = nullptr;  // (count_)
  std::int32_t* types_ = nullptr;       // 0: not there yet
  std::uint8_t* flags_ = nullptr;
  std::size_t count_ = 0;
  bool has_flags_ = false;
  Array<std::int32_t> begin_;  // that the post-processor puts before text
  Array<std::int32_t> end_;
  std::int64_t bos_ = -1;
  std::int64_t eos_ = -1;
  KeyWriter ggml_;
  KeyWriter inlay_;
};

Status TokenizerKeys::run(const ConfigFile& config) {
  INLAY_TRY(count_tokens());
  INLAY_TRY(place_vocab());
  INLAY_TRY(place_added());
  INLAY_TRY(place_holes());
  INLAY_TRY(read_around(file_.begin, begin_));
  INLAY_TRY(read_around(file_.end, end_));
  ggml_.text("model", model_name());
  INLAY_TRY(add_ids(config));
  INLAY_TRY(mark_unknown());
  INLAY_TRY(add_tokens());
  INLAY_TRY(add_pretokenizer());
  INLAY_TRY(add_rules());
  INLAY_TRY(config.status());
  INLAY_TRY(ggml_.status());
  return inlay_.status();
}

std::string_view TokenizerKeys::model_name() const {
  switch (file_.model) {
    case TokenizerModel::unigram: return "t5";
    case TokenizerModel::wordpiece: return "bert";
    case TokenizerModel::wordlevel: return "wordlevel";
    default: return file_.byte_level ? "gpt2" : "llama";
  }
}

// ---- Tokens by id

// Ids may leave holes, but a few bytes of file must not ask for much memory.
Status TokenizerKeys::count_tokens() {
  std::uint64_t last = 0;
  for (const VocabEntry& entry : file_.vocab) last = std::max<std::uint64_t>(last, entry.id);
  for (const AddedToken& token : file_.added) last = std::max<std::uint64_t>(last, token.id);
  const std::uint64_t named = file_.vocab.size() + file_.added.size();
  const std::uint64_t most = std::min(4 * named + 65536, limits::array_items);
  if (last >= most) {
    return fail(error_, Status::limit, "{}: token id {} with {} tokens, at most {}", Shown(name_),
                last, named, most - 1);
  }
  count_ = static_cast<std::size_t>(last) + 1;
  INLAY_TRY(new_array(count_, tokens_));
  INLAY_TRY(new_array(count_, types_));
  INLAY_TRY(new_array(count_, flags_));
  std::fill_n(tokens_, count_, std::string_view{});
  std::fill_n(types_, count_, 0);
  std::fill_n(flags_, count_, std::uint8_t{0});
  const bool indexed = !is_error(vocab_.build(file_.vocab)) && !is_error(added_.build(file_.added));
  return indexed ? Status::ok : fail_memory(error_, "vocabulary");
}

Status TokenizerKeys::two_ids(std::string_view text, std::uint32_t first, std::uint32_t second) {
  return fail(error_, Status::format, "{}: token '{}' has two ids: {} and {}", Shown(name_),
              Shown(text), first, second);
}

Status TokenizerKeys::place(std::uint32_t id, std::string_view text) {
  if (types_[id]) {
    return fail(error_, Status::format, "{}: token id {} has two texts: '{}' and '{}'",
                Shown(name_), id, Shown(tokens_[id]), Shown(text));
  }
  tokens_[id] = text;
  types_[id] = type_normal;
  return Status::ok;
}

Status TokenizerKeys::place_vocab() {
  const std::span<const VocabEntry> vocab = file_.vocab;
  if (const std::uint32_t* twice = vocab_.duplicate(vocab)) {
    return two_ids(vocab[twice[0]].text, vocab[twice[0]].id, vocab[twice[1]].id);
  }
  for (const VocabEntry& entry : file_.vocab) {
    INLAY_TRY(place(entry.id, entry.text));
    if (file_.byte_fallback && is_byte_name(entry.text)) types_[entry.id] = type_byte;
  }
  return Status::ok;
}

Status TokenizerKeys::place_added() {
  for (const AddedToken& token : file_.added) {
    const auto known = static_cast<std::uint32_t>(find(token.text));  // perhaps this one
    if (known != token.id) return two_ids(token.text, known, token.id);
    const bool in_model = tokens_[known] == token.text && types_[known];
    if (!in_model) INLAY_TRY(place(known, token.text));
    if (types_[token.id] == type_byte) {
      return fail(error_, Status::unsupported, "{}: added_tokens: '{}' is a byte of byte_fallback",
                  Shown(name_), Shown(token.text));
    }
    types_[token.id] = token.special ? type_control : type_user_defined;
    const int flags = (token.normalized ? flag_normalized : 0) | (token.lstrip ? flag_lstrip : 0) |
                      (token.rstrip ? flag_rstrip : 0) |
                      (token.single_word ? flag_single_word : 0) |
                      (in_model || file_.model == TokenizerModel::bpe ? 0 : flag_not_in_model);
    flags_[token.id] = static_cast<std::uint8_t>(flags);
    has_flags_ = has_flags_ || flags;
  }
  return Status::ok;
}

// Ids that no text has: "[PAD7]", never made by encoding.
Status TokenizerKeys::place_holes() {
  for (std::size_t id = 0; id < count_; ++id) {
    if (types_[id]) continue;
    char text[32];
    const std::size_t size = print(text, sizeof text, "[PAD{}]", id);
    if (is_error(manifest_.store().copy({text, size}, tokens_[id]))) {
      return fail_memory(error_, "vocabulary");
    }
    types_[id] = type_unused;
  }
  return Status::ok;
}

// The token for what no other token spells; text must not become the begin or end of one by it.
Status TokenizerKeys::mark_unknown() {
  if (file_.unknown.empty()) return Status::ok;
  const std::int32_t id = find(file_.unknown);
  if (id < 0) {
    return fail(error_, Status::format, "{}: model.unk_token: '{}' is no token", Shown(name_),
                Shown(file_.unknown));
  }
  ggml_.number("unknown_token_id", static_cast<std::uint32_t>(id));
  if (!file_.byte_level && id != bos_ && id != eos_) types_[id] = type_unknown;
  return Status::ok;
}

// ---- Ids with a meaning

Status TokenizerKeys::read_around(const Array<std::string_view>& names, Array<std::int32_t>& ids) {
  for (const std::string_view name : names) {
    bool found = false;
    for (const NamedId& named : file_.named_ids) {
      if (named.name != name) continue;
      found = true;
      if (named.id >= count_) {
        return fail(error_, Status::format, "{}: post_processor: '{}' is id {}, with {} tokens",
                    Shown(name_), Shown(name), named.id, count_);
      }
      if (is_error(ids.push(static_cast<std::int32_t>(named.id)))) {
        return fail_memory(error_, "vocabulary");
      }
    }
    if (!found) {
      return fail(error_, Status::format, "{}: post_processor: '{}' has no id", Shown(name_),
                  Shown(name));
    }
  }
  return Status::ok;
}

// "bos_token": "<s>" or {"content": "<s>", ...}
std::string_view TokenizerKeys::token_text(const ConfigFile& config, std::string_view name) const {
  char path[64];
  const std::size_t size = print(path, sizeof path, "{}.content", name);
  const std::string_view content(path, size);
  return config.has(content) ? config.text_or(content, {}) : config.text_or(name, {});
}

Status TokenizerKeys::find_id(const ConfigFile& config, std::string_view name, bool needed,
                              std::int64_t& id) {
  const std::string_view text = token_text(config, name);
  if (text.empty()) return Status::ok;
  id = find(text);
  if (id >= 0 || !needed) return Status::ok;
  return fail(error_, Status::format, "{}: {}: '{}' is no token of {}", Shown(config.name()), name,
              Shown(text), Shown(name_));
}

// The post-processor decides what goes around text, unless tokenizer_config.json says it outright.
Status TokenizerKeys::add_ids(const ConfigFile& config) {
  std::int64_t padding = -1;
  INLAY_TRY(find_id(config, "bos_token", true, bos_));
  INLAY_TRY(find_id(config, "eos_token", true, eos_));
  INLAY_TRY(find_id(config, "pad_token", false, padding));
  if (bos_ < 0 && begin_.size() == 1) bos_ = begin_[0];
  if (eos_ < 0 && end_.size() == 1) eos_ = end_[0];
  if (bos_ >= 0) ggml_.number("bos_token_id", static_cast<std::uint32_t>(bos_));
  if (eos_ >= 0) ggml_.number("eos_token_id", static_cast<std::uint32_t>(eos_));
  if (padding >= 0) ggml_.number("padding_token_id", static_cast<std::uint32_t>(padding));
  INLAY_TRY(add_around(config, "add_bos_token", begin_, bos_, "tokenizer.inlay.begin_tokens"));
  return add_around(config, "add_eos_token", end_, eos_, "tokenizer.inlay.end_tokens");
}

// One token that is bos (or eos) is a flag of GGUF, others are a list of ours.
Status TokenizerKeys::add_around(const ConfigFile& config, std::string_view flag,
                                 Array<std::int32_t>& around, std::int64_t id,
                                 std::string_view list) {
  const bool is_one = around.size() == 1 && around[0] == id;
  const bool adds = config.flag_or(flag, is_one) && id >= 0;
  const bool is_list = !around.empty() && !is_one;
  ggml_.flag(flag, adds && !is_list);
  return is_list ? add_numbers(list, around) : Status::ok;
}

// ---- Arrays

Status TokenizerKeys::add_texts(std::string_view key, const Array<std::string_view>& texts) {
  std::string_view* stored = nullptr;
  INLAY_TRY(new_array(texts.size(), stored));
  std::copy(texts.begin(), texts.end(), stored);
  return add_array(key, ValueType::string, texts.size(), stored);
}

Status TokenizerKeys::add_numbers(std::string_view key, const Array<std::int32_t>& numbers) {
  std::int32_t* stored = nullptr;
  INLAY_TRY(new_array(numbers.size(), stored));
  std::copy(numbers.begin(), numbers.end(), stored);
  return add_array(key, ValueType::i32, numbers.size(), stored);
}

Status TokenizerKeys::add_tokens() {
  INLAY_TRY(add_array("tokenizer.ggml.tokens", ValueType::string, count_, tokens_));
  INLAY_TRY(add_array("tokenizer.ggml.token_type", ValueType::i32, count_, types_));
  if (file_.model == TokenizerModel::bpe) {
    INLAY_TRY(add_texts("tokenizer.ggml.merges", file_.merges));
  }
  if (file_.model == TokenizerModel::unigram) INLAY_TRY(add_scores());
  if (!has_flags_) return Status::ok;
  return add_array("tokenizer.inlay.token_flags", ValueType::u8, count_, flags_);
}

// A name where one says it all. The steps of our own stand beside the name "inlay", which tells
// other programs that they cannot know it.
Status TokenizerKeys::add_pretokenizer() {
  const std::string_view name = pretokenizer_name(file_.steps);
  if (file_.byte_level) ggml_.text("pre", name.empty() ? "inlay" : name);
  if (file_.byte_level ? !name.empty() : file_.steps.empty()) return Status::ok;
  return add_texts("tokenizer.inlay.pre_steps", file_.steps);
}

// Single precision where it holds them all.
Status TokenizerKeys::add_scores() {
  float* scores = nullptr;
  double* precise = nullptr;
  INLAY_TRY(new_array(count_, scores));
  INLAY_TRY(new_array(count_, precise));
  std::fill_n(scores, count_, 0.0f);
  std::fill_n(precise, count_, 0.0);
  bool exact = true;
  for (std::size_t i = 0; i < file_.vocab.size(); ++i) {
    const std::uint32_t id = file_.vocab[i].id;
    precise[id] = file_.scores[i];
    scores[id] = static_cast<float>(precise[id]);
    exact = exact && scores[id] == precise[id];
  }
  INLAY_TRY(add_array("tokenizer.ggml.scores", ValueType::f32, count_, scores));
  if (exact) return Status::ok;
  return add_array("tokenizer.inlay.scores", ValueType::f64, count_, precise);
}

// Whether something goes before text; for other programs.
bool TokenizerKeys::adds_space() const {
  bool adds = false;
  for (const std::string_view step : file_.normalizers) {
    adds = adds || step.starts_with("prepend ");
  }
  for (const std::string_view step : file_.steps) {
    adds = adds || (step.starts_with("metaspace ") && step != "metaspace never");
  }
  return adds;
}

Status TokenizerKeys::add_rules() {
  if (!file_.byte_level) ggml_.flag("add_space_prefix", adds_space());
  inlay_.number("rules", rules_version);
  if (!file_.normalizers.empty()) {
    INLAY_TRY(add_texts("tokenizer.inlay.normalizers", file_.normalizers));
  }
  if (!file_.decoders.empty()) INLAY_TRY(add_texts("tokenizer.inlay.decoders", file_.decoders));
  if (!file_.charsmap.empty()) {
    INLAY_TRY(add_array("tokenizer.ggml.precompiled_charsmap", ValueType::u8, file_.charsmap.size(),
                        file_.charsmap.data()));
  }
  if (!file_.word_prefix.empty()) inlay_.text("word_prefix", file_.word_prefix);
  if (!file_.word_suffix.empty()) inlay_.text("word_suffix", file_.word_suffix);
  if (file_.model == TokenizerModel::wordpiece && file_.max_word != 100) {
    inlay_.number("max_word",
                  static_cast<std::uint32_t>(std::min<std::uint64_t>(file_.max_word, UINT32_MAX)));
  }
  if (file_.fuse_unknown) inlay_.flag("fuse_unknown", true);
  if (file_.ignore_merges) inlay_.flag("ignore_merges", true);
  return Status::ok;
}

}  // namespace

Status read_tokenizer_json(ModelFiles& files, Manifest& manifest, Error& error) {
  bool present = false, configured = false;
  std::uint32_t part = 0, config_part = 0;
  INLAY_TRY(files.find("tokenizer.json", &present, &part, error));
  const bool is_json = present;
  for (const char* name : {"tokenizer.model", "spiece.model"}) {
    if (!present) INLAY_TRY(files.find(name, &present, &part, error));
  }
  if (!present) return Status::ok;
  ConfigFile config(manifest.allocator(), error);
  INLAY_TRY(files.find("tokenizer_config.json", &configured, &config_part, error));
  if (!is_json) {
    if (configured) INLAY_TRY(config.read(files[config_part], "added_tokens_decoder"));
    INLAY_TRY(read_sentencepiece(files[part], config, manifest, error));
    return add_chat_templates(files, config, manifest, error);
  }
  TokenizerFile file(files[part], manifest.store(), manifest.allocator(), error);
  INLAY_TRY(file.read());
  const std::string_view name = last_component(files[part].name());
  // What it says of added tokens, tokenizer.json has said.
  if (configured) INLAY_TRY(config.read(files[config_part], "added_tokens_decoder"));
  INLAY_TRY(TokenizerKeys(file, name, manifest, error).run(config));
  return add_chat_templates(files, config, manifest, error);
}

}  // namespace inlay
