// quantize.cpp - keys copied, rows encoded, slab by slab.
#include "engine/quantize.h"

#include <algorithm>

#include "base/flush_denormals.h"
#include "engine/importance_file.h"
#include "engine/model.h"
#include "engine/progress.h"
#include "engine/row_workers.h"
#include "format/gguf_writer.h"

namespace inlay {
namespace {

// Elements that are encoded between two writes: enough for all workers, in a few MiB.
constexpr std::uint64_t elements_a_worker = 256 << 10, most_elements = 2 << 20;

// Keys that the new file has with values of its own.
bool is_replaced(std::string_view key) {
  return key == "general.file_type" || key == "general.quantization_version";
}

class Quantizer {
 public:
  Quantizer(const Model& model, const QuantizeOptions& options)
      : model_(model),
        manifest_(model.manifest()),
        options_(options),
        workers_(model.allocator(), model.host(), options.threads, model.files(), manifest_),
        importance_(model.allocator()),
        types_(model.allocator()),
        slab_(model.allocator()) {}

  Status run(Sink& sink, Error& error);

 private:
  Status choose(Error& error);
  Status write_head(GgufWriter& writer, Error& error);
  Status write_tensor(GgufWriter& writer, Progress& progress, std::size_t index, Error& error);
  void log(int level, std::string_view text) const;

  const Model& model_;
  const Manifest& manifest_;
  const QuantizeOptions& options_;
  RowWorkers workers_;
  ImportanceFile importance_;
  bool has_importance_ = false;
  Array<Type> types_;  // of each tensor in the new file
  Array<std::byte> slab_;
};

void Quantizer::log(int level, std::string_view text) const {
  const inlay_log& host = model_.host().log;
  if (host.write) host.write(host.user, level, text.data(), text.size());
}

std::uint64_t bytes_as(const TensorInfo& tensor, Type type) {
  return tensor.elements / tensor.shape[0] * row_bytes(type, tensor.shape[0]);
}

Status Quantizer::choose(Error& error) {
  if (is_error(types_.resize(manifest_.tensors().size()))) return fail_memory(error, "types");
  has_importance_ = options_.importance != nullptr;
  if (has_importance_) {
    std::uint64_t matched = 0, matrices = 0;
    for (const TensorInfo& t : manifest_.tensors()) matrices += t.elements > t.shape[0];
    INLAY_TRY(importance_.open(*options_.importance, manifest_, &matched, error));
    char text[128];
    print(text, sizeof text, "the importance file has values for {} of {} matrices", matched,
          matrices);
    log(INLAY_LOG_INFO, text);
  }
  const MixOptions how{options_.keep, has_importance_, model_.host().log};
  return choose_types(manifest_, *options_.mix, how, types_.span(), error);
}

Status Quantizer::write_head(GgufWriter& writer, Error& error) {
  for (const auto& [key, value] : manifest_.entries()) {
    if (!is_replaced(key)) INLAY_TRY(writer.add_key(key, value, error));
  }
  INLAY_TRY(writer.add_number("general.quantization_version", 2, error));
  INLAY_TRY(writer.add_number("general.file_type", options_.mix->file_type, error));
  for (std::size_t i = 0; i < types_.size(); ++i) {
    const TensorInfo& tensor = manifest_.tensors()[i];
    INLAY_TRY(writer.add_tensor(tensor.name, types_[i], {tensor.shape, tensor.rank},
                                bytes_as(tensor, types_[i]), error));
  }
  return writer.begin_data(error);
}

Status Quantizer::run(Sink& sink, Error& error) {
  INLAY_TRY(choose(error));
  GgufWriter writer(sink, model_.allocator());
  INLAY_TRY(write_head(writer, error));
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < types_.size(); ++i)
    total += bytes_as(manifest_.tensors()[i], types_[i]);
  Progress progress(options_.progress, total);
  for (std::size_t i = 0; i < types_.size(); ++i)
    INLAY_TRY(write_tensor(writer, progress, i, error));
  return writer.finish(error);
}

Status Quantizer::write_tensor(GgufWriter& writer, Progress& progress, std::size_t index,
                               Error& error) {
  const TensorInfo& tensor = manifest_.tensors()[index];
  const Type type = types_[index];
  const std::uint64_t k = tensor.shape[0], rows = tensor.elements / k, bytes = row_bytes(type, k);
  const std::uint64_t matrix_rows = tensor.shape[1];
  const std::uint64_t elements = std::min(elements_a_worker * workers_.count(), most_elements);
  const std::uint64_t most = std::clamp<std::uint64_t>(elements / k, 1, matrix_rows);
  if (slab_.size() < most * bytes && is_error(slab_.resize(most * bytes))) {
    return fail_memory(error, Shown(tensor.name).view());
  }
  const bool encoded = type != tensor.type, floats = encoded && type == Type::F32 && rows > 1;
  RowTask task{&tensor, type, nullptr, 0, 0};
  for (; task.first < rows; task.first += task.count) {
    const std::uint64_t in_matrix = task.first % matrix_rows;
    if (has_importance_ && encoded && in_matrix == 0) {
      INLAY_TRY(importance_.find(tensor, task.first / matrix_rows, &task.importance, error));
    }
    task.count = std::min(most, matrix_rows - in_matrix);
    INLAY_TRY(workers_.make(task, slab_.data(), error));
    if (floats) INLAY_TRY(workers_.check(task, slab_.data(), error));
    INLAY_TRY(writer.write(slab_.data(), task.count * bytes, error));
    INLAY_TRY(progress.add(task.count * bytes, error));
  }
  return Status::ok;
}

}  // namespace

Status quantize(const Model& model, const inlay_sink& description, const QuantizeOptions& options,
                Error& error) {
  const FlushDenormals mode;  // as while loading, so that both give the same bits
  Sink sink;
  Quantizer quantizer(model, options);
  INLAY_TRY(sink.open(model.allocator(), description, error));
  INLAY_TRY(quantizer.run(sink, error));
  return sink.close(error);
}

}  // namespace inlay
