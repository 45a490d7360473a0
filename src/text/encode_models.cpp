// encode_models.cpp - a piece of text to ids without merging: the best path, the longest token.
#include <algorithm>

#include "text/encoder.h"
#include "text/utf8.h"

namespace inlay {

// ---- Unigram: of all ways to spell the piece, the one with the highest sum of scores

Status Encoder::find_path(std::string_view piece) {
  path_.clear();
  INLAY_TRY(path_.resize(piece.size() + 1));
  for (std::size_t begin = 0; begin < piece.size();) {
    const std::string_view rest = slice(piece, begin, piece.size());
    const std::size_t character = utf8_length(rest);
    const double here = path_[begin].score;
    bool spelt = false;
    const auto offer = [&](std::size_t length, std::int32_t id, double score) {
      // In single precision as SentencePiece adds, which decides between equals.
      const double sum = t_.single_ ? static_cast<float>(here + score) : here + score;
      Step& step = path_[begin + length];
      if (step.id != none && sum <= step.score) return;
      step = {sum, static_cast<std::uint32_t>(begin), id};
    };
    t_.trie_.walk(rest, [&](std::size_t length, std::int32_t id) {
      offer(length, id, t_.scores_[static_cast<std::size_t>(id)]);
      spelt = spelt || length == character;
    });
    if (!spelt) offer(character, -1, t_.unknown_score_);
    begin += character;
  }
  return Status::ok;
}

Status Encoder::encode_unigram(std::string_view piece) {
  if (piece.empty()) return Status::ok;
  if (is_error(find_path(piece))) return out_of_memory();
  // Backwards, each step learns where the next one begins.
  std::uint32_t next = 0;
  for (auto end = static_cast<std::uint32_t>(piece.size()); end > 0;) {
    Step& step = path_[end];
    const std::uint32_t begin = step.begin;
    path_[begin].score = end;
    end = begin;
    next = begin;
  }
  while (next < piece.size()) {
    const auto end = static_cast<std::uint32_t>(path_[next].score);
    const std::int32_t id = path_[end].id;
    if (id < 0) {
      INLAY_TRY(emit_unknown(piece, next, end, t_.fuse_unknown_));
    } else {
      after_unknown_ = false;
      INLAY_TRY(add(id, next, end));
    }
    next = end;
  }
  return Status::ok;
}

// ---- WordPiece: the longest token, then the longest one that goes on; or the word is unknown

Status Encoder::encode_wordpiece(std::string_view piece) {
  std::uint64_t characters = 0;
  for (const char c : piece) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  const std::size_t first = ids_->size();
  const std::size_t first_range = ranges_ ? ranges_->size() : 0;
  bool spelt = characters <= t_.max_word_;
  for (std::size_t begin = 0; spelt && begin < piece.size();) {
    marked_.clear();
    if (begin && is_error(marked_.append(t_.word_prefix_))) return out_of_memory();
    const std::size_t prefix = marked_.size();
    const std::size_t most = std::min(Trie::longest, piece.size() - begin);
    if (is_error(marked_.append({piece.data() + begin, most}))) return out_of_memory();
    std::size_t longest = 0;
    std::int32_t id = -1;
    t_.trie_.walk({marked_.data(), marked_.size()}, [&](std::size_t length, std::int32_t token) {
      if (length <= prefix) return;
      longest = length - prefix;
      id = token;
    });
    spelt = id >= 0;
    if (spelt) INLAY_TRY(add(id, begin, begin + longest));
    begin += longest;
  }
  if (spelt) return Status::ok;
  while (ids_->size() > first) ids_->pop();
  while (ranges_ && ranges_->size() > first_range) ranges_->pop();
  return t_.unknown_ >= 0 ? add(t_.unknown_, 0, piece.size()) : Status::ok;
}

Status Encoder::encode_wordlevel(std::string_view piece) {
  const std::int32_t id = t_.find(piece);
  if (id >= 0) return add(id, 0, piece.size());
  return t_.unknown_ >= 0 ? add(t_.unknown_, 0, piece.size()) : Status::ok;
}

// ---- RWKV: the longest token that comes next

Status Encoder::encode_longest(std::string_view piece) {
  for (std::size_t begin = 0; begin < piece.size();) {
    std::size_t longest = 0;
    std::int32_t id = -1;
    t_.trie_.walk(slice(piece, begin, piece.size()), [&](std::size_t length, std::int32_t token) {
      longest = length;
      id = token;
    });
    if (id < 0) {
      const auto at = static_cast<std::uint32_t>(begin);
      INLAY_TRY(emit_unknown(piece, at, at + 1, true));
      ++begin;
      continue;
    }
    after_unknown_ = false;
    INLAY_TRY(add(id, begin, begin + longest));
    begin += longest;
  }
  return Status::ok;
}

}  // namespace inlay
