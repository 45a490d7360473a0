// row_workers.cpp - pieces of rows, claimed one by one.
#include "engine/row_workers.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "base/pages.h"
#include "engine/mix.h"
#include "quant/dequantize.h"
#include "quant/encode.h"
#include "quant/interleave.h"
#include "quant/rounding.h"

namespace inlay {
namespace {

constexpr std::uint64_t encoded_piece = 16 << 10;  // elements: some 100 us to some 10 ms of work
constexpr std::uint64_t copied_piece = 256 << 10;
constexpr std::uint64_t packed_rows = 32;  // pieces of packed tensors; their files go by columns
constexpr std::uint64_t slab_bytes = 2 << 20;
constexpr float largest_half = 65504.0f;

bool is_finite(float x) { return x - x == 0; }

std::uint32_t first_not_finite(const float* row, std::uint32_t columns) {
  std::uint32_t i = 0;
  while (i < columns && is_finite(row[i])) ++i;
  return i;
}

// Where the weight of the largest magnitude is.
std::uint32_t largest_column(const float* row, std::uint32_t columns) {
  std::uint32_t largest = 0;
  for (std::uint32_t i = 1; i < columns; ++i) {
    if (magnitude(row[i]) > magnitude(row[largest])) largest = i;
  }
  return largest;
}

Status refuse(std::string_view tensor, std::uint64_t row, std::uint32_t column, float value,
              Error& error) {
  return fail(error, Status::format, "{}: row {}, column {}: the weight is {}, not a finite number",
              Shown(tensor), row, column, value);
}

}  // namespace

RowWorkers::RowWorkers(Allocator& allocator, const inlay_host& host, std::uint32_t threads,
                       const ModelFiles& files, const Manifest& manifest)
    : allocator_(allocator),
      host_(host),
      files_(files),
      manifest_(manifest),
      count_(host.jobs.run ? host.jobs.workers
             : threads     ? threads
                           : physical_cores()),
      workers_(allocator),
      slab_(allocator) {
  for (std::uint32_t i = 0; i < files.count(); ++i) {
    concurrent_ = concurrent_ && files[i].concurrent();
  }
}

Status RowWorkers::make_workers(Error& error) {
  if (is_error(workers_.reserve(count_))) return fail_memory(error, "workers");
  while (workers_.size() < count_) {
    if (is_error(workers_.push(Worker(allocator_)))) return fail_memory(error, "workers");
  }
  return Status::ok;
}

// All that workers need, taken here: while they run only scratch of a packed tensor may grow.
Status RowWorkers::reserve(Error& error) {
  const bool floats = mode_ == Mode::encode || mode_ == Mode::check;
  const bool stored = !stored_ && (mode_ != Mode::copy || task_.matrix_rows);
  const std::uint64_t group =
      task_.matrix_rows ? interleaved_rows * std::max(row_bytes_, stored_bytes_) : 0;
  for (Worker& w : workers_) {
    Status status = Status::ok;
    if (floats && w.row.size() < columns_) status = w.row.resize(columns_);
    if (stored && w.stored.size() < piece_rows_ * stored_bytes_) {
      if (!is_error(status)) status = w.stored.resize(piece_rows_ * stored_bytes_);
    }
    if (!is_error(status) && w.group.size() < group) status = w.group.resize(group);
    if (is_error(status)) return fail_memory(error, Shown(task_.tensor->name).view());
    w.failed = none;
  }
  return Status::ok;
}

Status RowWorkers::make(const RowTask& task, std::byte* out, Error& error) {
  INLAY_TRY(make_workers(error));
  const TensorInfo& tensor = *task.tensor;
  const bool same = tensor.type == task.type;
  const std::byte* place = rows_in_place(files_, tensor);
  task_ = task;
  out_ = out;
  columns_ = static_cast<std::uint32_t>(tensor.shape[0]);
  stored_bytes_ = inlay::row_bytes(tensor.type, columns_);
  row_bytes_ = inlay::row_bytes(task.type, columns_);
  mode_ = same ? Mode::copy : task.type == Type::F32 ? Mode::decode : Mode::encode;
  stored_ = place ? place + task.first * stored_bytes_ : nullptr;
  const std::uint64_t elements = same ? copied_piece : encoded_piece;
  piece_rows_ = std::max<std::uint64_t>(1, elements / columns_);
  if (tensor.packing != no_packing) piece_rows_ = std::max(piece_rows_, packed_rows);
  if (task.matrix_rows) piece_rows_ = align_up(piece_rows_, interleaved_rows);
  if (!stored_ && !concurrent_) return make_from_slabs(task, out, error);
  INLAY_TRY(reserve(error));
  std::uint64_t done = 0;
  if (!stored_ && tensor.packing != no_packing) INLAY_TRY(learn_scratch(&done, error));
  INLAY_TRY(run(done, error));
  leave_files();
  return Status::ok;
}

// Mapped bytes that were read count as memory of the process: a model larger than the machine could
// not be converted. Of a packed tensor when its last row is made; any row may need any of them.
void RowWorkers::leave_files() const {
  const auto leave = [&](const FileRange& range) {
    const Source& file = files_[range.part];
    if (range.bytes && file.maps_file()) leave_file_pages(file.map() + range.offset, range.bytes);
  };
  const TensorInfo& tensor = *task_.tensor;
  if (stored_) {
    leave({tensor.part, tensor.offset + task_.first * stored_bytes_, task_.count * stored_bytes_});
  } else if (tensor.packing != no_packing &&
             task_.first + task_.count == tensor.elements / tensor.shape[0]) {
    const Packing& packing = manifest_.packings()[tensor.packing];
    for (const FileRange& range : {packing.data, packing.scales, packing.zeros, packing.order}) {
      leave(range);
    }
  }
}

// The first piece of a packed tensor is made here; what it took is reserved for every worker, so
// that they do not all go to the host's allocator at once.
Status RowWorkers::learn_scratch(std::uint64_t* done, Error& error) {
  *done = std::min(piece_rows_, task_.count);
  Worker& first = workers_[0];
  if (const Status status = piece(first, task_.first, *done); is_error(status)) {
    error = first.error;
    return status;
  }
  for (Worker& w : workers_) {
    if (is_error(w.scratch.reserve(first.scratch.capacity()))) {
      return fail_memory(error, Shown(task_.tensor->name).view());
    }
  }
  return Status::ok;
}

// The calling thread reads some rows, then all work on them.
Status RowWorkers::make_from_slabs(const RowTask& task, std::byte* out, Error& error) {
  Array<std::byte>& scratch = workers_[0].scratch;
  if (mode_ == Mode::copy && !task.matrix_rows) {
    return read_rows(files_, manifest_, *task.tensor, task.first, task.count, out, scratch, error);
  }
  const std::uint64_t most = align_up(std::max<std::uint64_t>(1, slab_bytes / stored_bytes_),
                                      task.matrix_rows ? interleaved_rows : 1);
  const std::uint64_t rows = std::min(task.count, most);
  if (slab_.size() < rows * stored_bytes_ && is_error(slab_.resize(rows * stored_bytes_))) {
    return fail_memory(error, Shown(task.tensor->name).view());
  }
  stored_ = slab_.data();
  INLAY_TRY(reserve(error));
  for (std::uint64_t done = 0; done < task.count; done += task_.count) {
    task_.first = task.first + done;
    task_.count = std::min(rows, task.count - done);
    out_ = out + done * row_bytes_;
    INLAY_TRY(read_rows(files_, manifest_, *task.tensor, task_.first, task_.count, slab_.data(),
                        scratch, error));
    INLAY_TRY(run(0, error));
  }
  return Status::ok;
}

Status RowWorkers::check(const RowTask& task, const std::byte* rows, Error& error) {
  INLAY_TRY(make_workers(error));
  task_ = task;
  mode_ = Mode::check;
  out_ = nullptr;
  row_bytes_ = 0;
  columns_ = static_cast<std::uint32_t>(task.tensor->shape[0]);
  stored_bytes_ = inlay::row_bytes(task.type, columns_);
  stored_ = rows;
  piece_rows_ = std::max<std::uint64_t>(1, encoded_piece / columns_);
  INLAY_TRY(reserve(error));
  return run(0, error);
}

// Rows from first + done on. Of several errors the one of the first row counts: pieces are claimed
// in order, and those before a bad one are finished.
Status RowWorkers::run(std::uint64_t done, Error& error) {
  next_.store(done, std::memory_order_relaxed);
  stopped_.store(false, std::memory_order_relaxed);
  if (task_.count - done <= piece_rows_) {
    work(workers_[0]);
  } else {
    if (!host_.jobs.run && pool_.workers() != count_) {
      INLAY_TRY(pool_.start(allocator_, count_, error));
    }
    Workers{host_.jobs, &pool_, count_}.run(work, this);
  }
  const Worker* bad = &workers_[0];
  for (const Worker& w : workers_) bad = w.failed < bad->failed ? &w : bad;
  if (bad->failed == none) return Status::ok;
  error = bad->error;
  return static_cast<Status>(error.status);
}

void RowWorkers::work(void* workers, std::uint32_t index) {
  auto& self = *static_cast<RowWorkers*>(workers);
  self.work(self.workers_[index]);
}

void RowWorkers::work(Worker& worker) {
  const FlushDenormals mode;
  while (!stopped_.load(std::memory_order_relaxed)) {
    const std::uint64_t at = next_.fetch_add(piece_rows_, std::memory_order_relaxed);
    if (at >= task_.count) return;
    const std::uint64_t rows = std::min(piece_rows_, task_.count - at);
    if (!is_error(piece(worker, task_.first + at, rows))) continue;
    worker.failed = at;
    stopped_.store(true, std::memory_order_relaxed);
    return;
  }
}

Status RowWorkers::piece(Worker& worker, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t at = first - task_.first;
  const std::byte* stored = stored_ ? stored_ + at * stored_bytes_ : worker.stored.data();
  if (mode_ == Mode::check) return check_rows(worker, first, count, stored);
  std::byte* out = out_ + at * row_bytes_;
  if (!stored_) {
    const bool straight = mode_ == Mode::copy && !task_.matrix_rows;
    std::byte* to = straight ? out : worker.stored.data();
    INLAY_TRY(read_rows(files_, manifest_, *task_.tensor, first, count, to, worker.scratch,
                        worker.error));
    if (straight) return Status::ok;
  }
  return task_.matrix_rows ? make_interleaved(worker, first, count, stored, out)
                           : make_rows(worker, first, count, stored, out);
}

Status RowWorkers::make_rows(Worker& worker, std::uint64_t first, std::uint64_t count,
                             const std::byte* stored, std::byte* out) {
  if (mode_ == Mode::copy) {
    std::memcpy(out, stored, count * row_bytes_);
    return Status::ok;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::byte* row = stored + i * stored_bytes_;
    if (mode_ == Mode::decode) {
      dequantize_row(task_.tensor->type, row, columns_,
                     reinterpret_cast<float*>(out + i * row_bytes_));
    } else {
      INLAY_TRY(encode(worker, first + i, row, out + i * row_bytes_));
    }
  }
  return Status::ok;
}

Status RowWorkers::make_interleaved(Worker& worker, std::uint64_t first, std::uint64_t count,
                                    const std::byte* stored, std::byte* out) {
  std::uint64_t i = 0;
  for (; count - i >= interleaved_rows; i += interleaved_rows) {
    const std::byte* rows = stored + i * stored_bytes_;
    if (mode_ != Mode::copy) {
      INLAY_TRY(make_rows(worker, first + i, interleaved_rows, rows, worker.group.data()));
      rows = worker.group.data();
    }
    interleave(task_.type, rows, row_bytes_, out + i * row_bytes_);
  }
  return make_rows(worker, first + i, count - i, stored + i * stored_bytes_, out + i * row_bytes_);
}

Status RowWorkers::check_rows(Worker& worker, std::uint64_t first, std::uint64_t count,
                              const std::byte* stored) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::byte* row = stored + i * stored_bytes_;
    if (task_.matrix_rows) {
      const std::byte* matrix = stored - first * stored_bytes_;
      take_row(task_.type, matrix, task_.matrix_rows, stored_bytes_, first + i,
               worker.group.data());
      row = worker.group.data();
    }
    INLAY_TRY(check_row(worker, first + i, row));
  }
  return Status::ok;
}

// Rows of a folder's tensor may have another order than in their file.
std::uint64_t RowWorkers::row_of_file(std::uint64_t row) const {
  const std::uint32_t packing = task_.tensor->packing;
  return packing == no_packing ? row : manifest_.packings()[packing].swap.stored_row(row);
}

Status RowWorkers::check_row(Worker& worker, std::uint64_t row, const std::byte* stored) {
  dequantize_row(task_.type, stored, columns_, worker.row.data());
  const std::uint32_t bad = first_not_finite(worker.row.data(), columns_);
  return bad == columns_
             ? Status::ok
             : refuse(task_.tensor->name, row_of_file(row), bad, worker.row[bad], worker.error);
}

Status RowWorkers::encode(Worker& worker, std::uint64_t row, const std::byte* stored,
                          std::byte* out) {
  const TensorInfo& tensor = *task_.tensor;
  float* values = worker.row.data();
  dequantize_row(tensor.type, stored, columns_, values);
  bool fits = encode_row(task_.type, values, task_.importance, columns_, out);
  const std::uint32_t bad = fits ? columns_ : first_not_finite(values, columns_);
  if (bad < columns_) {
    return refuse(tensor.name, row_of_file(row), bad, values[bad], worker.error);
  }
  const std::uint32_t column = largest_column(values, columns_);
  const float largest = values[column];
  if (fits && magnitude(largest) > largest_half) {
    // Half scales may have run over: what they give is looked at.
    dequantize_row(task_.type, out, columns_, values);
    fits = first_not_finite(values, columns_) == columns_;
  }
  if (fits) return Status::ok;
  return fail(worker.error, Status::format,
              "{}: row {}, column {}: the weight is {}, too large for {}", Shown(tensor.name),
              row_of_file(row), column, largest, type_info(task_.type)->name);
}

}  // namespace inlay
