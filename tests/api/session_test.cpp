// session_test.cpp - a session at odd moments: feeding, clearing, generating while work is in
// flight.
#include <cfenv>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

std::string tiny() { return fixture_path("models/llama-gqa.gguf"); }

inlay_session_options roomy() {
  auto options = TestSession::options();
  options.context = 64;
  options.logits_rows = 16;
  return options;
}

std::vector<std::int32_t> ids(std::int32_t count, std::int32_t first = 3) {
  std::vector<std::int32_t> result;
  for (std::int32_t i = 0; i < count; ++i) result.push_back(5 + (i * 7 + first) % 40);
  return result;
}

// Greedy, without an end: tokens 0 to 2 are the special ones of the fixture.
void generate(TestSession& session, inlay_sequence sequence, std::uint64_t tokens) {
  static const inlay_logit_bias no_end[] = {{0, -INFINITY}, {1, -INFINITY}, {2, -INFINITY}};
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 0;
  sampler.bias = no_end;
  sampler.bias_count = 3;
  REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, tokens, nullptr) == INLAY_OK);
}

// What the sequence tells until nothing is left to do.
struct Told {
  std::vector<std::int32_t> tokens;
  std::vector<std::uint32_t> positions;  // of logits rows
  std::vector<float> logits;
};

Told run(TestSession& session, const TestModel& model, inlay_sequence sequence,
         std::uint64_t budget = 0) {
  const std::size_t vocabulary = model.info().vocabulary;
  Told told;
  inlay_event event{};
  for (inlay_status status; (status = session.step(event, budget)) != INLAY_DONE;) {
    if (event.sequence != sequence) continue;
    if (status == INLAY_TOKEN) told.tokens.push_back(event.token);
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    if (status != INLAY_LOGITS) continue;
    REQUIRE(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) == 0);
    for (std::uint32_t i = 0; i < rows; ++i) told.positions.push_back(position + i);
    told.logits.insert(told.logits.end(), logits, logits + rows * vocabulary);
  }
  return told;
}

std::pair<std::uint32_t, std::uint32_t> length(TestSession& session, inlay_sequence sequence) {
  std::uint32_t computed = 0, pending = 0;
  REQUIRE(inlay_session_length(session.handle, sequence, &computed, &pending) == INLAY_OK);
  return {computed, pending};
}

// Rows of the logits at these positions, computed in the plainest way.
std::vector<float> rows_at(const TestModel& model, const std::vector<std::int32_t>& all,
                           const std::vector<std::uint32_t>& positions) {
  const std::size_t vocabulary = model.info().vocabulary;
  const auto every = all_logits(model, all);
  std::vector<float> rows;
  for (const std::uint32_t p : positions) {
    rows.insert(rows.end(), every.begin() + static_cast<std::ptrdiff_t>(p * vocabulary),
                every.begin() + static_cast<std::ptrdiff_t>((p + 1) * vocabulary));
  }
  return rows;
}

}  // namespace

TEST_CASE("feeding between two events gives what feeding before the pass gives", "[api]") {
  const TestModel model(tiny());
  auto options = roomy();
  options.sequences = 2;
  std::vector<std::int32_t> tokens[2];
  for (const bool late : {false, true}) {
    TestSession session(model, options);
    const inlay_sequence a = session.add(), b = session.add();
    session.feed(a, ids(8));
    session.feed(b, ids(8, 9));
    generate(session, a, 1);
    generate(session, b, 1);
    if (!late) session.feed(b, {11, 12, 13});
    inlay_event event{};
    REQUIRE(session.step(event) == INLAY_TOKEN);
    REQUIRE(event.sequence == a);
    if (late) session.feed(b, {11, 12, 13});
    tokens[late] = run(session, model, b).tokens;
    CHECK(length(session, b) == std::pair<std::uint32_t, std::uint32_t>(11, 0));
  }
  REQUIRE(tokens[0].size() == 1);
  CHECK(tokens[0] == tokens[1]);
}

TEST_CASE("all-logits tokens between others: every row once, at its position", "[api]") {
  const TestModel model(tiny());
  const std::vector<std::uint32_t> wanted{0, 1, 3, 4, 5, 9};
  std::vector<std::int32_t> all;
  const auto feed = [&](TestSession& s, inlay_sequence q, std::int32_t n, std::uint32_t flags) {
    const auto part = ids(n, static_cast<std::int32_t>(all.size()));
    all.insert(all.end(), part.begin(), part.end());
    s.feed(q, part, flags);
  };
  for (const std::uint32_t chunk : {1u, 3u, 16u}) {
    for (const std::uint32_t rows : {1u, 2u, 16u}) {
      auto options = roomy();
      options.chunk = chunk;
      options.logits_rows = rows;
      TestSession session(model, options);
      const inlay_sequence sequence = session.add();
      all.clear();
      feed(session, sequence, 2, INLAY_FEED_ALL_LOGITS);
      feed(session, sequence, 1, 0);
      feed(session, sequence, 3, INLAY_FEED_ALL_LOGITS);
      feed(session, sequence, 4, 0);
      const Told told = run(session, model, sequence);
      CHECK(told.positions == wanted);
      CHECK(told.logits == rows_at(model, all, wanted));
    }
  }
}

TEST_CASE("feeding while a pass is in flight loses no wanted row", "[api]") {
  const TestModel model(tiny());
  TestSession session(model, roomy());
  const inlay_sequence sequence = session.add();
  const auto all = ids(6);
  session.feed(sequence, {all.begin(), all.begin() + 4}, INLAY_FEED_ALL_LOGITS);
  session.feed(sequence, {all[4]});
  inlay_event event{};
  REQUIRE(session.step(event, 1) == INLAY_YIELD);
  session.feed(sequence, {all[5]});
  const Told told = run(session, model, sequence, 1);
  const std::vector<std::uint32_t> wanted{0, 1, 2, 3, 5};
  CHECK(told.positions == wanted);
  CHECK(told.logits == rows_at(model, all, wanted));
}

TEST_CASE("clear, then generate: the draw is at the end that is left", "[api]") {
  const TestModel model(tiny());
  auto options = roomy();
  options.chunk = 4;
  options.logits_rows = 4;
  for (std::int32_t first = 0; first < 10; ++first) {
    std::vector<std::int32_t> tokens[2];
    for (const bool cleared : {false, true}) {
      TestSession session(model, options);
      const inlay_sequence sequence = session.add();
      session.feed(sequence, ids(3, first), cleared ? INLAY_FEED_ALL_LOGITS : 0);
      session.feed(sequence, {9});
      if (cleared) {
        session.feed(sequence, {9, 9, 9, 9});
        inlay_event event{};
        while (length(session, sequence).first == 0) session.step(event, 1);
        REQUIRE(length(session, sequence).first == 4);
        REQUIRE(inlay_session_clear(session.handle, sequence) == INLAY_OK);
      }
      generate(session, sequence, 3);
      tokens[cleared] = run(session, model, sequence).tokens;
    }
    REQUIRE(tokens[0].size() == 3);
    CHECK(tokens[0] == tokens[1]);
  }
}

TEST_CASE("generate after everything is computed draws from the last position", "[api]") {
  const TestModel model(tiny());
  auto options = roomy();
  options.sequences = 2;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add(), other = session.add();
  session.feed(sequence, ids(8));
  generate(session, sequence, 1);
  const auto expected = run(session, model, sequence).tokens;
  REQUIRE(expected.size() == 1);
  // The logits are still there; then they are gone, and the last token is computed once more.
  generate(session, sequence, 1);
  CHECK(run(session, model, sequence).tokens == expected);
  session.feed(other, ids(5));
  run(session, model, other);
  generate(session, sequence, 1);
  CHECK(length(session, sequence) == std::pair<std::uint32_t, std::uint32_t>(8, 0));
  CHECK(run(session, model, sequence).tokens == expected);
  CHECK(length(session, sequence) == std::pair<std::uint32_t, std::uint32_t>(8, 0));
}

TEST_CASE("a sampler that is taken away leaves nothing to do and loses nothing", "[api]") {
  const TestModel model(tiny());
  TestSession session(model, roomy());
  const inlay_sequence sequence = session.add();
  session.feed(sequence, ids(8));
  run(session, model, sequence);
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_DONE);
  generate(session, sequence, 1);
  REQUIRE(inlay_session_generate(session.handle, sequence, nullptr, 0, nullptr) == INLAY_OK);
  REQUIRE(inlay_session_clear(session.handle, sequence) == INLAY_OK);
  CHECK(length(session, sequence) == std::pair<std::uint32_t, std::uint32_t>(8, 0));
}

TEST_CASE("a prompt goes on beside sequences that generate, even in passes of one token", "[api]") {
  const TestModel model(tiny());
  for (const std::uint32_t rows : {1u, 2u}) {
    auto options = roomy();
    options.sequences = 2;
    options.chunk = 1;
    options.logits_rows = rows;
    TestSession session(model, options);
    const inlay_sequence a = session.add(), b = session.add();
    session.feed(a, ids(1));
    session.feed(b, ids(8), INLAY_FEED_ALL_LOGITS);
    generate(session, a, 40);
    inlay_event event{};
    int tokens = 0;
    while (length(session, b).second > 0) {
      REQUIRE(session.step(event) != INLAY_DONE);
      tokens += event.sequence == a;
      REQUIRE(tokens < 20);
    }
  }
}

TEST_CASE("the largest budget is no limit", "[api]") {
  const TestModel model(tiny());
  TestSession session(model, roomy());
  const inlay_sequence sequence = session.add();
  session.feed(sequence, ids(8));
  inlay_event event{};
  CHECK(session.step(event, UINT64_MAX) == INLAY_LOGITS);
}

TEST_CASE("an error of a sampler says whose it is", "[api]") {
  const TestModel model(tiny());
  auto options = roomy();
  options.sequences = 2;
  TestSession session(model, options);
  const inlay_sequence a = session.add(), b = session.add();
  session.feed(a, ids(3));
  session.feed(b, ids(3));
  run(session, model, a);
  std::vector<inlay_logit_bias> none;
  for (std::uint32_t id = 0; id < model.info().vocabulary; ++id) {
    none.push_back({static_cast<std::int32_t>(id), -INFINITY});
  }
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.bias = none.data();
  sampler.bias_count = none.size();
  REQUIRE(inlay_session_generate(session.handle, b, &sampler, 4, nullptr) == INLAY_OK);
  inlay_event event{};
  event.struct_size = sizeof event;
  inlay_error error{};
  CHECK(inlay_session_step(session.handle, 0, &event, &error) == INLAY_ERROR_STATE);
  CHECK(event.sequence == b);
  CHECK(session.step(event) == INLAY_DONE);
}

TEST_CASE("the host's floating-point mode changes nothing and is kept", "[api]") {
  const auto tokens_of = [] {
    const TestModel model(demo_path());
    auto options = TestSession::options();
    options.context = 128;
    TestSession session(model, options);
    const inlay_sequence sequence = session.add();
    session.feed(sequence, some_ids(30));
    inlay_sampler_options sampler;
    inlay_sampler_options_defaults(&sampler);
    sampler.temperature = 1.2f;
    REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 60, nullptr) == INLAY_OK);
    return run(session, model, sequence).tokens;
  };
  const auto expected = tokens_of();
  for (const int mode : {FE_TOWARDZERO, FE_UPWARD}) {
    std::fesetround(mode);
    const auto tokens = tokens_of();
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    CHECK(tokens == expected);
    CHECK(after == mode);
  }
}

TEST_CASE("a read function can cancel the opening of a model", "[api]") {
  inlay_source source;
  inlay_source_callback(&source, 1000000, nullptr,
                        [](void*, std::uint64_t, void*, std::size_t) -> inlay_status {
                          return INLAY_ERROR_CANCELLED;
                        });
  inlay_model* model = nullptr;
  inlay_error error{};
  CHECK(inlay_model_open(&source, nullptr, &model, &error) == INLAY_ERROR_CANCELLED);
}
