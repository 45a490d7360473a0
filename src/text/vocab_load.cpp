// vocab_load.cpp - reads a vocabulary from a file's values: counts, ids, tokens.
#include "text/byte_level.h"
#include "text/spaces.h"
#include "text/vocab_loader.h"

namespace inlay {
namespace {

constexpr std::int64_t minus_one_u32 = 0xffffffff;

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
  if (source_.rules.present) INLAY_TRY(read_rules());
  INLAY_TRY(add_tokens());
  if (!t_.has_rules_) take_default_ids();
  find_ends();
  if (t_.has_rules_) {
    if (t_.model_ == Model::llama) find_space_rule();
    INLAY_TRY(compile_steps());
    return add_listed_merges();
  }
  if (t_.model_ == Model::llama) {
    find_space_rule();
    find_space_takers();
    return rank_scores();
  }
  INLAY_TRY(read_pre());
  return add_merges();
}

Status VocabLoader::read_model() {
  if (source_.model == "llama") {
    t_.model_ = Model::llama;
    t_.add_bos_ = source_.add_bos != Flag::no;
    t_.add_space_ = source_.add_space_prefix != Flag::no;
  } else if (source_.model == "gpt2") {
    t_.model_ = Model::gpt2;
    t_.add_bos_ = source_.add_bos == Flag::yes;
  } else if (source_.model.empty()) {
    return fail(error_, Status::format, "tokenizer.ggml.model: missing");
  } else {
    return fail(error_, Status::unsupported, "tokenizer.ggml.model: '{}' is not 'llama' or 'gpt2'",
                Shown(source_.model));
  }
  t_.add_eos_ = source_.add_eos == Flag::yes;
  return Status::ok;
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
  const bool needs_scores = t_.model_ == Model::llama && !source_.rules.present;
  if ((needs_scores || !source_.scores.empty()) && source_.scores.size() != count) {
    return fail(error_, Status::format, "tokenizer.ggml.scores: {} values for {} tokens",
                source_.scores.size(), count);
  }
  return Status::ok;
}

Status VocabLoader::read_pre() {
  t_.pre_is_guessed_ = source_.pre.empty() || source_.pre == "default";
  const PretokenizerRule* rule = find_pretokenizer(source_.pre.empty() ? "default" : source_.pre);
  if (!rule) {
    return fail(error_, Status::unsupported, "tokenizer.ggml.pre: '{}' is not known",
                Shown(source_.pre));
  }
  t_.ignore_merges_ = rule->ignore_merges;
  if (rule->add_bos) t_.add_bos_ = source_.add_bos != Flag::no;
  return t_.pretokenizer_.compile(*rule, error_);
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
  const bool llama = t_.model_ == Model::llama;
  take(t_.bos_, llama ? 1 : 11, TokenKind::control);
  take(t_.eos_, llama ? 2 : 11, TokenKind::control);
  if (llama) take(t_.unknown_, 0, TokenKind::unknown);
}

Status VocabLoader::add_tokens() {
  const std::size_t count = source_.tokens.size();
  std::uint64_t bytes = 0;
  for (const std::string_view text : source_.tokens) bytes += text.size();
  if (bytes > max_text_bytes) {
    return fail(error_, Status::limit, "tokenizer.ggml.tokens: {} bytes of text, at most {}", bytes,
                max_text_bytes);
  }
  // No token gets longer than its text in the file.
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
    if (id == t_.unknown_ && t_.model_ == Model::llama) kind = TokenKind::unknown;
    if (id == t_.bos_ || id == t_.eos_ || id == eot_ || id == eom_) kind = TokenKind::control;
    if (t_.model_ == Model::llama && named_byte(source_.tokens[i]) >= 0) kind = TokenKind::byte;
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
  Token token{static_cast<std::uint32_t>(t_.bytes_.size()),
              0,
              TokenKind::normal,
              false,
              false,
              false,
              false};
  INLAY_TRY(read_kind(i, token.kind));
  const std::string_view text = source_.tokens[i];
  const bool llama = t_.model_ == Model::llama;
  token.can_merge = token.kind == TokenKind::normal || token.kind == TokenKind::unused;
  if (t_.has_rules_ && !source_.rules.flags.empty()) {
    const auto flags = static_cast<std::uint8_t>(source_.rules.flags[i]);
    token.takes_space = flags & TokenFlag::rstrip;
    token.takes_space_before = flags & TokenFlag::lstrip;
  }
  if (token.kind == TokenKind::byte) {
    INLAY_TRY(append_byte(i, token));
  } else if (llama && (token.can_merge || token.kind == TokenKind::user_defined)) {
    if (is_error(append_unmarked(text, token))) return out_of_memory();
  } else if (!llama && token.can_merge) {
    if (is_error(append_unmapped(text, token))) return out_of_memory();
  } else if (is_error(append_text(text, token))) {
    return out_of_memory();
  }
  // Merging may make an added token too, if its name has no character with another meaning there.
  if (t_.has_rules_ && token.kind == TokenKind::user_defined) {
    token.can_merge = llama ? text.find(' ') == std::string_view::npos : spells_itself(text);
  }
  if (token.size == 0) token.can_merge = false;
  return is_error(t_.tokens_.push(token)) ? out_of_memory() : Status::ok;
}

Status VocabLoader::append_text(std::string_view text, Token& token) {
  INLAY_TRY(t_.bytes_.append({text.data(), text.size()}));
  token.size = static_cast<std::uint32_t>(text.size());
  return Status::ok;
}

Status VocabLoader::append_byte(std::size_t i, Token& token) {
  const int byte = named_byte(source_.tokens[i]);
  if (byte < 0) {
    return fail(error_, Status::format,
                "tokenizer.ggml.tokens[{}]: '{}' is of type byte, but not '<0x00>' to '<0xFF>'", i,
                Shown(source_.tokens[i]));
  }
  const char text = static_cast<char>(byte);
  if (is_error(append_text({&text, 1}, token))) return out_of_memory();
  if (t_.by_byte_[byte] < 0) t_.by_byte_[byte] = static_cast<std::int32_t>(i);
  return Status::ok;
}

// SentencePiece: U+2581 stands for a space. A plain space never comes up in merging.
Status VocabLoader::append_unmarked(std::string_view text, Token& token) {
  if (text.find(' ') != std::string_view::npos) token.can_merge = false;
  INLAY_TRY(append_spaced(text, t_.bytes_));
  token.size = static_cast<std::uint32_t>(t_.bytes_.size() - token.begin);
  return Status::ok;
}

// Byte-level: every character stands for a byte. A text with others stays as it is and never
// merges.
Status VocabLoader::append_unmapped(std::string_view text, Token& token) {
  INLAY_TRY(append_text(text, token));
  const std::int64_t count = bytes_of_text(text, t_.bytes_.data() + token.begin);
  if (count >= 0) {
    token.size = static_cast<std::uint32_t>(count);
    return t_.bytes_.resize(token.begin + token.size);
  }
  token.can_merge = false;
  if (!text.empty()) std::memcpy(t_.bytes_.data() + token.begin, text.data(), text.size());
  return Status::ok;
}

Status VocabLoader::index_token(std::size_t i) {
  const Token& token = t_.tokens_[i];
  const auto id = static_cast<std::int32_t>(i);
  const std::string_view text = t_.text_of(token);
  if (t_.has_rules_) {
    INLAY_TRY(index_added(i));
  } else {
    if (token.kind == TokenKind::user_defined) return t_.specials_.add(text, id, false);
    if (t_.is_special(id)) return t_.specials_.add(text, id, true);
  }
  if (!token.can_merge) return Status::ok;
  bool is_new = false;
  INLAY_TRY(t_.index_.add(
      text, id, [this](std::int32_t other) { return t_.piece(other); }, &is_new));
  if (!is_new) return Status::ok;
  if (text.size() > t_.longest_) t_.longest_ = text.size();
  const auto first = static_cast<unsigned char>(text[0]);
  if (text.size() == 1 && t_.model_ == Model::gpt2) t_.by_byte_[first] = id;
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
