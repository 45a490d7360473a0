// encoder.h - text to ids: one text after the other, with memory that is kept between them.
#pragma once

#include "text/parts.h"
#include "text/vocab.h"

namespace inlay {

// For one thread. Remembers the ids of words between texts.
class Encoder {
 public:
  Encoder(const Tokenizer& tokenizer, Allocator& allocator)
      : t_(tokenizer),
        parts_(tokenizer, allocator),
        a_(allocator),
        b_(allocator),
        ends_(allocator),
        words_(allocator),
        path_(allocator),
        marked_(allocator),
        merger_(allocator) {}

  // Appends to `ids`, and to `ranges` if there is one. Errors: as Tokenizer::encode().
  Status run(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids,
             Array<TextRange>* ranges, Error& error, std::span<const inlay_segment> segments = {});

 private:
  using Model = Tokenizer::Model;

  // A piece that was met before, and its ids; a cache line.
  struct Word {
    static constexpr std::size_t longest = 30, most_ids = 8;
    std::int32_t ids[most_ids];
    std::uint8_t size;  // 0: free
    std::uint8_t count;
    char text[longest];
  };
  // unigram: the best way to the end of a character.
  struct Step {
    double score = 0;
    std::uint32_t begin = 0;
    std::int32_t id = none;
  };
  static constexpr std::int32_t none = -2;  // nothing leads there; -1: a character without a token
  // Characters without a token in a piece; end 0: none.
  struct Run {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  Status out_of_memory() { return fail_memory(*error_, "encoding text"); }

  Status reserve(std::size_t text_size);
  Status run_parts(std::string_view text);
  Status encode_part(AlignedView part);
  Status encode_words();
  Status encode_piece(std::size_t begin, std::size_t end);
  Status encode_remembered(std::size_t begin, std::size_t end);
  Status encode_new(std::string_view piece);
  Status encode_bpe(std::string_view piece);
  Status merge_scored(std::string_view piece);
  Status merge_ranked(std::string_view piece);
  Status merge_listed(std::string_view piece);
  Status encode_unigram(std::string_view piece);
  Status find_path(std::string_view piece);
  Status encode_wordpiece(std::string_view piece);
  Status encode_wordlevel(std::string_view piece);
  Status encode_longest(std::string_view piece);
  Status add_unknown(Run& run);
  std::string_view next_character(std::string_view text) const;
  std::int32_t id_of_character(std::string_view piece, std::size_t at, std::size_t size) const;
  bool has_bytes(std::string_view character) const;
  bool unknown_is_text() const;
  Status emit(std::string_view piece);
  Status emit_unknown(std::string_view piece, std::uint32_t begin, std::uint32_t end, bool fuse);
  // A token for bytes [begin, end) of the piece.
  Status add(std::int32_t id, std::size_t begin, std::size_t end);
  Status add_special(std::int32_t id, TextRange range);
  Status add_special(std::span<const std::int32_t> ids, TextRange range);

  const Tokenizer& t_;
  std::uint32_t flags_ = 0;
  std::span<const inlay_segment> segments_;
  Array<std::int32_t>* ids_ = nullptr;
  Array<TextRange>* ranges_ = nullptr;
  Error* error_ = nullptr;
  TextParts parts_;
  AlignedView view_;             // the part in hand
  std::size_t piece_begin_ = 0;  // of the piece in hand, in view_
  AlignedText a_;
  AlignedText b_;
  Array<std::uint32_t> ends_;  // of pieces
  Array<Word> words_;          // by hash
  Array<Step> path_;           // unigram
  Array<char> marked_;         // wordpiece: the rest of a word as its tokens are spelt
  Merger merger_;
  bool after_unknown_ = false;  // the last token of the piece is the unknown one
};

}  // namespace inlay
