// vocab_loader.h - the steps of Tokenizer::load: checks of a vocabulary, tables made from it.
#pragma once

#include "text/vocab.h"

namespace inlay {

class VocabLoader {
 public:
  VocabLoader(Tokenizer& tokenizer, const VocabSource& source, Error& error)
      : t_(tokenizer), source_(source), error_(error) {}

  Status run();

 private:
  using Model = Tokenizer::Model;
  using Token = Tokenizer::Token;
  using Flag = VocabSource::Flag;

  Status out_of_memory() { return fail_memory(error_, "vocabulary"); }
  Status too_many_alike(const char* list, std::size_t i);

  Status read_model();
  Status check_counts();
  Status read_pre();
  Status read_rules();
  Status read_space_prefix();
  Status read_tokens_around(const char* name, std::span<const std::int32_t> ids,
                            Array<std::int32_t>& out);
  Status compile_steps();
  Status read_ids();
  Status read_id(const char* name, std::int64_t value, std::int32_t& id);
  void take_default_ids();
  Status add_tokens();
  Status add_token(std::size_t i);
  Status read_kind(std::size_t i, TokenKind& kind);
  Status append_text(std::string_view text, Token& token);
  Status append_byte(std::size_t i, Token& token);
  Status append_unmarked(std::string_view text, Token& token);
  Status index_added(std::size_t i);
  Status append_unmapped(std::string_view text, Token& token);
  Status index_token(std::size_t i);
  Status rank_scores();
  Status add_merges();
  Status add_merge(std::size_t i, Array<char>& bytes);
  Status add_listed_merges();
  Status add_listed_merge(std::size_t i, const TokenIndex& ids, Array<char>& text);
  void find_ends();
  void find_space_rule();
  void find_space_takers();

  Tokenizer& t_;
  const VocabSource& source_;
  Error& error_;
  std::int32_t eot_ = -1;
  std::int32_t eom_ = -1;
};

}  // namespace inlay
