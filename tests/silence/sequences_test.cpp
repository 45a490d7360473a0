// sequences_test.cpp - sequences join, fork, go back and leave without an allocation or a system
// call.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/no_system_calls.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

inlay_session_options of_eight() {
  auto options = TestSession::options();
  options.context = 160;
  options.sequences = 8;
  options.chunk = 64;
  options.logits_rows = 8;
  options.kv_tokens = 64 * 8;  // pages run out: prefixes that nobody holds give way
  return options;
}

std::vector<std::uint8_t> small_file() {
  return SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = 50}
      .build();
}

// Everything a host does between opening and closing, again and again. No test macro: it also runs
// where nothing may be written. False: something went wrong, or one of the calls never happened.
bool join_and_leave(inlay_session* session, const std::vector<std::int32_t>& ids, int rounds) {
  inlay_sequence alive[8] = {};
  int tokens = 0, rows = 0, forks = 0, refused = 0, drops = 0;
  std::uint32_t state = 1;
  const auto below = [&](std::uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
  };
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  const std::int32_t stops[] = {7, 9};
  for (int round = 0; round < rounds; ++round) {
    inlay_sequence& s = alive[below(8)];
    if (!s) {
      if (below(3) == 0 && alive[0] && &s != alive) {
        if (inlay_session_fork(session, alive[0], &s, nullptr) != INLAY_OK) return false;
        ++forks;
      } else {
        if (inlay_session_add(session, &s, nullptr) != INLAY_OK) return false;
        const std::uint32_t first = below(2) * 30, count = 1 + below(120);
        if (below(2)) inlay_session_set_context_policy(session, s, INLAY_CONTEXT_DROP, 5, nullptr);
        const inlay_status fed =
            inlay_session_feed(session, s, ids.data() + first, count, below(2), nullptr);
        if (fed != INLAY_OK && fed != INLAY_ERROR_LIMIT) return false;
        refused += fed != INLAY_OK;
      }
      sampler.seed = static_cast<std::uint64_t>(round);
      inlay_session_set_stop(session, s, stops, 2, INLAY_STOP_IGNORE_END, nullptr);
      if (below(2) && inlay_session_generate(session, s, &sampler, 100, nullptr)) return false;
    } else if (below(4) == 0) {
      std::uint32_t computed = 0, pending = 0;
      if (inlay_session_length(session, s, &computed, &pending)) return false;
      if (inlay_session_rewind(session, s, below(computed + pending + 1), nullptr)) return false;
    } else if (below(3) == 0) {
      if (inlay_session_drop(session, s) != INLAY_OK) return false;
      s = 0;
      ++drops;
    }
    for (int i = 0; i < 12; ++i) {
      inlay_event event{};
      event.struct_size = sizeof event;
      if (below(8) == 0) inlay_session_cancel(session);
      const inlay_status status =
          below(2) ? inlay_session_step(session, below(2) * 40000, &event, nullptr)
                   : inlay_session_step_tiles(session, 1 + below(40), &event, nullptr);
      if (status < 0) return false;
      tokens += status == INLAY_TOKEN;
      if (status == INLAY_LOGITS) {
        const float* logits = nullptr;
        std::uint32_t count = 0, position = 0;
        if (inlay_session_logits(session, event.sequence, &logits, &count, &position)) return false;
        rows += static_cast<int>(count);
      }
    }
  }
  inlay_session_info info{};
  info.struct_size = sizeof info;
  if (inlay_session_get_info(session, &info) != INLAY_OK) return false;
  return tokens > 100 && rows > 50 && forks > 5 && refused > 0 && drops > 50 &&
         info.tokens_reused > 500;
}

}  // namespace

TEST_CASE("eight sequences that join and leave allocate nothing", "[silence]") {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  const auto file = small_file();
  const TestModel model(file, nullptr, &host);
  TestSession session(model, of_eight());
  const std::uint64_t before = memory.calls;
  REQUIRE(before > 0);
  CHECK(join_and_leave(session.handle, some_ids(160, 50), 600));
  CHECK(memory.calls == before);
}

#if INLAY_TEST_SYSTEM_CALLS

TEST_CASE("eight sequences that join and leave make no system call", "[silence]") {
  const auto file = small_file();
  const TestModel model(file);
  TestSession session(model, of_eight());
  const auto ids = some_ids(160, 50);
  if (run_silently([] { return true; }) == Silence::no_filter) {
    print_skipped("this kernel has no seccomp filters");
    return;
  }
  REQUIRE(run_silently([] { return getppid() != 0; }) == Silence::broken);  // the filter works
  REQUIRE(run_silently([] { return false; }) == Silence::failed);
  CHECK(run_silently([&] { return join_and_leave(session.handle, ids, 600); }) == Silence::kept);
}

#endif
