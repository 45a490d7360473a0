// folder_test.cpp - models opened from Hugging Face folders: the same bits as from GGUF files of
// the same weights, and a real model against its published results.
#include <sstream>

#include "support/catch.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

std::vector<std::int32_t> read_ids(const std::string& path) {
  std::istringstream file(read_text(path));
  std::vector<std::int32_t> ids;
  for (std::int32_t id; file >> id;) ids.push_back(id);
  return ids;
}

// The numbers of the array `"name": [ ... ]`, nested ones too, after `from` in a JSON text.
std::vector<double> numbers(const std::string& json, const std::string& name,
                            std::size_t from = 0) {
  std::vector<double> values;
  std::size_t at = json.find("\"" + name + "\"", from);
  if (at == std::string::npos) throw std::runtime_error("no " + name);
  at = json.find('[', at);
  int depth = 0;
  do {
    const std::size_t next = json.find_first_of("[],-0123456789", at);
    at = next + 1;
    if (json[next] == '[') ++depth;
    if (json[next] == ']') --depth;
    if (json[next] == '[' || json[next] == ']' || json[next] == ',') continue;
    std::size_t used = 0;
    values.push_back(std::stod(json.substr(next, 40), &used));
    at = next + used;
  } while (depth > 0);
  return values;
}

std::vector<std::int32_t> ids_of(const std::string& json, const std::string& name,
                                 std::size_t from) {
  const auto values = numbers(json, name, from);
  return {values.begin(), values.end()};
}

// The text `"name": "..."` after `from`; escapes \n, \" and \\ only.
std::string text_of(const std::string& json, const std::string& name, std::size_t from) {
  const std::string label = "\"" + name + "\": \"";
  std::size_t at = json.find(label, from);
  if (at == std::string::npos) throw std::runtime_error("no " + name);
  std::string text;
  for (at += label.size(); json[at] != '"'; ++at) {
    if (json[at] == '\\') {
      ++at;
      text += json[at] == 'n' ? '\n' : json[at];
    } else {
      text += json[at];
    }
  }
  return text;
}

std::vector<std::int32_t> encode(const TestModel& model, const std::string& text) {
  std::vector<std::int32_t> ids(text.size() + 8);
  std::size_t count = 0;
  inlay_error error{};
  expect_ok(
      inlay_tokenizer_encode(inlay_model_get_tokenizer(model.handle), text.data(), text.size(),
                             INLAY_ENCODE_ADD_SPECIAL, ids.data(), ids.size(), &count, &error),
      error);
  ids.resize(count);
  return ids;
}

std::string decode(const TestModel& model, const std::vector<std::int32_t>& ids) {
  std::string text(16 * ids.size() + 16, ' ');
  std::size_t length = 0;
  inlay_error error{};
  expect_ok(inlay_tokenizer_decode(inlay_model_get_tokenizer(model.handle), ids.data(), ids.size(),
                                   INLAY_DECODE_SPECIAL, text.data(), text.size(), &length, &error),
            error);
  text.resize(length);
  return text;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin);
}

}  // namespace

TEST_CASE("a folder gives the bits that a GGUF file of the same weights gives", "[arch]") {
  for (const std::string& isa : usable_isas()) {
    for (const char* name :
         {"llama-gqa-f16", "llama-rope-llama3", "qwen2", "gptneox-parallel", "bloom-6-heads"}) {
      INFO(isa << " " << name);
      const std::string base = fixture_path(std::string("models/") + name);
      const TestModel folder(fixture_path(std::string("folders/") + name), isa.c_str());
      const TestModel gguf(base + ".gguf", isa.c_str());
      const auto ids = read_ids(base + ".long.tokens.txt");
      REQUIRE(ids.size() > 100);
      CHECK(folder.info().parameters == gguf.info().parameters);
      CHECK(hash_of(all_logits(folder, ids)) == hash_of(all_logits(gguf, ids)));
    }
  }
}

TEST_CASE("tinystories-656k from its folder: text, logits and likelihoods of the reference",
          "[arch]") {
  INLAY_NEEDS_TEST_DATA();
  const std::string path = "models/tinystories-656k";
  const std::string json = read_text(data_path(path + "/reference.json"));
  const TestModel model(data_path(path));
  std::size_t prompts = 0;
  for (std::size_t at = json.find("\"prompt\":"); at != std::string::npos;
       at = json.find("\"prompt\":", at + 1)) {
    const std::string prompt = text_of(json, "prompt", at);
    INFO(prompt);
    const auto prompt_ids = ids_of(json, "prompt_ids", at);
    const auto expected = ids_of(json, "greedy_ids", at);
    CHECK(encode(model, prompt) == prompt_ids);
    auto options = TestSession::options();
    options.context = 512;
    TestSession session(model, options);
    const auto ids = greedy(session, prompt_ids, 160);
    CHECK(ids == expected);
    CHECK(trimmed(decode(model, expected)) == trimmed(text_of(json, "greedy_text", at)));
    const auto rows = all_logits(model, prompt_ids, 64, 1, 1, INLAY_KV_F32);
    const auto head = numbers(json, "first_logits_head", at);
    const std::vector<float> wanted(head.begin(), head.end());
    const float* last = rows.data() + rows.size() - model.info().vocabulary;
    CHECK(relative_error(last, wanted.data(), wanted.size()) <= 1e-4);
    ++prompts;
  }
  CHECK(prompts >= 4);
  const std::size_t perplexity = json.find("\"perplexity\"");
  const auto ids = ids_of(json, "ids", perplexity);
  const auto expected = numbers(json, "nll", perplexity);
  REQUIRE(ids.size() == expected.size() + 1);
  const std::size_t vocabulary = model.info().vocabulary;
  const auto rows = all_logits(model, ids, 64, 1, 1, INLAY_KV_F32);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double sum = 0;
    const float* row = rows.data() + i * vocabulary;
    for (std::size_t v = 0; v < vocabulary; ++v) sum += std::exp(double{row[v]});
    const double nll = std::log(sum) - double{row[ids[i + 1]]};
    CHECK(std::fabs(nll - expected[i]) <= 2e-4);
  }
}

TEST_CASE("tinystories-656k in BF16 opens from its folder and tells a story", "[arch]") {
  INLAY_NEEDS_TEST_DATA();
  const TestModel model(data_path("models/tinystories-656k-bf16"));
  const auto prompt = encode(model, "One day, a girl named ");
  CHECK(prompt == std::vector<std::int32_t>{1, 80, 429, 1168});
  auto options = TestSession::options();
  options.context = 256;
  TestSession session(model, options);
  const auto ids = greedy(session, prompt, 40);
  CHECK(ids.size() == 40);
  CHECK(decode(model, ids).rfind("Lily ", 0) == 0);
}
