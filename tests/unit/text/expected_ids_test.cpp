// expected_ids_test.cpp - published vocabularies give the ids their publishers expect.
#include "inlay/config.h"
#include "unit/text/published.h"
#include "unit/text/rank_vocabulary.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

void check(Loaded& loaded, const std::string& name) {
  INFO(name << ": " << loaded.error.text);
  REQUIRE(loaded.status == Status::ok);
  const std::vector<std::string> strings = strings_of("vocab/" + name);
  const std::vector<Ids> expected = ids_of("vocab/" + name);
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
  const std::vector<std::string> strings = strings_of("vocab/" + name);
  const std::vector<Ids> expected = ids_of("vocab/" + name);
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
