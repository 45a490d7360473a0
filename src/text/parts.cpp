// parts.cpp - two passes of finding special tokens, with normalizing between them.
#include "text/parts.h"

#include "text/unicode.h"
#include "text/utf8.h"

namespace inlay {
namespace {

// Where the white space that begins at `at` ends.
std::size_t after_spaces(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Utf8Step step = utf8_step(slice(text, at, text.size()));
    if (step.kind != Utf8::whole || !is_space(step.point)) break;
    at += step.length;
  }
  return at;
}

// The character that ends at `at`, not before `least`.
Utf8Step character_before(std::string_view text, std::size_t least, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > least && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
  const Utf8Step step = utf8_step(slice(text, begin, at));
  return step.kind == Utf8::whole && begin + step.length == at ? step
                                                               : Utf8Step{Utf8::broken, 1, 0};
}

// Where the white space that ends at `at` begins, not before `least`.
std::size_t before_spaces(std::string_view text, std::size_t least, std::size_t at) {
  while (at > least) {
    const Utf8Step step = character_before(text, least, at);
    if (step.kind != Utf8::whole || !is_space(step.point)) break;
    at -= step.length;
  }
  return at;
}

// Whether text [begin, end) stands between letters of words.
bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
  const auto is_word = [](const Utf8Step& step) {
    return step.kind == Utf8::whole && is_in(PointSet::word, step.point);
  };
  return (begin > 0 && is_word(character_before(text, 0, begin))) ||
         (end < text.size() && is_word(utf8_step(slice(text, end, text.size()))));
}

// Whether bytes [begin, end) have any of a value.
bool has_value(std::span<const inlay_segment> segments, std::size_t begin, std::size_t end) {
  for (std::size_t i = segment_at(segments, begin); i < segments.size(); ++i) {
    if (segments[i].is_value) return true;
    if (segments[i].end >= end) return false;
  }
  return false;
}

}  // namespace

TextParts::TextParts(const Tokenizer& tokenizer, Allocator& allocator)
    : t_(tokenizer), parts_(allocator), text_(allocator), a_(allocator), b_(allocator) {}

// Calls on_text(begin, end) for the text between tokens.
template <class OnText>
Status TextParts::scan(const SpecialTokens& names, const AlignedView& view,
                       std::span<const inlay_segment> segments, OnText on_text) {
  const std::string_view text = view.text;
  std::size_t done = 0;
  std::size_t spaces_begin = 0, spaces_end = 0;  // the white space that was looked at last
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Match match = names.find(text, at, with_control_, segments);
    if (!match.size) break;
    const Tokenizer::Token& token = t_.tokens_[static_cast<std::size_t>(match.id)];
    at = match.begin + match.size;
    if (token.single_word && touches_word(text, match.begin, at)) continue;
    std::size_t begin = match.begin;
    if (token.takes_space_before && begin > done) begin = before_spaces(text, done, begin);
    if (begin > done) INLAY_TRY(on_text(done, begin));
    const TextRange range = view.origin(match.begin, at);
    INLAY_TRY(parts_.push({match.id, range.begin, range.end}));
    done = at;
    if (token.takes_space) {
      if (at < spaces_begin || at >= spaces_end) {
        spaces_begin = at;
        spaces_end = after_spaces(text, at);
      }
      done = spaces_end;
    }
    // In tokenizer.json the white space may still hold a token of its own.
    if (!t_.has_rules_) at = done;
  }
  return done < text.size() ? on_text(done, text.size()) : Status::ok;
}

Status TextParts::add_text(const AlignedView& part) {
  if (!written_) {
    return parts_.push({-1, part.base, part.base + static_cast<std::uint32_t>(part.text.size())});
  }
  const auto begin = static_cast<std::uint32_t>(text_.size());
  INLAY_TRY(text_.append(part));
  return parts_.push({-1, begin, static_cast<std::uint32_t>(text_.size())});
}

Status TextParts::add_normalized(std::size_t begin, std::size_t end, bool aligned, Error& error) {
  AlignedView part = AlignedView{source_}.part(begin, end);
  INLAY_TRY(t_.normalizers_.run(part, aligned, a_, b_, error));
  // Normalizing moves bytes: a part with any of a value has no control tokens at all.
  const inlay_segment whole{part.text.size(), has_value(segments_, begin, end), 0};
  const Status status =
      scan(t_.late_specials_, part, {&whole, 1},
           [&](std::size_t from, std::size_t to) { return add_text(part.part(from, to)); });
  return is_error(status) ? fail_memory(error, "encoding text") : Status::ok;
}

Status TextParts::find(std::string_view text, std::uint32_t flags,
                       std::span<const inlay_segment> segments, bool aligned, Error& error) {
  parts_.clear();
  text_.start(aligned);
  source_ = text;
  segments_ = segments;
  with_control_ = flags & INLAY_ENCODE_PARSE_SPECIAL;
  written_ = !t_.normalizers_.empty();
  const Status status =
      scan(t_.specials_, AlignedView{text}, segments, [&](std::size_t begin, std::size_t end) {
        return add_normalized(begin, end, aligned, error);
      });
  if (status == Status::memory) return fail_memory(error, "encoding text");
  return status;
}

}  // namespace inlay
