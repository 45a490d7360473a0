// step_test.cpp - a step allocates nothing and makes no system call.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/no_system_calls.h"

using namespace inlay::test;

TEST_CASE("feeding and stepping allocate nothing", "[silence]") {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  const TestModel model(demo_path(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  auto options = TestSession::options();
  options.context = 128;
  TestSession session(model, options);
  const std::uint64_t before = memory.calls;
  REQUIRE(before > 0);
  CHECK(greedy(session, some_ids(80), 20).size() > 0);
  CHECK(memory.calls == before);
}

TEST_CASE("steps of a constrained sequence allocate nothing", "[silence]") {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  const TestModel model(demo_path(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  auto options = TestSession::options();
  options.context = 128;
  TestSession session(model, options);
  const std::string schema = R"({"type": "object", "required": ["name"], "properties": {
      "name": {"type": "string"}, "ages": {"type": "array", "items": {"type": "integer"}}}})";
  inlay_grammar* grammar = nullptr;
  REQUIRE(inlay_grammar_compile(INLAY_GRAMMAR_SCHEMA, schema.data(), schema.size(), model.handle,
                                nullptr, &grammar, nullptr) == INLAY_OK);
  const inlay_sequence sequence = session.add();
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 2;
  session.feed(sequence, some_ids(20));
  REQUIRE(inlay_session_constrain(session.handle, sequence, grammar, nullptr, nullptr) == INLAY_OK);
  const std::uint64_t ready = memory.calls;
  REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 60, nullptr) == INLAY_OK);
  int tokens = 0;
  inlay_event event{};
  std::uint32_t finish = INLAY_FINISH_NONE;
  for (; session.step(event, 0) == INLAY_TOKEN; ++tokens) finish = event.finish;
  CHECK(tokens > 5);
  CHECK(finish == INLAY_FINISH_GRAMMAR);
  CHECK(memory.calls == ready);
  inlay_grammar_release(grammar);
}

#ifdef INLAY_TEST_SYSTEM_CALLS

TEST_CASE("feeding and stepping make no system call", "[silence]") {
  const TestModel model(demo_path());
  auto options = TestSession::options();
  options.context = 128;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  const auto ids = some_ids(80);
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);

  if (run_silently([] { return true; }) == Silence::no_filter) {
    print_skipped("this kernel has no seccomp filters");
    return;
  }
  REQUIRE(run_silently([] { return getppid() != 0; }) == Silence::broken);  // the filter works
  const Silence outcome = run_silently([&] {
    inlay_event event{};
    event.struct_size = sizeof event;
    if (inlay_session_feed(session.handle, sequence, ids.data(), ids.size(), 0, nullptr) < 0 ||
        inlay_session_generate(session.handle, sequence, &sampler, 20, nullptr) < 0) {
      return false;
    }
    for (int tokens = 0;;) {
      const inlay_status status = inlay_session_step(session.handle, 100000, &event, nullptr);
      if (status < 0) return false;
      if (status == INLAY_TOKEN) ++tokens;
      if (status == INLAY_DONE) return tokens > 0;
    }
  });
  CHECK(outcome == Silence::kept);
}

#endif
