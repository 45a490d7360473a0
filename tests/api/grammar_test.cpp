// grammar_test.cpp - sequences that follow a grammar: drawn, fed, forked, rewound, cleared.
#include <string>

#include "inlay/inlay.hpp"
#include "support/catch.h"
#include "support/data.h"

using namespace inlay::test;

namespace {

struct Story {
  inlay::Model model = inlay::Model::open(source_path("examples/demo_model/demo.gguf")).value();
  inlay::Session session =
      inlay::Session::open(model, {.context = 256, .sequences = 3, .threads = 1}).value();

  inlay::Sequence begin(const char* prompt) {
    const inlay::Sequence sequence = session.add().value();
    session.feed(sequence, model.tokenizer().encode(prompt).value()).value();
    return sequence;
  }
  // What the sequence says until its end; `jumps` as well.
  std::string run(inlay::Sequence sequence, inlay::Finish* finish = nullptr, bool jumps = false) {
    std::vector<std::int32_t> ids;
    for (;;) {
      const inlay::Event event = session.step().value();
      if (event.status == inlay::Status::done) break;
      if (event.status != inlay::Status::token || event.sequence != sequence) continue;
      ids.push_back(event.token);
      if (finish) *finish = event.finish;
      if (event.finish != inlay::Finish::none) break;
      if (!jumps) continue;
      const std::vector<std::int32_t> forced = session.jump(sequence).value();
      ids.insert(ids.end(), forced.begin(), forced.end());
    }
    return text(ids);
  }
  std::string text(const std::vector<std::int32_t>& ids) {
    std::string text;
    for (const std::int32_t id : ids) {
      const char* bytes = nullptr;
      std::size_t size = 0;
      REQUIRE(inlay_tokenizer_piece(model.tokenizer().raw(), id, &bytes, &size) == INLAY_OK);
      text.append(bytes, size);
    }
    return text;
  }
};

}  // namespace

TEST_CASE("a text follows its grammar and ends with it", "[api][grammar]") {
  Story story;
  const auto grammar =
      inlay::Grammar::gbnf(story.model, R"(root ::= " " [a-z]{3} ", " [0-9]+ "!")");
  REQUIRE(grammar);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const inlay::Sequence sequence = story.begin("Once upon a time");
    story.session.constrain(sequence, *grammar).value();
    story.session.generate(sequence, {.temperature = 1.5f, .seed = seed}, 100).value();
    inlay::Finish finish{};
    const std::string text = story.run(sequence, &finish, seed % 2 == 1);
    INFO(text);
    if (finish == inlay::Finish::tokens) {
      story.session.drop(sequence).value();
      continue;  // a long number
    }
    CHECK(finish == inlay::Finish::grammar);
    CHECK(text.size() >= 7);
    CHECK(text.substr(4, 2) == ", ");
    CHECK(text.back() == '!');
    story.session.drop(sequence).value();
  }
}

TEST_CASE("fork and rewind go along", "[api][grammar]") {
  Story story;
  const auto grammar =
      inlay::Grammar::gbnf(story.model, R"(root ::= (" dog" | " cat"){6})").value();
  const inlay::Sequence sequence = story.begin("A");
  const std::uint32_t prompt = story.session.length(sequence).value().pending;
  story.session.constrain(sequence, grammar).value();
  const inlay::Sequence other = story.session.fork(sequence).value();
  story.session.generate(sequence, {.temperature = 1, .seed = 1}, 100).value();
  const std::string first = story.run(sequence);
  CHECK(first.size() == 24);
  story.session.generate(other, {.temperature = 1, .seed = 1}, 100).value();
  CHECK(story.run(other).size() == 24);
  // Back into the middle, and on.
  story.session.rewind(sequence, prompt + 2).value();
  story.session.generate(sequence, {.temperature = 1, .seed = 5}, 100).value();
  const std::string rest = story.run(sequence);
  const auto ids = story.session.tokens(sequence).value();
  CHECK((story.text({ids.begin() + prompt, ids.begin() + prompt + 2}) + rest).size() == 24);
}

TEST_CASE("fed tokens are checked", "[api][grammar]") {
  Story story;
  const auto grammar = inlay::Grammar::gbnf(story.model, R"(root ::= " dog" " cat")").value();
  const inlay::Sequence sequence = story.begin("A");
  story.session.constrain(sequence, grammar).value();
  const auto cat = story.model.tokenizer().encode("cat", {.add_special = false}).value();
  const auto refused = story.session.feed(sequence, cat);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status() == inlay::Status::state);
  story.session.generate(sequence, {.temperature = 0}, 100).value();
  CHECK(story.run(sequence) == " dog cat");
}

TEST_CASE("a refused feed changes nothing, also where the middle is gone", "[api][grammar]") {
  for (const bool drops : {false, true}) {
    Story story;
    const auto grammar = inlay::Grammar::gbnf(story.model, R"(root ::= (" dog" " cat")+)").value();
    const inlay::Sequence sequence = story.begin("A");
    story.session.set_context_policy(sequence, inlay::ContextPolicy::drop).value();
    story.session.constrain(sequence, grammar).value();
    const auto ids = [&](const char* text) {
      return story.model.tokenizer().encode(text, {.add_special = false}).value();
    };
    for (int i = 0; drops && i < 300; ++i) story.session.feed(sequence, ids(" dog cat")).value();
    story.session.feed(sequence, ids(" dog")).value();
    const auto before = story.session.tokens(sequence).value();
    if (drops) REQUIRE(before.size() < 300);  // of over 600
    const auto refused = story.session.feed(sequence, ids(" cat cat"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status() == inlay::Status::state);
    CHECK(story.session.tokens(sequence).value() == before);
    REQUIRE(story.session.feed(sequence, ids(" cat")));
    CHECK_FALSE(story.session.feed(sequence, ids(" cat")));
    REQUIRE(story.session.feed(sequence, ids(" dog")));
    story.session.generate(sequence, {.temperature = 0}, 1).value();
    CHECK(story.run(sequence).substr(0, 2) == " c");
    // The token that was drawn last does not have to be fed.
    CHECK(story.session.feed(sequence, ids(" cat dog")));
  }
}

TEST_CASE("a trigger begins the grammar", "[api][grammar]") {
  Story story;
  const auto grammar = inlay::Grammar::gbnf(story.model, R"(root ::= "X" "Y")").value();
  const inlay::Sequence sequence = story.begin("Once upon a time");
  story.session.constrain(sequence, grammar, {.trigger = "a"}).value();
  story.session.generate(sequence, {.temperature = 0}, 60).value();
  inlay::Finish finish{};
  const std::string text = story.run(sequence, &finish);
  INFO(text);
  const std::size_t at = text.find('a');
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(at) == "aXY");
  CHECK(finish == inlay::Finish::grammar);
}

TEST_CASE("a grammar for text alone", "[api][grammar]") {
  const auto grammar = inlay::Grammar::compile(inlay::GrammarLanguage::regex, "[ab]+c");
  REQUIRE(grammar);
  inlay::Matcher matcher = inlay::Matcher::open(*grammar).value();
  CHECK(matcher.accept("abx").value() == 2);
  CHECK_FALSE(matcher.can_end());
  CHECK(matcher.accept("c").value() == 1);
  CHECK(matcher.can_end());
  CHECK(matcher.is_over());
  Story story;
  const inlay::Sequence sequence = story.begin("A");
  CHECK(story.session.constrain(sequence, *grammar).error().status() == inlay::Status::argument);
  CHECK(inlay::Grammar::gbnf(story.model, "root ::= x").error().status() == inlay::Status::format);
}
