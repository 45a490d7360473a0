// budget_test.cpp - stopping anywhere changes nothing: budgets, cancel, host jobs, many sequences.
#include <atomic>
#include <thread>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

// Runs the calls one after the other, last first: late and absent workers.
void run_backwards(void*, std::uint32_t count, void (*task)(void*, std::uint32_t), void* argument) {
  for (std::uint32_t i = count; i-- > 0;) task(argument, i);
}

void run_on_threads(void*, std::uint32_t count, void (*task)(void*, std::uint32_t),
                    void* argument) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < count; ++i) threads.emplace_back(task, argument, i);
  for (std::thread& thread : threads) thread.join();
}

inlay_session_options small() {
  auto options = TestSession::options();
  options.context = 128;
  options.chunk = 16;
  return options;
}

std::vector<std::int32_t> reference_tokens(const TestModel& model) {
  TestSession session(model, small());
  return greedy(session, some_ids(40), 24);
}

}  // namespace

TEST_CASE("slices of one tile give the tokens of one call", "[api]") {
  const TestModel model(demo_path());
  const auto expected = reference_tokens(model);
  REQUIRE(expected.size() >= 10);
  for (const std::uint32_t threads : {1u, 2u}) {
    auto options = small();
    options.threads = threads;
    TestSession session(model, options);
    CHECK(greedy(session, some_ids(40), 24, 1) == expected);
  }
}

TEST_CASE("a budget of one nanosecond yields after each tile", "[api]") {
  const TestModel model(demo_path());
  TestSession session(model, small());
  const inlay_sequence sequence = session.add();
  session.feed(sequence, some_ids(16));
  inlay_event event{};
  std::size_t yields = 0;
  while (session.step(event, 1) == INLAY_YIELD) ++yields;
  CHECK(yields > 100);  // every instruction has at least one tile
}

TEST_CASE("the host's jobs give the same tokens, however they are run", "[api]") {
  const auto expected = reference_tokens(TestModel(demo_path()));
  for (const auto run : {run_backwards, run_on_threads}) {
    inlay_host host;
    inlay_host_defaults(&host);
    host.jobs = {nullptr, 3, run};
    const TestModel model(demo_path(), nullptr, INLAY_OPEN_WEIGHTS, &host);
    TestSession session(model, small());
    CHECK(greedy(session, some_ids(40), 24, run == run_backwards ? 20000 : 0) == expected);
  }
}

TEST_CASE("cancel from another thread stops, and the work goes on after it", "[api]") {
  const TestModel model(demo_path());
  const auto expected = reference_tokens(model);
  TestSession session(model, small());
  std::atomic<bool> over{false};
  std::thread canceller([&] {
    while (!over) {
      inlay_session_cancel(session.handle);
      std::this_thread::yield();
    }
  });
  const auto tokens = greedy(session, some_ids(40), 24);
  over = true;
  canceller.join();
  CHECK(tokens == expected);
}

TEST_CASE("a cancel before a step makes it yield", "[api]") {
  const TestModel model(demo_path());
  TestSession session(model, small());
  session.feed(session.add(), some_ids(16));
  inlay_session_cancel(session.handle);
  inlay_event event{};
  CHECK(session.step(event) == INLAY_YIELD);
  CHECK(session.step(event) == INLAY_LOGITS);
}

TEST_CASE("sequences of one session do not disturb each other", "[api]") {
  const TestModel model(demo_path());
  const auto expected = reference_tokens(model);
  auto options = small();
  options.sequences = 5;
  TestSession session(model, options);
  // Others come, work and go while one generates.
  std::vector<inlay_sequence> others;
  for (std::size_t i = 0; i < 3; ++i) {
    others.push_back(session.add());
    session.feed(others.back(), some_ids(10 + 20 * i));
  }
  const inlay_sequence main = session.add();
  session.feed(main, some_ids(40));
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 0;
  REQUIRE(inlay_session_generate(session.handle, main, &sampler, 24, nullptr) == INLAY_OK);
  std::vector<std::int32_t> tokens;
  inlay_event event{};
  for (std::size_t step = 0; session.step(event, 50000) != INLAY_DONE; ++step) {
    if (event.sequence == main && event.token >= 0) tokens.push_back(event.token);
    if (step % 7 == 3 && !others.empty()) {
      REQUIRE(inlay_session_drop(session.handle, others.back()) == INLAY_OK);
      others.pop_back();
      session.feed(session.add(), some_ids(5));
    }
  }
  CHECK(tokens == expected);
}

TEST_CASE("feeding in pieces gives the logits of feeding at once", "[api]") {
  const TestModel model(demo_path());
  const auto ids = some_ids(100);
  const auto whole = all_logits(model, ids);
  const std::size_t vocabulary = model.info().vocabulary;
  TestSession session(model, small());
  const inlay_sequence sequence = session.add();
  inlay_event event{};
  for (std::size_t at = 0; at < ids.size(); at += 20) {
    session.feed(sequence, {ids.begin() + static_cast<std::ptrdiff_t>(at),
                            ids.begin() + static_cast<std::ptrdiff_t>(at + 20)});
    REQUIRE(session.step(event) == INLAY_LOGITS);
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    REQUIRE(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) == 0);
    CHECK(rows == 1);
    CHECK(position == at + 19);
    CHECK(std::memcmp(logits, &whole[position * vocabulary], vocabulary * sizeof(float)) == 0);
  }
}

TEST_CASE("a prompt moves on beside more generations than a pass has room for", "[api]") {
  const TestModel model(demo_path());
  auto options = small();
  options.sequences = 9;
  options.chunk = 8;
  TestSession session(model, options);
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  for (std::int32_t i = 0; i < 8; ++i) {
    const inlay_sequence sequence = session.add();
    session.feed(sequence, {i, 3});
    REQUIRE(inlay_session_set_stop(session.handle, sequence, nullptr, 0, INLAY_STOP_IGNORE_END,
                                   nullptr) == INLAY_OK);
    REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 0, nullptr) == INLAY_OK);
  }
  const inlay_sequence prompt = session.add();
  session.feed(prompt, some_ids(100));
  inlay_event event{};
  std::uint32_t tokens = 0;
  while (session.step(event) == INLAY_TOKEN) ++tokens;
  CHECK(event.sequence == prompt);
  inlay_session_info info{};
  info.struct_size = sizeof info;
  REQUIRE(inlay_session_get_info(session.handle, &info) == INLAY_OK);
  CHECK(info.passes <= 51);  // two rows of each at least
  CHECK(tokens >= 5 * info.passes);
}

namespace {

struct Clock {
  std::uint64_t now = 0, pace = 1;
  static std::uint64_t tick(void* user) {
    auto* clock = static_cast<Clock*>(user);
    return clock->now += clock->pace;
  }
};

}  // namespace

TEST_CASE("only a draw waits for a step that has time for a draw", "[api]") {
  Clock clock;
  inlay_host host;
  inlay_host_defaults(&host);
  host.clock = {&clock, Clock::tick};
  const TestModel model(demo_path(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  auto options = small();
  options.sequences = 2;
  TestSession session(model, options);
  const inlay_sequence drawing = session.add(), other = session.add();
  session.feed(drawing, {1, 2, 3});
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  REQUIRE(inlay_session_generate(session.handle, drawing, &sampler, 1, nullptr) == INLAY_OK);
  clock.pace = 1000000;  // the draw takes a millisecond
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_TOKEN);
  clock.pace = 1;
  session.feed(other, {4, 5, 6});
  CHECK(session.step(event, 500000) == INLAY_LOGITS);
  session.feed(drawing, {7});
  REQUIRE(inlay_session_generate(session.handle, drawing, &sampler, 1, nullptr) == INLAY_OK);
  CHECK(session.step(event, 500000) == INLAY_YIELD);
  CHECK(session.step(event, 500000) == INLAY_TOKEN);
}
