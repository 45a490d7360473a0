// encode.cpp - text to ids: special tokens are taken out, the rest is cut into pieces.
#include <bit>
#include <cstring>

#include "text/encoder.h"
#include "text/utf8.h"

namespace inlay {

Status Encoder::run(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids,
                    Array<TextRange>* ranges, Error& error,
                    std::span<const inlay_segment> segments) {
  flags_ = flags;
  segments_ = segments;
  ids_ = &ids;
  ranges_ = ranges;
  error_ = &error;
  if (text.size() > max_text_bytes) {
    return fail(error, Status::limit, "text: {} bytes, at most {}", text.size(), max_text_bytes);
  }
  if (is_error(reserve(text.size()))) return out_of_memory();
  const bool special = flags & INLAY_ENCODE_ADD_SPECIAL;
  const TextRange end{static_cast<std::uint32_t>(text.size()),
                      static_cast<std::uint32_t>(text.size())};
  if (special && t_.add_bos_ && t_.bos_ >= 0) INLAY_TRY(add_special(t_.bos_, {}));
  if (special) INLAY_TRY(add_special(t_.begin_tokens_, {}));
  INLAY_TRY(run_parts(text));
  if (special) INLAY_TRY(add_special(t_.end_tokens_, end));
  if (special && t_.add_eos_ && t_.eos_ >= 0) INLAY_TRY(add_special(t_.eos_, end));
  return Status::ok;
}

Status Encoder::reserve(std::size_t text_size) {
  constexpr std::size_t most_words = 16384;
  const std::size_t words = text_size < 256 ? 0 : std::bit_ceil(text_size / 8);
  const std::size_t wanted = words < most_words ? words : most_words;
  if (words_.size() < wanted) {
    words_.clear();  // a word's place follows from their number
    INLAY_TRY(words_.resize(wanted));
  }
  return ids_->reserve(ids_->size() + text_size / 4 + 8);
}

Status Encoder::run_parts(std::string_view text) {
  const bool aligned = ranges_ || t_.pretokenizer_.needs_origins();
  INLAY_TRY(parts_.find(text, flags_, segments_, aligned, *error_));
  for (const Part& part : parts_.parts()) {
    INLAY_TRY(part.id >= 0 ? add_special(part.id, {part.begin, part.end})
                           : encode_part(parts_.text(part)));
  }
  return Status::ok;
}

Status Encoder::encode_part(AlignedView part) {
  view_ = part;
  if (!t_.pretokenizer_.has_steps() && !t_.byte_level_) return encode_words();
  const bool aligned = ranges_ || t_.pretokenizer_.needs_origins();
  INLAY_TRY(t_.pretokenizer_.split(view_, aligned, a_, b_, ends_, *error_));
  std::size_t begin = 0;
  for (const std::uint32_t closed : ends_) {
    const std::size_t end = closed & ~Pretokenizer::left_out;
    if (end == closed) INLAY_TRY(encode_piece(begin, end));
    begin = end;
  }
  return Status::ok;
}

// Without patterns: by words, where that changes nothing.
Status Encoder::encode_words() {
  const std::string_view text = view_.text;
  if (!t_.split_at_spaces_) return encode_piece(0, text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t word = begin;
    while (slice(text, word, text.size()).starts_with(space_mark)) word += space_mark.size();
    const std::size_t next = text.find(space_mark, word);
    const std::size_t end = next == std::string_view::npos ? text.size() : next;
    INLAY_TRY(encode_piece(begin, end));
    begin = end;
  }
  return Status::ok;
}

// The ids of a piece depend on nothing but the piece: one that was met before is copied.
Status Encoder::encode_piece(std::size_t begin, std::size_t end) {
  piece_begin_ = begin;
  const std::size_t size = end - begin;
  if (words_.empty() || ranges_ || size > Word::longest) {
    return encode_new(slice(view_.text, begin, end));
  }
  return encode_remembered(begin, end);
}

Status Encoder::encode_remembered(std::size_t begin, std::size_t end) {
  const std::string_view piece = slice(view_.text, begin, end);
  Word& word = words_[hash_text(piece) & (words_.size() - 1)];
  if (word.size == piece.size() && !std::memcmp(word.text, piece.data(), piece.size())) {
    return is_error(ids_->append({word.ids, word.count})) ? out_of_memory() : Status::ok;
  }
  const std::size_t first = ids_->size();
  INLAY_TRY(encode_new(piece));
  const std::size_t count = ids_->size() - first;
  if (count > Word::most_ids) return Status::ok;
  word.size = static_cast<std::uint8_t>(piece.size());
  word.count = static_cast<std::uint8_t>(count);
  std::memcpy(word.text, piece.data(), piece.size());
  for (std::size_t i = 0; i < count; ++i) word.ids[i] = (*ids_)[first + i];
  return Status::ok;
}

Status Encoder::encode_new(std::string_view piece) {
  after_unknown_ = false;
  switch (t_.model_) {
    case Model::bpe: return encode_bpe(piece);
    case Model::unigram: return encode_unigram(piece);
    case Model::wordpiece: return encode_wordpiece(piece);
    case Model::wordlevel: return encode_wordlevel(piece);
    case Model::rwkv: return encode_longest(piece);
  }
  return Status::internal;
}

Status Encoder::add(std::int32_t id, std::size_t begin, std::size_t end) {
  if (is_error(ids_->push(id))) return out_of_memory();
  if (!ranges_) return Status::ok;
  const TextRange range = view_.origin(piece_begin_ + begin, piece_begin_ + end);
  return is_error(ranges_->push(range)) ? out_of_memory() : Status::ok;
}

Status Encoder::add_special(std::int32_t id, TextRange range) {
  const bool added = !is_error(ids_->push(id)) && (!ranges_ || !is_error(ranges_->push(range)));
  return added ? Status::ok : out_of_memory();
}

Status Encoder::add_special(std::span<const std::int32_t> ids, TextRange range) {
  for (const std::int32_t id : ids) INLAY_TRY(add_special(id, range));
  return Status::ok;
}

Status Tokenizer::encode(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids,
                         Error& error, Array<TextRange>* ranges,
                         std::span<const inlay_segment> segments) const {
  ids.clear();
  if (ranges) ranges->clear();
  return Encoder(*this, *bytes_.allocator()).run(text, flags, ids, ranges, error, segments);
}

}  // namespace inlay
