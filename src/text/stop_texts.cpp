// stop_texts.cpp - the automaton of the texts that end a generation.
#include "text/stop_texts.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace inlay {
namespace {

Status check(std::span<const inlay_text_view> texts, Error& error) {
  if (texts.size() > INLAY_STOP_TEXT_MAX) {
    return fail(error, Status::limit, "stop texts: {}, at most {}", texts.size(),
                static_cast<int>(INLAY_STOP_TEXT_MAX));
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto [text, length] = texts[i];
    if (!text || length == 0) {
      return fail(error, Status::argument, "stop texts[{}]: 0 bytes, expected 1 to {}", i,
                  static_cast<int>(INLAY_STOP_TEXT_LENGTH));
    }
    if (length > INLAY_STOP_TEXT_LENGTH) {
      return fail(error, Status::limit, "stop texts[{}]: {} bytes, at most {}", i, length,
                  static_cast<int>(INLAY_STOP_TEXT_LENGTH));
    }
    const std::size_t valid = utf8_valid_prefix({text, length});
    if (valid != length) {
      return fail(error, Status::argument, "stop texts[{}]: no UTF-8 at byte {} of {}", i, valid,
                  length);
    }
    bytes += length;
  }
  if (bytes <= INLAY_STOP_TEXT_BYTES) return Status::ok;
  return fail(error, Status::limit, "stop texts: {} bytes, at most {}", bytes,
              static_cast<int>(INLAY_STOP_TEXT_BYTES));
}

}  // namespace

Status StopTexts::copy(std::span<const inlay_text_view> texts, Error& error) {
  INLAY_TRY(check(texts, error));
  for (const auto& [text, length] : texts) {
    if (is_error(bytes_.append({text, length})) ||
        is_error(ends_.push(static_cast<std::uint32_t>(bytes_.size())))) {
      return fail_memory(error, "stop texts");
    }
  }
  return Status::ok;
}

Status StopTexts::build(std::span<const inlay_text_view> texts, Error& error) {
  INLAY_TRY(copy(texts, error));
  if (is_error(add_nodes(*bytes_.allocator()))) return fail_memory(error, "stop texts");
  add_links();
  return Status::ok;
}

// The texts in order; a node is a range of them with a common beginning.
Status StopTexts::add_nodes(Allocator& allocator) {
  struct Range {
    std::uint32_t begin, end;
  };
  Array<std::uint32_t> order(allocator);
  Array<Range> ranges(allocator);
  INLAY_TRY(order.resize(count()));
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    const std::string_view left = text(a), right = text(b);
    const int sign = std::memcmp(left.data(), right.data(), std::min(left.size(), right.size()));
    if (sign != 0) return sign < 0;
    return left.size() != right.size() ? left.size() < right.size() : a < b;
  });
  INLAY_TRY(nodes_.push({}));
  INLAY_TRY(ranges.push({0, static_cast<std::uint32_t>(count())}));
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    auto [at, end] = ranges[n];
    const std::uint16_t depth = nodes_[n].depth;
    if (at < end && text(order[at]).size() == depth) {
      nodes_[n].match = static_cast<std::int32_t>(order[at]);
      while (at < end && text(order[at]).size() == depth) ++at;
    }
    nodes_[n].first = static_cast<std::uint32_t>(nodes_.size());
    while (at < end) {
      const std::string_view first = text(order[at]);
      Node child;
      child.byte = static_cast<unsigned char>(first[depth]);
      child.depth = static_cast<std::uint16_t>(depth + 1);
      child.offset = static_cast<std::uint32_t>(first.data() - bytes_.data());
      const std::uint32_t begin = at;
      while (at < end && text(order[at])[depth] == first[depth]) ++at;
      INLAY_TRY(nodes_.push(child));
      INLAY_TRY(ranges.push({begin, at}));
      ++nodes_[n].children;
    }
  }
  return Status::ok;
}

// Breadth first: whatever a link leads to has its own already.
void StopTexts::add_links() {
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    for (std::uint32_t i = 0; i < nodes_[n].children; ++i) {
      Node& child = nodes_[nodes_[n].first + i];
      child.fail = n == start ? start : next(nodes_[n].fail, child.byte);
      if (child.match < 0) child.match = nodes_[child.fail].match;
    }
  }
}

std::uint32_t StopTexts::child(std::uint32_t node, unsigned char byte) const {
  const Node* begin = nodes_.data() + nodes_[node].first;
  const Node* end = begin + nodes_[node].children;
  const Node* found = std::lower_bound(
      begin, end, byte, [](const Node& n, unsigned char wanted) { return n.byte < wanted; });
  if (found == end || found->byte != byte) return 0;
  return static_cast<std::uint32_t>(found - nodes_.data());
}

std::uint32_t StopTexts::next(std::uint32_t state, unsigned char byte) const {
  for (;;) {
    const std::uint32_t found = child(state, byte);
    if (found || state == start) return found;
    state = nodes_[state].fail;
  }
}

Status StopTextsRef::assign(Allocator& allocator, std::span<const inlay_text_view> texts,
                            Error& error) {
  StopTextsRef made;
  if (!texts.empty()) {
    made.shared_ = create<Shared>(allocator, allocator);
    if (!made.shared_) return fail_memory(error, "stop texts");
    INLAY_TRY(made.shared_->texts.build(texts, error));
  }
  *this = made;
  return Status::ok;
}

void StopTextsRef::release() {
  if (shared_ && --shared_->owners == 0) destroy(shared_->allocator, shared_);
  shared_ = nullptr;
}

}  // namespace inlay
