// weights.cpp - placing and loading weights.
#include "engine/weights.h"

#include <algorithm>

#include "base/checked.h"
#include "base/pages.h"
#include "engine/progress.h"
#include "engine/row_workers.h"
#include "quant/interleave.h"

namespace inlay {
namespace {

// What is made between two looks at the host's progress function.
constexpr std::uint64_t most_at_once = 8 << 20, least_at_once = 256 << 10;

// A vector has one row here, whatever the shape that the file gives it.
struct RowShape {
  Type type;
  std::uint64_t count;
  std::uint64_t bytes;  // of one
};

RowShape rows_of(const WeightInfo& weight) {
  if (!weight.matrix) return {Type::F32, 1, weight.columns * sizeof(float)};
  return {weight.type, weight.rows, weight.row_bytes};
}

}  // namespace

Weights::~Weights() {
  allocator_.release(block_, block_bytes_, huge_ ? huge_page_bytes : default_alignment);
}

Status Weights::place(const ModelFiles& files, const Manifest& manifest, const Program& program,
                      std::uint32_t memory, bool interleave, Error& error) {
  const std::size_t count = program.weights.size();
  if (is_error(places_.resize(count)) || is_error(data_.resize(count))) {
    return fail_memory(error, "weight list");
  }
  huge_ = memory == INLAY_MEMORY_HUGE_PAGES;
  borrowed_ = block_bytes_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const WeightInfo& weight = program.weights[i];
    const TensorInfo& tensor = manifest.tensors()[weight.tensor];
    const bool stays = memory == INLAY_MEMORY_MAPPED && weight.matrix && weight.type == tensor.type;
    const std::byte* lying = stays ? rows_in_place(files, tensor) : nullptr;
    places_[i] = {lying, block_bytes_};
    data_[i].interleaved = interleave && weight.matrix && !lying && can_interleave(weight.type) &&
                           weight.rows >= interleaved_rows;
    std::uint64_t end = 0;
    if (lying) {
      borrowed_ += weight.bytes;
    } else if (checked_add(block_bytes_, weight.bytes, end) &&
               checked_align(end, default_alignment, end) && end <= SIZE_MAX / 2) {
      block_bytes_ = end;
    } else {
      return fail(error, Status::limit,
                  "{}: {} bytes and {} before it are more than this machine has",
                  Shown(tensor.name), weight.bytes, block_bytes_);
    }
  }
  return Status::ok;
}

Status Weights::load(const ModelFiles& files, const Manifest& manifest, const Program& program,
                     const inlay_host& host, const Loading& loading, Error& error) {
  if (block_bytes_) {
    const std::size_t alignment = huge_ ? huge_page_bytes : default_alignment;
    block_ = static_cast<std::byte*>(allocator_.allocate(block_bytes_, alignment));
    if (!block_) return fail_memory(error, "weights");
    if (huge_) ask_for_huge_pages(block_, block_bytes_);
  }
  RowWorkers workers(allocator_, host, loading.threads, files, manifest);
  std::uint64_t total = 0;
  for (const WeightInfo& weight : program.weights) total += weight.bytes;
  Progress progress(loading.progress, total);
  for (std::size_t i = 0; i < program.weights.size(); ++i) {
    const WeightInfo& weight = program.weights[i];
    INLAY_TRY(load_one(workers, progress, manifest.tensors()[weight.tensor], weight, i,
                       loading.check, error));
  }
  return load_scales(workers, manifest, program, error);
}

// As F32, which the graph has asked for; at most one number for each weight.
Status Weights::load_scales(RowWorkers& workers, const Manifest& manifest, const Program& program,
                            Error& error) {
  for (std::size_t i = 0; i < data_.size(); ++i) {
    const std::uint32_t tensor = program.weights[i].scale_tensor;
    if (tensor == no_tensor) continue;
    const RowTask task{&manifest.tensors()[tensor], Type::F32, nullptr, 0, 1};
    INLAY_TRY(workers.make(task, reinterpret_cast<std::byte*>(&data_[i].scale), error));
  }
  return Status::ok;
}

Status Weights::load_one(RowWorkers& workers, Progress& progress, const TensorInfo& tensor,
                         const WeightInfo& weight, std::size_t index, bool check, Error& error) {
  const RowShape rows = rows_of(weight);
  const Place& place = places_[index];
  const std::byte* data = place.lying ? place.lying : block_ + place.offset;
  data_[index].data = data;
  if (place.lying && !check) return progress.add(weight.bytes, error);
  const std::uint64_t at_once = std::clamp(bytes() / 128, least_at_once, most_at_once);
  RowTask task{&tensor, rows.type, nullptr, 0, 0, data_[index].interleaved ? rows.count : 0};
  for (; task.first < rows.count; task.first += task.count) {
    const std::uint64_t fit = align_up(std::max<std::uint64_t>(1, at_once / rows.bytes),
                                       task.matrix_rows ? interleaved_rows : 1);
    task.count = std::min(fit, rows.count - task.first);
    const std::uint64_t offset = task.first * rows.bytes;
    if (!place.lying) INLAY_TRY(workers.make(task, block_ + place.offset + offset, error));
    if (check) INLAY_TRY(workers.check(task, data + offset, error));
    INLAY_TRY(progress.add(task.count * rows.bytes, error));
  }
  return Status::ok;
}

}  // namespace inlay
