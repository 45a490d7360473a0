// tensor_table.cpp - checked sizes and ranges of tensors.
#include "format/tensor_table.h"

#include <algorithm>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "format/limits.h"

namespace inlay {
namespace {

// "2x3x4", for error texts.
struct ShownShape {
  char text[96];
  std::size_t length = 0;
  explicit ShownShape(const TensorInfo& tensor) {
    for (std::uint32_t i = 0; i < tensor.rank; ++i) {
      length += print(text + length, sizeof text - length, "{}{}", i ? "x" : "", tensor.shape[i]);
    }
  }
  std::string_view view() const { return {text, length}; }
};

}  // namespace

Status measure_tensor(std::string_view file, TensorInfo& tensor, Error& error) {
  const Shown source(file), name(tensor.name);
  const TypeInfo* type = type_info(tensor.type);
  if (!type) {
    const auto id = static_cast<std::uint32_t>(tensor.type);
    return fail(error, Status::unsupported, "{}: tensor {}: type {} is {}", source, name, id,
                describe_missing_type(id));
  }
  if (tensor.rank < 1 || tensor.rank > limits::rank) {
    return fail(error, Status::format, "{}: tensor {}: expected 1 to {} dimensions, file has {}",
                source, name, limits::rank, tensor.rank);
  }
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < tensor.rank; ++i) {
    if (tensor.shape[i] == 0) {
      return fail(error, Status::format, "{}: tensor {}: dimension {} of {} is 0", source, name, i,
                  tensor.rank);
    }
    if (!checked_mul(elements, tensor.shape[i], elements) || elements > limits::elements) {
      return fail(error, Status::limit, "{}: tensor {}: shape {} has over {} elements", source,
                  name, ShownShape(tensor).view(), limits::elements);
    }
  }
  if (tensor.shape[0] % type->block_elements != 0) {
    return fail(error, Status::format,
                "{}: tensor {}: row of {} elements, expected a multiple of {} ({})", source, name,
                tensor.shape[0], type->block_elements, type->name);
  }
  std::uint64_t bytes = 0;
  if (!checked_mul(elements / type->block_elements, type->block_bytes, bytes)) {
    return fail(error, Status::limit, "{}: tensor {}: shape {} of {} does not fit 64 bits", source,
                name, ShownShape(tensor).view(), type->name);
  }
  tensor.elements = elements;
  tensor.bytes = bytes;
  return Status::ok;
}

Status check_overlap(std::string_view file, std::span<const TensorInfo> tensors,
                     Allocator& allocator, Error& error) {
  Array<std::uint32_t> order(allocator);
  if (is_error(order.resize(tensors.size()))) return fail_memory(error, "order of tensors");
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return tensors[a].offset != tensors[b].offset ? tensors[a].offset < tensors[b].offset : a < b;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const TensorInfo& low = tensors[order[i - 1]];
    const TensorInfo& high = tensors[order[i]];
    if (high.offset - low.offset < low.bytes) {
      return fail(error, Status::format,
                  "{}: tensors {} (bytes {} to {}) and {} (bytes {} to {}) overlap", Shown(file),
                  Shown(low.name), low.offset, low.offset + low.bytes, Shown(high.name),
                  high.offset, high.offset + high.bytes);
    }
  }
  return Status::ok;
}

}  // namespace inlay
