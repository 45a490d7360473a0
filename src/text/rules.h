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
  static constexpr std::uint8_t normalized = 1;  // in normalized text, after the others
  static constexpr std::uint8_t lstrip = 2;      // takes in the white space before it
  static constexpr std::uint8_t rstrip = 4;      // and after it
  static constexpr std::uint8_t all = 7;
};

// Views that only have to live during Tokenizer::load. The comments name the keys.
struct TextRules {
  bool present = false;              // tokenizer.inlay.rules: 1; without it the others say nothing
  std::span<const std::byte> flags;  // tokenizer.inlay.token_flags (vocabulary), or empty
  std::string_view normalizer;       // tokenizer.inlay.normalizer: "" or "nfc"
  // tokenizer.inlay.space_prefix: "" none; "part": before every part of the text between tokens
  // that are found first; "always", "first": where no space is, before every part between tokens,
  // or only at the beginning of the text.
  std::string_view space_prefix;
  bool strip_space = false;    // tokenizer.inlay.strip_space: decode drops one at the start
  bool fuse_unknown = false;   // tokenizer.inlay.fuse_unknown: one token for a run
  bool ignore_merges = false;  // tokenizer.inlay.ignore_merges
  bool has_steps = false;      // tokenizer.inlay.pre_steps is there and counts, not .ggml.pre
  std::span<const std::string_view> steps;     // as Pretokenizer::compile() reads them
  std::span<const std::int32_t> begin_tokens;  // tokenizer.inlay.begin_tokens: after bos
  std::span<const std::int32_t> end_tokens;    // tokenizer.inlay.end_tokens: before eos
};

}  // namespace inlay
