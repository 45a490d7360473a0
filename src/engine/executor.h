// executor.h - the step loop: workers claim tiles of a program until it ends or a limit is reached.
#pragma once

#include <atomic>
#include <cstdint>

#include "backend/cpu/cpu.h"
#include "base/threads.h"
#include "engine/trace.h"

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

// How long one run may go on. At least one tile is done in any case.
struct Limits {
  std::uint64_t deadline = 0;        // ns of the clock; 0: none
  std::uint64_t tiles = UINT64_MAX;  // no more than these; 0 counts as 1
};

// Runs one pass at a time. The cursor is all there is to resume. Workers claim tiles in runs; an
// instruction ends when its tiles are done, however many workers came, so a late or absent worker
// holds nobody up. Who waits for another's last tile spins some 50 us and then sleeps.
class Executor {
 public:
  // `tile_counts` has room for one number per instruction and belongs to the caller, as does the
  // trace (of at least as many workers as will run; nullptr: none).
  void begin(const CpuPass& pass, std::uint32_t* tile_counts, Trace* trace = nullptr,
             std::uint64_t pass_number = 0);
  bool running() const { return running_; }
  void abandon() { running_ = false; }
  Cursor cursor() const;

  // Goes on until the program ends (true), or a limit is reached or a stop was asked for (false).
  // limits.tiles is exact for any number of workers; deadline and stop are seen between two claims.
  bool run(const Workers& workers, const inlay_clock& clock, const Limits& limits);
  // Of the latest run.
  std::uint64_t tiles_done() const { return tiles_done_; }

  // From any thread: a run ends when the tiles in flight are done.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  bool take_stop() { return stop_.exchange(false, std::memory_order_relaxed); }

 private:
  // A place in the program as one number: pc << 32 | tile.
  using Ticket = std::uint64_t;

  static void work(void* executor, std::uint32_t worker);
  void work(std::uint32_t worker);
  Ticket wait(Ticket ticket, bool& late);
  std::uint32_t claim_size(Ticket ticket) const;
  void finish_tiles(std::uint32_t pc, std::uint32_t count);
  bool out_of_time() const { return deadline_ != 0 && now() >= deadline_; }
  std::uint64_t now() const { return clock_.now(clock_.user); }
  Ticket begin_of(std::uint32_t pc) const;  // the first instruction from pc on that has tiles
  Ticket after(Ticket ticket, std::uint64_t tiles) const;
  std::uint64_t tiles_between(Ticket begin, Ticket end) const;

  CpuPass pass_;
  const std::uint32_t* tile_counts_ = nullptr;
  Trace* trace_ = nullptr;
  std::uint64_t pass_number_ = 0;
  std::uint32_t end_ = 0;
  bool running_ = false;
  inlay_clock clock_{};
  std::uint32_t worker_count_ = 1;
  std::uint64_t deadline_ = 0;
  Ticket first_ = 0;  // where this run began
  Ticket limit_ = 0;  // no tile is claimed here or later
  std::uint64_t tiles_done_ = 0;
  Gate gate_;
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<Ticket> ticket_{0};       // the next tile to claim
  alignas(64) std::atomic<std::uint32_t> done_{0};  // tiles of pc that are finished
};

}  // namespace inlay
