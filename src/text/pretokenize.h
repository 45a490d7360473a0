// pretokenize.h - cuts text into the pieces inside which byte-level BPE merges, by named patterns.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

namespace inlay {

inline constexpr std::size_t max_patterns = 6;
inline constexpr std::size_t max_steps = 16;  // of a list that a file brings

// A pre-tokenizer: every pattern cuts the pieces that the one before it left.
struct PretokenizerRule {
  const char* names;                   // of tokenizer.ggml.pre, separated by spaces
  const char* patterns[max_patterns];  // in PCRE2 syntax, ASCII; nullptr after the last one
  bool ignore_merges;                  // a piece that is a token is taken whole
  bool add_bos;                        // unless the file says otherwise
};

// The rule with this name; nullptr: none.
const PretokenizerRule* find_pretokenizer(std::string_view name);

// What becomes of the matches of a pattern; text between two matches is one piece of its own.
enum class Cut : std::uint8_t {
  isolated,              // every match is a piece
  contiguous,            // matches side by side are one piece
  merged_with_previous,  // a match ends the piece before it
  merged_with_next,      // a match begins the piece after it
  removed,               // matches are left out
  kept,                  // text between matches is left out
};

// Compiled patterns; immutable and thread-safe after compile().
class Pretokenizer {
 public:
  explicit Pretokenizer(Allocator& allocator) : allocator_(&allocator) {}
  Pretokenizer(const Pretokenizer&) = delete;
  Pretokenizer& operator=(const Pretokenizer&) = delete;
  ~Pretokenizer();

  // Once. UNSUPPORTED when this build has no PCRE2.
  Status compile(const PretokenizerRule& rule, Error& error);
  // Steps that a file brings: "<Cut> <pattern>" in the words of tokenizer.json, such as
  // "isolated \\p{N}", or "bytes": later steps see the byte-level alphabet. FORMAT: another text;
  // UNSUPPORTED: a pattern that translate_pattern() refuses or that matches nothing at all; LIMIT.
  Status compile(std::span<const std::string_view> steps, Error& error);
  bool has_steps() const { return count_ != 0; }

  // Replaces `ends` by the end of every piece of `text` (at most max_text_bytes), ascending; the
  // pieces cover the text. A byte that is no UTF-8 is a piece of its own. With `left_out` in it an
  // end closes text that is no piece. LIMIT: a pattern needed more steps than any known rule does.
  Status split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const;
  static constexpr std::uint32_t left_out = 0x80000000u;

 private:
  struct Matching;
  struct Step {
    void* code = nullptr;  // pcre2_code
    Cut cut = Cut::isolated;
  };

  Status open(Error& error);
  Status add_step(std::string_view pattern, Cut cut, Error& error);
  Status add_step(std::string_view step, Array<char>& pattern, Error& error);
  Status split_by(const Step& step, std::string_view text, const Array<std::uint32_t>& pieces,
                  Matching& matching, Array<std::uint32_t>& ends, Error& error) const;
  Status split_piece(const Step& step, const char* text, std::size_t begin, std::size_t end,
                     Matching& matching, Array<std::uint32_t>& ends, Error& error) const;

  Allocator* allocator_;
  void* context_ = nullptr;  // pcre2_general_context
  Step steps_[max_steps];
  std::size_t count_ = 0;
  std::size_t bytes_from_ = max_steps;  // the first step that sees the byte-level alphabet
};

}  // namespace inlay
