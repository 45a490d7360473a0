// stop_texts.h - texts that end a generation, compiled so that a byte takes the same time however
// many there are (Aho and Corasick 1975).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

namespace inlay {

// Immutable once built. A state says which longest end of the text so far begins one of the texts.
class StopTexts {
 public:
  explicit StopTexts(Allocator& allocator)
      : bytes_(allocator), ends_(allocator), nodes_(allocator) {}

  // Once. Errors: ARGUMENT (empty, or no UTF-8), LIMIT, MEMORY.
  Status build(std::span<const inlay_text_view> texts, Error& error);

  static constexpr std::uint32_t start = 0;
  std::uint32_t next(std::uint32_t state, unsigned char byte) const;
  // The end of the text that begins one of the texts.
  std::string_view held(std::uint32_t state) const {
    return {bytes_.data() + nodes_[state].offset, nodes_[state].depth};
  }
  // Index of the longest text that ends here; -1: none.
  std::int32_t match(std::uint32_t state) const { return nodes_[state].match; }

  std::size_t count() const { return ends_.size(); }
  std::size_t byte_count() const { return bytes_.size(); }
  std::string_view text(std::size_t i) const {
    const std::uint32_t begin = i ? ends_[i - 1] : 0;
    return {bytes_.data() + begin, ends_[i] - begin};
  }

 private:
  struct Node {
    std::uint32_t first = 0;   // of its children, which lie side by side in order of their bytes
    std::uint32_t fail = 0;    // the longest end of its text that is a node
    std::uint32_t offset = 0;  // of its text in bytes_
    std::int32_t match = -1;
    std::uint16_t depth = 0;  // bytes of its text
    std::uint16_t children = 0;
    unsigned char byte = 0;  // its last
  };

  Status copy(std::span<const inlay_text_view> texts, Error& error);
  Status add_nodes(Allocator& allocator);
  void add_links();
  std::uint32_t child(std::uint32_t node, unsigned char byte) const;  // 0: none

  Array<char> bytes_;          // of all texts, one behind the other
  Array<std::uint32_t> ends_;  // (count)
  Array<Node> nodes_;          // breadth first
};

// A share in StopTexts: the last one frees them. One thread at a time.
class StopTextsRef {
 public:
  StopTextsRef() = default;
  StopTextsRef(const StopTextsRef& other) : shared_(other.shared_) {
    if (shared_) ++shared_->owners;
  }
  StopTextsRef& operator=(const StopTextsRef& other) {
    if (other.shared_) ++other.shared_->owners;
    release();
    shared_ = other.shared_;
    return *this;
  }
  ~StopTextsRef() { release(); }

  // Errors as StopTexts::build; the old ones stay then.
  Status assign(Allocator& allocator, std::span<const inlay_text_view> texts, Error& error);
  const StopTexts* get() const { return shared_ ? &shared_->texts : nullptr; }

 private:
  struct Shared {
    explicit Shared(Allocator& a) : allocator(a), texts(a) {}
    Allocator& allocator;
    std::uint32_t owners = 1;
    StopTexts texts;
  };
  void release();

  Shared* shared_ = nullptr;
};

}  // namespace inlay
