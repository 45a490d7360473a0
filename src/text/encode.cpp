// encode.cpp - text to ids: special tokens are taken out, the rest is cut into pieces and merged.
#include <bit>

#include "text/encoder.h"
#include "text/parts.h"
#include "text/spaces.h"
#include "text/utf8.h"

namespace inlay {

Status Encoder::run(std::string_view text) {
  ids_.clear();
  if (text.size() > max_text_bytes) {
    return fail(error_, Status::limit, "text: {} bytes, at most {}", text.size(), max_text_bytes);
  }
  if (is_error(reserve(text.size()))) return out_of_memory();
  const bool special = flags_ & INLAY_ENCODE_ADD_SPECIAL;
  if (special && t_.add_bos_ && t_.bos_ >= 0 && is_error(ids_.push(t_.bos_))) {
    return out_of_memory();
  }
  INLAY_TRY(t_.has_rules_ ? run_rules(text) : run_plain(text));
  if (special && t_.add_eos_ && t_.eos_ >= 0 && is_error(ids_.push(t_.eos_))) {
    return out_of_memory();
  }
  return Status::ok;
}

Status Encoder::run_plain(std::string_view text) {
  const bool with_control = flags_ & INLAY_ENCODE_PARSE_SPECIAL;
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match = t_.specials_.find(text, at, with_control, segments_);
    if (match.begin > at) INLAY_TRY(encode_part(slice(text, at, match.begin)));
    at = match.begin + match.size;
    if (!match.size) continue;
    if (is_error(ids_.push(match.id))) return out_of_memory();
    at = skip_after(text, at, match.id);
  }
  return Status::ok;
}

Status Encoder::reserve(std::size_t text_size) {
  // Parts of text are at least a byte apart, so there are at most half as many, each with a space.
  if (t_.model_ == Model::llama && !t_.has_rules_)
    INLAY_TRY(text_.reserve(text_size + text_size / 2 + 2));
  const std::size_t words = text_size < 256 ? 0 : std::bit_ceil(text_size / 8);
  INLAY_TRY(words_.resize(words < 16384 ? words : 16384));
  return ids_.reserve(text_size / 4 + 8);
}

// White space after `at` that belongs to the token before it.
std::size_t Encoder::skip_after(std::string_view text, std::size_t at, std::int32_t id) const {
  if (!t_.tokens_[static_cast<std::size_t>(id)].takes_space) return at;
  while (at < text.size()) {
    const Utf8Step step = utf8_step(slice(text, at, text.size()));
    if (step.kind != Utf8::whole || !is_space(step.point)) break;
    at += step.length;
  }
  return at;
}

// What tokenizer.json says of added tokens and of the text between them.
Status Encoder::run_rules(std::string_view text) {
  const bool special = flags_ & INLAY_ENCODE_ADD_SPECIAL;
  TextParts parts(t_, flags_);
  INLAY_TRY(parts.find(text, segments_, error_));
  if (special && is_error(ids_.append(t_.begin_tokens_))) return out_of_memory();
  for (const Part& part : parts.parts()) {
    if (part.id >= 0) {
      if (is_error(ids_.push(part.id))) return out_of_memory();
      continue;
    }
    const std::string_view between = slice(parts.text(), part.begin, part.end);
    INLAY_TRY(t_.pretokenizer_.has_steps() ? encode_split(between) : encode_words(between));
  }
  if (special && is_error(ids_.append(t_.end_tokens_))) return out_of_memory();
  return Status::ok;
}

Status Encoder::encode_part(std::string_view text) {
  return t_.model_ == Model::llama ? encode_spaced(text) : encode_split(text);
}

// SentencePiece: a space goes before the text, U+2581 in the text counts as a space.
Status Encoder::encode_spaced(std::string_view text) {
  const std::size_t start = text_.size();
  if (t_.add_space_) INLAY_TRY(text_.push(' '));
  if (is_error(append_spaced(text, text_))) return out_of_memory();
  return encode_words({text_.data() + start, text_.size() - start});
}

// Without patterns: by words, where that changes nothing.
Status Encoder::encode_words(std::string_view rest) {
  if (!t_.split_at_spaces_) return encode_piece(rest);
  while (!rest.empty()) {
    const std::size_t word = rest.find_first_not_of(' ');
    const std::size_t end = word == std::string_view::npos ? word : rest.find(' ', word);
    INLAY_TRY(encode_piece(rest.substr(0, end)));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end);
  }
  return Status::ok;
}

Status Encoder::encode_split(std::string_view text) {
  INLAY_TRY(t_.pretokenizer_.split(text, ends_, error_));
  std::size_t begin = 0;
  for (const std::uint32_t closed : ends_) {
    const std::size_t end = closed & ~Pretokenizer::left_out;
    if (end == closed) INLAY_TRY(encode_piece(slice(text, begin, end)));
    begin = end;
  }
  return Status::ok;
}

// The ids of a piece depend on nothing but the piece: one that was met before is copied.
Status Encoder::encode_piece(std::string_view piece) {
  if (words_.empty() || piece.size() > longest_word) return merge_piece(piece);
  Word& word = words_[hash_text(piece) & (words_.size() - 1)];
  if (word.text == piece) {
    for (std::size_t i = 0; i < word.count; ++i) {
      if (is_error(ids_.push(ids_[word.begin + i]))) return out_of_memory();
    }
    return Status::ok;
  }
  const std::size_t begin = ids_.size();
  INLAY_TRY(merge_piece(piece));
  word = {piece, begin, ids_.size() - begin};
  return Status::ok;
}

Status Tokenizer::encode(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids,
                         Error& error, std::span<const inlay_segment> segments) const {
  return Encoder(*this, flags, segments, ids, error).run(text);
}

}  // namespace inlay
