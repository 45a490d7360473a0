// row_workers.h - rows of a model's tensors read, encoded and checked, by all workers at once.
#pragma once

#include <atomic>

#include "engine/executor.h"
#include "format/model_reader.h"

namespace inlay {

// Some rows of a tensor and the type they are to have.
struct RowTask {
  const TensorInfo* tensor = nullptr;
  Type type = Type::F32;
  const float* importance = nullptr;  // (k) for every row, or none: see encode_row()
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  // Not 0: in memory the rows are part of a matrix of so many, which lies as quant/interleave.h
  // says; `first` is a multiple of 16, and so is `count` but at the matrix's end.
  std::uint64_t matrix_rows = 0;
};

// The host's jobs or threads of its own, each with a little memory: a row of floats and, where a
// file is not in memory, some rows as stored. Bits and errors do not depend on how many there are.
// Files that are read by host functions are read on the thread that calls.
class RowWorkers {
 public:
  // `files`, `manifest` and `host` outlive this. threads: with the caller's; 0: physical cores.
  RowWorkers(Allocator& allocator, const inlay_host& host, std::uint32_t threads,
             const ModelFiles& files, const Manifest& manifest);

  std::uint32_t count() const { return count_; }

  // The rows in that type to `out` (aligned for floats where that is F32): copied when it is the
  // tensor's own, else encoded from the floats that they stand for. Errors: FORMAT (a weight that
  // is encoded is not finite, or too large for the type: names tensor, row and column), IO, MEMORY.
  Status make(const RowTask& task, std::byte* out, Error& error);

  // FORMAT when one of the task's rows, which lie in memory in the task's type, has a weight that
  // is not finite: names tensor, row and column.
  Status check(const RowTask& task, const std::byte* rows, Error& error);

 private:
  enum class Mode : std::uint8_t { copy, decode, encode, check };
  struct Worker {
    explicit Worker(Allocator& allocator)
        : row(allocator), stored(allocator), group(allocator), scratch(allocator) {}
    Array<float> row;         // (k)
    Array<std::byte> stored;  // one piece
    Array<std::byte> group;   // 16 rows that are to be interleaved
    Array<std::byte> scratch;
    std::uint64_t failed = none;  // the first row that could not be made
    Error error{};
  };
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  Status make_workers(Error& error);
  Status reserve(Error& error);
  Status learn_scratch(std::uint64_t* done, Error& error);
  Status make_from_slabs(const RowTask& task, std::byte* out, Error& error);
  Status run(std::uint64_t done, Error& error);
  void leave_files() const;
  static void work(void* workers, std::uint32_t index);
  void work(Worker& worker);
  Status piece(Worker& worker, std::uint64_t first, std::uint64_t count);
  Status make_rows(Worker& worker, std::uint64_t first, std::uint64_t count,
                   const std::byte* stored, std::byte* out);
  Status make_interleaved(Worker& worker, std::uint64_t first, std::uint64_t count,
                          const std::byte* stored, std::byte* out);
  Status check_rows(Worker& worker, std::uint64_t first, std::uint64_t count,
                    const std::byte* stored);
  Status encode(Worker& worker, std::uint64_t row, const std::byte* stored, std::byte* out);
  std::uint64_t row_of_file(std::uint64_t row) const;
  Status check_row(Worker& worker, std::uint64_t row, const std::byte* stored);

  Allocator& allocator_;
  const inlay_host& host_;
  const ModelFiles& files_;
  const Manifest& manifest_;
  bool concurrent_ = true;  // all files may be read from any thread
  std::uint32_t count_;
  WorkerPool pool_;
  Array<Worker> workers_;
  Array<std::byte> slab_;  // rows as stored that the calling thread has read

  // The task in hand.
  RowTask task_;
  Mode mode_ = Mode::copy;
  const std::byte* stored_ = nullptr;  // row `first` in the tensor's type; nullptr: to be read
  std::byte* out_ = nullptr;
  std::uint32_t columns_ = 0;
  std::uint64_t stored_bytes_ = 0;  // of a row
  std::uint64_t row_bytes_ = 0;     // of a row in the wanted type
  std::uint64_t piece_rows_ = 1;    // that a worker takes at once
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace inlay
