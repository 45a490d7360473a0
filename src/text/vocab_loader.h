// vocab_loader.h - the steps of Tokenizer::load: checks of a vocabulary, tables made from it.
#pragma once

#include "text/decoder.h"
#include "text/vocab.h"

namespace inlay {

class VocabLoader {
 public:
  VocabLoader(Tokenizer& tokenizer, const VocabSource& source, Error& error)
      : t_(tokenizer),
        source_(source),
        error_(error),
        decoders_(source.rules.decoders),
        text_(*tokenizer.bytes_.allocator()),
        scratch_(*tokenizer.bytes_.allocator()) {}

  Status run();

 private:
  using Model = Tokenizer::Model;
  using Span = Tokenizer::Span;
  using Token = Tokenizer::Token;
  using Flag = VocabSource::Flag;

  Status out_of_memory() { return fail_memory(error_, "vocabulary"); }
  Status too_many_alike(const char* list, std::size_t i);

  Status read_model();
  Status check_counts();
  Status read_pre();
  Status set_defaults();
  Status set_sentencepiece();
  Status set_bert();
  bool has_gemma_pre() const;
  Status set_gemma();
  Status load_steps(std::span<const std::string_view> normalizers,
                    std::span<const std::string_view> steps);
  Status read_rules();
  Status read_tokens_around(const char* name, std::span<const std::int32_t> ids,
                            Array<std::int32_t>& out);
  Status compile_steps();
  Status read_ids();
  Status read_id(const char* name, std::int64_t value, std::int32_t& id);
  void take_default_ids();
  Status add_tokens();
  Status add_token(std::size_t i);
  Status read_kind(std::size_t i, TokenKind& kind);
  Status add_text(std::string_view text, Span& span);
  Status add_texts(std::size_t i, Token& token);
  Status add_byte(std::size_t i, Token& token);
  Status add_unmarked(std::string_view text, Token& token);
  Status add_unmapped(std::string_view text, Token& token);
  Status add_unescaped(std::size_t i, Token& token);
  Status add_piece(std::string_view text, Token& token);
  Status add_decoded(std::size_t i, Token& token);
  Status index_special(std::size_t i);
  Status index_added(std::size_t i);
  Status index_token(std::size_t i);
  Status build_trie();
  Status rank_scores();
  Status read_scores();
  Status add_merges();
  Status add_merge(std::size_t i, Array<char>& bytes);
  Status add_listed_merges();
  Status add_listed_merge(std::size_t i, const TokenIndex& ids, Array<char>& text);
  Status find_table();
  void find_ends();
  void find_space_rule();
  void find_space_takers();
  bool is(std::string_view model) const { return source_.model == model; }

  Tokenizer& t_;
  const VocabSource& source_;
  Error& error_;
  Decoders decoders_;
  Array<char> text_;
  Array<char> scratch_;
  std::int32_t eot_ = -1;
  std::int32_t eom_ = -1;
};

}  // namespace inlay
