// executor.cpp - claiming, finishing, stopping.
#include "engine/executor.h"

#include "base/flush_denormals.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#endif

namespace inlay {
namespace {

constexpr std::uint32_t spins_before_yield = 4096;  // about 100 us of waiting for another's tile
constexpr std::uint32_t spins_between_looks = 64;   // at the clock

// Tells the processor that this is a waiting loop.
void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void pause_a_little(std::uint32_t& spins) {
  ++spins;
  cpu_pause();
#if defined(__unix__) || defined(__APPLE__)
  if (spins % spins_before_yield == 0) ::sched_yield();
#endif
}

}  // namespace

void Workers::run(WorkerPool::Task task, void* argument) const {
  if (jobs.run) {
    jobs.run(jobs.user, count, task, argument);
  } else if (pool) {
    pool->run(task, argument);
  } else {
    task(argument, 0);
  }
}

void Executor::begin(const CpuPass& pass, std::uint32_t* tile_counts) {
  pass_ = pass;
  end_ = static_cast<std::uint32_t>(pass.program->code.size());
  for (std::uint32_t pc = 0; pc < end_; ++pc) tile_counts[pc] = tile_count(pass_, pc);
  tile_counts_ = tile_counts;
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(next(0), std::memory_order_relaxed);
  running_ = true;
}

Cursor Executor::cursor() const {
  const std::uint64_t ticket = ticket_.load(std::memory_order_relaxed);
  return {static_cast<std::uint32_t>(ticket >> 32), static_cast<std::uint32_t>(ticket)};
}

std::uint64_t Executor::next(std::uint32_t pc) const {
  while (pc < end_ && tile_counts_[pc] == 0) ++pc;
  return static_cast<std::uint64_t>(pc) << 32;
}

bool Executor::run(const Workers& workers, const inlay_clock& clock, std::uint64_t deadline) {
  clock_ = clock;
  deadline_ = deadline;
  workers.run(work, this);
  if (cursor().pc < end_) return false;
  running_ = false;
  return true;
}

bool Executor::out_of_time() const {
  return deadline_ != 0 && clock_.now(clock_.user) >= deadline_;
}

void Executor::work(void* executor, std::uint32_t worker) {
  static_cast<Executor*>(executor)->work(worker);
}

void Executor::work(std::uint32_t worker) {
  const FlushDenormals flush;
  std::uint32_t spins = 0;
  bool worked = worker != 0;  // the caller's own worker does at least one tile
  bool late = worker != 0 && out_of_time();
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  for (;;) {
    const auto pc = static_cast<std::uint32_t>(ticket >> 32);
    const auto tile = static_cast<std::uint32_t>(ticket);
    if (pc >= end_) return;
    if (worked && (late || stop_.load(std::memory_order_relaxed))) return;
    if (tile >= tile_counts_[pc]) {  // the last tiles of pc are with others
      pause_a_little(spins);
      if (spins % spins_between_looks == 0) late = out_of_time();
      ticket = ticket_.load(std::memory_order_acquire);
      continue;
    }
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      continue;
    }
    run_tile(pass_, pc, tile, worker);
    worked = true;
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == tile_counts_[pc]) {
      done_.store(0, std::memory_order_relaxed);
      ticket_.store(next(pc + 1), std::memory_order_release);
    }
    late = out_of_time();
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

}  // namespace inlay
