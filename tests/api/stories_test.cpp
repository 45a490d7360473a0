// stories_test.cpp - a real small model: greedy text and logits against its published results.
#include "support/catch.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

// The numbers of the array `"name": [ ... ]` in a JSON text.
std::vector<double> numbers(const std::string& json, const std::string& name) {
  std::vector<double> values;
  const std::size_t key = json.find("\"" + name + "\"");
  if (key == std::string::npos) throw std::runtime_error("no " + name);
  std::size_t at = json.find('[', key) + 1;
  while (true) {
    std::size_t used = 0;
    values.push_back(std::stod(json.substr(at, 40), &used));
    at = json.find_first_not_of(" \n\r\t", at + used);
    if (json[at] != ',') return values;
    ++at;
  }
}

std::string text_of(const TestModel& model, const std::vector<std::int32_t>& ids) {
  std::string text(16 * ids.size() + 16, ' ');
  std::size_t length = 0;
  inlay_error error{};
  expect_ok(inlay_tokenizer_decode(inlay_model_get_tokenizer(model.handle), ids.data(), ids.size(),
                                   0, text.data(), text.size(), &length, &error),
            error);
  text.resize(length);
  return text;
}

std::string trimmed(std::string text) {
  const std::size_t begin = text.find_first_not_of(" \n");
  const std::size_t end = text.find_last_not_of(" \n");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

}  // namespace

TEST_CASE("stories260K: greedy text and logits are those of the reference", "[api]") {
  INLAY_NEEDS_TEST_DATA();
  const std::string folder = "models/stories260K/";
  const std::string json = read_text(data_path(folder + "reference.json"));
  const auto expected_ids = numbers(json, "ids");
  const auto expected_logits = numbers(json, "logits_after_bos");
  for (const std::string& isa : usable_isas()) {
    INFO(isa);
    const TestModel model(data_path(folder + "stories260K.gguf"), isa.c_str());
    auto options = TestSession::options();
    options.context = 256;
    TestSession session(model, options);
    const auto ids = greedy(session, {1}, expected_ids.size());
    REQUIRE(ids.size() == expected_ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == expected_ids[i]);
    CHECK(trimmed(text_of(model, ids)) ==
          trimmed(read_text(data_path(folder + "expected-greedy-200.txt"))));
    const auto logits = all_logits(model, {1});
    const std::vector<float> expected(expected_logits.begin(), expected_logits.end());
    REQUIRE(logits.size() == expected.size());
    CHECK(relative_error(logits.data(), expected.data(), logits.size()) <= 1e-4);
  }
}
