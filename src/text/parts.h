// parts.h - text to special tokens and the normalized text between them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "text/vocab.h"

namespace inlay {

// A token that stands in the text, or text.
struct Part {
  std::int32_t id;      // -1: text
  std::uint32_t begin;  // of text: in TextParts::text(); of a token: in the caller's text
  std::uint32_t end;
};

// Tokens that are not normalized are found in the text as it is; what lies between them is
// normalized, then the other tokens are found there.
class TextParts {
 public:
  TextParts(const Tokenizer& tokenizer, Allocator& allocator);

  // `text` must live as long as the parts are used. Only MEMORY and LIMIT.
  // `segments`: as in Tokenizer::encode().
  Status find(std::string_view text, std::uint32_t flags, std::span<const inlay_segment> segments,
              bool aligned, Error& error);
  const Array<Part>& parts() const { return parts_; }
  AlignedView text(const Part& part) const {
    return written_ ? text_.view(part.begin, part.end)
                    : AlignedView{source_}.part(part.begin, part.end);
  }

 private:
  template <class OnText>
  Status scan(const SpecialTokens& names, const AlignedView& text,
              std::span<const inlay_segment> segments, OnText on_text);
  Status add_text(const AlignedView& part);
  Status add_normalized(std::size_t begin, std::size_t end, bool aligned, Error& error);

  const Tokenizer& t_;
  bool with_control_ = false;
  bool written_ = false;  // parts are in text_, not in the caller's text
  std::string_view source_;
  std::span<const inlay_segment> segments_;  // of source_
  Array<Part> parts_;
  AlignedText text_;
  AlignedText a_;
  AlignedText b_;
};

}  // namespace inlay
