// spaces.h - SentencePiece writes U+2581 for a space; inside inlay it is a space again.
#pragma once

#include <string_view>

#include "base/array.h"
#include "text/utf8.h"

namespace inlay {

// Appends `text` with a space for every U+2581.
inline Status append_spaced(std::string_view text, Array<char>& out) {
  while (!text.empty()) {
    const std::size_t mark = text.find(space_mark);
    const std::size_t before = mark == std::string_view::npos ? text.size() : mark;
    INLAY_TRY(out.append({text.data(), before}));
    text.remove_prefix(before);
    if (text.empty()) break;
    INLAY_TRY(out.push(' '));
    text.remove_prefix(space_mark.size());
  }
  return Status::ok;
}

}  // namespace inlay
