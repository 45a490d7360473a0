// gate_test.cpp - threads that sleep and are woken: the gate and the built-in workers.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/threads.h"
#include "support/catch.h"

using namespace inlay;

TEST_CASE("a gate is open when the word has changed", "[unit][base]") {
  Gate gate;
  std::atomic<std::uint64_t> word{1};
  gate.wait(word, 0);  // returns
  gate.wake();         // nobody sleeps
  CHECK(word == 1);
}

TEST_CASE("every change of a gate's word is seen", "[unit][base]") {
  // Players change the word in turn; a lost wake-up would stop the game.
  constexpr std::uint64_t players = 4, rounds = 5000;
  Gate gate;
  std::atomic<std::uint64_t> word{0};
  std::atomic<std::uint64_t> mistakes{0};
  std::vector<std::thread> threads;
  for (std::uint64_t player = 0; player < players; ++player) {
    threads.emplace_back([&, player] {
      for (std::uint64_t turn = player; turn < players * rounds; turn += players) {
        for (std::uint64_t now = word; now != turn; now = word) gate.wait(word, now);
        if (word.exchange(turn + 1, std::memory_order_seq_cst) != turn) ++mistakes;
        gate.wake();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(word == players * rounds);
  CHECK(mistakes == 0);
}

#if INLAY_WITH_THREADS

TEST_CASE("a gate's sleepers sleep until they are woken", "[unit][base]") {
  using namespace std::chrono_literals;
  Gate gate;
  std::atomic<std::uint64_t> word{0};
  std::atomic<int> awake{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      gate.wait(word, 0);
      ++awake;
    });
  }
  std::this_thread::sleep_for(30ms);
  CHECK(awake == 0);
  word.store(1, std::memory_order_seq_cst);
  gate.wake();
  for (std::thread& thread : threads) thread.join();
  CHECK(awake == 3);
}

TEST_CASE("built-in workers get an index each", "[unit][base]") {
  Allocator allocator(system_allocator());
  Error error{};
  for (const std::uint32_t workers : {1u, 2u, 5u}) {
    WorkerPool pool;
    REQUIRE(pool.start(allocator, workers, error) == Status::ok);
    CHECK(pool.workers() == workers);
    struct Calls {
      std::thread::id caller = std::this_thread::get_id();
      std::atomic<int> times[5]{};
      std::atomic<int> inside{0}, strange{0};
    };
    for (int round = 0; round < 300; ++round) {
      Calls calls;
      pool.run(
          [](void* argument, std::uint32_t index) {
            auto& c = *static_cast<Calls*>(argument);
            ++c.inside;
            ++c.times[index];
            c.strange += (index == 0) != (std::this_thread::get_id() == c.caller);
            --c.inside;
          },
          &calls);
      REQUIRE(calls.inside == 0);
      REQUIRE(calls.strange == 0);
      REQUIRE(calls.times[0] == 1);
      for (std::uint32_t i = 1; i < 5; ++i) REQUIRE(calls.times[i] <= (i < workers ? 1 : 0));
    }
  }
  CHECK(allocator.live_bytes() == 0);
}

#endif
