// charsmap.h - SentencePiece's precompiled map of characters: a double-array tree over bytes and
// the texts its keys become.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

namespace inlay {

// What a map makes of the beginning of a text.
struct Mapped {
  std::size_t length = 0;  // bytes of the text; 0: the map has no word for it
  std::string_view text;
};

// A copy of such a map. Every index of it is checked where it is used: the file is not trusted.
class Charsmap {
 public:
  explicit Charsmap(Allocator& allocator) : units_(allocator), texts_(allocator) {}

  // FORMAT: sizes that do not fit each other; MEMORY.
  Status load(std::span<const std::byte> data, Error& error);
  bool empty() const { return units_.empty(); }
  // The longest (or the shortest) key that `text` begins with.
  Mapped find(std::string_view text, bool longest) const;

 private:
  std::size_t text_length(std::size_t at, std::size_t most) const;

  Array<std::uint32_t> units_;
  Array<char> texts_;  // each ends with a zero byte
};

}  // namespace inlay
