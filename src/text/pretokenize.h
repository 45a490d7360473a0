// pretokenize.h - cuts text into the pieces inside which a model merges: named patterns, and the
// pre-tokenizers of tokenizer.json.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "text/aligned.h"
#include "text/matcher.h"
#include "text/splitters.h"
#include "text/unicode.h"

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

// Compiled steps; immutable and thread-safe after compile().
class Pretokenizer {
 public:
  explicit Pretokenizer(Allocator& allocator) : allocator_(&allocator) {}
  Pretokenizer(const Pretokenizer&) = delete;
  Pretokenizer& operator=(const Pretokenizer&) = delete;

  // Once. UNSUPPORTED when this build has no PCRE2 and a pattern is not written by hand.
  Status compile(const PretokenizerRule& rule, Error& error);
  // Steps that a file brings:
  //   <cut> <pattern>     in the words of tokenizer.json, such as "isolated \\p{N}"
  //   set <cut> <set>     every character of a set: punctuation, digit, space, mark (U+2581),
  //                     line (\n)
  //   words               runs of word characters, of other characters, no spaces
  //   metaspace <scheme>  U+2581 for spaces, and before a piece: always, first (of the text), never
  //   prefix_space        a space before every piece that does not begin with one
  //   bytes               later steps see the byte-level alphabet
  // FORMAT: another text; UNSUPPORTED: a pattern that translate_pattern() refuses or that matches
  // nothing at all; LIMIT.
  Status compile(std::span<const std::string_view> steps, Error& error);
  bool has_steps() const { return count_ != 0; }
  // Whether pieces depend on where in the caller's text they are from.
  bool needs_origins() const { return needs_origins_; }

  // Replaces `ends` by the end of every piece of `text` (at most max_text_bytes), ascending; the
  // pieces cover the text. To a pattern a byte that is no UTF-8 is a piece of its own. With
  // `left_out` in it an end closes text that is no piece. Steps that write text leave it in `a` or
  // `b`. LIMIT: a pattern needed more steps than any known rule does.
  Status split(AlignedView& text, bool aligned, AlignedText& a, AlignedText& b,
               Array<std::uint32_t>& ends, Error& error) const;
  // The same where no step writes text.
  Status split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const;
  static constexpr std::uint32_t left_out = 0x80000000u;

 private:
  enum class Kind : std::uint8_t {
    pattern,
    written,
    set,
    space,
    mark,
    line,
    words,
    threes_of_word,
    threes_cut,
    metaspace,
    prefix
  };
  enum class Scheme : std::uint8_t { always, first, never };
  struct Step {
    Kind kind = Kind::pattern;
    Cut cut = Cut::isolated;
    PointSet set = PointSet::punctuation;
    Scheme scheme = Scheme::never;
    Splitter splitter = nullptr;
    Matcher matcher;
  };
  struct Run;  // one call of split()

  Status add_pattern(std::string_view pattern, Cut cut, Error& error);
  Status add_step(std::string_view step, Array<char>& pattern, Error& error);
  Status add_set(std::string_view step, Error& error);
  Status add_metaspace(std::string_view scheme, Error& error);
  Status push(Step step, Error& error);
  bool writes_text(const Step& step) const {
    return step.kind == Kind::metaspace || step.kind == Kind::prefix;
  }

  Allocator* allocator_;
  Step steps_[max_steps];
  std::size_t count_ = 0;
  std::size_t bytes_from_ = max_steps;  // the first step that sees the byte-level alphabet
  bool needs_origins_ = false;
};

}  // namespace inlay
