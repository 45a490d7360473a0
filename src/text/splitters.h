// splitters.h - the commonest pre-tokenizer patterns written by hand: the same cuts as the pattern
// makes, many times faster, and in Unicode's version of the reference.
#pragma once

#include <cstddef>
#include <string_view>

namespace inlay {

// The end of the piece that begins at `begin` (under text.size()) of `text`, which is valid UTF-8.
using Splitter = std::size_t (*)(std::string_view text, std::size_t begin);

// nullptr: nobody has written this pattern (in PCRE2's syntax) by hand.
Splitter find_splitter(std::string_view pattern);

}  // namespace inlay
