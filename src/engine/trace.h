// trace.h - what ran when: a ring of entries for each worker, written as Chrome trace JSON.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "format/manifest.h"
#include "graph/program.h"

namespace inlay {

// Tiles of one instruction that one worker did one after the other, in one pass and one run.
struct TraceEntry {
  std::uint64_t pass;
  std::uint64_t begin, end;  // ns of the host's clock
  std::uint32_t pc;
  std::uint32_t tiles;
};

// Keeps the latest `events` entries of each worker in memory it is given. Without locks: each
// worker writes its own ring; nobody reads while workers run.
class Trace {
 public:
  Trace() = default;

  // Memory that open() takes, a multiple of 64. workers * events must be below 2^32.
  static std::size_t bytes(std::uint32_t workers, std::uint32_t events);
  // Memory: bytes(workers, events), aligned to 64; it belongs to the caller. Empty afterwards.
  void open(std::byte* memory, std::uint32_t workers, std::uint32_t events);
  void clear();

  std::uint32_t workers() const { return workers_; }
  void add(std::uint32_t worker, const TraceEntry& entry);

  // Entries that newer ones took the place of.
  std::uint64_t dropped() const;
  // How many of a worker are kept, and those, oldest first.
  std::uint32_t count(std::uint32_t worker) const;
  const TraceEntry& entry(std::uint32_t worker, std::uint32_t index) const;

  // {"traceEvents":[{"name":"linear blk.0.attn_q.weight","ph":"X","ts":..,"dur":..,"pid":1,"tid":
  // worker,"args":{"pass":..,"instruction":..,"tiles":..}}, ...],"otherData":{"dropped":..}}
  // Microseconds, from the first entry on. `manifest` is of the file that `program` was recorded
  // from and names its tensors. Errors: those of a Sink.
  Status write(const Program& program, const Manifest& manifest, const inlay_sink& sink,
               Allocator& allocator, Error& error) const;

 private:
  struct Ring {
    std::uint64_t added;  // in all
  };
  Ring& ring(std::uint32_t worker) const;
  TraceEntry* entries(std::uint32_t worker) const;
  std::uint64_t first_time() const;

  std::byte* memory_ = nullptr;
  std::uint32_t workers_ = 0;
  std::uint32_t events_ = 0;
};

// What one worker does in one run, tile by tile; entries reach the trace when they are whole. The
// trace may be nullptr.
class TraceRun {
 public:
  TraceRun(Trace* trace, std::uint32_t worker, std::uint64_t pass)
      : trace_(trace), worker_(worker), entry_{pass, 0, 0, 0, 0} {}
  TraceRun(const TraceRun&) = delete;
  TraceRun& operator=(const TraceRun&) = delete;
  ~TraceRun() { flush(); }

  explicit operator bool() const { return trace_ != nullptr; }
  void add_tiles(std::uint32_t pc, std::uint32_t count, std::uint64_t begin, std::uint64_t end);

 private:
  void flush();

  Trace* trace_;
  std::uint32_t worker_;
  TraceEntry entry_;
};

}  // namespace inlay
