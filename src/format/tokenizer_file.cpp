// tokenizer_file.cpp - tokenizer.json: its outermost keys, the added tokens, vocabulary and merges.
#include "format/tokenizer_file.h"

#include <utility>

#include "base/diagnostics.h"
#include "format/limits.h"

namespace inlay {
TokenizerFile::TokenizerFile(const Source& source, ChunkStore& store, Allocator& allocator,
                             Error& error)
    : vocab(allocator),
      scores(allocator),
      merges(allocator),
      added(allocator),
      normalizers(allocator),
      steps(allocator),
      decoders(allocator),
      begin(allocator),
      end(allocator),
      named_ids(allocator),
      source_(source),
      store_(store),
      allocator_(allocator),
      error_(error),
      file_(last_component(source.name())) {}

Status TokenizerFile::out_of_memory() { return fail_memory(error_, "tokenizer.json"); }

Status TokenizerFile::keep(std::string_view text, std::string_view& kept) {
  return is_error(store_.copy(text, kept)) ? out_of_memory() : Status::ok;
}

Status TokenizerFile::read() {
  JsonReader json(source_, allocator_, error_);
  INLAY_TRY(read_outermost(json));
  INLAY_TRY(json.finish());
  return check();
}

Status TokenizerFile::read_outermost(JsonReader& json) {
  std::string_view key;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    if (key == "added_tokens") {
      INLAY_TRY(read_added(json));
    } else if (key == "model") {
      INLAY_TRY(read_model(json));
    } else if (key == "normalizer") {
      INLAY_TRY(read_component(json, &TokenizerFile::normalizer));
    } else if (key == "pre_tokenizer") {
      INLAY_TRY(read_component(json, &TokenizerFile::pre_tokenizer));
    } else if (key == "post_processor") {
      INLAY_TRY(read_component(json, &TokenizerFile::post_processor));
    } else if (key == "decoder") {
      INLAY_TRY(read_component(json, &TokenizerFile::decoder));
    } else {
      json.skip();  // truncation and padding are the caller's matter
    }
  }
  return json.status();
}

// ---- Added tokens

Status TokenizerFile::read_added(JsonReader& json) {
  if (json.peek() == JsonReader::Kind::null) {
    json.null();
    return json.status();
  }
  if (!json.begin_array()) return json.status();
  while (json.next_item()) {
    if (added.size() >= limits::array_items) json.refuse(Status::limit, "too many added tokens");
    INLAY_TRY(read_added_token(json));
  }
  return json.status();
}

Status TokenizerFile::read_added_token(JsonReader& json) {
  AddedToken token;
  bool has_text = false, has_id = false;
  std::string_view key, text;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    if (key == "id") {
      has_id = json.integer(token.id);
    } else if (key == "content") {
      has_text = json.text(text);
      INLAY_TRY(keep(text, token.text));
    } else if (key == "special") {
      json.boolean(token.special);
    } else if (key == "normalized") {
      json.boolean(token.normalized);
    } else if (key == "lstrip") {
      json.boolean(token.lstrip);
    } else if (key == "rstrip") {
      json.boolean(token.rstrip);
    } else if (key == "single_word") {
      json.boolean(token.single_word);
    } else {
      json.skip();
    }
  }
  INLAY_TRY(json.status());
  if (!has_text || !has_id) json.refuse(Status::format, "an added token needs id and content");
  if (is_error(json.status())) return json.status();
  return is_error(added.push(token)) ? out_of_memory() : Status::ok;
}

// ---- The model

Status TokenizerFile::read_optional_text(JsonReader& json, std::string_view& text) {
  if (json.peek() == JsonReader::Kind::null) {
    json.null();
    return json.status();
  }
  std::string_view read;
  if (!json.text(read)) return json.status();
  return keep(read, text);
}

Status TokenizerFile::read_model(JsonReader& json) {
  std::string_view key;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    if (key == "type") {
      INLAY_TRY(read_optional_text(json, model_type_));
    } else if (key == "vocab") {
      INLAY_TRY(read_vocab(json));
    } else if (key == "merges") {
      INLAY_TRY(read_merges(json));
    } else if (key == "unk_token") {
      INLAY_TRY(read_optional_text(json, unknown));
    } else if (key == "continuing_subword_prefix") {
      INLAY_TRY(read_optional_text(json, word_prefix));
    } else if (key == "end_of_word_suffix") {
      INLAY_TRY(read_optional_text(json, word_suffix));
    } else if (key == "max_input_chars_per_word") {
      has_max_word_ = json.integer(max_word);
    } else if (key == "unk_id") {
      if (json.peek() == JsonReader::Kind::null) {
        json.null();
      } else {
        json.integer(unknown_id_);
      }
    } else if (key == "dropout") {
      INLAY_TRY(refuse_dropout(json));
    } else if (key == "byte_fallback") {
      json.boolean(byte_fallback);
    } else if (key == "fuse_unk") {
      json.boolean(fuse_unknown);
    } else if (key == "ignore_merges") {
      json.boolean(ignore_merges);
    } else {
      json.skip();
    }
  }
  return json.status();
}

Status TokenizerFile::refuse(std::string_view what) {
  return fail(error_, Status::unsupported, "{}: {}", Shown(file_), what);
}

// Merging by chance is for training.
Status TokenizerFile::refuse_dropout(JsonReader& json) {
  double rate = 0;
  if (json.peek() == JsonReader::Kind::null) {
    json.null();
  } else if (json.number(rate) && rate != 0) {
    json.refuse(Status::unsupported, "other than null or 0 is not supported");
  }
  return json.status();
}

Status TokenizerFile::read_vocab(JsonReader& json) {
  if (json.peek() == JsonReader::Kind::array) return read_scored_vocab(json);
  std::string_view key;
  if (!json.begin_object()) return json.status();
  has_vocab_ = true;
  while (json.next_key(key)) {
    VocabEntry entry{};
    INLAY_TRY(keep(key, entry.text));
    if (!json.integer(entry.id)) break;
    if (vocab.size() >= limits::array_items) json.refuse(Status::limit, "too many tokens");
    if (is_error(vocab.push(entry))) return out_of_memory();
  }
  return json.status();
}

// [["text", -1.5], ...], as Unigram models have it.
Status TokenizerFile::read_scored_vocab(JsonReader& json) {
  if (!json.begin_array()) return json.status();
  has_vocab_ = is_scored_ = true;
  while (json.next_item()) {
    if (vocab.size() >= limits::array_items) json.refuse(Status::limit, "too many tokens");
    INLAY_TRY(read_scored(json));
  }
  return json.status();
}

Status TokenizerFile::read_scored(JsonReader& json) {
  std::string_view text;
  VocabEntry entry{{}, static_cast<std::uint32_t>(vocab.size())};
  double score = 0;
  if (!json.begin_array() || !json.next_item() || !json.text(text)) {
    json.refuse(Status::format, "expected a text and a score");
    return json.status();
  }
  INLAY_TRY(keep(text, entry.text));
  if (!json.next_item() || !json.number(score) || json.next_item()) {
    json.refuse(Status::format, "expected a text and a score");
  }
  INLAY_TRY(json.status());
  const bool stored = !is_error(vocab.push(entry)) && !is_error(scores.push(score));
  return stored ? Status::ok : out_of_memory();
}

Status TokenizerFile::read_merges(JsonReader& json) {
  if (!json.begin_array()) return json.status();
  has_merges_ = true;
  while (json.next_item()) {
    if (merges.size() >= limits::array_items) json.refuse(Status::limit, "too many merges");
    INLAY_TRY(read_merge(json));
  }
  return json.status();
}

// "left right" or ["left", "right"].
Status TokenizerFile::read_merge(JsonReader& json) {
  std::string_view text, left, right, merge;
  if (json.peek() == JsonReader::Kind::string) {
    if (!json.text(text)) return json.status();
    const std::size_t space = text.find(' ');
    const bool has_more =
        space != std::string_view::npos && text.find(' ', space + 1) != std::string_view::npos;
    if (has_more) return Status::ok;  // as below
    const bool is_pair = space != std::string_view::npos && space > 0 && space + 1 < text.size();
    if (!is_pair) {
      json.refuse_with(Status::format, "expected \"left right\", file has \"{}\"", Shown(text));
    }
    INLAY_TRY(json.status());
    INLAY_TRY(keep(text, merge));
    return is_error(merges.push(merge)) ? out_of_memory() : Status::ok;
  }
  if (!json.begin_array() || !json.next_item() || !json.text(text)) {
    json.refuse(Status::format, "expected two texts");
    return json.status();
  }
  INLAY_TRY(keep(text, left));
  if (!json.next_item() || !json.text(text)) {
    json.refuse(Status::format, "expected two texts, file has one");
    return json.status();
  }
  INLAY_TRY(keep(text, right));
  if (json.next_item()) json.refuse(Status::format, "expected two texts, file has more");
  INLAY_TRY(json.status());
  // In neither kind of vocabulary text to be merged has a plain space: such a merge never happens.
  // (A published file has them where no-break spaces became plain ones.)
  if (left.find(' ') != std::string_view::npos || right.find(' ') != std::string_view::npos) {
    return Status::ok;
  }
  auto* joined = store_.allocate<char>(left.size() + 1 + right.size());
  if (!joined) return out_of_memory();
  if (!left.empty()) std::memcpy(joined, left.data(), left.size());
  joined[left.size()] = ' ';
  if (!right.empty()) std::memcpy(joined + left.size() + 1, right.data(), right.size());
  merge = {joined, left.size() + 1 + right.size()};
  return is_error(merges.push(merge)) ? out_of_memory() : Status::ok;
}

// What only the whole file shows.
Status TokenizerFile::check() {
  if (!has_vocab_ || vocab.empty()) {
    return fail(error_, Status::format, "{}: model.vocab: missing or empty", Shown(file_));
  }
  INLAY_TRY(check_model());
  return byte_level ? check_byte_level() : Status::ok;
}

// Older files do not name their model.
Status TokenizerFile::check_model() {
  using M = TokenizerModel;
  constexpr std::pair<std::string_view, M> names[] = {{"BPE", M::bpe},
                                                      {"Unigram", M::unigram},
                                                      {"WordPiece", M::wordpiece},
                                                      {"WordLevel", M::wordlevel}};
  for (const auto& [name, named] : names) {
    if (model_type_ == name) model = named;
  }
  if (model_type_.empty()) {
    model = is_scored_      ? M::unigram
            : has_merges_   ? M::bpe
            : has_max_word_ ? M::wordpiece
                            : M::wordlevel;
  }
  if (model == M::unknown) {
    return fail(error_, Status::unsupported, "{}: model.type: '{}' is not supported", Shown(file_),
                Shown(model_type_));
  }
  if ((model == M::unigram) != is_scored_ || (model == M::bpe) != has_merges_) {
    return fail(error_, Status::format, "{}: model: vocab or merges are not those of a {}",
                Shown(file_), Shown(model_type_));
  }
  if (model == M::wordpiece && word_prefix.empty()) word_prefix = "##";
  if (model != M::unigram) return Status::ok;
  fuse_unknown = true;
  if (unknown_id_ < 0) return Status::ok;
  if (static_cast<std::uint64_t>(unknown_id_) >= vocab.size()) {
    return fail(error_, Status::format, "{}: model.unk_id: {}, with {} tokens", Shown(file_),
                unknown_id_, vocab.size());
  }
  unknown = vocab[static_cast<std::size_t>(unknown_id_)].text;
  return Status::ok;
}

Status TokenizerFile::check_byte_level() {
  if (model != TokenizerModel::bpe)
    return refuse("pre_tokenizer: ByteLevel with another model than BPE");
  if (decodes_others_) return refuse("decoder: other than ByteLevel is not supported here");
  if (byte_fallback) return refuse("model.byte_fallback: with ByteLevel it is not supported");
  return Status::ok;
}

}  // namespace inlay
