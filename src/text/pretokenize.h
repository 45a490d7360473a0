// pretokenize.h - cuts text into the pieces inside which byte-level BPE merges, by named patterns.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

namespace inlay {

inline constexpr std::size_t max_patterns = 6;

// A pre-tokenizer: every pattern cuts the pieces that the one before it left.
struct PretokenizerRule {
  const char* names;                   // of tokenizer.ggml.pre, separated by spaces
  const char* patterns[max_patterns];  // in PCRE2 syntax, ASCII; nullptr after the last one
  bool ignore_merges;                  // a piece that is a token is taken whole
  bool add_bos;                        // unless the file says otherwise
};

// The rule with this name; nullptr: none.
const PretokenizerRule* find_pretokenizer(std::string_view name);

// Compiled patterns; immutable and thread-safe after compile().
class Pretokenizer {
 public:
  explicit Pretokenizer(Allocator& allocator) : allocator_(&allocator) {}
  Pretokenizer(const Pretokenizer&) = delete;
  Pretokenizer& operator=(const Pretokenizer&) = delete;
  ~Pretokenizer();

  // UNSUPPORTED when this build has no PCRE2.
  Status compile(const PretokenizerRule& rule, Error& error);

  // Replaces `ends` by the end of every piece of `text` (at most max_text_bytes), ascending; the
  // pieces cover the text. Text between matches is a piece of its own, a byte that is no UTF-8 too.
  // LIMIT: a pattern needed more steps than a rule of the table ever does.
  Status split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const;

 private:
  struct Matching;
  Status split_by(std::size_t pattern, std::string_view text, const Array<std::uint32_t>& pieces,
                  Matching& matching, Array<std::uint32_t>& ends, Error& error) const;
  Status split_piece(std::size_t pattern, const char* text, std::size_t begin, std::size_t end,
                     Matching& matching, Array<std::uint32_t>& ends, Error& error) const;

  Allocator* allocator_;
  void* context_ = nullptr;         // pcre2_general_context
  void* codes_[max_patterns] = {};  // pcre2_code
  std::size_t count_ = 0;
};

}  // namespace inlay
