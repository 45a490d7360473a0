// schedules_test.cpp - random schedules: whatever is done to a session in whatever order, each
// sequence has the logits and draws the tokens that its tokens have alone.
#include <cstdlib>

#include "determinism/schedule.h"
#include "support/catch.h"

using namespace inlay::test;
using namespace inlay::test::schedules;

namespace {

// "" or what went wrong.
std::string failure_of(std::uint64_t seed) {
  try {
    Schedule(seed).run();
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("any schedule gives every sequence the bits it has alone", "[determinism]") {
  // INLAY_SCHEDULE=17 runs that one alone.
  const char* one = std::getenv("INLAY_SCHEDULE");
  const std::uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t last = one ? first : 600;
  happened().clear();
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    INFO("INLAY_SCHEDULE=" << seed);
    CHECK(failure_of(seed) == "");
  }
  if (one) return;
  const std::map<std::string, std::uint64_t> least{
      {"schedules with prefix hits", 200},
      {"tokens reused", 20000},
      {"evictions", 30},
      {"forks inside a page", 200},
      {"rewinds", 300},
      {"drops", 300},
      {"clears", 100},
      {"gone sequences fed again", 200},
      {"sequences beside others", 1000},
      {"yields", 5000},
      {"cancels", 200},
      {"draws that drop", 10},
      {"feeds that drop", 10},
      {"feeds refused for pages", 20},
      {"tokens drawn", 3000},
      {"rows of logits", 20000},
      {"threads", 50},
      {"host jobs", 100},
      {"traces", 50},
      {"saves", 100},
      {"saves that append", 100},
      {"saves behind a rewind", 30},
      {"restores", 50},
      {"moves to another session", 50},
  };
  if (std::getenv("INLAY_SCHEDULE_COUNTS")) {
    for (const auto& [what, times] : happened()) {
      std::printf("%8llu %s\n", static_cast<unsigned long long>(times), what.c_str());
    }
  }
  for (const auto& [what, times] : least) {
    INFO(what << ": " << happened()[what] << ", at least " << times);
    CHECK(happened()[what] >= times);
  }
  for (const auto& isa : usable_isas()) CHECK(happened()["isa " + isa] >= 30);
  for (std::uint32_t keys = INLAY_KV_F32; keys <= INLAY_KV_Q4_0; ++keys) {
    for (std::uint32_t values = INLAY_KV_F32; values <= INLAY_KV_Q4_0; ++values) {
      INFO("kv " << keys << " " << values);
      CHECK(happened()["kv " + std::to_string(keys) + " " + std::to_string(values)] > 0);
    }
  }
}
