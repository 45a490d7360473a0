// executor.cpp - claiming, finishing, waiting, stopping.
#include "engine/executor.h"

#include <algorithm>

#include "base/flush_denormals.h"

namespace inlay {
namespace {

constexpr std::uint32_t spins_before_sleep = 1500;  // 20 to 70 us, as long as a pause takes
constexpr std::uint32_t spins_between_looks = 64;   // at the clock

// Tells the processor that this is a waiting loop.
void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // some 10 ns; yield takes no time at all
#endif
}

std::uint32_t instruction_of(std::uint64_t ticket) {
  return static_cast<std::uint32_t>(ticket >> 32);
}
std::uint32_t tile_of(std::uint64_t ticket) { return static_cast<std::uint32_t>(ticket); }
std::uint64_t ticket_of(std::uint32_t pc, std::uint32_t tile) {
  return std::uint64_t{pc} << 32 | tile;
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

void Executor::begin(const CpuPass& pass, std::uint32_t* tile_counts, Trace* trace,
                     std::uint64_t pass_number) {
  pass_ = pass;
  trace_ = trace;
  pass_number_ = pass_number;
  end_ = static_cast<std::uint32_t>(pass.program->code.size());
  for (std::uint32_t pc = 0; pc < end_; ++pc) tile_counts[pc] = tile_count(pass_, pc);
  tile_counts_ = tile_counts;
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(begin_of(0), std::memory_order_relaxed);
  running_ = true;
}

Cursor Executor::cursor() const {
  const Ticket ticket = ticket_.load(std::memory_order_relaxed);
  return {instruction_of(ticket), tile_of(ticket)};
}

Executor::Ticket Executor::begin_of(std::uint32_t pc) const {
  while (pc < end_ && tile_counts_[pc] == 0) ++pc;
  return ticket_of(pc, 0);
}

// The place behind the last of `tiles` tiles (or of those that are left), in that tile's own
// instruction: who comes there need not wait for its end.
Executor::Ticket Executor::after(Ticket ticket, std::uint64_t tiles) const {
  std::uint32_t tile = tile_of(ticket);
  for (std::uint32_t pc = instruction_of(ticket); pc < end_ && tiles != 0; ++pc) {
    const std::uint32_t left = tile_counts_[pc] - tile;
    const auto step = left < tiles ? left : static_cast<std::uint32_t>(tiles);
    if (step != 0) ticket = ticket_of(pc, tile + step);
    tiles -= step;
    tile = 0;
  }
  return ticket;
}

std::uint64_t Executor::tiles_between(Ticket begin, Ticket end) const {
  std::uint64_t tiles = tile_of(end);
  for (std::uint32_t pc = instruction_of(begin); pc < instruction_of(end); ++pc) {
    tiles += tile_counts_[pc];
  }
  return tiles - tile_of(begin);
}

bool Executor::run(const Workers& workers, const inlay_clock& clock, const Limits& limits) {
  clock_ = clock;
  worker_count_ = std::max(1u, workers.count);
  deadline_ = limits.deadline;
  first_ = ticket_.load(std::memory_order_relaxed);
  limit_ = after(first_, limits.tiles ? limits.tiles : 1);
  workers.run(work, this);
  const Ticket ticket = ticket_.load(std::memory_order_relaxed);
  tiles_done_ = tiles_between(first_, ticket);
  running_ = instruction_of(ticket) < end_;
  return !running_;
}

void Executor::work(void* executor, std::uint32_t worker) {
  static_cast<Executor*>(executor)->work(worker);
}

void Executor::work(std::uint32_t worker) {
  const FlushDenormals flush;
  TraceRun trace(trace_, worker, pass_number_);
  bool late = out_of_time();
  Ticket ticket = ticket_.load(std::memory_order_acquire);
  while (ticket < limit_) {
    // Time up or not, one tile is done: the one this run began with.
    if (ticket != first_ && (late || stop_.load(std::memory_order_relaxed))) return;
    const std::uint32_t pc = instruction_of(ticket), tile = tile_of(ticket);
    if (tile == tile_counts_[pc]) {
      ticket = wait(ticket, late);
      continue;
    }
    const std::uint32_t count = claim_size(ticket);
    if (!ticket_.compare_exchange_weak(ticket, ticket + count, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      continue;
    }
    const std::uint64_t begin = trace ? now() : 0;
    run_tiles(pass_, pc, {tile, tile + count}, worker);
    const std::uint64_t end = trace || deadline_ != 0 ? now() : 0;
    if (trace) trace.add_tiles(pc, count, begin, end);
    finish_tiles(pc, count);
    late = deadline_ != 0 && end >= deadline_;
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

// Tiles to take at once: a long run first, then ever less, so that all workers end together.
std::uint32_t Executor::claim_size(Ticket ticket) const {
  const std::uint32_t pc = instruction_of(ticket);
  const std::uint32_t end = pc == instruction_of(limit_) ? tile_of(limit_) : tile_counts_[pc];
  const std::uint32_t share = (end - tile_of(ticket)) / (2 * worker_count_);
  return std::max(1u, std::min(share, run_length(pass_, pc)));
}

// Whoever finishes the last tile opens the next instruction.
void Executor::finish_tiles(std::uint32_t pc, std::uint32_t count) {
  if (done_.fetch_add(count, std::memory_order_acq_rel) + count != tile_counts_[pc]) return;
  done_.store(0, std::memory_order_relaxed);
  ticket_.store(begin_of(pc + 1), std::memory_order_seq_cst);
  gate_.wake();
}

// All tiles of an instruction are claimed, the last ones are with others: until they are done, the
// time is up or a stop was asked for. Who sleeps sees the latter two when the tiles are done.
Executor::Ticket Executor::wait(Ticket ticket, bool& late) {
  const Ticket before = ticket;
  for (std::uint32_t spins = 1; spins <= spins_before_sleep; ++spins) {
    cpu_pause();
    ticket = ticket_.load(std::memory_order_acquire);
    if (ticket != before || stop_.load(std::memory_order_relaxed)) return ticket;
    if (spins % spins_between_looks == 0 && (late = out_of_time())) return ticket;
  }
  gate_.wait(ticket_, before);
  late = out_of_time();
  return ticket_.load(std::memory_order_acquire);
}

}  // namespace inlay
