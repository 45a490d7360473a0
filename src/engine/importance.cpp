// importance.cpp - from a session's sums to the tensors of an importance matrix.
#include "engine/importance.h"

#include <cmath>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "engine/model.h"
#include "format/gguf_writer.h"

namespace inlay {
namespace {

class ImportanceWriter {
 public:
  ImportanceWriter(const Model& model, const Importance& seen, Sink& sink)
      : program_(model.program()),
        manifest_(model.manifest()),
        seen_(seen),
        writer_(sink, model.allocator()),
        names_(model.allocator()),
        totals_(model.allocator()),
        row_(model.allocator()) {}

  Status write(Error& error) {
    INLAY_TRY(add_keys(error));
    INLAY_TRY(add_tensors(error));
    INLAY_TRY(writer_.begin_data(error));
    for (WeightId id = 0; id < program_.weights.size(); ++id) INLAY_TRY(write_data(id, error));
    return writer_.finish(error);
  }

 private:
  std::uint64_t rows(const Observed& o) const {
    return o.rows == Rows::tokens ? seen_.tokens : seen_.wanted;
  }
  // Rows that the matrix multiplied, in all places where the program uses it.
  std::uint64_t count(WeightId id) const {
    std::uint64_t total = 0;
    for (const Instruction& i : program_.code) {
      if (i.op == Op::linear && i.weight == id) total += rows(program_.observed[i.slot]);
    }
    return total;
  }
  std::string_view name(WeightId id) const {
    return manifest_.tensors()[program_.weights[id].tensor].name;
  }

  Status add_keys(Error& error) {
    const std::uint64_t chunks = divide_up(seen_.tokens, seen_.context);
    const auto shown = static_cast<std::uint32_t>(chunks < UINT32_MAX ? chunks : UINT32_MAX);
    INLAY_TRY(writer_.add_text("general.type", "imatrix", error));
    INLAY_TRY(
        writer_.add_key("imatrix.datasets", Value(ValueType::string, true, 0, nullptr), error));
    INLAY_TRY(writer_.add_number("imatrix.chunk_count", shown, error));
    return writer_.add_number("imatrix.chunk_size", seen_.context, error);
  }

  // Tensor names are borrowed until the head is written: all of them are kept in one block.
  Status add_tensors(Error& error) {
    std::size_t length = 0;
    for (WeightId id = 0; id < program_.weights.size(); ++id) {
      if (count(id)) length += 2 * name(id).size() + sums_suffix.size() + counts_suffix.size();
    }
    if (is_error(names_.reserve(length))) return fail_memory(error, "importance");
    for (WeightId id = 0; id < program_.weights.size(); ++id) {
      if (count(id) == 0) continue;
      INLAY_TRY(add_tensor(id, sums_suffix, program_.weights[id].columns, error));
      INLAY_TRY(add_tensor(id, counts_suffix, 1, error));
    }
    return Status::ok;
  }

  Status add_tensor(WeightId id, std::string_view suffix, std::uint64_t columns, Error& error) {
    const std::size_t at = names_.size();
    for (const std::string_view part : {name(id), suffix}) {
      INLAY_TRY(names_.append({part.data(), part.size()}));  // room was reserved
    }
    const std::string_view whole{names_.data() + at, names_.size() - at};
    return writer_.add_tensor(whole, Type::F32, {&columns, 1}, columns * sizeof(float), error);
  }

  Status write_data(WeightId id, Error& error) {
    const std::uint64_t rows_seen = count(id);
    if (rows_seen == 0) return Status::ok;
    const std::uint32_t columns = program_.weights[id].columns;
    totals_.clear();
    if (is_error(totals_.resize(columns)) || is_error(row_.resize(columns))) {
      return fail_memory(error, "importance");
    }
    add_sums(id);
    for (std::uint32_t c = 0; c < columns; ++c) {
      row_[c] = static_cast<float>(totals_[c]);
      if (std::isfinite(row_[c])) continue;
      return fail(error, Status::format, "importance: {}: column {}: the sum is {}",
                  Shown(name(id)), c, row_[c]);
    }
    INLAY_TRY(writer_.write(row_.data(), columns * sizeof(float), error));
    const auto counted = static_cast<float>(rows_seen);
    return writer_.write(&counted, sizeof counted, error);
  }

  void add_sums(WeightId id) {
    for (const Instruction& i : program_.code) {
      if (i.op != Op::linear || i.weight != id) continue;
      const double* sums = seen_.sums + program_.observed[i.slot].first;
      for (std::size_t c = 0; c < totals_.size(); ++c) totals_[c] += sums[c];
    }
  }

  static constexpr std::string_view sums_suffix = ".in_sum2";
  static constexpr std::string_view counts_suffix = ".counts";

  const Program& program_;
  const Manifest& manifest_;
  const Importance& seen_;
  GgufWriter writer_;
  Array<char> names_;
  Array<double> totals_;  // of one matrix
  Array<float> row_;
};

}  // namespace

Status write_importance(const Model& model, const Importance& seen, const inlay_sink& description,
                        Error& error) {
  if (model.program().observed.empty()) {
    return fail(error, Status::state, "importance: the model was opened without it");
  }
  if (seen.tokens == 0) return fail(error, Status::state, "importance: nothing was computed yet");
  Sink sink;
  INLAY_TRY(sink.open(model.allocator(), description, error));
  return ImportanceWriter(model, seen, sink).write(error);
}

}  // namespace inlay
