// token_trie.cpp - sorts the tokens by their bytes and writes the tree of their prefixes.
#include "sample/grammar/token_trie.h"

#include <algorithm>

namespace inlay::grammar {
namespace {

struct Entry {
  std::uint64_t start;  // the first 8 bytes, so that most comparisons are one
  std::int32_t id;
};

std::uint64_t start_of(std::string_view text) {
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    start = start << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0u);
  }
  return start;
}

std::size_t common(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

bool is_text_token(const Tokenizer& tokenizer, std::int32_t id) {
  const TokenKind kind = tokenizer.kind(id);
  const bool text =
      kind == TokenKind::normal || kind == TokenKind::user_defined || kind == TokenKind::byte;
  const std::size_t size = tokenizer.piece(id).size();
  return text && !tokenizer.is_end(id) && size > 0 && size <= TokenTrie::max_token_bytes;
}

Status TokenTrie::build(const Tokenizer& tokenizer, Error& error) {
  tokenizer_ = &tokenizer;
  Array<Entry> entries(*nodes_.allocator());
  const auto build_all = [&] {
    for (std::int32_t id = 0; tokenizer.contains(id); ++id) {
      if (tokenizer.is_end(id)) INLAY_TRY(ends_.push(id));
      if (is_text_token(tokenizer, id)) {
        INLAY_TRY(entries.push({start_of(tokenizer.piece(id)), id}));
      } else {
        INLAY_TRY(others_.push(id));
      }
    }
    const auto before_id = [&](std::int32_t a, std::int32_t b) {
      const int order = tokenizer.piece(a).compare(tokenizer.piece(b));
      return order != 0 ? order < 0 : a < b;
    };
    std::sort(others_.begin(), others_.end(), before_id);
    std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
      return a.start != b.start ? a.start < b.start : before_id(a.id, b.id);
    });
    INLAY_TRY(tokens_.reserve(entries.size()));
    std::uint32_t path[max_token_bytes + 1];  // nodes of the text before
    std::string_view before;
    for (const Entry& entry : entries) {
      const std::string_view text = tokenizer.piece(entry.id);
      const std::size_t shared = common(before, text);
      for (std::size_t d = before.size(); d > shared; --d) {
        nodes_[path[d]].end = static_cast<std::uint32_t>(nodes_.size());
      }
      for (std::size_t d = shared + 1; d <= text.size(); ++d) {
        path[d] = static_cast<std::uint32_t>(nodes_.size());
        INLAY_TRY(
            nodes_.push({0, static_cast<std::uint32_t>(tokens_.size()),
                         static_cast<std::uint16_t>(d), static_cast<std::uint8_t>(text[d - 1])}));
      }
      INLAY_TRY(tokens_.push(entry.id));
      longest_ = std::max(longest_, static_cast<std::uint32_t>(text.size()));
      before = text;
    }
    for (std::size_t d = before.size(); d > 0; --d) {
      nodes_[path[d]].end = static_cast<std::uint32_t>(nodes_.size());
    }
    return nodes_.push({static_cast<std::uint32_t>(nodes_.size()) + 1,
                        static_cast<std::uint32_t>(tokens_.size()), 0, 0});
  };
  return is_error(build_all()) ? fail_memory(error, "grammar: the tree of tokens") : Status::ok;
}

std::int32_t TokenTrie::find(std::string_view text) const {
  std::int32_t first = -1;
  for (const Array<std::int32_t>* ids : {&tokens_, &others_}) {
    const std::int32_t* found = std::lower_bound(
        ids->begin(), ids->end(), text,
        [this](std::int32_t id, auto wanted) { return tokenizer_->piece(id) < wanted; });
    const bool here = found != ids->end() && tokenizer_->piece(*found) == text;
    if (here && (first < 0 || *found < first)) first = *found;
  }
  return first;
}

}  // namespace inlay::grammar
