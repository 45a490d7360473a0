// policy_test.cpp - what happens at the end of the context, what ends a generation, and budgets in
// tiles.
#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

using Tokens = std::vector<std::int32_t>;
constexpr std::uint32_t context = 96, vocabulary = 50;

const TestModel& small() {
  static const auto file =
      SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = vocabulary}
          .build();
  static const TestModel model(file);
  return model;
}

inlay_session_options of_context(std::uint32_t tokens) {
  auto options = TestSession::options();
  options.context = tokens;
  return options;
}

Tokens text(std::size_t count) { return some_ids(count, vocabulary); }

struct One {
  TestSession session;
  inlay_sequence id;

  explicit One(std::uint32_t tokens = context, const TestModel& model = small())
      : session(model, of_context(tokens)), id(session.add()) {}

  inlay_status feed(const Tokens& ids) {
    return inlay_session_feed(session.handle, id, ids.data(), ids.size(), 0, &session.error);
  }
  inlay_status policy(std::uint32_t what, std::uint32_t keep = 0) {
    return inlay_session_set_context_policy(session.handle, id, what, keep, &session.error);
  }
  inlay_status generate(std::uint64_t most, float temperature = 0, std::int32_t forced = -1) {
    inlay_sampler_options sampler;
    inlay_sampler_options_defaults(&sampler);
    sampler.temperature = temperature;
    if (temperature > 2) {  // nearly all alike
      sampler.top_k = 0;
      sampler.top_p = 1;
      sampler.min_p = 0;
    }
    const inlay_logit_bias bias{forced, 1e6f};
    sampler.bias = &bias;
    sampler.bias_count = forced >= 0;
    return inlay_session_generate(session.handle, id, &sampler, most, &session.error);
  }
  Tokens tokens() const {
    Tokens ids(4096);
    std::size_t count = 0;
    REQUIRE(inlay_session_tokens(session.handle, id, ids.data(), ids.size(), &count) == INLAY_OK);
    ids.resize(count);
    return ids;
  }
  // Computes what is pending; the last row.
  std::vector<float> logits() {
    std::vector<float> row;
    inlay_event event{};
    while (session.step(event) == INLAY_LOGITS) {
      const float* all = nullptr;
      std::uint32_t rows = 0, position = 0;
      REQUIRE(inlay_session_logits(session.handle, id, &all, &rows, &position) == INLAY_OK);
      row.assign(all + (rows - 1) * vocabulary, all + rows * vocabulary);
    }
    return row;
  }
  inlay_session_info info() const {
    inlay_session_info info{};
    info.struct_size = sizeof info;
    REQUIRE(inlay_session_get_info(session.handle, &info) == INLAY_OK);
    return info;
  }
};

std::vector<float> fresh_logits(const Tokens& ids) {
  One one;
  REQUIRE(one.feed(ids) == INLAY_OK);
  return one.logits();
}

struct Generation {
  Tokens tokens;
  std::uint32_t finish = INLAY_FINISH_NONE;
};

Generation run(One& one) {
  Generation all;
  inlay_event event{};
  for (inlay_status status; (status = one.session.step(event)) != INLAY_DONE;) {
    if (status != INLAY_TOKEN) continue;
    all.tokens.push_back(event.token);
    all.finish = event.finish;
  }
  return all;
}

}  // namespace

TEST_CASE("feeding up to the context and over it", "[api]") {
  for (const std::uint32_t policy :
       {INLAY_CONTEXT_STOP, INLAY_CONTEXT_REFUSE, INLAY_CONTEXT_DROP}) {
    for (std::uint32_t length = context - 2; length <= context + 2; ++length) {
      for (const std::uint32_t first : {0u, 40u, context - 2}) {
        INFO("policy " << policy << " length " << length << " first " << first);
        One one;
        REQUIRE(one.policy(policy) == INLAY_OK);
        const Tokens all = text(length), begin(all.begin(), all.begin() + first),
                     rest(all.begin() + first, all.end());
        REQUIRE(one.feed(begin) == INLAY_OK);
        one.logits();
        const bool fits = length <= context;
        const bool drops = policy == INLAY_CONTEXT_DROP && rest.size() <= context;
        REQUIRE(one.feed(rest) == (fits || drops ? INLAY_OK : INLAY_ERROR_LIMIT));
        if (fits) {
          CHECK(one.tokens() == all);
        } else if (drops) {
          // What must go, and at least half of what was there.
          const std::uint32_t gone = std::max(length - context, (first + 1) / 2);
          CHECK(one.tokens() == Tokens(all.begin() + gone, all.end()));
          CHECK(one.info().tokens_dropped == gone);
        } else {
          CHECK(one.tokens() == begin);
          CHECK(std::string(one.session.error.text).find("96") != std::string::npos);
        }
        if (!rest.empty() && (fits || drops)) CHECK(one.logits() == fresh_logits(one.tokens()));
      }
    }
  }
}

TEST_CASE("a generation stops where the context is full", "[api]") {
  for (std::uint32_t length = context - 2; length <= context; ++length) {
    for (const std::uint64_t most : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2},
                                     std::uint64_t{3}, std::uint64_t{9}}) {
      INFO("length " << length << " most " << most);
      One one;
      REQUIRE(one.feed(text(length)) == INLAY_OK);
      REQUIRE(one.generate(most) == INLAY_OK);
      const Generation all = run(one);
      const std::uint64_t room = context - length + 1;  // the last one is told, not fed
      CHECK(all.tokens.size() == (most ? std::min(most, room) : room));
      CHECK(all.finish == (most && most <= room ? INLAY_FINISH_TOKENS : INLAY_FINISH_CONTEXT));
      CHECK(one.tokens().size() == length + all.tokens.size() - 1);
      CHECK(one.info().tokens_drawn == all.tokens.size());
    }
  }
}

TEST_CASE("a generation that may not fit is refused where that is the policy", "[api]") {
  for (std::uint32_t length = context - 2; length <= context; ++length) {
    for (std::uint64_t most = 0; most <= 4; ++most) {
      INFO("length " << length << " most " << most);
      One one;
      REQUIRE(one.policy(INLAY_CONTEXT_REFUSE) == INLAY_OK);
      REQUIRE(one.feed(text(length)) == INLAY_OK);
      const bool fits = most > 0 && length + most <= context;
      CHECK(one.generate(most) == (fits ? INLAY_OK : INLAY_ERROR_LIMIT));
      const Generation all = run(one);
      CHECK(all.tokens.size() == (fits ? most : 0));
      CHECK(one.tokens().size() == length + (fits ? most - 1 : 0));
    }
  }
}

TEST_CASE("with the middle dropped a sequence is at any time what its tokens are", "[api]") {
  for (const std::uint32_t keep : {0u, 1u, 10u, 63u, 64u, 70u, 94u, 95u}) {
    INFO("keep " << keep);
    One one;
    REQUIRE(one.policy(INLAY_CONTEXT_DROP, keep) == INLAY_OK);
    REQUIRE(one.feed(text(context - 3)) == INLAY_OK);
    REQUIRE(one.generate(300) == INLAY_OK);
    Tokens before = one.tokens();
    std::uint64_t dropped = 0;
    std::uint32_t drops = 0, since = 9;
    for (std::uint32_t i = 0; i < 300; ++i) {
      inlay_event event{};
      REQUIRE(one.session.step(event) == INLAY_TOKEN);
      if (++since < 4 || i < 5) {  // as a fresh sequence draws
        One fresh;
        REQUIRE(fresh.feed(before) == INLAY_OK);
        REQUIRE(fresh.generate(1) == INLAY_OK);
        CHECK(run(fresh).tokens == Tokens{event.token});
      }
      if (event.dropped > 0) {
        const std::uint32_t there = context - keep;
        CHECK(event.dropped == std::max(1u, (there + 1) / 2));
        CHECK(before.size() == context);
        before.erase(before.begin() + keep, before.begin() + keep + event.dropped);
        since = 0;
        ++drops;
      }
      dropped += event.dropped;
      CHECK(event.finish == (i == 299 ? INLAY_FINISH_TOKENS : INLAY_FINISH_NONE));
      if (event.finish == INLAY_FINISH_NONE) before.push_back(event.token);
      REQUIRE(one.tokens() == before);
    }
    CHECK(drops >= 4);
    CHECK(one.info().tokens_dropped == dropped);
    CHECK(one.tokens().size() == context - 3 + 299 - dropped);
    const Tokens start = text(context);
    for (std::uint32_t i = 0; i < std::min(keep, context - 3); ++i) REQUIRE(before[i] == start[i]);
  }
}

TEST_CASE("logits after a drop are those of a fresh sequence", "[api]") {
  for (const std::uint32_t keep : {0u, 20u, 64u}) {
    for (const bool computed : {false, true}) {
      INFO("keep " << keep << " computed " << computed);
      One one;
      REQUIRE(one.policy(INLAY_CONTEXT_DROP, keep) == INLAY_OK);
      const Tokens all = text(400);
      for (std::uint32_t at = 0; at < 400; at += 20) {
        REQUIRE(one.feed({all.begin() + at, all.begin() + at + 20}) == INLAY_OK);
        if (computed || at == 380) {
          const auto row = one.logits();
          REQUIRE(row == fresh_logits(one.tokens()));
        }
      }
      CHECK(one.tokens().size() <= context);
      CHECK(one.tokens().back() == all.back());
      CHECK(one.info().tokens_dropped == 400 - one.tokens().size());
    }
  }
}

TEST_CASE("draws go on behind a drop, they do not begin again", "[api]") {
  Tokens tokens[2];
  for (const bool drops : {false, true}) {
    One one(drops ? context : 1024);
    REQUIRE(one.policy(INLAY_CONTEXT_DROP, 5) == INLAY_OK);
    REQUIRE(one.feed(text(10)) == INLAY_OK);
    REQUIRE(one.generate(500, 1e7f) == INLAY_OK);  // the number of the draw alone decides
    tokens[drops] = run(one).tokens;
    CHECK((one.info().tokens_dropped > 300) == drops);
  }
  REQUIRE(tokens[0].size() == 500);
  CHECK(tokens[0] == tokens[1]);
}

TEST_CASE("a policy out of its range is refused", "[api]") {
  One one;
  CHECK(one.policy(3) == INLAY_ERROR_ARGUMENT);
  CHECK(one.policy(INLAY_CONTEXT_DROP, context) == INLAY_ERROR_ARGUMENT);
  CHECK(one.policy(INLAY_CONTEXT_DROP, context - 1) == INLAY_OK);
  // As many as are not kept fit in.
  REQUIRE(one.policy(INLAY_CONTEXT_DROP, 90) == INLAY_OK);
  REQUIRE(one.feed(text(92)) == INLAY_OK);
  CHECK(one.feed(text(7)) == INLAY_ERROR_LIMIT);
  CHECK(one.feed(text(6)) == INLAY_OK);
  CHECK(one.tokens().size() == context);
  CHECK(one.logits() == fresh_logits(one.tokens()));
}

TEST_CASE("a stop token ends a generation and is not fed", "[api]") {
  One plain;
  REQUIRE(plain.feed(text(20)) == INLAY_OK);
  REQUIRE(plain.generate(30) == INLAY_OK);
  const Tokens expected = run(plain).tokens;
  REQUIRE(expected.size() == 30);
  const std::int32_t stop = expected[10];
  const auto until = static_cast<std::size_t>(std::find(expected.begin(), expected.end(), stop) -
                                              expected.begin() + 1);

  One one;
  REQUIRE(one.feed(text(20)) == INLAY_OK);
  const Tokens stops{49, stop, 0};
  const auto set_stop = [&](const Tokens& ids) {
    return inlay_session_set_stop(one.session.handle, one.id, ids.data(), ids.size(), 0,
                                  &one.session.error);
  };
  REQUIRE(set_stop(stops) == INLAY_OK);
  REQUIRE(one.generate(30) == INLAY_OK);
  Generation all = run(one);
  // 49 or 0 may come first; then it is they that end it.
  REQUIRE(all.tokens.size() <= until);
  CHECK(std::count(stops.begin(), stops.end(), all.tokens.back()) == 1);
  CHECK(all.finish == INLAY_FINISH_STOP);
  CHECK(one.tokens().size() == 20 + all.tokens.size() - 1);
  // It goes on with what it told, and the rules stay until they are replaced.
  CHECK(set_stop({vocabulary}) == INLAY_ERROR_ARGUMENT);
  CHECK(set_stop(Tokens(INLAY_STOP_MAX + 1, 1)) == INLAY_ERROR_LIMIT);
  REQUIRE(set_stop({}) == INLAY_OK);
  REQUIRE(one.feed({all.tokens.back()}) == INLAY_OK);
  const std::size_t told = all.tokens.size();
  REQUIRE(one.generate(30 - told) == INLAY_OK);
  all = run(one);
  CHECK(all.finish == INLAY_FINISH_TOKENS);
  CHECK(all.tokens == Tokens(expected.begin() + static_cast<std::ptrdiff_t>(told), expected.end()));
}

TEST_CASE("an end of text ends a generation unless it is a token as others", "[api]") {
  const TestModel model(fixture_path("models/llama-gqa.gguf"));
  const inlay_tokenizer* tokenizer = inlay_model_get_tokenizer(model.handle);
  std::int32_t end = 0;
  while (end < 10 && !inlay_tokenizer_is_end(tokenizer, end)) ++end;
  REQUIRE(end < 10);
  for (const bool ignore : {false, true}) {
    One one(context, model);
    REQUIRE(one.feed(text(5)) == INLAY_OK);
    REQUIRE(inlay_session_set_stop(one.session.handle, one.id, nullptr, 0,
                                   ignore ? INLAY_STOP_IGNORE_END : 0, nullptr) == INLAY_OK);
    REQUIRE(one.generate(7, 0, end) == INLAY_OK);
    const Generation all = run(one);
    CHECK(all.tokens == Tokens(ignore ? 7 : 1, end));
    CHECK(all.finish == (ignore ? INLAY_FINISH_TOKENS : INLAY_FINISH_END));
  }
}

TEST_CASE("a sampler that is taken away while its pass runs leaves the tokens as they are",
          "[api]") {
  for (const std::uint64_t tiles : {1u, 5u, 20u}) {
    One one;
    REQUIRE(one.feed(text(9)) == INLAY_OK);
    one.logits();
    REQUIRE(inlay_session_rewind(one.session.handle, one.id, 8, nullptr) == INLAY_OK);
    REQUIRE(one.generate(3) == INLAY_OK);  // computes the last token once more
    inlay_event event{};
    event.struct_size = sizeof event;
    REQUIRE(inlay_session_step_tiles(one.session.handle, tiles, &event, nullptr) == INLAY_YIELD);
    REQUIRE(inlay_session_generate(one.session.handle, one.id, nullptr, 0, nullptr) == INLAY_OK);
    one.logits();
    std::uint32_t computed = 0, pending = 0;
    REQUIRE(inlay_session_length(one.session.handle, one.id, &computed, &pending) == INLAY_OK);
    CHECK(computed == 8);
    CHECK(pending == 0);
    REQUIRE(one.feed({5, 6}) == INLAY_OK);
    CHECK(one.logits() == fresh_logits(one.tokens()));
  }
}

TEST_CASE("feeding a sequence that was about to draw loses no token", "[api]") {
  One one;
  REQUIRE(one.feed(text(8)) == INLAY_OK);
  one.logits();
  REQUIRE(one.generate(3) == INLAY_OK);
  REQUIRE(one.feed({5, 6, 7}) == INLAY_OK);
  std::uint32_t computed = 0;
  REQUIRE(inlay_session_length(one.session.handle, one.id, &computed, nullptr) == INLAY_OK);
  CHECK(computed == 8);
  REQUIRE(inlay_session_generate(one.session.handle, one.id, nullptr, 0, nullptr) == INLAY_OK);
  CHECK(one.logits() == fresh_logits(one.tokens()));
  CHECK(one.info().tokens_reused == 0);
}

TEST_CASE("a generation begins at the last token, whatever is still to be told", "[api]") {
  auto options = of_context(context);
  options.sequences = 2;
  options.chunk = options.logits_rows = 4;  // two of each in a pass
  TestSession session(small(), options);
  const Tokens ids = text(6);
  const inlay_sequence a = session.add(), b = session.add();
  session.feed(a, ids, INLAY_FEED_ALL_LOGITS);
  session.feed(b, ids, INLAY_FEED_ALL_LOGITS);
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_LOGITS);  // of the other one a row is still to be told
  const inlay_sequence other = event.sequence == a ? b : a;
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 0;
  REQUIRE(inlay_session_generate(session.handle, other, &sampler, 1, nullptr) == INLAY_OK);
  Tokens told;
  while (session.step(event) != INLAY_DONE) {
    if (event.token >= 0) told.push_back(event.token);
  }
  One fresh;
  REQUIRE(fresh.feed(ids) == INLAY_OK);
  REQUIRE(fresh.generate(1) == INLAY_OK);
  CHECK(told == run(fresh).tokens);
}

TEST_CASE("a generation that no longer fits is saved and restored as it is", "[api]") {
  One one, plain;
  for (One* o : {&one, &plain}) {
    REQUIRE(o->policy(INLAY_CONTEXT_REFUSE) == INLAY_OK);
    REQUIRE(o->feed(text(context - 6)) == INLAY_OK);
    REQUIRE(o->generate(6) == INLAY_OK);
    REQUIRE(o->feed({1, 2, 3}) == INLAY_OK);  // so it will end with the context
  }
  std::vector<std::uint8_t> file;
  const inlay_sink sink = sink_to(file);
  REQUIRE(inlay_session_save(one.session.handle, one.id, 0, &sink, nullptr) == INLAY_OK);
  REQUIRE(inlay_session_drop(one.session.handle, one.id) == INLAY_OK);
  const inlay_source source = block_source(file);
  std::size_t count = 0;
  const inlay_status restored =
      inlay_session_restore(one.session.handle, &source, 0, &one.id, 1, &count, &one.session.error);
  INFO(one.session.error.text);
  REQUIRE(restored == INLAY_OK);
  const Generation all = run(one);
  CHECK(all.tokens == run(plain).tokens);
  CHECK(all.tokens.size() == 4);
  CHECK(all.finish == INLAY_FINISH_CONTEXT);
}

TEST_CASE("a budget of tiles is exact, whatever the threads and the machine", "[api]") {
  // Calls until the logits are told, and how far each has come.
  const auto calls = [](std::uint64_t tiles, std::uint32_t threads) {
    auto options = of_context(context);
    options.threads = threads;
    options.chunk = 16;
    TestSession session(small(), options);
    const inlay_sequence id = session.add();
    session.feed(id, text(40));
    std::vector<std::uint32_t> computed;
    for (inlay_status status = INLAY_YIELD; status == INLAY_YIELD;) {
      inlay_event event{};
      event.struct_size = sizeof event;
      status = inlay_session_step_tiles(session.handle, tiles, &event, nullptr);
      REQUIRE((status == INLAY_YIELD || status == INLAY_LOGITS));
      computed.emplace_back();
      REQUIRE(inlay_session_length(session.handle, id, &computed.back(), nullptr) == INLAY_OK);
    }
    CHECK(computed.back() == 40);
    return computed;
  };
  const auto one = calls(1, 1);
  const std::size_t all = one.size();
  CHECK(all > 64);            // so that all numbers below stop in between
  CHECK(calls(0, 1) == one);  // at least one
  CHECK(calls(UINT64_MAX, 1).size() == 1);
  for (const std::uint64_t tiles : {2u, 3u, 7u, 20u, 64u}) {
    INFO(tiles << " of " << all << " tiles");
    const auto some = calls(tiles, 1);
    CHECK(some.size() == (all + tiles - 1) / tiles);
    for (std::size_t i = 0; i + 1 < some.size(); ++i) CHECK(some[i] == one[(i + 1) * tiles - 1]);
    CHECK(calls(tiles, 1) == some);
    CHECK(calls(tiles, 3) == some);
  }
}
