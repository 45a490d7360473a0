// vocabulary.h - vocabularies for these tests: of a GGUF file, or small ones made here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"
#include "text/vocab.h"
#include "unit/format/open.h"

namespace inlay::test {

using Ids = std::vector<std::int32_t>;

// Owns what a VocabSource points to.
struct VocabData {
  std::string model = "llama";
  std::string pre;
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;
  VocabSource options;  // ids and flags; the rest is filled by source()

  // The view is good until the next call or change.
  const VocabSource& source() {
    token_views.assign(tokens.begin(), tokens.end());
    merge_views.assign(merges.begin(), merges.end());
    options.model = model;
    options.pre = pre;
    options.tokens = token_views;
    options.scores = scores;
    options.types = types;
    options.merges = merge_views;
    return options;
  }

  void add(const std::string& text, TokenKind kind = TokenKind::normal, float score = 0) {
    tokens.push_back(text);
    types.push_back(static_cast<std::int32_t>(kind));
    scores.push_back(score);
  }
  std::int32_t id(const std::string& text) const {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] == text) return static_cast<std::int32_t>(i);
    }
    FAIL("no token " << text);
    return -1;
  }

 private:
  std::vector<std::string_view> token_views;
  std::vector<std::string_view> merge_views;
};

inline std::string byte_name(int byte) {
  const char* digits = "0123456789ABCDEF";
  return std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">";
}

// The character that stands for a byte in a byte-level vocabulary, spelt out after the GPT-2
// paper's code.
inline std::string byte_character(int byte) {
  int point = byte;
  const auto printable = [](int b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
  };
  if (!printable(byte)) {
    point = 256;
    for (int b = 0; b < byte; ++b) point += printable(b) ? 0 : 1;
  }
  if (point < 128) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xc0 | point >> 6), static_cast<char>(0x80 | (point & 63))};
}

// SentencePiece style: <unk> <s> </s>, all bytes, letters, some words.
inline VocabData small_llama() {
  VocabData v;
  v.add("<unk>", TokenKind::unknown);
  v.add("<s>", TokenKind::control);
  v.add("</s>", TokenKind::control);
  for (int b = 0; b < 256; ++b) v.add(byte_name(b), TokenKind::byte);
  float score = -1;
  const char* words[] = {"▁",   "a",  "b",   "c",    "▁▁", "ab", "bc",   "▁a",
                         "▁ab", "cc", "abc", "▁▁▁▁", "é",  "日", "日本", "本"};
  for (const char* word : words) v.add(word, TokenKind::normal, score--);
  v.add("<|end|>", TokenKind::control);
  v.add("<tool>", TokenKind::user_defined);
  v.add("<tool>s", TokenKind::user_defined);
  v.options.bos = 1;
  v.options.eos = 2;
  v.options.unknown = 0;
  return v;
}

// Byte-level: all bytes, a few merges, two control tokens and one user-defined.
inline VocabData small_gpt2() {
  VocabData v;
  v.model = "gpt2";
  v.pre = "gpt-2";
  for (int b = 0; b < 256; ++b) v.add(byte_character(b));
  const std::string pairs[][2] = {{"a", "b"},  {"b", "c"}, {"ab", "c"}, {"Ġ", "a"},
                                  {"Ġ", "ab"}, {"Ã", "©"}, {"a", "a"},  {"aa", "aa"}};
  for (const auto& pair : pairs) {
    v.add(pair[0] + pair[1]);
    v.merges.push_back(pair[0] + " " + pair[1]);
  }
  v.add("Ġabc");  // no merge makes it
  v.add("<|endoftext|>", TokenKind::control);
  v.add("<|im_end|>", TokenKind::control);
  v.add("   ", TokenKind::user_defined);
  v.scores.clear();
  v.options.bos = v.options.eos = v.id("<|endoftext|>");
  return v;
}

// A tokenizer with its own counted heap.
struct Loaded {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Tokenizer tokenizer{allocator};
  Error error{};
  Status status;

  explicit Loaded(const VocabSource& source) { status = tokenizer.load(source, error); }
  explicit Loaded(VocabData data) : Loaded(data.source()) {}

  Ids encode(std::string_view text, std::uint32_t flags = 0) {
    Array<std::int32_t> ids(allocator);
    const Status result = tokenizer.encode(text, flags, ids, error);
    if (result != Status::ok) FAIL("encode: " << error.text);
    return Ids(ids.begin(), ids.end());
  }
  std::string decode(const Ids& ids, std::uint32_t flags = 0) {
    Array<char> text(allocator);
    const Status result = tokenizer.decode(ids, flags, text, error);
    if (result != Status::ok) FAIL("decode: " << error.text);
    return std::string(text.data(), text.size());
  }
  std::vector<std::string> pieces(const Ids& ids) const {
    std::vector<std::string> all;
    for (const std::int32_t id : ids) all.emplace_back(tokenizer.piece(id));
    return all;
  }
  bool says(const std::string& part) const {
    return std::string(error.text).find(part) != std::string::npos;
  }
};

// The vocabulary of a GGUF file.
inline VocabData vocabulary_of(const std::string& path) {
  Opened file(path_source(path));
  if (file.status != Status::ok) FAIL(file.text());
  const auto text = [&](const char* key) {
    std::string_view value;
    const Value* found = file.manifest.find(key);
    if (found) REQUIRE(found->text(0, value));
    return std::string(value);
  };
  const auto id = [&](const char* name) {
    std::int64_t value = VocabSource::absent;
    const Value* found = file.manifest.find(std::string("tokenizer.ggml.") + name + "_token_id");
    if (found) REQUIRE(found->integer(0, value));
    return value;
  };
  const auto flag = [&](const char* name) {
    bool value = false;
    const Value* found = file.manifest.find(std::string("tokenizer.ggml.") + name);
    if (!found) return VocabSource::Flag::absent;
    REQUIRE(found->boolean(0, value));
    return value ? VocabSource::Flag::yes : VocabSource::Flag::no;
  };
  VocabData v;
  v.model = text("tokenizer.ggml.model");
  v.pre = text("tokenizer.ggml.pre");
  for (const auto& token : file.manifest.find("tokenizer.ggml.tokens")->texts()) {
    v.tokens.emplace_back(token);
  }
  if (const Value* scores = file.manifest.find("tokenizer.ggml.scores")) {
    v.scores.assign(scores->floats().begin(), scores->floats().end());
  }
  if (const Value* types = file.manifest.find("tokenizer.ggml.token_type")) {
    for (std::uint64_t i = 0; i < types->count(); ++i) {
      std::int64_t type = 0;
      REQUIRE(types->integer(i, type));
      v.types.push_back(static_cast<std::int32_t>(type));
    }
  }
  if (const Value* merges = file.manifest.find("tokenizer.ggml.merges")) {
    for (const auto& merge : merges->texts()) v.merges.emplace_back(merge);
  }
  v.options.bos = id("bos");
  v.options.eos = id("eos");
  v.options.eot = id("eot");
  v.options.eom = id("eom");
  v.options.unknown = id("unknown");
  v.options.padding = id("padding");
  v.options.add_bos = flag("add_bos_token");
  v.options.add_eos = flag("add_eos_token");
  v.options.add_space_prefix = flag("add_space_prefix");
  return v;
}

}  // namespace inlay::test
