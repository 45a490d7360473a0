// rules.h - what tokenizer.json says of text handling that the keys of GGUF files have no words
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace inlay {

// Bits of tokenizer.inlay.token_flags: how an added token is found in text.
struct TokenFlag {
  static constexpr std::uint8_t normalized = 1;     // in normalized text, after the others
  static constexpr std::uint8_t lstrip = 2;         // takes in the white space before it
  static constexpr std::uint8_t rstrip = 4;         // and after it
  static constexpr std::uint8_t single_word = 8;    // not inside a word
  static constexpr std::uint8_t not_in_model = 16;  // found as an added token only
  static constexpr std::uint8_t all = 31;
};

// Views that only have to live during Tokenizer::load. The comments name the keys.
struct TextRules {
  bool present = false;              // tokenizer.inlay.rules: 2; without it the others say nothing
  std::span<const std::byte> flags;  // tokenizer.inlay.token_flags (vocabulary), or empty
  std::span<const std::string_view> normalizers;  // tokenizer.inlay.normalizers: see Normalizers
  std::span<const std::string_view> decoders;     // tokenizer.inlay.decoders: see decoder.h
  std::span<const double> scores;  // tokenizer.inlay.scores, where .ggml.scores are not exact
  std::string_view word_prefix;    // tokenizer.inlay.word_prefix: of symbols that go on a word
  std::string_view word_suffix;    // tokenizer.inlay.word_suffix: of the last symbol of a word
  std::uint64_t max_word = 100;    // tokenizer.inlay.max_word: characters
  bool fuse_unknown = false;       // tokenizer.inlay.fuse_unknown: one token for a run
  bool ignore_merges = false;      // tokenizer.inlay.ignore_merges
  bool has_steps = false;          // tokenizer.inlay.pre_steps is there and counts, not .ggml.pre
  std::span<const std::string_view> steps;     // as Pretokenizer::compile() reads them
  std::span<const std::int32_t> begin_tokens;  // tokenizer.inlay.begin_tokens: after bos
  std::span<const std::int32_t> end_tokens;    // tokenizer.inlay.end_tokens: before eos
};

}  // namespace inlay
