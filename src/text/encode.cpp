// encode.cpp - text to ids: special tokens are taken out, the rest is cut into pieces and merged.
#include <bit>

#include "text/utf8.h"
#include "text/vocab.h"

namespace inlay {

// One call of Tokenizer::encode and its temporary memory.
class Encoder {
 public:
  Encoder(const Tokenizer& tokenizer, std::uint32_t flags, Array<std::int32_t>& ids, Error& error)
      : t_(tokenizer),
        flags_(flags),
        ids_(ids),
        error_(error),
        text_(*tokenizer.bytes_.allocator()),
        ends_(*tokenizer.bytes_.allocator()),
        words_(*tokenizer.bytes_.allocator()),
        merger_(*tokenizer.bytes_.allocator()) {}

  Status run(std::string_view text);

 private:
  using Model = Tokenizer::Model;

  // A piece that was met before, and where its ids are. Pieces point into text that stays in place.
  struct Word {
    std::string_view text;
    std::size_t begin = 0;
    std::size_t count = 0;
  };
  static constexpr std::size_t longest_word = 48;

  Status out_of_memory() { return fail_memory(error_, "encoding text"); }

  Status reserve(std::size_t text_size);
  Status encode_part(std::string_view text);
  Status encode_spaced(std::string_view text);
  Status encode_byte_level(std::string_view text);
  Status encode_piece(std::string_view piece);
  Status merge_piece(std::string_view piece);
  Status merge_scored(std::string_view piece);
  Status merge_ranked(std::string_view piece);
  Status emit(std::string_view piece);
  Status emit_bytes(std::string_view bytes, bool& after_unknown);
  std::size_t skip_after(std::string_view text, std::size_t at, std::int32_t id) const;

  const Tokenizer& t_;
  const std::uint32_t flags_;
  Array<std::int32_t>& ids_;
  Error& error_;
  Array<char> text_;           // llama: the text with the spaces that are put before it
  Array<std::uint32_t> ends_;  // of pieces
  Array<Word> words_;          // a small cache, by hash
  Merger merger_;
};

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
  const bool with_control = flags_ & INLAY_ENCODE_PARSE_SPECIAL;
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match = t_.specials_.find(text, at, with_control);
    if (match.begin > at) INLAY_TRY(encode_part(slice(text, at, match.begin)));
    at = match.begin + match.size;
    if (!match.size) continue;
    if (is_error(ids_.push(match.id))) return out_of_memory();
    at = skip_after(text, at, match.id);
  }
  if (special && t_.add_eos_ && t_.eos_ >= 0 && is_error(ids_.push(t_.eos_))) {
    return out_of_memory();
  }
  return Status::ok;
}

Status Encoder::reserve(std::size_t text_size) {
  // Parts of text are at least a byte apart, so there are at most half as many, each with a space.
  if (t_.model_ == Model::llama) INLAY_TRY(text_.reserve(text_size + text_size / 2 + 2));
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

Status Encoder::encode_part(std::string_view text) {
  return t_.model_ == Model::llama ? encode_spaced(text) : encode_byte_level(text);
}

// SentencePiece: a space goes before the text, U+2581 in the text counts as a space.
Status Encoder::encode_spaced(std::string_view text) {
  const std::size_t start = text_.size();
  if (t_.add_space_) INLAY_TRY(text_.push(' '));
  while (!text.empty()) {
    const std::size_t mark = text.find(space_mark);
    const std::string_view before = text.substr(0, mark);
    if (is_error(text_.append({before.data(), before.size()}))) return out_of_memory();
    if (mark == std::string_view::npos) break;
    if (is_error(text_.push(' '))) return out_of_memory();
    text.remove_prefix(mark + space_mark.size());
  }
  std::string_view rest(text_.data() + start, text_.size() - start);
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

Status Encoder::encode_byte_level(std::string_view text) {
  INLAY_TRY(t_.pretokenizer_.split(text, ends_, error_));
  std::size_t begin = 0;
  for (const std::uint32_t end : ends_) {
    INLAY_TRY(encode_piece(slice(text, begin, end)));
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

Status Encoder::merge_piece(std::string_view piece) {
  if (t_.model_ == Model::gpt2 && (t_.ignore_merges_ || piece.size() == 1)) {
    const std::int32_t id = t_.find(piece);
    if (id >= 0) return is_error(ids_.push(id)) ? out_of_memory() : Status::ok;
  }
  const Status status = t_.model_ == Model::llama ? merge_scored(piece) : merge_ranked(piece);
  return is_error(status) ? out_of_memory() : emit(piece);
}

// Symbols are characters; two become one when their text together is a token.
Status Encoder::merge_scored(std::string_view piece) {
  merger_.clear();
  for (std::size_t i = 0; i < piece.size();) {
    const auto first = static_cast<unsigned char>(piece[i]);
    const std::size_t length = first < 128 ? 1 : utf8_length(slice(piece, i, piece.size()));
    const std::int32_t id =
        first < 128 ? t_.by_ascii_[first] : t_.find(slice(piece, i, i + length));
    INLAY_TRY(
        merger_.add(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i + length), id));
    i += length;
  }
  return merger_.run([&](const Symbol& left, const Symbol& right) {
    const std::int32_t id = t_.find(slice(piece, left.begin, right.end));
    return id < 0 ? Merge{} : Merge{t_.ranks_[static_cast<std::size_t>(id)], id};
  });
}

// Symbols are bytes; two become one when there is a merge of their ids. A byte that nothing can
// stand for is left out first, so its neighbours may merge.
Status Encoder::merge_ranked(std::string_view piece) {
  merger_.clear();
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const std::int32_t id = t_.by_byte_[static_cast<unsigned char>(piece[i])];
    if (id < 0 && t_.unknown_ < 0) continue;
    const auto begin = static_cast<std::uint32_t>(i);
    INLAY_TRY(merger_.add(begin, begin + 1, id));
  }
  return merger_.run(
      [&](const Symbol& left, const Symbol& right) { return t_.merges_.find(left.id, right.id); });
}

Status Encoder::emit(std::string_view piece) {
  bool after_unknown = false;
  for (const Symbol* s = merger_.first(); s; s = merger_.after(*s)) {
    if (s->id < 0) {
      INLAY_TRY(emit_bytes(slice(piece, s->begin, s->end), after_unknown));
      continue;
    }
    after_unknown = false;
    if (is_error(ids_.push(s->id))) return out_of_memory();
  }
  return Status::ok;
}

// A character without a token: its bytes, or unknown when not all of them have tokens.
Status Encoder::emit_bytes(std::string_view bytes, bool& after_unknown) {
  bool all = true;
  for (const char c : bytes) all = all && t_.by_byte_[static_cast<unsigned char>(c)] >= 0;
  if (!all) {
    // Some vocabularies name their end token here: text must never become one.
    const bool is_text =
        t_.unknown_ >= 0 && !t_.is_end(t_.unknown_) && t_.kind(t_.unknown_) != TokenKind::control;
    const bool add = is_text && !after_unknown;
    after_unknown = true;
    return add && is_error(ids_.push(t_.unknown_)) ? out_of_memory() : Status::ok;
  }
  after_unknown = false;
  for (const char c : bytes) {
    if (is_error(ids_.push(t_.by_byte_[static_cast<unsigned char>(c)]))) return out_of_memory();
  }
  return Status::ok;
}

Status Tokenizer::encode(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids,
                         Error& error) const {
  return Encoder(*this, flags, ids, error).run(text);
}

}  // namespace inlay
