// normalizer.h - what is done to text before it is cut: the normalizers of tokenizer.json and of
// SentencePiece, one after the other.
#pragma once

#include <span>
#include <string_view>

#include "text/aligned.h"
#include "text/charsmap.h"
#include "text/matcher.h"

namespace inlay {

inline constexpr std::size_t max_normalizers = 32;

// Immutable and thread-safe after load().
class Normalizers {
 public:
  explicit Normalizers(Allocator& allocator)
      : allocator_(&allocator), texts_(allocator), charsmap_(allocator), steps_(allocator) {}

  // Once. Steps in words:
  //   nfc nfd nfkc nfkd lowercase strip_accents bert_accents bert_clean bert_ideographs nmt
  //   strip_left strip_right strip
  //   prepend <text>               in front of text that is not empty
  //   replace <n> <from><to>       every occurrence of the first n bytes; n in decimal
  //   pattern <n> <regular><to>    every match
  //   charsmap                     of `charsmap`, cluster by cluster as tokenizer.json has it
  //   sentencepiece <flags>        of `charsmap`, which may be empty; flags: p adds a space in
  //                                front, x leaves out superfluous spaces, e escapes spaces
  // Errors: FORMAT, UNSUPPORTED (patterns without PCRE2, forms without utf8proc), LIMIT, MEMORY.
  Status load(std::span<const std::string_view> steps, std::span<const std::byte> charsmap,
              Error& error);
  bool empty() const { return steps_.empty(); }
  // At most so many bytes come out of one, all steps together; and so many more of any text.
  static constexpr std::size_t growth = 32;
  static constexpr std::size_t growth_room = max_normalizers * growth;

  // What becomes of `text`: itself, or `a` or `b` as the last step left it. MEMORY, LIMIT.
  Status run(AlignedView& text, bool aligned, AlignedText& a, AlignedText& b, Error& error) const;

 private:
  enum class Kind : std::uint8_t {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    strip_accents,
    bert_accents,
    bert_clean,
    bert_ideographs,
    nmt,
    strip_left,
    strip_right,
    strip,
    prepend,
    replace,
    pattern,
    charsmap,
    sentencepiece,
  };
  struct Step {
    Kind kind;
    bool prefix = false, squeeze = false, escape = false;                    // sentencepiece
    std::uint32_t from_begin = 0, from_size = 0, to_begin = 0, to_size = 0;  // in texts_
    Matcher matcher;
  };

  Status add(std::string_view word, Error& error);
  Status add_replace(std::string_view word, std::string_view rest, Step& step, Error& error);
  Status keep(std::string_view text, std::uint32_t& begin, std::uint32_t& size);
  Status apply(const Step& step, const AlignedView& in, AlignedText& out, Error& error) const;
  Status replace(const Step& step, const AlignedView& in, AlignedText& out) const;
  Status replace_matches(const Step& step, const AlignedView& in, AlignedText& out,
                         Error& error) const;
  Status map_clusters(const AlignedView& in, AlignedText& out) const;
  Status sentencepiece(const Step& step, const AlignedView& in, AlignedText& out) const;
  std::string_view from(const Step& step) const {
    return {texts_.data() + step.from_begin, step.from_size};
  }
  std::string_view to(const Step& step) const {
    return {texts_.data() + step.to_begin, step.to_size};
  }

  Allocator* allocator_;
  Array<char> texts_;
  Charsmap charsmap_;
  Array<Step> steps_;
};

}  // namespace inlay
