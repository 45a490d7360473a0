// encode_merge.cpp - byte pair encoding of a piece: characters or bytes, merged until nothing is
// left to merge.
#include <cstring>

#include "text/encoder.h"
#include "text/utf8.h"

namespace inlay {

Status Encoder::encode_bpe(std::string_view piece) {
  const bool is_letter = t_.byte_level_ && piece.size() == 1 && t_.word_suffix_.empty();
  if (t_.ignore_merges_ || is_letter) {
    const std::int32_t id = t_.find(piece);
    if (id >= 0) return add(id, 0, piece.size());
  }
  const bool listed = t_.has_rules_ || !(t_.by_scores_ || t_.byte_level_);
  const Status status = listed          ? merge_listed(piece)
                        : t_.by_scores_ ? merge_scored(piece)
                                        : merge_ranked(piece);
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

// Symbols are the characters of the vocabulary: of UTF-8, or bytes in a byte-level one. What is no
// token becomes byte tokens if all its bytes have one, else unknown.
Status Encoder::merge_listed(std::string_view piece) {
  merger_.clear();
  Run unknown;
  for (std::size_t i = 0; i < piece.size();) {
    const std::string_view character = next_character(slice(piece, i, piece.size()));
    const auto begin = static_cast<std::uint32_t>(i);
    i += character.size();
    const auto end = static_cast<std::uint32_t>(i);
    const std::int32_t id = id_of_character(piece, begin, character.size());
    if (id < 0 && has_bytes(character)) {
      for (std::uint32_t b = begin; b < end; ++b) {
        INLAY_TRY(merger_.add(b, b + 1, t_.by_byte_[static_cast<unsigned char>(piece[b])]));
      }
      continue;  // and the run of unknown ones goes on, as the reference implementation has it
    }
    if (id >= 0 || !t_.fuse_unknown_) INLAY_TRY(add_unknown(unknown));
    if (id >= 0) {
      INLAY_TRY(merger_.add(begin, end, id));
    } else {
      unknown = {unknown.end ? unknown.begin : begin, end};
    }
  }
  INLAY_TRY(add_unknown(unknown));
  return merger_.run(
      [&](const Symbol& left, const Symbol& right) { return t_.merges_.find(left.id, right.id); });
}

std::string_view Encoder::next_character(std::string_view text) const {
  return text.substr(0, t_.byte_level_ ? 1 : utf8_length(text));
}

// -1: none. Vocabularies that mark where words go on or end have marked characters.
std::int32_t Encoder::id_of_character(std::string_view piece, std::size_t at,
                                      std::size_t size) const {
  const auto first = static_cast<unsigned char>(piece[at]);
  const std::string_view character = slice(piece, at, at + size);
  const bool goes_on = at > 0 && !t_.word_prefix_.empty();
  const bool ends = at + size == piece.size() && !t_.word_suffix_.empty();
  if (!goes_on && !ends) {
    if (t_.byte_level_) return t_.by_byte_[first];
    return first < 128 ? t_.by_ascii_[first] : t_.find(character);
  }
  char marked[4 + 2 * 64];  // affixes have at most 64 bytes
  std::size_t length = 0;
  const auto put = [&](std::string_view text) {
    std::memcpy(marked + length, text.data(), text.size());
    length += text.size();
  };
  if (goes_on) put({t_.word_prefix_.data(), t_.word_prefix_.size()});
  put(character);
  if (ends) put({t_.word_suffix_.data(), t_.word_suffix_.size()});
  return t_.find({marked, length});
}

// Whether byte tokens spell it. A byte-level vocabulary has none beside its characters.
bool Encoder::has_bytes(std::string_view character) const {
  if (t_.byte_level_) return false;
  for (const char c : character) {
    if (t_.by_byte_[static_cast<unsigned char>(c)] < 0) return false;
  }
  return true;
}

// The unknown token for a run, if there is such a run and such a token; the run is over then.
Status Encoder::add_unknown(Run& run) {
  const Run done = run;
  run = {};
  return done.end && unknown_is_text() ? merger_.add(done.begin, done.end, t_.unknown_)
                                       : Status::ok;
}

// Some vocabularies name their end token as the unknown one: text must never become one.
bool Encoder::unknown_is_text() const {
  return t_.unknown_ >= 0 && !t_.is_end(t_.unknown_) && t_.kind(t_.unknown_) != TokenKind::control;
}

Status Encoder::emit(std::string_view piece) {
  for (const Symbol* s = merger_.first(); s; s = merger_.after(*s)) {
    if (s->id < 0) {
      INLAY_TRY(emit_unknown(piece, s->begin, s->end, true));
      continue;
    }
    after_unknown_ = false;
    INLAY_TRY(add(s->id, s->begin, s->end));
  }
  return Status::ok;
}

// Characters without a token: their bytes, or unknown when not all of them have tokens.
Status Encoder::emit_unknown(std::string_view piece, std::uint32_t begin, std::uint32_t end,
                             bool fuse) {
  if (!has_bytes(slice(piece, begin, end))) {
    const bool joins = after_unknown_ && fuse;
    after_unknown_ = true;
    if (!unknown_is_text()) return Status::ok;
    if (!joins) return add(t_.unknown_, begin, end);
    if (ranges_ && !ranges_->empty()) {
      const TextRange more = view_.origin(piece_begin_ + begin, piece_begin_ + end);
      ranges_->back() = join(ranges_->back(), more);
    }
    return Status::ok;
  }
  after_unknown_ = false;
  for (std::uint32_t i = begin; i < end; ++i) {
    INLAY_TRY(add(t_.by_byte_[static_cast<unsigned char>(piece[i])], i, i + 1));
  }
  return Status::ok;
}

}  // namespace inlay
