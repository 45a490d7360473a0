// parts.cpp - two passes of finding added tokens, with normalizing between them.
#include "text/parts.h"

#include "text/nfc.h"
#include "text/spaces.h"
#include "text/utf8.h"

namespace inlay {
namespace {

// White space next to a token. Without plain_spaces ' ' stands for U+2581, which is none.
bool is_taken(const Utf8Step& step, bool plain_spaces) {
  return step.kind == Utf8::whole && is_space(step.point) && (plain_spaces || step.point != ' ');
}

// Where the white space that begins at `at` ends.
std::size_t after_spaces(std::string_view text, std::size_t at, bool plain_spaces) {
  while (at < text.size()) {
    const Utf8Step step = utf8_step(slice(text, at, text.size()));
    if (!is_taken(step, plain_spaces)) break;
    at += step.length;
  }
  return at;
}

// Where the white space that ends at `at` begins, not before `least`.
std::size_t before_spaces(std::string_view text, std::size_t least, std::size_t at,
                          bool plain_spaces) {
  while (at > least) {
    std::size_t begin = at - 1;
    while (begin > least && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
    const Utf8Step step = utf8_step(slice(text, begin, at));
    if (begin + step.length != at || !is_taken(step, plain_spaces)) break;
    at = begin;
  }
  return at;
}

}  // namespace

TextParts::TextParts(const Tokenizer& tokenizer, std::uint32_t flags)
    : t_(tokenizer),
      with_control_(flags & INLAY_ENCODE_PARSE_SPECIAL),
      parts_(*tokenizer.bytes_.allocator()),
      text_(*tokenizer.bytes_.allocator()),
      part_(*tokenizer.bytes_.allocator()),
      composed_(*tokenizer.bytes_.allocator()) {}

// Calls on_text(begin, end) for the text between tokens.
template <class OnText>
Status TextParts::scan(const SpecialTokens& names, bool plain_spaces, std::string_view text,
                       std::span<const inlay_segment> segments, OnText on_text) {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match = names.find(text, at, with_control_, segments);
    if (!match.size) break;
    const Tokenizer::Token& token = t_.tokens_[static_cast<std::size_t>(match.id)];
    at = match.begin + match.size;
    std::size_t begin = match.begin;
    if (token.takes_space_before && begin > done)
      begin = before_spaces(text, done, begin, plain_spaces);
    if (begin > done) INLAY_TRY(on_text(done, begin));
    INLAY_TRY(parts_.push({match.id, 0, 0}));
    done = token.takes_space ? after_spaces(text, at, plain_spaces) : at;
  }
  return done < text.size() ? on_text(done, text.size()) : Status::ok;
}

Status TextParts::normalize(std::string_view part) {
  part_.clear();
  if (t_.nfc_) {
    composed_.clear();
    INLAY_TRY(append_nfc(part, composed_));
    part = {composed_.data(), composed_.size()};
  }
  if (t_.model_ == Tokenizer::Model::gpt2) return part_.append({part.data(), part.size()});
  if (t_.space_prefix_ == Tokenizer::SpacePrefix::part) INLAY_TRY(part_.push(' '));
  return append_spaced(part, part_);
}

Status TextParts::add_text(std::string_view part, bool at_start) {
  using SpacePrefix = Tokenizer::SpacePrefix;
  const bool prefix = t_.space_prefix_ == SpacePrefix::always ||
                      (t_.space_prefix_ == SpacePrefix::first && at_start);
  const auto begin = static_cast<std::uint32_t>(text_.size());
  if (prefix && !part.starts_with(' ')) INLAY_TRY(text_.push(' '));
  INLAY_TRY(text_.append({part.data(), part.size()}));
  return parts_.push({-1, begin, static_cast<std::uint32_t>(text_.size())});
}

namespace {

// Whether bytes [begin, end) have any of a value.
bool has_value(std::span<const inlay_segment> segments, std::size_t begin, std::size_t end) {
  std::size_t from = 0;
  for (const inlay_segment& segment : segments) {
    if (segment.is_value && segment.end > begin && from < end) return true;
    from = segment.end;
  }
  return false;
}

}  // namespace

Status TextParts::find(std::string_view text, std::span<const inlay_segment> segments,
                       Error& error) {
  // Composing makes at most three times the bytes (of U+1D160); a prefix comes to a part of at
  // least one byte.
  constexpr std::size_t most = max_text_bytes / 4;
  if (text.size() > most) {
    return fail(error, Status::limit, "text: {} bytes, at most {}", text.size(), most);
  }
  parts_.clear();
  text_.clear();
  const auto on_text = [&](std::size_t begin, std::size_t end) {
    INLAY_TRY(normalize(slice(text, begin, end)));
    // Normalizing moves bytes: a part with any of a value has no control tokens at all.
    const inlay_segment whole{part_.size(), has_value(segments, begin, end), 0};
    const std::string_view part(part_.data(), part_.size());
    return scan(t_.late_specials_, t_.model_ == Tokenizer::Model::gpt2, part, {&whole, 1},
                [&](std::size_t from, std::size_t to) {
                  return add_text(slice(part, from, to), begin == 0 && from == 0);
                });
  };
  const Status status = scan(t_.specials_, true, text, segments, on_text);
  return is_error(status) ? fail_memory(error, "encoding text") : Status::ok;
}

}  // namespace inlay
