// threads.h - built-in worker threads for hosts that bring no job system of their own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/allocator.h"
#include "base/status.h"

namespace inlay {

inline constexpr std::uint32_t max_workers = 256;

// Cores this process may run on, not counting a core's second hardware thread; at least 1.
std::uint32_t physical_cores();

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
