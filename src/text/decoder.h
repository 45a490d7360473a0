// decoder.h - from a token's spelling to the text it adds: the decoders of tokenizer.json.
#pragma once

#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

namespace inlay {

// Steps in words, applied to every token on its own, once, when a vocabulary is loaded:
//   bytes                         the byte-level alphabet
//   replace <n> <from><to>        every occurrence of the first n bytes; n in decimal
//   metaspace <scheme>            a space for U+2581, none in the first token unless "never"
//   wordpiece <cleanup> <prefix>  a space before words; cleanup 1 leaves out those before marks
//   strip <start> <stop> <c>      up to so many characters c at the token's ends
//   byte_fallback                 nothing to do: byte tokens are bytes anyway
//   fuse                          what follows sees the whole text
//   strip_text                    after fuse: one space at the beginning of the text
class Decoders {
 public:
  explicit Decoders(std::span<const std::string_view> steps) : steps_(steps) {}

  // UNSUPPORTED, FORMAT.
  Status check(Error& error);
  bool strips_text() const { return strips_text_; }
  // Whether a first token may add something else than the same token later.
  bool depends_on_place() const { return depends_on_place_; }
  bool empty() const { return steps_.empty(); }
  // Replaces `text`, a token's spelling, by what it adds. MEMORY.
  Status run(bool is_first, Array<char>& text, Array<char>& scratch) const;

 private:
  std::span<const std::string_view> steps_;
  bool strips_text_ = false;
  bool depends_on_place_ = false;
};

}  // namespace inlay
