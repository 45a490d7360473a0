// vocab.cpp - what the tokens of a vocabulary stand for; ids to text.
#include "text/vocab.h"

namespace inlay {

Tokenizer::Tokenizer(Allocator& allocator)
    : bytes_(allocator),
      tokens_(allocator),
      first_(allocator),
      index_(allocator),
      trie_(allocator),
      ranks_(allocator),
      scores_(allocator),
      merges_(allocator),
      normalizers_(allocator),
      pretokenizer_(allocator),
      specials_(allocator),
      late_specials_(allocator),
      begin_tokens_(allocator),
      end_tokens_(allocator),
      word_prefix_(allocator),
      word_suffix_(allocator) {
  for (std::int32_t& id : by_byte_) id = -1;
  for (std::int32_t& id : by_ascii_) id = -1;
}

std::string_view Tokenizer::next_text(std::int32_t id, std::uint32_t flags, bool& at_start) const {
  if (is_special(id) && !(flags & INLAY_DECODE_SPECIAL)) {
    if (!has_rules_) at_start = true;
    return {};
  }
  std::string_view text = piece(id);
  if (!first_.empty()) {
    if (at_start) text = text_of(first_[static_cast<std::size_t>(id)]);
    at_start = false;
    return text;
  }
  if (has_rules_) {
    // One space at the very start, whatever it belongs to.
    const bool is_empty = text.empty();
    if (strip_space_ && at_start && text.starts_with(' ')) text.remove_prefix(1);
    at_start = at_start && is_empty;
    return text;
  }
  if (is_special(id)) {
    at_start = true;
    return text;
  }
  if ((add_space_ || squeeze_spaces_) && at_start && kind(id) != TokenKind::user_defined &&
      text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  // Encode takes user-defined tokens out of the text first: what follows one starts anew. Where it
  // leaves out spaces at the start, every token before the first text loses one.
  at_start = kind(id) == TokenKind::user_defined || (at_start && squeeze_spaces_ && text.empty());
  return text;
}

Status Tokenizer::decode(std::span<const std::int32_t> ids, std::uint32_t flags, Array<char>& text,
                         Error& error) const {
  text.clear();
  bool at_start = true;
  for (const std::int32_t id : ids) {
    if (!contains(id)) {
      return fail(error, Status::argument, "token id: {} is not under {}", id, tokens_.size());
    }
    const std::string_view next = next_text(id, flags, at_start);
    if (is_error(text.append({next.data(), next.size()}))) return fail_memory(error, "text");
  }
  return Status::ok;
}

}  // namespace inlay
