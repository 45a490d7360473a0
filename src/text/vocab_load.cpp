// vocab_load.cpp - reads a vocabulary from a file's values: counts, ids, tokens.
#include <cstring>

#include "text/byte_level.h"
#include "text/spaces.h"
#include "text/vocab_loader.h"

namespace inlay {
namespace {

constexpr std::int64_t minus_one_u32 = 0xffffffff;
constexpr std::size_t most_text = max_text_bytes / 8;  // spellings and texts together fit 31 bits

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that "<0xHH>" names; -1: another text.
int named_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Whether a name means the same bytes in the byte-level alphabet and as it is.
bool spells_itself(std::string_view name) {
  for (const char c : name) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace

Status VocabLoader::run() {
  INLAY_TRY(read_model());
  INLAY_TRY(check_counts());
  INLAY_TRY(read_ids());
  if (source_.rules.present) {
    INLAY_TRY(read_rules());
  } else {
    INLAY_TRY(set_defaults());
  }
  INLAY_TRY(add_tokens());
  if (!t_.has_rules_) take_default_ids();
  find_ends();
  return find_table();
}

Status VocabLoader::read_model() {
  struct Known {
    std::string_view name;
    Model model;
    bool byte_level;
  };
  constexpr Known known[] = {
#define INLAY_TOKENIZER(name, model, byte_level) {name, Model::model, byte_level},
#include "text/models.inc"
#undef INLAY_TOKENIZER
  };
  if (source_.model.empty()) {
    return fail(error_, Status::format, "tokenizer.ggml.model: missing");
  }
  for (const Known& one : known) {
    if (one.name != source_.model) continue;
    t_.model_name_ = one.name.data();
    t_.model_ = one.model;
    t_.byte_level_ = one.byte_level && !has_gemma_pre();
    t_.add_eos_ = source_.add_eos == Flag::yes;
    const bool only_rules = one.model == Model::wordlevel && !source_.rules.present;
    if (!only_rules) return Status::ok;
  }
  return fail(error_, Status::unsupported, "tokenizer.ggml.model: '{}' is not known",
              Shown(source_.model));
}

Status VocabLoader::check_counts() {
  const std::size_t count = source_.tokens.size();
  if (count == 0) return fail(error_, Status::format, "tokenizer.ggml.tokens: no tokens");
  if (count > max_text_bytes) {
    return fail(error_, Status::limit, "tokenizer.ggml.tokens: {} tokens, at most {}", count,
                max_text_bytes);
  }
  if (!source_.types.empty() && source_.types.size() != count) {
    return fail(error_, Status::format, "tokenizer.ggml.token_type: {} values for {} tokens",
                source_.types.size(), count);
  }
  const bool needs_scores = (is("llama") && !source_.rules.present) ||
                            (t_.model_ == Model::unigram && source_.rules.scores.empty());
  if ((needs_scores || !source_.scores.empty()) && source_.scores.size() != count) {
    return fail(error_, Status::format, "tokenizer.ggml.scores: {} values for {} tokens",
                source_.scores.size(), count);
  }
  return Status::ok;
}

Status VocabLoader::read_ids() {
  INLAY_TRY(read_id("bos", source_.bos, t_.bos_));
  INLAY_TRY(read_id("eos", source_.eos, t_.eos_));
  INLAY_TRY(read_id("eot", source_.eot, eot_));
  INLAY_TRY(read_id("eom", source_.eom, eom_));
  INLAY_TRY(read_id("unknown", source_.unknown, t_.unknown_));
  for (const std::int32_t id : source_.ends) {
    if (id >= 0 && static_cast<std::size_t>(id) < source_.tokens.size()) continue;
    return fail(error_, Status::format, "tokenizer.inlay.end_token_ids: {}, with {} tokens", id,
                source_.tokens.size());
  }
  std::int32_t cls = -1, sep = -1;
  INLAY_TRY(read_id("cls", source_.classifier, cls));
  INLAY_TRY(read_id("seperator", source_.separator, sep));
  if (t_.model_ == Model::wordpiece && t_.bos_ < 0) t_.bos_ = cls;
  if (t_.model_ == Model::wordpiece && t_.eos_ < 0) t_.eos_ = sep;
  return read_id("padding", source_.padding, t_.padding_);
}

Status VocabLoader::read_id(const char* name, std::int64_t value, std::int32_t& id) {
  if (value == VocabSource::absent || value == minus_one_u32) return Status::ok;
  const std::size_t count = source_.tokens.size();
  if (value < 0 || static_cast<std::uint64_t>(value) >= count) {
    return fail(error_, Status::format, "tokenizer.ggml.{}_token_id: {}, with {} tokens", name,
                value, count);
  }
  id = static_cast<std::int32_t>(value);
  return Status::ok;
}

// Where a file names no ids, those of the first models of its kind count, if such tokens are there.
void VocabLoader::take_default_ids() {
  const auto take = [&](std::int32_t& id, std::int32_t value, TokenKind kind) {
    if (id < 0 && t_.contains(value) && t_.kind(value) == kind) id = value;
  };
  if (is("llama")) {
    take(t_.bos_, 1, TokenKind::control);
    take(t_.eos_, 2, TokenKind::control);
    take(t_.unknown_, 0, TokenKind::unknown);
  } else if (is("gpt2")) {
    take(t_.bos_, 11, TokenKind::control);
    take(t_.eos_, 11, TokenKind::control);
  } else if (is("bert")) {
    take(t_.bos_, 101, TokenKind::control);
    take(t_.eos_, 102, TokenKind::control);
    take(t_.unknown_, 100, TokenKind::control);
    take(t_.unknown_, 100, TokenKind::unknown);
  } else if (is("t5")) {
    take(t_.eos_, 1, TokenKind::control);
    take(t_.unknown_, 2, TokenKind::unknown);
  }
}

Status VocabLoader::add_tokens() {
  const std::size_t count = source_.tokens.size();
  std::uint64_t bytes = 0;
  for (const std::string_view text : source_.tokens) bytes += text.size();
  if (bytes > most_text) {
    return fail(error_, Status::limit, "tokenizer.ggml.tokens: {} bytes of text, at most {}", bytes,
                most_text);
  }
  if (is_error(t_.bytes_.reserve(bytes)) || is_error(t_.tokens_.reserve(count)) ||
      is_error(t_.index_.reserve(count))) {
    return out_of_memory();
  }
  for (std::size_t i = 0; i < count; ++i) {
    INLAY_TRY(add_token(i));
    const Status status = index_token(i);
    if (status == Status::limit) return too_many_alike("tokens", i);
    if (is_error(status)) return out_of_memory();
  }
  return Status::ok;
}

Status VocabLoader::too_many_alike(const char* list, std::size_t i) {
  return fail(error_, Status::limit,
              "tokenizer.ggml.{}[{}]: over {} of them fall on one place of a table", list, i,
              most_probes);
}

Status VocabLoader::read_kind(std::size_t i, TokenKind& kind) {
  const auto id = static_cast<std::int32_t>(i);
  kind = TokenKind::normal;
  if (source_.types.empty()) {
    if (id == t_.unknown_ && !t_.byte_level_) kind = TokenKind::unknown;
    if (id == t_.bos_ || id == t_.eos_ || id == eot_ || id == eom_) kind = TokenKind::control;
    if (is("llama") && named_byte(source_.tokens[i]) >= 0) kind = TokenKind::byte;
    return Status::ok;
  }
  const std::int32_t type = source_.types[i];
  if (type < 0 || type > 6) {
    return fail(error_, Status::format, "tokenizer.ggml.token_type[{}]: {} is not 1 to 6", i, type);
  }
  if (type > 0) kind = static_cast<TokenKind>(type);
  return Status::ok;
}

Status VocabLoader::add_token(std::size_t i) {
  Token token;
  INLAY_TRY(read_kind(i, token.kind));
  token.can_merge = token.kind == TokenKind::normal || token.kind == TokenKind::unused;
  // SentencePiece's unigram model passes them over.
  const bool is_unigram = t_.model_ == Model::unigram && !t_.has_rules_;
  if (is_unigram && token.kind == TokenKind::unused) token.can_merge = false;
  if (t_.has_rules_ && !source_.rules.flags.empty()) {
    const auto flags = static_cast<std::uint8_t>(source_.rules.flags[i]);
    token.takes_space = flags & TokenFlag::rstrip;
    token.takes_space_before = flags & TokenFlag::lstrip;
    token.single_word = flags & TokenFlag::single_word;
  }
  INLAY_TRY(add_texts(i, token));
  const bool lacks_first = decoders_.depends_on_place() && t_.first_.size() <= i;
  if (lacks_first && is_error(t_.first_.push(token.text))) return out_of_memory();
  if (t_.bytes_.size() > max_text_bytes) {
    return fail(error_, Status::limit, "tokenizer.ggml.tokens: too much text");
  }
  const bool not_in_model =
      t_.has_rules_ && !source_.rules.flags.empty() &&
      (static_cast<std::uint8_t>(source_.rules.flags[i]) & TokenFlag::not_in_model);
  if (token.spelling.size == 0 || not_in_model) token.can_merge = false;
  return is_error(t_.tokens_.push(token)) ? out_of_memory() : Status::ok;
}

// What the token is found by, and what it stands for.
Status VocabLoader::add_texts(std::size_t i, Token& token) {
  const std::string_view text = source_.tokens[i];
  if (token.kind == TokenKind::byte) return add_byte(i, token);
  const bool is_text = token.can_merge || token.kind == TokenKind::user_defined;
  Status status = Status::ok;
  if (t_.model_ == Model::rwkv) {
    return add_unescaped(i, token);
  } else if (t_.byte_level_ && token.can_merge) {
    status = add_unmapped(text, token);
  } else if (t_.byte_level_ || (!t_.has_rules_ && !is_text)) {
    status = add_text(text, token.text);
    token.spelling = token.text;
  } else if (t_.has_rules_) {
    status = add_decoded(i, token);
  } else if (t_.model_ == Model::wordpiece) {
    status = add_piece(text, token);
  } else {
    status = add_unmarked(text, token);
  }
  // Merging may make an added token too, if its name has no character with another meaning there.
  if (t_.has_rules_ && token.kind == TokenKind::user_defined) {
    token.can_merge = !t_.byte_level_ || spells_itself(text);
  }
  return is_error(status) ? out_of_memory() : Status::ok;
}

Status VocabLoader::add_text(std::string_view text, Span& span) {
  span = {static_cast<std::uint32_t>(t_.bytes_.size()), static_cast<std::uint32_t>(text.size())};
  return t_.bytes_.append({text.data(), text.size()});
}

Status VocabLoader::add_byte(std::size_t i, Token& token) {
  const int byte = named_byte(source_.tokens[i]);
  if (byte < 0) {
    return fail(error_, Status::format,
                "tokenizer.ggml.tokens[{}]: '{}' is of type byte, but not '<0x00>' to '<0xFF>'", i,
                Shown(source_.tokens[i]));
  }
  const char text = static_cast<char>(byte);
  if (is_error(add_text({&text, 1}, token.text))) return out_of_memory();
  token.spelling = token.text;
  if (decoders_.depends_on_place() && is_error(t_.first_.push(token.text))) return out_of_memory();
  if (t_.by_byte_[byte] < 0) t_.by_byte_[byte] = static_cast<std::int32_t>(i);
  return Status::ok;
}

// SentencePiece: U+2581 stands for a space.
Status VocabLoader::add_unmarked(std::string_view text, Token& token) {
  INLAY_TRY(add_text(text, token.spelling));
  token.text = token.spelling;
  if (text.find(space_mark) == std::string_view::npos) return Status::ok;
  token.text.begin = static_cast<std::uint32_t>(t_.bytes_.size());
  INLAY_TRY(append_spaced(text, t_.bytes_));
  token.text.size = static_cast<std::uint32_t>(t_.bytes_.size() - token.text.begin);
  return Status::ok;
}

// Byte-level: every character stands for a byte. A text with others stays as it is and never
// merges.
Status VocabLoader::add_unmapped(std::string_view text, Token& token) {
  INLAY_TRY(add_text(text, token.text));
  const std::int64_t count = bytes_of_text(text, t_.bytes_.data() + token.text.begin);
  if (count >= 0) {
    token.text.size = static_cast<std::uint32_t>(count);
    token.spelling = token.text;
    return t_.bytes_.resize(token.text.begin + token.text.size);
  }
  token.can_merge = false;
  token.spelling = token.text;
  if (!text.empty()) std::memcpy(t_.bytes_.data() + token.text.begin, text.data(), text.size());
  return Status::ok;
}

// RWKV: texts with \t \n \r \xHH, and a backslash before other characters that mean themselves.
Status VocabLoader::add_unescaped(std::size_t i, Token& token) {
  const std::string_view text = source_.tokens[i];
  token.text.begin = static_cast<std::uint32_t>(t_.bytes_.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char byte = text[at];
    if (byte == '\\') {
      if (++at == text.size()) {
        return fail(error_, Status::format, "tokenizer.ggml.tokens[{}]: '{}' ends with a backslash",
                    i, Shown(text));
      }
      byte = text[at];
      if (byte == 'x') {
        const int high = at + 1 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0) {
          return fail(error_, Status::format,
                      "tokenizer.ggml.tokens[{}]: '{}' has \\x without two digits", i, Shown(text));
        }
        byte = static_cast<char>(high * 16 + low);
        at += 2;
      } else {
        byte = byte == 't' ? '\t' : byte == 'n' ? '\n' : byte == 'r' ? '\r' : byte;
      }
    }
    if (is_error(t_.bytes_.push(byte))) return out_of_memory();
  }
  token.text.size = static_cast<std::uint32_t>(t_.bytes_.size()) - token.text.begin;
  token.spelling = token.text;
  return Status::ok;
}

// WordPiece of GGUF files: U+2581 begins a word; inside inlay the others begin with "##" again.
Status VocabLoader::add_piece(std::string_view text, Token& token) {
  const bool begins = text.starts_with(space_mark);
  text_.clear();
  if (!begins) INLAY_TRY(text_.append({"##", 2}));
  if (begins) text.remove_prefix(space_mark.size());
  INLAY_TRY(text_.append({text.data(), text.size()}));
  INLAY_TRY(add_text({text_.data(), text_.size()}, token.spelling));
  return add_decoded(SIZE_MAX, token);
}

// A decoder of tokenizer.json says what the spelling stands for.
Status VocabLoader::add_decoded(std::size_t i, Token& token) {
  if (i != SIZE_MAX) INLAY_TRY(add_text(source_.tokens[i], token.spelling));
  const Span spelling = token.spelling;
  for (const bool is_first : {false, true}) {
    if (is_first && !decoders_.depends_on_place()) break;
    text_.clear();
    INLAY_TRY(text_.append({t_.bytes_.data() + spelling.begin, spelling.size}));
    INLAY_TRY(decoders_.run(is_first, text_, scratch_));
    const std::string_view text(text_.data(), text_.size());
    Span span = spelling;
    if (text != t_.text_of(spelling)) INLAY_TRY(add_text(text, span));
    if (is_first) INLAY_TRY(t_.first_.push(span));
    if (!is_first) token.text = span;
  }
  return Status::ok;
}

Status VocabLoader::index_special(std::size_t i) {
  const auto id = static_cast<std::int32_t>(i);
  if (t_.has_rules_) return index_added(i);
  const Token& token = t_.tokens_[i];
  const std::string_view name = t_.text_of(token);
  if (token.kind == TokenKind::user_defined) return t_.specials_.add(name, id, false);
  return t_.is_special(id) ? t_.specials_.add(name, id, true) : Status::ok;
}

Status VocabLoader::index_token(std::size_t i) {
  INLAY_TRY(index_special(i));
  const Token& token = t_.tokens_[i];
  if (!token.can_merge) return Status::ok;
  const auto id = static_cast<std::int32_t>(i);
  const std::string_view text = t_.text_of(token.spelling);
  bool is_new = false;
  INLAY_TRY(t_.index_.add(
      text, id, [this](std::int32_t other) { return t_.spelling(other); }, &is_new));
  if (!is_new) return Status::ok;
  if (text.size() > t_.longest_) t_.longest_ = text.size();
  const auto first = static_cast<unsigned char>(text[0]);
  if (text.size() == 1 && t_.byte_level_) t_.by_byte_[first] = id;
  if (text.size() == 1 && first < 128) t_.by_ascii_[first] = id;
  return Status::ok;
}

Status Tokenizer::load(const VocabSource& source, Error& error) {
  const Status status = VocabLoader(*this, source, error).run();
  if (!is_error(status) || status == Status::memory || source.file.empty()) return status;
  const Error cause = error;
  return fail(error, status, "{}: {}", Shown(source.file), std::string_view(cause.text));
}

}  // namespace inlay
