// vocab.h - a model's tokenizer: text to ids and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "text/merge.h"
#include "text/normalizer.h"
#include "text/pretokenize.h"
#include "text/rules.h"
#include "text/special.h"
#include "text/token_index.h"
#include "text/trie.h"

namespace inlay {

// What a model file says of its vocabulary; views that only have to live during Tokenizer::load.
// The comments name the keys; errors name them too.
struct VocabSource {
  static constexpr std::int64_t absent = -1;
  enum class Flag : std::int8_t { absent = -1, no = 0, yes = 1 };

  std::string_view file;                     // for error texts; "": they name no file
  std::string_view model;                    // tokenizer.ggml.model: one of models.inc
  std::string_view pre;                      // tokenizer.ggml.pre; "" when absent
  std::span<const std::string_view> tokens;  // tokenizer.ggml.tokens
  std::span<const float> scores;             // tokenizer.ggml.scores; "llama" without rules, "t5"
  std::span<const std::int32_t> types;       // tokenizer.ggml.token_type; may be empty
  std::span<const std::string_view> merges;  // tokenizer.ggml.merges, "left right"
  // tokenizer.ggml.<name>_token_id. 2^32 - 1 also counts as absent: files write it for -1.
  std::int64_t bos = absent;
  std::int64_t eos = absent;
  std::int64_t eot = absent;
  std::int64_t eom = absent;
  std::int64_t unknown = absent;
  std::int64_t padding = absent;
  std::int64_t separator = absent;       // tokenizer.ggml.seperator_token_id (so spelt)
  std::int64_t classifier = absent;      // tokenizer.ggml.cls_token_id
  std::span<const std::int32_t> ends;    // tokenizer.inlay.end_token_ids: more that end a text
  Flag add_bos = Flag::absent;           // tokenizer.ggml.add_bos_token
  Flag add_eos = Flag::absent;           // tokenizer.ggml.add_eos_token
  Flag add_sep = Flag::absent;           // tokenizer.ggml.add_sep_token
  Flag add_space_prefix = Flag::absent;  // tokenizer.ggml.add_space_prefix
  Flag remove_spaces = Flag::absent;     // tokenizer.ggml.remove_extra_whitespaces
  Flag lowercase = Flag::absent;         // tokenizer.ggml.normalizer.lowercase; only for "bert"
  Flag strip_accents = Flag::absent;     // tokenizer.ggml.normalizer.strip_accents; the same
  std::span<const std::byte> charsmap;   // tokenizer.ggml.precompiled_charsmap, or empty
  TextRules rules;                       // with them "llama" merges by its merges, not by scores
};

// The values of tokenizer.ggml.token_type.
enum class TokenKind : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6,
};

// Immutable once loaded; then every const function is thread-safe. Copies what it needs of its
// source.
class Tokenizer {
 public:
  explicit Tokenizer(Allocator& allocator);
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Once, on a fresh object. Errors: FORMAT (naming file, key and both values), UNSUPPORTED
  // (another model, an unknown pre-tokenizer, byte-level without PCRE2), LIMIT, MEMORY. A text that
  // several tokens share means the first of them.
  Status load(const VocabSource& source, Error& error);

  // Replaces `ids` by the tokens of `text`; `flags` of INLAY_ENCODE_.... Bytes that are no UTF-8
  // are taken one by one. What the vocabulary cannot spell becomes the unknown token (one for a run
  // of characters), and is left out where there is none. Time O(n log n). With `ranges` also where
  // in `text` each token is from: empty ranges at the ends for tokens that were added. With
  // `segments` of the text, control tokens are only found inside segments of the template.
  Status encode(std::string_view text, std::uint32_t flags, Array<std::int32_t>& ids, Error& error,
                Array<TextRange>* ranges = nullptr,
                std::span<const inlay_segment> segments = {}) const;

  // Replaces `text` by the bytes of `ids`; `flags` of INLAY_DECODE_.... The space that encode puts
  // before text is taken away again. ARGUMENT: an id outside the vocabulary.
  Status decode(std::span<const std::int32_t> ids, std::uint32_t flags, Array<char>& text,
                Error& error) const;

  bool contains(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < tokens_.size();
  }
  // The bytes a token stands for, perhaps part of a character; for control and unknown tokens their
  // name. Empty for an id outside the vocabulary.
  std::string_view piece(std::int32_t id) const {
    return contains(id) ? text_of(tokens_[static_cast<std::size_t>(id)]) : std::string_view{};
  }
  // `id` must be inside the vocabulary.
  TokenKind kind(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)].kind; }
  // Control and unknown tokens: markup, no text.
  bool is_special(std::int32_t id) const {
    return kind(id) == TokenKind::control || kind(id) == TokenKind::unknown;
  }
  // Generation ends with this token: end of text, of turn, of message.
  bool is_end(std::int32_t id) const {
    return contains(id) && tokens_[static_cast<std::size_t>(id)].is_end;
  }

  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  const char* model() const { return model_name_; }
  std::int32_t bos() const { return bos_; }  // these are -1: none
  std::int32_t eos() const { return eos_; }
  std::int32_t unknown() const { return unknown_; }
  std::int32_t padding() const { return padding_; }
  bool adds_bos() const { return add_bos_; }
  bool adds_eos() const { return add_eos_; }
  // Encode puts a space before text (at the start and after special tokens), decode takes it away.
  bool adds_space() const { return add_space_; }
  // The file does not name its pre-tokenizer, so a general rule is used; worth a warning.
  bool pre_is_guessed() const { return pre_is_guessed_; }

  // One step of decode: the text that `id` adds. `at_start`: no text yet, or a special token
  // before; kept up to date. `id` must be inside the vocabulary.
  std::string_view next_text(std::int32_t id, std::uint32_t flags, bool& at_start) const;

 private:
  friend class VocabLoader;
  friend class Encoder;
  friend class TextParts;

  enum class Model : std::uint8_t { bpe, unigram, wordpiece, wordlevel, rwkv };
  struct Span {
    std::uint32_t begin = 0;  // in bytes_
    std::uint32_t size = 0;
  };
  struct Token {
    Span text;      // what it adds to a text that is there already
    Span spelling;  // what it is found by in text to merge, or as a special token
    TokenKind kind = TokenKind::normal;
    bool is_end = false;
    bool can_merge = false;    // spells ordinary text: normal or unused, and reachable by merging
    bool takes_space = false;  // when it is found in text, the white space after it is left out
    bool takes_space_before = false;  // and before it; only with rules
    bool single_word = false;         // it is found between words only; only with rules
  };

  std::string_view text_of(Span span) const { return {bytes_.data() + span.begin, span.size}; }
  std::string_view text_of(const Token& token) const { return text_of(token.text); }
  std::string_view spelling(std::int32_t id) const {
    return text_of(tokens_[static_cast<std::size_t>(id)].spelling);
  }
  // The mergeable token with exactly this spelling; -1: none.
  std::int32_t find(std::string_view text) const {
    if (text.size() > longest_) return -1;
    return index_.find(text, [this](std::int32_t id) { return spelling(id); });
  }

  Array<char> bytes_;           // texts of all tokens
  Array<Token> tokens_;         // (vocabulary)
  Array<Span> first_;           // (vocabulary) or empty: what a token adds as the first one
  TokenIndex index_;            // of mergeable tokens
  Trie trie_;                   // unigram, rwkv: the same
  Array<std::uint32_t> ranks_;  // bpe by scores: order of scores, low merges first
  Array<double> scores_;        // unigram
  MergeTable merges_;           // bpe by merges
  Normalizers normalizers_;
  Pretokenizer pretokenizer_;
  SpecialTokens specials_;
  SpecialTokens late_specials_;       // rules: found in normalized text
  Array<std::int32_t> begin_tokens_;  // rules: around text, between bos and eos
  Array<std::int32_t> end_tokens_;
  Array<char> word_prefix_;     // bpe, wordpiece: of symbols that go on a word
  Array<char> word_suffix_;     // bpe: of the last symbol of a word
  std::int32_t by_byte_[256];   // byte tokens; byte-level: tokens of one byte; -1: none
  std::int32_t by_ascii_[128];  // tokens of one ASCII character; -1: none
  std::size_t longest_ = 0;     // bytes of the longest mergeable token
  std::uint64_t max_word_ = 0;  // wordpiece: characters of the longest word that is looked at
  double unknown_score_ = 0;    // unigram
  const char* model_name_ = "";
  Model model_ = Model::bpe;
  std::int32_t bos_ = -1;
  std::int32_t eos_ = -1;
  std::int32_t unknown_ = -1;
  std::int32_t padding_ = -1;
  bool byte_level_ = false;  // bpe: symbols are bytes
  bool by_scores_ = false;   // bpe
  bool single_ = false;      // unigram: sums are rounded to single precision, as in SentencePiece
  bool add_bos_ = false;
  bool add_eos_ = false;
  bool add_space_ = false;
  bool squeeze_spaces_ = false;   // SentencePiece: no spaces at the start and end, no two in a row
  bool ignore_merges_ = false;    // a piece that is a token is taken whole
  bool split_at_spaces_ = false;  // bpe: no token has a U+2581 after anything but that
  bool pre_is_guessed_ = false;
  bool has_rules_ = false;  // of tokenizer.json; the following count only with them
  bool strip_space_ = false;
  bool fuse_unknown_ = false;
};

}  // namespace inlay
