// executor.h - the step loop: workers claim tiles of a program until it ends or time is up.
#pragma once

#include <atomic>
#include <cstdint>

#include "backend/cpu/cpu.h"
#include "base/threads.h"

namespace inlay {

// Who runs workers: the host's jobs, or our own threads.
struct Workers {
  inlay_jobs jobs{};           // used when run is set
  WorkerPool* pool = nullptr;  // else this
  std::uint32_t count = 1;
  void run(WorkerPool::Task task, void* argument) const;
};

// The place in a program: everything before instruction `pc` is done, and its tiles before `tile`.
struct Cursor {
  std::uint32_t pc;
  std::uint32_t tile;
};

// Runs one pass at a time. The cursor is all there is to resume. Workers claim tiles one by one; an
// instruction ends when its tiles are done, however many workers came, so a late or absent worker
// holds nobody up.
class Executor {
 public:
  // `tile_counts` has room for one number per instruction and belongs to the caller.
  void begin(const CpuPass& pass, std::uint32_t* tile_counts);
  bool running() const { return running_; }
  void abandon() { running_ = false; }
  Cursor cursor() const;

  // Goes on until the program ends (true) or `deadline` has passed or a stop was asked for (false).
  // At least one tile is done. deadline 0: none. `stop` is set by stop() from any thread.
  bool run(const Workers& workers, const inlay_clock& clock, std::uint64_t deadline);
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  bool take_stop() { return stop_.exchange(false, std::memory_order_relaxed); }

 private:
  static void work(void* executor, std::uint32_t worker);
  void work(std::uint32_t worker);
  bool out_of_time() const;
  std::uint64_t next(std::uint32_t pc) const;  // ticket of the first instruction from pc with tiles

  CpuPass pass_;
  const std::uint32_t* tile_counts_ = nullptr;
  std::uint32_t end_ = 0;
  bool running_ = false;
  inlay_clock clock_{};
  std::uint64_t deadline_ = 0;
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<std::uint64_t> ticket_{0};  // pc << 32 | next tile to claim
  alignas(64) std::atomic<std::uint32_t> done_{0};    // tiles of pc that are finished
};

}  // namespace inlay
