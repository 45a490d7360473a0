// weights.cpp - the tensors a program uses: found by name, checked against the shapes it needs.
#include "base/diagnostics.h"
#include "graph/graph.h"

namespace inlay {
namespace {

struct BlockName {
  char text[128];
  std::string_view view;
  BlockName(std::uint32_t index, std::string_view name, const char* suffix) {
    const std::size_t length = print(text, sizeof text, "blk.{}.{}.{}", index, name, suffix);
    view = {text, length < sizeof text ? length : sizeof text - 1};
  }
};

}  // namespace

Weight Layer::matrix(std::string_view name, std::uint32_t rows, std::uint32_t columns) const {
  return graph_.matrix(BlockName(index_, name, "weight").view, rows, columns);
}
Weight Layer::vector(std::string_view name, std::uint32_t size) const {
  return graph_.vector(BlockName(index_, name, "weight").view, size);
}
Weight Layer::bias(std::string_view name, std::uint32_t size) const {
  return graph_.vector(BlockName(index_, name, "bias").view, size);
}
Weight Layer::bias_if(std::string_view name, std::uint32_t size) const {
  return graph_.vector_if(BlockName(index_, name, "bias").view, size);
}

// The number <base>.scale beside <base>.weight, which multiplies the whole matrix; most have none.
// <base>.input_scale, for engines that round activations to four bits, is ignored: ours are finer.
std::uint32_t Graph::scale_of(std::string_view name) {
  constexpr std::string_view suffix = "weight";
  if (!name.ends_with(suffix)) return no_tensor;
  char text[160];
  const std::string_view base = name.substr(0, name.size() - suffix.size());
  const std::size_t length = print(text, sizeof text, "{}scale", base);
  if (length >= sizeof text) return no_tensor;
  const FileView& file = meta_.file();
  TensorShape scale{};
  if (!file.find_tensor(file.file, {text, length}, &scale)) return no_tensor;
  bool one = scale.type == Type::F32;
  for (std::uint32_t i = 0; i < scale.rank; ++i) one = one && scale.shape[i] == 1;
  if (!one) {
    const TypeInfo* type = type_info(scale.type);
    note(fail(meta_.error(), Status::format, "{}: {}: expected one F32, file has {} {} x {}",
              Shown(file.name), std::string_view(text, length), type ? type->name : "?",
              scale.shape[0], scale.rank > 1 ? scale.shape[1] : 1));
  }
  return scale.index;
}

// rows 0: whatever the file has.
Weight Graph::weight(std::string_view name, std::uint32_t rank, std::uint32_t rows,
                     std::uint32_t columns, bool optional) {
  if (broken()) return {};
  const FileView& file = meta_.file();
  Error& error = meta_.error();
  TensorShape tensor{};
  if (!file.find_tensor(file.file, name, &tensor)) {
    if (!optional) {
      note(fail(error, Status::format, "{}: {}: tensor is missing", Shown(file.name), name));
    }
    return {};
  }
  const std::uint64_t k = tensor.shape[0];
  const std::uint64_t n = tensor.rank > 1 ? tensor.shape[1] : 1;
  const bool deep = tensor.rank > 2 && (tensor.shape[2] != 1 || tensor.shape[3] > 1);
  const bool rows_fit = rank == 1 ? n == 1 : rows == 0 ? n >= 1 && n <= (1u << 24) : n == rows;
  if (deep || k != columns || !rows_fit) {
    note(fail(error, Status::format, "{}: {}: expected {} x {}, file has {} x {}{}",
              Shown(file.name), name, columns, rank == 1 ? 1 : rows, k, n,
              deep ? " and more dimensions" : ""));
    return {};
  }
  for (std::size_t i = 0; i < program_.weights.size(); ++i) {  // a tied tensor is one weight
    const WeightInfo& known = program_.weights[i];
    if (known.tensor == tensor.index && known.matrix == (rank > 1)) {
      return {static_cast<WeightId>(i)};
    }
  }
  const TypeInfo* type = type_info(tensor.type);
  if (!type || program_.weights.size() >= no_weight) {
    note(fail(error, Status::unsupported, "{}: {}: type {} or one weight too many",
              Shown(file.name), name, static_cast<std::uint32_t>(tensor.type)));
    return {};
  }
  WeightInfo w{};
  w.tensor = tensor.index;
  w.type = tensor.type;
  w.matrix = rank > 1;
  w.rows = static_cast<std::uint32_t>(n);
  w.columns = static_cast<std::uint32_t>(k);
  w.row_bytes = k / type->block_elements * type->block_bytes;
  w.bytes = w.matrix ? n * w.row_bytes : k * sizeof(float);
  if (w.matrix) w.scale_tensor = scale_of(name);
  if (!broken()) note(program_.weights.push(w));
  if (broken()) return {};
  return {static_cast<WeightId>(program_.weights.size() - 1)};
}

Weight Graph::matrix(std::string_view name, std::uint32_t rows, std::uint32_t columns) {
  return weight(name, 2, rows, columns, false);
}
Weight Graph::matrix_if(std::string_view name, std::uint32_t rows, std::uint32_t columns) {
  return weight(name, 2, rows, columns, true);
}
Weight Graph::embedding(std::string_view name, std::uint32_t columns) {
  return weight(name, 2, 0, columns, false);
}
Weight Graph::vector(std::string_view name, std::uint32_t size) {
  return weight(name, 1, 1, size, false);
}
Weight Graph::vector_if(std::string_view name, std::uint32_t size) {
  return weight(name, 1, 1, size, true);
}
std::uint32_t Graph::rows(Weight w) const { return broken() || !w ? 0 : info(w).rows; }

}  // namespace inlay
