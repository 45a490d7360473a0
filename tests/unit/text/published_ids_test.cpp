// published_ids_test.cpp - tokenizer.json files and rank files give the ids and texts that other
// implementations expect.
#include "inlay/config.h"
#include "unit/text/published.h"
#include "unit/text/rank_vocabulary.h"
#include "unit/text/tokenizer_folder.h"

#if INLAY_WITH_PCRE2

using namespace inlay;
using namespace inlay::test;

namespace {

// The strings of <vocab>.gguf.inp, without tokens around them.
void check_vocab(const std::string& folder, const std::string& vocab) {
  FolderTokenizer t(path_source(data_path(folder)));
  INFO(vocab << ": " << t.error.text);
  REQUIRE(t.status == Status::ok);
  const std::vector<std::string> strings = strings_of(vocab);
  const std::vector<Ids> expected = ids_of(vocab);
  REQUIRE(strings.size() >= 46);
  REQUIRE(strings.size() == expected.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    INFO("text '" << strings[i] << "'");
    CHECK(t.encode(strings[i], 0) == expected[i]);
  }
}

// Texts of a model in tokenizer_tests.json, which must have at least 18.
std::vector<Pair> tests_of(const std::string& model, const std::string& decoded = "") {
  const std::vector<Pair> pairs =
      pairs_of("tokenizers/expected/tokenizer_tests.json", {"input", "input_ids", decoded, model});
  INFO(model);
  REQUIRE(pairs.size() >= 18);
  return pairs;
}

// The text of <name>_encoded.json.
std::vector<Pair> text_of(const std::string& name, const std::string& decoded = "") {
  const std::vector<Pair> pairs =
      pairs_of("tokenizers/expected/" + name + ".json", {"text", "token_ids", decoded, ""});
  INFO(name);
  REQUIRE(pairs.size() == 1);
  return pairs;
}

// What is left of `pairs` without ids from `first` on: those of control tokens around the text.
std::vector<Pair> without(std::int32_t first, std::vector<Pair> pairs) {
  for (Pair& pair : pairs) std::erase_if(pair.ids, [&](std::int32_t id) { return id >= first; });
  return pairs;
}

template <class T>  // FolderTokenizer or Loaded
void check_pairs(T& t, const std::vector<Pair>& pairs, std::uint32_t flags) {
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  for (const Pair& pair : pairs) {
    INFO("text '" << pair.text << "'");
    CHECK(t.encode(pair.text, flags) == pair.ids);
    if (!pair.decoded.empty()) CHECK(t.decode(pair.ids) == pair.decoded);
  }
}

void check_folder(const std::string& folder, const std::vector<Pair>& pairs) {
  FolderTokenizer t(path_source(data_path(folder)));
  INFO(folder);
  check_pairs(t, pairs, FolderTokenizer::all_flags);
}

// In this copy of Llama 2's file no-break spaces became plain ones.
std::vector<Pair> without_no_break_spaces(std::vector<Pair> pairs) {
  std::erase_if(pairs, [](const Pair& p) { return p.text.find("\u00a0") != std::string::npos; });
  return pairs;
}

}  // namespace

TEST_CASE("the same vocabularies in GGUF's tests give the same ids") {
  INLAY_NEEDS_TEST_DATA();
  check_vocab("tokenizers/llama-2", "vocab/ggml-vocab-llama-spm");
  check_vocab("tokenizers/phi-3-mini", "vocab/ggml-vocab-phi-3");
  check_vocab("tokenizers/falcon", "vocab/ggml-vocab-falcon");
  check_vocab("tokenizers/roberta-base", "vocab/no-vocab/ggml-vocab-roberta-bpe");
}

// Where texts there have lost spaces before punctuation, or are lower case, only the ids count.
TEST_CASE("other implementations expect the same ids and texts") {
  INLAY_NEEDS_TEST_DATA();
  const std::string decoded = "decoded_without_special";
  check_folder("tokenizers/bert-base-uncased", tests_of("bert-base-uncased"));
  check_folder("tokenizers/bert-base-uncased", tests_of("google-bert/bert-base-uncased"));
  check_folder("tokenizers/bert-base-uncased", text_of("bert_uncased_encoded"));
  check_folder("tokenizers/falcon", tests_of("tiiuae/falcon-7b"));
  check_folder("tokenizers/falcon", text_of("falcon_encoded"));
  check_folder("tokenizers/llama-2", without_no_break_spaces(tests_of(
                                         "coreml-projects/Llama-2-7b-chat-coreml", decoded)));
  check_folder("tokenizers/llama-2", text_of("llama_encoded"));
  check_folder("tokenizers/t5-small", tests_of("t5-base"));
  check_folder("tokenizers/t5-small", text_of("t5_base_encoded"));
  check_folder("tokenizers/llama-2",
               pairs_of("tokenizers/expected/llama2c-prompts.json", {"text", "ids", "", ""}));
  check_folder("models/tinystories-656k", pairs_of("models/tinystories-656k/reference.json",
                                                   {"prompt", "prompt_ids", "", ""}));
}

TEST_CASE("vocabularies of GPT-2 and Llama 3 give the ids that others expect") {
  INLAY_NEEDS_TEST_DATA();
  Loaded gpt2(vocabulary_of(data_path("vocab/ggml-vocab-gpt-2.gguf")));
  check_pairs(gpt2, tests_of("distilgpt2"), 0);
  check_pairs(gpt2, text_of("gpt2_encoded_tokens", "text"), 0);
  // Whisper's English vocabulary is GPT-2's with other control tokens.
  check_pairs(gpt2, without(50256, tests_of("openai/whisper-tiny.en")), 0);
  check_pairs(gpt2, without(50256, text_of("whisper_tiny_en_encoded")), 0);
  Loaded llama(vocabulary_of_ranks(data_path("tokenizers/llama-3/tiktoken.model"), "llama-bpe"));
  check_pairs(llama, without(128000, tests_of("pcuenq/Llama-3.2-1B-Instruct-tokenizer")), 0);
  check_pairs(llama, without(128000, text_of("llama_3.2_encoded", "text")), 0);
}

TEST_CASE("expected ids of vocabularies that the test data does not have") {
  INLAY_NEEDS_TEST_DATA();
  for (const char* folder : {"gemma", "whisper-large-v2", "distilbert-multilingual"}) {
    const bool is_there =
        file_exists(data_path(std::string("tokenizers/") + folder + "/tokenizer.json"));
    if (!is_there) print_skipped((std::string("no vocabulary ") + folder).c_str());
    if (is_there) FAIL(folder << ": add it to this test");
  }
}

#endif
