// reuse_test.cpp - what a session has computed is found again: counters of tokens and pages tell.
#include "support/catch.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

using Tokens = std::vector<std::int32_t>;

const TestModel& small() {
  static const auto file =
      SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = 50}.build();
  static const TestModel model(file);
  return model;
}

inlay_session_options roomy(std::uint32_t context, std::uint32_t sequences,
                            std::uint64_t kv_tokens = 0) {
  auto options = TestSession::options();
  options.context = context;
  options.sequences = sequences;
  options.kv_tokens = kv_tokens;
  return options;
}

Tokens random_ids(std::size_t count, std::uint32_t seed) {
  Tokens ids(count);
  for (std::int32_t& id : ids) {
    seed = seed * 1664525u + 1013904223u;
    id = static_cast<std::int32_t>((seed >> 8) % 50);
  }
  return ids;
}

inlay_session_info info_of(const TestSession& session) {
  inlay_session_info info{};
  info.struct_size = sizeof info;
  REQUIRE(inlay_session_get_info(session.handle, &info) == INLAY_OK);
  return info;
}

// Until nothing is left to do; the last row of logits of `sequence`, if it was told one.
std::vector<float> finish(TestSession& session, inlay_sequence sequence = 0) {
  std::vector<float> last;
  inlay_event event{};
  for (inlay_status status; (status = session.step(event)) != INLAY_DONE;) {
    if (status != INLAY_LOGITS || event.sequence != sequence) continue;
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    REQUIRE(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) == 0);
    last.assign(logits + (rows - 1) * 50, logits + rows * 50);
  }
  return last;
}

// The last row of logits of these tokens alone, without reuse.
std::vector<float> alone(const Tokens& ids) {
  auto options = roomy(512, 1);
  options.reuse = 0;
  TestSession session(small(), options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, ids);
  return finish(session, sequence);
}

void drop(TestSession& session, inlay_sequence sequence) {
  REQUIRE(inlay_session_drop(session.handle, sequence) == INLAY_OK);
}

// Greedy tokens; the last one is told, not fed.
Tokens answer(TestSession& session, inlay_sequence sequence, std::uint64_t count,
              std::uint32_t* finish = nullptr) {
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 0;
  REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, count, nullptr) == INLAY_OK);
  Tokens tokens;
  inlay_event event{};
  for (inlay_status status; (status = session.step(event)) != INLAY_DONE;) {
    if (status != INLAY_TOKEN || event.sequence != sequence) continue;
    tokens.push_back(event.token);
    if (finish) *finish = event.finish;
  }
  return tokens;
}

void append(Tokens& to, const Tokens& more) { to.insert(to.end(), more.begin(), more.end()); }

// What a chat template writes around what is said.
const Tokens begin_user{1, 4, 2}, begin_answer{3, 1, 5, 2}, end_turn{3, 6};

enum class Chat { deltas, anew_after_drop, anew };

}  // namespace

TEST_CASE("a chat of 20 turns computes each token exactly once", "[api]") {
  std::vector<Tokens> histories;
  for (const Chat way : {Chat::deltas, Chat::anew_after_drop, Chat::anew}) {
    INFO("way " << static_cast<int>(way));
    TestSession session(small(), roomy(640, way == Chat::anew ? 20 : 1, 64 * 200));
    Tokens history, fed;
    inlay_sequence sequence = 0;
    std::uint64_t reused = 0;
    for (std::uint32_t turn = 0; turn < 20; ++turn) {
      append(history, begin_user);
      append(history, random_ids(3 + turn % 9, turn));
      append(history, begin_answer);
      if (way != Chat::deltas && turn > 0) {
        if (way == Chat::anew_after_drop) drop(session, sequence);
        reused += fed.size();
        sequence = 0;
      }
      if (!sequence) {
        sequence = session.add();
        session.feed(sequence, history);
      } else {
        session.feed(sequence,
                     {history.begin() + static_cast<std::ptrdiff_t>(fed.size()), history.end()});
      }
      const Tokens said = answer(session, sequence, 5 + turn % 7);
      REQUIRE(said.size() == 5 + turn % 7);
      append(history, said);
      fed.assign(history.begin(), history.end() - 1);  // the last one drawn was not fed
      append(history, end_turn);
      CHECK(info_of(session).tokens_computed == fed.size());
      CHECK(info_of(session).tokens_reused == reused);
    }
    histories.push_back(history);
  }
  CHECK(histories[0].size() > 400);
  CHECK(histories[1] == histories[0]);
  CHECK(histories[2] == histories[0]);
}

TEST_CASE("thirty-two characters hold one prompt once", "[api]") {
  for (const std::uint32_t length : {300u, 320u}) {
    for (const bool first_alone : {false, true}) {
      INFO("prompt of " << length << (first_alone ? ", computed before" : ", all fed at once"));
      TestSession session(small(), roomy(400, 32));
      const Tokens prompt = random_ids(length, 5);
      std::vector<inlay_sequence> characters;
      for (std::uint32_t i = 0; i < 32; ++i) {
        characters.push_back(session.add());
        session.feed(characters.back(), prompt);
        if (i == 0 && first_alone) finish(session);
      }
      CHECK(info_of(session).pages_used == 5);
      const std::vector<float> row = finish(session, characters[17]);
      CHECK(info_of(session).pages_used == 5);
      // The last token of each is computed for its logits.
      CHECK(info_of(session).tokens_computed == length + 31);
      CHECK(info_of(session).tokens_reused == 31 * (length - 1));
      CHECK(row == alone(prompt));
      // Each says something else: an own page, the common ones stay.
      for (std::int32_t i = 0; i < 32; ++i) session.feed(characters[i], {i, i + 1, i + 2});
      Tokens all = prompt;
      append(all, {31, 32, 33});
      CHECK(finish(session, characters[31]) == alone(all));
      CHECK(info_of(session).tokens_computed == length + 31 + 32 * 3);
      CHECK(info_of(session).pages_used == length / 64 + 32);
    }
  }
}

TEST_CASE("characters that begin alike share the pages before they differ", "[api]") {
  TestSession session(small(), roomy(400, 32));
  const Tokens prompt = random_ids(320, 5);
  std::vector<inlay_sequence> characters;
  for (std::int32_t i = 0; i < 32; ++i) {
    Tokens all = prompt;
    append(all, {i, i + 1, i + 2});
    characters.push_back(session.add());
    session.feed(characters.back(), all);
  }
  CHECK(info_of(session).pages_used == 5 + 32);
  Tokens all = prompt;
  append(all, {9, 10, 11});
  CHECK(finish(session, characters[9]) == alone(all));
  CHECK(info_of(session).tokens_computed == 320 + 32 * 3);
}

// The first one waits for the second, which waits for the third; with no time at all each pass
// copies a part of a page, and none is taken for the end of all work.
TEST_CASE("who waits for copies alone is not forgotten", "[api]") {
  const auto file =
      SmallModel{.layers = 4, .width = 256, .rows = 256, .kv_heads = 4, .vocabulary = 50}.build();
  const TestModel model(file);
  for (const std::uint32_t chunk : {16u, 20u, 24u, 32u}) {
    auto options = roomy(128, 3);
    options.chunk = chunk;
    TestSession session(model, options);
    REQUIRE(info_of(session).page_bytes > 256 << 10);
    const inlay_sequence all[] = {session.add(), session.add(), session.add()};
    const Tokens text = random_ids(chunk * 2, 5);
    for (const std::uint32_t differs : {0u, 4u, 8u}) {
      Tokens ids = text;
      for (std::uint32_t i = 0; i < differs; ++i) ids[ids.size() - 1 - i] = 48;
      session.feed(all[2 - differs / 4], ids);
    }
    inlay_event event{};
    while (session.step(event, 1) != INLAY_DONE) {
    }
    for (const inlay_sequence sequence : all) {
      std::uint32_t computed = 0, pending = 0;
      REQUIRE(inlay_session_length(session.handle, sequence, &computed, &pending) == INLAY_OK);
      CHECK(computed == text.size());
      CHECK(pending == 0);
    }
    CHECK(info_of(session).tokens_reused > chunk);
  }
}

TEST_CASE("a fork costs no page and no token until it goes its own way", "[api]") {
  for (const std::uint32_t length : {1u, 63u, 64u, 65u, 100u, 128u}) {
    INFO("length " << length);
    TestSession session(small(), roomy(200, 3));
    const Tokens prompt = random_ids(length, 8);
    const inlay_sequence a = session.add();
    session.feed(a, prompt);
    finish(session);
    const inlay_session_info before = info_of(session);
    inlay_sequence b = 0;
    REQUIRE(inlay_session_fork(session.handle, a, &b, nullptr) == INLAY_OK);
    CHECK(info_of(session).pages_used == before.pages_used);
    finish(session);
    CHECK(info_of(session).tokens_computed == before.tokens_computed);
    session.feed(a, {1, 2});
    session.feed(b, {1, 3});
    Tokens of_a = prompt, of_b = prompt;
    append(of_a, {1, 2});
    append(of_b, {1, 3});
    std::vector<float> row_a, row_b;
    inlay_event event{};
    while (session.step(event) == INLAY_LOGITS) {
      const float* logits = nullptr;
      std::uint32_t rows = 0, position = 0;
      REQUIRE(inlay_session_logits(session.handle, event.sequence, &logits, &rows, &position) == 0);
      (event.sequence == a ? row_a : row_b).assign(logits + (rows - 1) * 50, logits + rows * 50);
    }
    CHECK(row_a == alone(of_a));
    CHECK(row_b == alone(of_b));
    // Four tokens, the first of them perhaps once for both.
    CHECK(info_of(session).tokens_computed - before.tokens_computed <= 4);
    CHECK(info_of(session).tokens_computed - before.tokens_computed >= 3);
    CHECK(info_of(session).pages_used == (length + 2 + 63) / 64 + 1);
  }
}

TEST_CASE("logits stay at hand until there is something to compute", "[api]") {
  TestSession session(small(), roomy(128, 2));
  const inlay_sequence sequence = session.add();
  const Tokens ids = random_ids(20, 3);
  session.feed(sequence, ids);
  const auto told = finish(session, sequence);  // the last step has said that all is done
  const float* logits = nullptr;
  std::uint32_t rows = 0, position = 0;
  REQUIRE(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) == INLAY_OK);
  CHECK(rows == 1);
  CHECK(position == 19);
  CHECK(std::vector<float>(logits, logits + 50) == told);
  answer(session, sequence, 1);
  CHECK(info_of(session).tokens_computed == 20);
  session.feed(session.add(), {1, 2, 3});
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_LOGITS);
  CHECK(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) ==
        INLAY_ERROR_STATE);
}

TEST_CASE("a fork draws from the logits of the first at once", "[api]") {
  TestSession session(small(), roomy(200, 3));
  const inlay_sequence a = session.add();
  session.feed(a, random_ids(70, 3));
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_LOGITS);
  inlay_sequence b = 0;
  REQUIRE(inlay_session_fork(session.handle, a, &b, nullptr) == INLAY_OK);
  const Tokens of_b = answer(session, b, 1);
  CHECK(info_of(session).tokens_computed == 70);
  CHECK(of_b.size() == 1);
  CHECK(answer(session, a, 1) == of_b);
}

TEST_CASE("after a rewind only what is fed anew is computed", "[api]") {
  for (const std::uint32_t length : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 149u}) {
    INFO("length " << length);
    TestSession session(small(), roomy(200, 1));
    const Tokens prompt = random_ids(150, 8);
    const inlay_sequence a = session.add();
    session.feed(a, prompt);
    finish(session);
    REQUIRE(inlay_session_rewind(session.handle, a, length, nullptr) == INLAY_OK);
    CHECK(info_of(session).pages_used == (length + 63) / 64);
    finish(session);
    Tokens all(prompt.begin(), prompt.begin() + length);
    const Tokens more = random_ids(20, 77);
    append(all, more);
    session.feed(a, more);
    CHECK(finish(session, a) == alone(all));
    CHECK(info_of(session).tokens_computed == 150 + 20);
  }
}

TEST_CASE("a sequence that goes back to its beginning finds its history again", "[api]") {
  TestSession session(small(), roomy(512, 1));
  const inlay_sequence sequence = session.add();
  const Tokens ids = random_ids(300, 5);
  session.feed(sequence, ids);
  finish(session);
  REQUIRE(inlay_session_rewind(session.handle, sequence, 0, nullptr) == INLAY_OK);
  session.feed(sequence, ids);
  CHECK(finish(session, sequence) == alone(ids));
  CHECK(info_of(session).tokens_computed == 301);  // the last one for its logits
  CHECK(info_of(session).tokens_reused == 299);
}

TEST_CASE("ids that differ at any place of a page are told apart", "[api]") {
  TestSession session(small(), roomy(128, 1, 64 * 400));
  const Tokens text = random_ids(128, 21);
  const auto run = [&](const Tokens& ids) {
    const inlay_sequence sequence = session.add();
    const std::uint64_t before = info_of(session).tokens_reused;
    session.feed(sequence, ids);
    const auto row = finish(session, sequence);
    drop(session, sequence);
    return std::pair(info_of(session).tokens_reused - before, row);
  };
  CHECK(run(text).first == 0);
  CHECK(run(text).first == 127);  // the last one is computed for its logits
  for (std::uint32_t at = 0; at < 128; ++at) {
    INFO("at " << at);
    Tokens other = text;
    other[at] = (other[at] + 1) % 50;
    const auto [reused, row] = run(other);
    CHECK(reused == at);
    CHECK(row == alone(other));
  }
  CHECK(run(text).second == alone(text));
}

TEST_CASE("the first unused prefix makes room, the others are still found", "[api]") {
  TestSession session(small(), roomy(128, 1, 256));
  const Tokens texts[] = {random_ids(128, 1), random_ids(128, 2), random_ids(128, 3)};
  const auto run = [&](const Tokens& ids) {
    const inlay_sequence sequence = session.add();
    const std::uint64_t before = info_of(session).tokens_reused;
    session.feed(sequence, ids);
    CHECK(finish(session, sequence) == alone(ids));
    drop(session, sequence);
    return info_of(session).tokens_reused - before;
  };
  CHECK(info_of(session).pages == 4);
  CHECK(run(texts[0]) == 0);
  CHECK(run(texts[1]) == 0);
  CHECK(info_of(session).pages_cached == 4);
  CHECK(run(texts[2]) == 0);  // takes the pages of the first
  CHECK(run(texts[1]) == 127);
  CHECK(run(texts[0]) == 0);
}

TEST_CASE("pages that others hold are a limit, and nothing is lost by asking", "[api]") {
  TestSession session(small(), roomy(128, 2, 128));
  const Tokens text = random_ids(100, 1), more = random_ids(20, 2);
  const inlay_sequence a = session.add(), b = session.add();
  session.feed(a, text);
  inlay_error error{};
  const auto refused = [&](const Tokens& ids) {
    return inlay_session_feed(session.handle, b, ids.data(), ids.size(), 0, &error);
  };
  CHECK(refused(more) == INLAY_ERROR_LIMIT);
  CHECK(std::string(error.text).find("2") != std::string::npos);  // pages
  finish(session);
  CHECK(refused(more) == INLAY_ERROR_LIMIT);
  std::uint32_t computed = 9, pending = 9;
  REQUIRE(inlay_session_length(session.handle, b, &computed, &pending) == INLAY_OK);
  CHECK(computed + pending == 0);
  session.feed(a, more);
  Tokens all = text;
  append(all, more);
  CHECK(finish(session, a) == alone(all));
  CHECK(info_of(session).tokens_computed == 120);
  drop(session, a);
  session.feed(b, more);
  CHECK(finish(session, b) == alone(more));
}

TEST_CASE("a generation that finds no page says so, and can go on later", "[api]") {
  TestSession session(small(), roomy(128, 2, 128));
  const Tokens text = random_ids(60, 1);
  const inlay_sequence a = session.add(), b = session.add();
  session.feed(b, random_ids(10, 9));
  session.feed(a, text);
  std::uint32_t reason = 0;
  Tokens tokens = answer(session, a, 20, &reason);
  CHECK(tokens.size() == 5);  // four fill the page
  CHECK(reason == INLAY_FINISH_PAGES);
  drop(session, b);
  session.feed(a, {tokens.back()});
  append(tokens, answer(session, a, 15, &reason));
  CHECK(reason == INLAY_FINISH_TOKENS);
  TestSession other(small(), roomy(128, 1));
  const inlay_sequence c = other.add();
  other.feed(c, text);
  CHECK(tokens == answer(other, c, 20));
}

TEST_CASE("without reuse every sequence computes its own tokens", "[api]") {
  auto options = roomy(200, 4);
  options.reuse = 0;
  TestSession session(small(), options);
  const Tokens text = random_ids(130, 1);
  for (std::uint32_t i = 1; i <= 4; ++i) {
    const inlay_sequence sequence = session.add();
    session.feed(sequence, text);
    CHECK(finish(session, sequence) == alone(text));
    CHECK(info_of(session).tokens_computed == 130 * i);
    if (i % 2) drop(session, sequence);
  }
  CHECK(info_of(session).tokens_reused == 0);
  CHECK(info_of(session).pages_cached == 0);
  CHECK(info_of(session).pages_used == 6);
}

TEST_CASE("tokens whose logits are wanted are computed even where they are known", "[api]") {
  TestSession session(small(), roomy(200, 2));
  const Tokens text = random_ids(100, 1);
  const inlay_sequence a = session.add(), b = session.add();
  session.feed(a, text);
  finish(session);
  session.feed(b, text, INLAY_FEED_ALL_LOGITS);
  const std::vector<float> row = finish(session, b);
  CHECK(row == alone(text));
  CHECK(info_of(session).tokens_computed == 200);
  CHECK(info_of(session).pages_used == 2);
}
