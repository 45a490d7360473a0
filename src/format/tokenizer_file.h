// tokenizer_file.h - what a tokenizer.json says, as far as inlay can honour it to the letter.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/source.h"
#include "format/chunk_store.h"
#include "format/json.h"

namespace inlay {

struct VocabEntry {
  std::string_view text;
  std::uint32_t id;
};

enum class TokenizerModel : std::uint8_t { unknown, bpe, unigram, wordpiece, wordlevel };

struct AddedToken {
  std::string_view text;
  std::uint32_t id = 0;
  bool special = false;
  bool normalized = false;
  bool lstrip = false;
  bool rstrip = false;
  bool single_word = false;
};

// A name that the post-processor uses, and a token that it stands for.
struct NamedId {
  std::string_view name;
  std::uint32_t id;
};

// One normalizer, pre-tokenizer, post-processor or decoder without the parts of a Sequence. Keys
// that are absent have the values that they mean then.
struct Component {
  static constexpr std::int64_t absent = -1;

  char path[160] = {};
  std::string_view type;
  std::string_view pattern;  // of Split and Replace
  bool is_regex = false;
  std::string_view content;      // of Replace and Strip
  std::string_view prepend;      // of Prepend
  std::string_view behavior;     // of Split and Punctuation
  std::string_view replacement;  // of Metaspace
  std::string_view prepend_scheme;
  std::string_view prefix = "##";  // of WordPiece
  std::string_view delimiter;      // of CharDelimiterSplit
  std::string_view charsmap;       // of Precompiled, in base 64
  bool invert = false;
  bool add_prefix_space = true;
  bool use_regex = true;
  bool individual_digits = false;
  bool split = true;
  bool strip_left = true;
  bool strip_right = true;
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool lowercase = true;
  bool cleanup = true;
  std::int64_t strip_accents = absent;  // 0, 1
  std::int64_t start = absent;
  std::int64_t stop = absent;
  bool has_parts = false;
  std::uint32_t sequences = 0;  // of a template; then it has begin and end
};

// Text lives in the ChunkStore.
class TokenizerFile {
 public:
  TokenizerFile(const Source& source, ChunkStore& store, Allocator& allocator, Error& error);

  // Errors: FORMAT, UNSUPPORTED (an unknown model, a part that cannot be honoured exactly),
  // LIMIT, MEMORY; they name file, path of keys and value.
  Status read();

  TokenizerModel model = TokenizerModel::unknown;
  bool byte_level = false;  // the byte-level alphabet comes before merging
  Array<VocabEntry> vocab;
  Array<double> scores;            // unigram: of the entries of `vocab`
  Array<std::string_view> merges;  // "left right"
  Array<AddedToken> added;
  std::string_view unknown;  // "" : none
  bool byte_fallback = false;
  bool fuse_unknown = false;
  bool ignore_merges = false;
  std::string_view word_prefix;
  std::string_view word_suffix;
  std::uint64_t max_word = 100;
  // In the words of tokenizer.inlay.normalizers, .pre_steps and .decoders.
  Array<std::string_view> normalizers;
  Array<std::string_view> steps;
  Array<std::string_view> decoders;
  std::span<const std::byte> charsmap;
  Array<std::string_view> begin;  // names of named_ids that go before text, and after it
  Array<std::string_view> end;
  Array<NamedId> named_ids;

 private:
  using Apply = Status (TokenizerFile::*)(const Component&);

  Status read_outermost(JsonReader& json);
  Status read_added(JsonReader& json);
  Status read_added_token(JsonReader& json);
  Status read_model(JsonReader& json);
  Status read_vocab(JsonReader& json);
  Status read_merges(JsonReader& json);
  Status read_merge(JsonReader& json);
  Status read_scored_vocab(JsonReader& json);
  Status read_scored(JsonReader& json);
  Status refuse_dropout(JsonReader& json);
  Status read_optional_text(JsonReader& json, std::string_view& text);

  Status read_component(JsonReader& json, Apply apply);
  Status read_component_key(JsonReader& json, std::string_view key, Component& c, Apply apply);
  Status read_parts(JsonReader& json, Apply apply);
  Status read_pattern(JsonReader& json, Component& c);
  Status read_template(JsonReader& json, Component& c);
  Status read_template_item(JsonReader& json, Component& c);
  Status read_named_ids(JsonReader& json);
  Status read_around(JsonReader& json, Array<std::string_view>& names);
  Status add_named_id(JsonReader& json, std::string_view name, std::uint32_t id);
  Status add_name(JsonReader& json, std::string_view name, Array<std::string_view>& names);

  Status normalizer(const Component& c);
  Status pre_tokenizer(const Component& c);
  Status post_processor(const Component& c);
  Status decoder(const Component& c);
  Status split(const Component& c);
  Status punctuation(const Component& c);
  Status byte_level_step(const Component& c);
  Status metaspace(const Component& c);
  Status replace(const Component& c, Array<std::string_view>& list);
  Status bert_normalizer(const Component& c);
  Status precompiled(const Component& c);
  Status strip_decoder(const Component& c);
  Status add_word(Array<std::string_view>& list, std::string_view word);
  Status add_words(Array<std::string_view>& list, std::string_view first, std::string_view second);
  Status add_step(std::string_view cut, std::string_view pattern);
  Status escape(std::string_view text, std::string_view& pattern);
  Status check();
  Status check_model();
  Status check_byte_level();

  Status keep(std::string_view text, std::string_view& kept);
  Status out_of_memory();
  // "<file>: <path>: <what> '<value>' is not supported"
  Status refuse(const Component& c, std::string_view what, std::string_view value);
  Status refuse(std::string_view what);

  const Source& source_;
  ChunkStore& store_;
  Allocator& allocator_;
  Error& error_;
  std::string_view file_;
  std::string_view model_type_;
  bool has_vocab_ = false;
  bool has_merges_ = false;
  bool has_max_word_ = false;
  bool is_scored_ = false;  // the vocabulary is a list of texts and scores
  std::int64_t unknown_id_ = -1;
  bool decodes_bytes_ = false;   // ByteLevel
  bool decodes_others_ = false;  // others that do something
  bool fuses_ = false;           // decoders so far
  std::uint32_t adders_ = 0;     // post-processors that add tokens
};

}  // namespace inlay
