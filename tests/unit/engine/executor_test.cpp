// executor_test.cpp - the step loop: exact limits, order, sleep and stop, for any kind of host.
#include "engine/executor.h"

#include <time.h>

#include <chrono>
#include <mutex>
#include <set>

#include "base/clock.h"
#include "support/catch.h"
#include "unit/engine/counted_program.h"

using namespace inlay;
using namespace inlay::test;
using namespace std::chrono_literals;

namespace {

const decltype(inlay_jobs::run) hosts[] = {nullptr, run_backwards, run_on_threads};

// Counts how often it is asked; stands still.
struct CountingClock {
  std::atomic<std::uint64_t> asked{0};
  inlay_clock clock{this, [](void* user) {
                      ++static_cast<CountingClock*>(user)->asked;
                      return std::uint64_t{1000};
                    }};
};

// Processor time of all threads.
std::chrono::nanoseconds time_used() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

TEST_CASE("a run does exactly the tiles it may", "[unit][engine]") {
  CountedProgram program({3, 0, 1, 7, 2, 0, 0, 5, 1, 1, 0});
  for (const auto run : hosts) {
    for (const std::uint32_t workers : {1u, 2u, 3u, 4u}) {
      const Host host(run, workers);
      for (const std::uint64_t tiles : {1u, 2u, 3u, 4u, 7u, 19u, 20u, 21u}) {
        INFO("host " << (run == run_backwards) << (run == run_on_threads) << ", workers " << workers
                     << ", tiles " << tiles);
        Executor executor;
        program.begin(executor);
        std::uint64_t done = 0;
        for (bool ended = false; !ended;) {
          const std::uint64_t expected = std::min(tiles, program.total() - done);
          ended = executor.run(host.workers, {}, {0, tiles});
          done += executor.tiles_done();
          REQUIRE(executor.tiles_done() == expected);
          REQUIRE(program.calls == done);
          REQUIRE(program.ran_first(done));
          REQUIRE(ended == (done == program.total()));
          REQUIRE(executor.running() == !ended);
        }
        CHECK(program.out_of_order == 0);
      }
    }
  }
}

TEST_CASE("no limit means to the end, zero tiles mean one", "[unit][engine]") {
  CountedProgram program({2, 3});
  const Host host(nullptr, 2);
  Executor executor;
  program.begin(executor);
  CHECK_FALSE(executor.run(host.workers, {}, {0, 0}));
  CHECK(executor.tiles_done() == 1);
  CHECK(executor.cursor().pc == 0);
  CHECK(executor.cursor().tile == 1);
  CHECK(executor.run(host.workers, {}, {}));
  CHECK(executor.tiles_done() == 4);
  CHECK(executor.cursor().pc == 2);
}

TEST_CASE("a program without tiles ends at once", "[unit][engine]") {
  CountedProgram program({0, 0});
  const Host host(run_backwards, 2);
  Executor executor;
  program.begin(executor);
  CHECK(executor.run(host.workers, {}, {}));
  CHECK(executor.tiles_done() == 0);
  CHECK(program.calls == 0);
}

TEST_CASE("without time or after a stop a run does one tile", "[unit][engine]") {
  CountedProgram program({2, 1, 3, 1});
  CountingClock late;
  for (const auto run : hosts) {
    for (const std::uint32_t workers : {1u, 2u, 4u}) {
      for (const bool stopped : {false, true}) {
        const Host host(run, workers);
        Executor executor;
        program.begin(executor);
        std::uint64_t runs = 0;
        for (bool ended = false; !ended; ++runs) {
          if (stopped) executor.stop();
          ended = executor.run(host.workers, late.clock, {stopped ? 0u : 1000u, UINT64_MAX});
          REQUIRE(executor.take_stop() == stopped);
          REQUIRE(program.calls == runs + 1);
        }
        CHECK(runs == program.total());
      }
    }
  }
}

TEST_CASE("the clock is asked when there is a deadline, and only then", "[unit][engine]") {
  CountedProgram program({4, 4});
  CountingClock clock;
  const Host host(run_on_threads, 3);
  Executor executor;
  program.begin(executor);
  CHECK(executor.run(host.workers, clock.clock, {}));
  CHECK(clock.asked == 0);
  program.begin(executor);
  CHECK(executor.run(host.workers, clock.clock, {2000, UINT64_MAX}));
  CHECK(clock.asked >= 8);
}

TEST_CASE("a stop ends a run within one tile of each worker", "[unit][engine]") {
  for (const auto run : hosts) {
    const Host host(run, 4);
    CountedProgram program({1, 2000});
    Executor executor;
    std::atomic<std::uint64_t> begun{0}, before{0};
    program.inside = [&](std::uint32_t instruction, std::uint32_t tile) {
      const std::uint64_t number = ++begun;
      if (instruction != 1 || tile != 100) return;
      executor.stop();
      before = number;
    };
    program.begin(executor);
    CHECK_FALSE(executor.run(host.workers, {}, {}));
    CHECK(executor.take_stop());
    CHECK(program.calls == begun);
    CHECK(program.calls <= before + 4);
    CHECK(executor.run(host.workers, {}, {}));  // the rest
    CHECK(program.ran_first(2001));
  }
}

TEST_CASE("who waits for a long tile sleeps, and wakes when it is done", "[unit][engine]") {
  for (const auto run : {hosts[0], hosts[2]}) {
    for (const bool deadline : {false, true}) {
      const Host host(run, 4);
      CountedProgram program({5, 60});
      Executor executor;
      std::mutex mutex;
      std::set<std::thread::id> woken;
      program.inside = [&](std::uint32_t instruction, std::uint32_t tile) {
        if (instruction == 0) return std::this_thread::sleep_for(tile == 4 ? 400ms : 1ms);
        {
          const std::lock_guard lock(mutex);
          woken.insert(std::this_thread::get_id());
        }
        std::this_thread::sleep_for(3ms);
      };
      program.begin(executor);
      const auto before = time_used();
      const std::uint64_t end = deadline ? UINT64_MAX : 0;
      CHECK(executor.run(host.workers, system_clock(), {end, UINT64_MAX}));
      // Three that did not sleep would use up to 1200 ms, two cores' 800.
      CHECK(time_used() - before < 150ms);
      CHECK(woken.size() == 4);
      CHECK(program.out_of_order == 0);
      CHECK(program.ran_first(65));
    }
  }
}

TEST_CASE("no wake-up is lost", "[unit][engine]") {
  // Two tiles an instruction, one long enough that the other's worker is just about to sleep.
  CountedProgram program(std::vector<std::uint32_t>(400, 2));
  std::atomic<std::uint32_t> random{1};
  program.inside = [&](std::uint32_t, std::uint32_t tile) {
    if (tile != 0) return;
    const std::uint32_t number = random = random * 1664525u + 1013904223u;
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(number >> 25);
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
  };
  for (const auto run : {hosts[0], hosts[2]}) {
    const Host host(run, 3);
    Executor executor;
    for (int i = 0; i < 5; ++i) {
      program.begin(executor);
      REQUIRE(executor.run(host.workers, {}, {}));
      REQUIRE(program.ran_first(800));
      REQUIRE(program.out_of_order == 0);
    }
  }
}

TEST_CASE("a stop while others sleep ends the run with the tile in flight", "[unit][engine]") {
  for (const auto run : {hosts[0], hosts[2]}) {
    const Host host(run, 3);
    CountedProgram program({1, 50});
    Executor executor;
    std::atomic<bool> begun{false};
    program.inside = [&](std::uint32_t instruction, std::uint32_t) {
      if (instruction != 0) return;
      begun = true;
      std::this_thread::sleep_for(100ms);
    };
    program.begin(executor);
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      std::this_thread::sleep_for(30ms);  // the others sleep by now
      executor.stop();
    });
    CHECK_FALSE(executor.run(host.workers, {}, {}));
    canceller.join();
    CHECK(executor.take_stop());
    CHECK(program.ran_first(1));
    CHECK(executor.cursor().pc == 1);
    CHECK(executor.run(host.workers, {}, {}));
    CHECK(program.ran_first(51));
  }
}
