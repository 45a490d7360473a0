// split_name.h - how the files of a split GGUF model are named: <prefix>-00001-of-00002.gguf.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/diagnostics.h"

namespace inlay {

struct SplitName {
  std::string_view prefix;  // with its folders
  std::uint32_t no = 0;     // from 0; the name counts from 1
  std::uint32_t count = 0;
};

// "-00001-of-00002.gguf"
struct SplitEnding {
  static constexpr std::size_t size = 20;
  char text[32];  // numbers of ten digits fit
  std::size_t length;
  SplitEnding(std::uint32_t no, std::uint32_t count)
      : length(print(text, sizeof text, "-{:05}-of-{:05}.gguf", std::uint64_t{no} + 1, count)) {}
  std::string_view view() const { return {text, length}; }
};

// False: the path does not end so, or counts wrongly.
inline bool parse_split_name(std::string_view path, SplitName* split) {
  if (path.size() <= SplitEnding::size) return false;
  split->prefix = path;
  split->prefix.remove_suffix(SplitEnding::size);
  const std::string_view ending(path.data() + split->prefix.size(), SplitEnding::size);
  const auto number = [&](std::size_t at) {  // of five digits
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 5; ++i) {
      value = value * 10 + static_cast<unsigned char>(ending[i] - '0');
    }
    return value;
  };
  const std::uint32_t place = number(1);
  split->no = place - 1;
  split->count = number(10);
  // Written again it must be the same text: nothing but digits, and the words around them.
  return place >= 1 && place <= split->count &&
         SplitEnding(split->no, split->count).view() == ending;
}

}  // namespace inlay
