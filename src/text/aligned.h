// aligned.h - text on its way through an encoder, and where in the caller's text its bytes are
// from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "text/utf8.h"

namespace inlay {

// Bytes [begin, end) of the caller's text.
using TextRange = inlay_range;

constexpr TextRange join(TextRange a, TextRange b) {
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

// A piece of such a text. Without origins byte i is byte `base + i` of the caller's.
struct AlignedView {
  std::string_view text;
  const TextRange* origins = nullptr;
  std::uint32_t base = 0;

  TextRange origin(std::size_t i) const {
    const auto at = base + static_cast<std::uint32_t>(i);
    return origins ? origins[i] : TextRange{at, at + 1};
  }
  // Of bytes [begin, end); an empty range where there are none.
  TextRange origin(std::size_t begin, std::size_t end) const {
    if (begin == end) return gap(begin);
    return join(origin(begin), origin(end - 1));
  }
  // The place before byte i.
  TextRange gap(std::size_t i) const {
    if (i < text.size()) return {origin(i).begin, origin(i).begin};
    if (text.empty()) return {base, base};
    return {origin(i - 1).end, origin(i - 1).end};
  }
  AlignedView part(std::size_t begin, std::size_t end) const {
    return {slice(text, begin, end), origins ? origins + begin : nullptr,
            base + static_cast<std::uint32_t>(begin)};
  }
};

// Such a text being made. Origins are kept only when they are asked for.
class AlignedText {
 public:
  explicit AlignedText(Allocator& allocator) : bytes_(allocator), origins_(allocator) {}

  // Empty again; appending fails with LIMIT beyond `most` bytes.
  void start(bool aligned, std::size_t most = max_text_bytes) {
    aligned_ = aligned;
    is_full_ = false;
    most_ = most;
    bytes_.clear();
    origins_.clear();
  }
  Allocator& allocator() const { return *bytes_.allocator(); }
  std::size_t size() const { return bytes_.size(); }
  // Whether something was refused for being too much.
  bool is_full() const { return is_full_; }
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }
  AlignedView view(std::size_t begin, std::size_t end) const {
    return {slice(text(), begin, end), aligned_ ? origins_.data() + begin : nullptr, 0};
  }
  AlignedView view() const { return view(0, size()); }

  // All these bytes come from one place.
  Status append(std::string_view bytes, TextRange origin) {
    INLAY_TRY(add(bytes));
    for (std::size_t i = 0; aligned_ && i < bytes.size(); ++i) INLAY_TRY(origins_.push(origin));
    return Status::ok;
  }
  Status append(const AlignedView& view) {
    INLAY_TRY(add(view.text));
    for (std::size_t i = 0; aligned_ && i < view.text.size(); ++i) {
      INLAY_TRY(origins_.push(view.origin(i)));
    }
    return Status::ok;
  }
  Status append(char32_t point, TextRange origin) {
    char bytes[4];
    const std::size_t length = write_utf8(point, bytes);
    return append({bytes, length}, origin);
  }
  // Takes bytes off the end.
  void shrink(std::size_t size) {
    while (bytes_.size() > size) bytes_.pop();
    while (aligned_ && origins_.size() > size) origins_.pop();
  }
  void swap(AlignedText& other) {
    bytes_.swap(other.bytes_);
    origins_.swap(other.origins_);
    std::swap(aligned_, other.aligned_);
    std::swap(most_, other.most_);
    std::swap(is_full_, other.is_full_);
  }

 private:
  Status add(std::string_view bytes) {
    is_full_ = bytes.size() > most_ - bytes_.size();
    if (is_full_) return Status::limit;
    return bytes_.append({bytes.data(), bytes.size()});
  }

  Array<char> bytes_;
  Array<TextRange> origins_;
  bool aligned_ = false;
  bool is_full_ = false;
  std::size_t most_ = max_text_bytes;
};

}  // namespace inlay
