// threads.h - built-in worker threads for hosts that bring no job system of their own, and where
// workers sleep.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/allocator.h"
#include "base/status.h"

#if INLAY_WITH_THREADS && (defined(__unix__) || defined(__APPLE__))
#define INLAY_HAS_PTHREADS 1
#include <pthread.h>
#else
#define INLAY_HAS_PTHREADS 0
#endif

namespace inlay {

inline constexpr std::uint32_t max_workers = 256;

// Cores this process may run on: not counting a core's second hardware thread, and no more than the
// processor time its control groups (containers) grant, rounded up; at least 1.
std::uint32_t physical_cores();

// Where threads sleep until a word changes. No wake-up is lost when the word is changed with
// memory_order_seq_cst before wake(). Takes no memory.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();

  // Returns when `word` is not `old`. In builds without threads it may return earlier.
  void wait(const std::atomic<std::uint64_t>& word, std::uint64_t old);
  // Wakes all that sleep. Calls nothing of the system when nobody does.
  void wake() {
    if (sleepers_.load(std::memory_order_seq_cst) != 0) wake_sleepers();
  }

 private:
  void wake_sleepers();

  std::atomic<std::uint32_t> sleepers_{0};
#if INLAY_HAS_PTHREADS
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
#endif
};

// Threads that sleep until run() has work. No thread exists when it was started with one worker.
class WorkerPool {
 public:
  using Task = void (*)(void* argument, std::uint32_t index);

  WorkerPool() = default;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { stop(); }

  // What start() takes from the allocator.
  static std::size_t bytes(std::uint32_t workers);

  // Starts workers - 1 threads (the caller is the first worker).
  Status start(Allocator& allocator, std::uint32_t workers, Error& error);
  void stop();

  std::uint32_t workers() const { return workers_; }

  // Calls task(argument, i) for i = 0 here and for 1 .. workers - 1 on the threads that wake in
  // time; returns when every call that began has returned. The task must not need all of them.
  void run(Task task, void* argument);

 private:
  struct State;
  static void* main(void* state);

  Allocator* allocator_ = nullptr;
  State* state_ = nullptr;
  std::uint32_t workers_ = 1;
};

}  // namespace inlay
