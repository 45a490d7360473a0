// encode_merge.cpp - a piece of text to ids: characters or bytes, merged until nothing is left to
// merge.
#include "text/encoder.h"
#include "text/utf8.h"

namespace inlay {

Status Encoder::merge_piece(std::string_view piece) {
  if (t_.ignore_merges_ || (t_.model_ == Model::gpt2 && piece.size() == 1)) {
    const std::int32_t id = t_.find(piece);
    if (id >= 0) return is_error(ids_.push(id)) ? out_of_memory() : Status::ok;
  }
  const Status status = t_.has_rules_               ? merge_listed(piece)
                        : t_.model_ == Model::llama ? merge_scored(piece)
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
    const std::int32_t id = id_of_character(character);
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
  return text.substr(0, t_.model_ == Model::gpt2 ? 1 : utf8_length(text));
}

// -1: none.
std::int32_t Encoder::id_of_character(std::string_view character) const {
  const auto first = static_cast<unsigned char>(character[0]);
  if (t_.model_ == Model::gpt2) return t_.by_byte_[first];
  return first < 128 ? t_.by_ascii_[first] : t_.find(character);
}

// Whether byte tokens spell it. A byte-level vocabulary has none beside its characters.
bool Encoder::has_bytes(std::string_view character) const {
  if (t_.model_ == Model::gpt2) return false;
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
    const bool add = unknown_is_text() && !after_unknown;
    after_unknown = true;
    return add && is_error(ids_.push(t_.unknown_)) ? out_of_memory() : Status::ok;
  }
  after_unknown = false;
  for (const char c : bytes) {
    if (is_error(ids_.push(t_.by_byte_[static_cast<unsigned char>(c)]))) return out_of_memory();
  }
  return Status::ok;
}

}  // namespace inlay
