// encoder.h - one call of Tokenizer::encode and its temporary memory.
#pragma once

#include "text/vocab.h"

namespace inlay {

class Encoder {
 public:
  Encoder(const Tokenizer& tokenizer, std::uint32_t flags, std::span<const inlay_segment> segments,
          Array<std::int32_t>& ids, Error& error)
      : t_(tokenizer),
        flags_(flags),
        segments_(segments),
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
  // Characters without a token in a piece; end 0: none.
  struct Run {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  Status out_of_memory() { return fail_memory(error_, "encoding text"); }

  Status reserve(std::size_t text_size);
  Status run_plain(std::string_view text);
  Status run_rules(std::string_view text);
  Status encode_part(std::string_view text);
  Status encode_spaced(std::string_view text);
  Status encode_words(std::string_view text);
  Status encode_split(std::string_view text);
  Status encode_piece(std::string_view piece);
  Status merge_piece(std::string_view piece);
  Status merge_scored(std::string_view piece);
  Status merge_ranked(std::string_view piece);
  Status merge_listed(std::string_view piece);
  Status add_unknown(Run& run);
  std::string_view next_character(std::string_view text) const;
  std::int32_t id_of_character(std::string_view character) const;
  bool has_bytes(std::string_view character) const;
  bool unknown_is_text() const;
  Status emit(std::string_view piece);
  Status emit_bytes(std::string_view bytes, bool& after_unknown);
  std::size_t skip_after(std::string_view text, std::size_t at, std::int32_t id) const;

  const Tokenizer& t_;
  const std::uint32_t flags_;
  const std::span<const inlay_segment> segments_;
  Array<std::int32_t>& ids_;
  Error& error_;
  Array<char> text_;           // llama: the text with the spaces that are put before it
  Array<std::uint32_t> ends_;  // of pieces
  Array<Word> words_;          // a small cache, by hash
  Merger merger_;
};

}  // namespace inlay
