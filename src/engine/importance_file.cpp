// importance_file.cpp - reading importance files.
#include "engine/importance_file.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

std::uint64_t matrices(const TensorInfo& tensor) { return tensor.shape[2] * tensor.shape[3]; }

bool is_sum(float x) { return x >= 0 && x - x == 0; }  // neither negative nor NaN nor infinite

}  // namespace

const TensorInfo* ImportanceFile::beside(const TensorInfo& tensor, const char* suffix) const {
  char name[320];
  const std::size_t length = print(name, sizeof name, "{}.{}", tensor.name, suffix);
  return length < sizeof name ? manifest_.tensor({name, length}) : nullptr;
}

Status ImportanceFile::open(const inlay_source& source, const Manifest& model,
                            std::uint64_t* matched, Error& error) {
  INLAY_TRY(read_model(source, files_, manifest_, error));
  std::string_view kind;
  INLAY_TRY(manifest_.get_or("general.type", kind, {}, error));
  if (kind != "imatrix") {
    return fail(error, Status::format, "{}: general.type: expected imatrix, file has \"{}\"",
                Shown(manifest_.file()), Shown(kind));
  }
  *matched = 0;
  for (const TensorInfo& tensor : model.tensors()) {
    bool present = false;
    INLAY_TRY(check_fit(tensor, &present, error));
    *matched += present;
  }
  if (*matched) return Status::ok;
  return fail(error, Status::format, "{}: none of its {} tensors belongs to one of {}",
              Shown(manifest_.file()), manifest_.tensors().size(), Shown(model.file()));
}

Status ImportanceFile::check_fit(const TensorInfo& tensor, bool* present, Error& error) const {
  const TensorInfo* sums = beside(tensor, "in_sum2");
  const TensorInfo* counts = beside(tensor, "counts");
  *present = sums && counts;
  if (!*present) {
    if (!sums && !counts) return Status::ok;
    return fail(error, Status::format, "{}: {}: in_sum2 and counts come together",
                Shown(manifest_.file()), Shown(tensor.name));
  }
  if (sums->type != Type::F32 || counts->type != Type::F32) {
    return fail(error, Status::format, "{}: {}: in_sum2 and counts are expected to be F32",
                Shown(manifest_.file()), Shown(tensor.name));
  }
  const std::uint64_t k = tensor.shape[0], n = matrices(tensor);
  if (sums->shape[0] == k && sums->elements == k * n && counts->elements == n) return Status::ok;
  return fail(error, Status::format,
              "{}: {}: expected {} x {} sums and {} counts, file has {} x {} and {}",
              Shown(manifest_.file()), Shown(tensor.name), k, n, n, sums->shape[0],
              sums->elements / sums->shape[0], counts->elements);
}

// All at once, as a row may hold all of them; once for the matrices of a tensor.
Status ImportanceFile::read_counts(const TensorInfo& counts, Error& error) {
  if (counted_ == &counts) return Status::ok;
  counted_ = nullptr;
  if (is_error(counts_.resize(counts.elements))) return fail_memory(error, "importance");
  INLAY_TRY(read_rows(files_, manifest_, counts, 0, counts.elements / counts.shape[0],
                      counts_.data(), scratch_, error));
  counted_ = &counts;
  return Status::ok;
}

Status ImportanceFile::find(const TensorInfo& tensor, std::uint64_t matrix,
                            const float** importance, Error& error) {
  *importance = nullptr;
  const TensorInfo* sums = beside(tensor, "in_sum2");
  const TensorInfo* counts = beside(tensor, "counts");
  if (!sums || !counts) return Status::ok;
  INLAY_TRY(read_counts(*counts, error));
  if (is_error(values_.resize(tensor.shape[0]))) return fail_memory(error, "importance");
  INLAY_TRY(read_rows(files_, manifest_, *sums, matrix, 1, values_.data(), scratch_, error));
  const float count = counts_[matrix];
  bool any = false;
  for (float& value : values_) {
    const float sum = value;
    if (count > 0) value /= count;
    any = any || value > 0;
    if (is_sum(count) && is_sum(value)) continue;
    return fail(
        error, Status::format,
        "{}: {}: matrix {}, column {}: the mean of {} over {} rows is negative or no finite "
        "number",
        Shown(manifest_.file()), Shown(tensor.name), matrix, &value - values_.data(), sum, count);
  }
  // Inputs that were never seen, or always zero, say nothing.
  if (count > 0 && any) *importance = values_.data();
  return Status::ok;
}

}  // namespace inlay
