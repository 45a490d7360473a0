// parts.h - text to added tokens and the normalized text between them, as tokenizer.json means it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "text/vocab.h"

namespace inlay {

// An added token that stands in the text, or text.
struct Part {
  std::int32_t id;      // -1: text
  std::uint32_t begin;  // in TextParts::text()
  std::uint32_t end;
};

// Tokens that are not normalized are found in the text as it is; what lies between them is
// normalized, then the other tokens are found there. Of spaces that stand for U+2581 only the
// spaces are left in text().
class TextParts {
 public:
  TextParts(const Tokenizer& tokenizer, std::uint32_t flags);

  // Only MEMORY and LIMIT. `segments`: as in Tokenizer::encode.
  Status find(std::string_view text, std::span<const inlay_segment> segments, Error& error);
  const Array<Part>& parts() const { return parts_; }
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  template <class OnText>
  Status scan(const SpecialTokens& names, bool plain_spaces, std::string_view text,
              std::span<const inlay_segment> segments, OnText on_text);
  Status normalize(std::string_view part);
  Status add_text(std::string_view part, bool at_start);

  const Tokenizer& t_;
  const bool with_control_;
  Array<Part> parts_;
  Array<char> text_;
  Array<char> part_;  // one part, normalized
  Array<char> composed_;
};

}  // namespace inlay
