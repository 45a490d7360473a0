// expected_ids_test.cpp - published vocabularies give the ids their publishers expect.
#include <sstream>

#include "inlay/config.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// The strings of a .inp file stand between lines of their own.
std::vector<std::string> strings_of(const std::string& name) {
  const std::string mark = "\n__ggml_vocab_test__\n";
  std::string text = read_text(data_path("vocab/" + name + ".gguf.inp"));
  std::vector<std::string> all;
  for (;;) {
    const std::size_t end = text.find(mark);
    if (end == std::string::npos) break;
    all.push_back(text.substr(0, end));
    text.erase(0, end + mark.size());
  }
  if (!text.empty()) all.push_back(text);
  return all;
}

std::vector<Ids> ids_of(const std::string& name) {
  std::istringstream lines(read_text(data_path("vocab/" + name + ".gguf.out")));
  std::vector<Ids> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    all.emplace_back();
    for (std::int32_t id; numbers >> id;) all.back().push_back(id);
  }
  return all;
}

void check(Loaded& loaded, const std::string& name) {
  INFO(name << ": " << loaded.error.text);
  REQUIRE(loaded.status == Status::ok);
  const std::vector<std::string> strings = strings_of(name);
  const std::vector<Ids> expected = ids_of(name);
  REQUIRE(strings.size() >= 46);
  REQUIRE(strings.size() == expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    INFO("string " << i << ": '" << strings[i] << "'");
    CHECK(loaded.encode(strings[i]) == expected[i]);
    CHECK(loaded.decode(loaded.encode(strings[i])) == strings[i]);
  }
}

void check_file(const std::string& name) {
  Loaded loaded(vocabulary_of(data_path("vocab/" + name + ".gguf")));
  check(loaded, name);
}

}  // namespace

TEST_CASE("SentencePiece vocabularies give the expected ids") {
  INLAY_NEEDS_TEST_DATA();
  check_file("ggml-vocab-llama-spm");
  check_file("ggml-vocab-phi-3");
}

#if INLAY_WITH_UTF8PROC

// Decoding gives lower case and other spaces.
TEST_CASE("a WordPiece vocabulary gives the expected ids") {
  INLAY_NEEDS_TEST_DATA();
  const std::string name = "ggml-vocab-bert-bge";
  Loaded loaded(vocabulary_of(data_path("vocab/" + name + ".gguf")));
  INFO(loaded.error.text);
  REQUIRE(loaded.status == Status::ok);
  const std::vector<std::string> strings = strings_of(name);
  const std::vector<Ids> expected = ids_of(name);
  REQUIRE(strings.size() >= 46);
  REQUIRE(strings.size() == expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    INFO("string " << i << ": '" << strings[i] << "'");
    CHECK(loaded.encode(strings[i]) == expected[i]);
  }
}

#endif

#if INLAY_WITH_PCRE2

TEST_CASE("byte-level vocabularies give the expected ids") {
  INLAY_NEEDS_TEST_DATA();
  const char* name = GENERATE("ggml-vocab-gpt-2", "ggml-vocab-mpt", "ggml-vocab-falcon",
                              "ggml-vocab-deepseek-llm");
  check_file(name);
}

namespace {

std::string decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    if ((count += 6) >= 8) bytes.push_back(static_cast<char>(bits >> (count -= 8)));
  }
  return bytes;
}

// The merge that makes a token is the one its bytes end in when only lower ranks merge.
std::string last_merge(const std::string& bytes, std::size_t rank,
                       const std::unordered_map<std::string, std::size_t>& ranks) {
  std::vector<std::string> parts;
  for (const char c : bytes) parts.emplace_back(1, c);
  while (parts.size() > 2) {
    std::size_t best = rank;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find(parts[i] + parts[i + 1]);
      if (found != ranks.end() && found->second < best) best = found->second, at = i;
    }
    if (best == rank) return "";
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  const auto spell = [](const std::string& part) {
    std::string text;
    for (const char c : part) text += byte_character(static_cast<unsigned char>(c));
    return text;
  };
  return parts.size() == 2 ? spell(parts[0]) + " " + spell(parts[1]) : "";
}

// A vocabulary from a list of "base64 rank" lines.
VocabData vocabulary_of_ranks(const std::string& path, const std::string& pre) {
  std::istringstream lines(read_text(path));
  std::vector<std::string> tokens;
  std::unordered_map<std::string, std::size_t> ranks;
  for (std::string word, rank; lines >> word >> rank;) {
    tokens.push_back(decode_base64(word));
    ranks.emplace(tokens.back(), tokens.size() - 1);
  }
  VocabData v;
  v.model = "gpt2";
  v.pre = pre;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string text;
    for (const char c : tokens[i]) text += byte_character(static_cast<unsigned char>(c));
    v.tokens.push_back(text);
    const std::string merge = last_merge(tokens[i], i, ranks);
    if (!merge.empty()) v.merges.push_back(merge);
  }
  return v;
}

}  // namespace

TEST_CASE("the vocabularies of Llama 3 and Qwen2 give the expected ids") {
  INLAY_NEEDS_TEST_DATA();
  Loaded llama(vocabulary_of_ranks(data_path("tokenizers/llama-3/tiktoken.model"), "llama-bpe"));
  check(llama, "ggml-vocab-llama-bpe");
  Loaded qwen(vocabulary_of_ranks(data_path("tokenizers/qwen/qwen.tiktoken"), "qwen2"));
  check(qwen, "ggml-vocab-qwen2");
}

TEST_CASE("whole books survive encode and decode") {
  INLAY_NEEDS_TEST_DATA();
  const char* vocabulary = GENERATE("ggml-vocab-llama-spm", "ggml-vocab-gpt-2");
  Loaded loaded(vocabulary_of(data_path("vocab/" + std::string(vocabulary) + ".gguf")));
  for (const char* name : {"text/frankenstein.txt", "text/wagahaiwa-nekodearu.txt"}) {
    const std::string text = read_text(data_path(name));
    CHECK(loaded.decode(loaded.encode(text)) == text);
  }
}

#endif
