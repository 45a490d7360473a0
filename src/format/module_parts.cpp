// module_parts.cpp - checks between the tensors of a module.
#include "format/module_parts.h"

#include "format/json.h"

#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "format/tensor_table.h"

namespace inlay {

// ---- Looking and refusing -----------------------------------------------------------------------

const StoredTensor* ModuleParts::part(const char* suffix) const {
  char name[512];
  const std::size_t length = print(name, sizeof name, "{}{}", module_, suffix);
  return length < sizeof name ? tensors_.find({name, length}) : nullptr;
}

Status ModuleParts::require(const char* suffix, const StoredTensor& because,
                            const StoredTensor*& found) {
  found = part(suffix);
  if (found) return Status::ok;
  return fail(error_, Status::format, "{}: tensor {}{} is missing, {} needs it", file(because),
              Shown(module_), suffix, Shown(because.name));
}

Status ModuleParts::expect_rank(const StoredTensor& stored, std::uint32_t rank) {
  if (stored.rank == rank) return Status::ok;
  return fail(error_, Status::format, "{}: tensor {}: expected {} dimensions, file has {}",
              file(stored), Shown(stored.name), rank, stored.rank);
}

Status ModuleParts::expect_some(const StoredTensor& stored) {
  for (std::uint32_t i = 0; i < stored.rank; ++i) {
    if (stored.shape[i] != 0 && stored.shape[i] <= std::uint64_t{1} << 40) continue;
    return fail(error_, Status::format, "{}: tensor {}: dimension {} is {}", file(stored),
                Shown(stored.name), i, stored.shape[i]);
  }
  return Status::ok;
}

Status ModuleParts::expect_shape(const StoredTensor& stored, std::uint64_t rows,
                                 std::uint64_t columns) {
  INLAY_TRY(expect_rank(stored, 2));
  if (stored.shape[0] == rows && stored.shape[1] == columns) return Status::ok;
  return fail(error_, Status::format,
              "{}: tensor {}: expected {}x{} for a matrix of {}x{}, file has {}x{}", file(stored),
              Shown(stored.name), rows, columns, rows_, columns_, stored.shape[0], stored.shape[1]);
}

Status ModuleParts::expect_whole(const StoredTensor& stored, std::uint64_t columns,
                                 std::uint64_t group) {
  if (columns % group == 0) return Status::ok;
  return fail(error_, Status::format, "{}: tensor {}: expected a multiple of {}, file has {}",
              file(stored), Shown(stored.name), group, columns);
}

Status ModuleParts::expect_element(const StoredTensor& stored, bool right, const char* expected) {
  if (right) return Status::ok;
  return fail(error_, Status::unsupported, "{}: tensor {}: expected {}, file has {}", file(stored),
              Shown(stored.name), expected, element_name(stored.element));
}

Status ModuleParts::expect_scale_element(const StoredTensor& scales) {
  const Element e = scales.element;
  return expect_element(scales, e == Element::f16 || e == Element::bf16 || e == Element::f32,
                        "F16, BF16 or F32");
}

Status ModuleParts::refuse_method(const StoredTensor& stored) {
  return fail(error_, Status::unsupported,
              "{}: tensor {}: its form goes with quant_method awq or gptq, config.json has another",
              file(stored), Shown(stored.name));
}

// Sizes and type of the tensor; errors name the tensor of the file.
Status ModuleParts::finish(Type type, const StoredTensor& named) {
  tensor_.type = type;
  tensor_.name = named.name;
  tensor_.part = named.range.part;
  tensor_.offset = named.range.offset;
  if (tensor_.rank == 0) {
    tensor_.rank = 2;
    tensor_.shape[0] = columns_;
    tensor_.shape[1] = rows_;
  }
  return measure_tensor(file(named), tensor_, error_);
}

// ---- Reading what decides -----------------------------------------------------------------------

// NaN are left out; the check of weights finds them.
Status ModuleParts::largest_scale(float* largest) {
  *largest = 0.0f;
  const Element element = packing_.scale_element;
  return for_each_bytes(packing_.scales, element_bytes(element),
                        [&](const std::byte* at, std::uint64_t count) {
                          float values[4096];
                          to_floats(element, at, count, values);
                          for (std::uint64_t i = 0; i < count; ++i) {
                            *largest = std::max(*largest, std::fabs(values[i]));
                          }
                          return true;
                        });
}

// Whether the zero point of every group is in the middle of the codes.
Status ModuleParts::all_zeros_middle(bool* middle) {
  *middle = true;
  if (packing_.zeros.bytes == 0) return Status::ok;
  const bool int8 = packing_.kind == Packing::Kind::int8_channels;
  const std::uint32_t all = int8 ? 0u : packing_.bits == 8 ? 0x80808080u : 0x88888888u;
  const std::uint32_t ones = packing_.bits == 8 ? 0x01010101u : 0x11111111u;
  const std::uint32_t wanted = packing_.zeros_less_one ? all - ones : all;
  const std::uint32_t unit = int8 ? 1 : 4;
  return for_each_bytes(packing_.zeros, unit, [&](const std::byte* at, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count && *middle; ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, at + i * unit, unit);
      *middle = word == wanted;
    }
    return *middle;
  });
}

// The group of each column, when it is not the column's own place: act-order.
Status ModuleParts::read_order(const StoredTensor& order, bool* trivial) {
  *trivial = true;
  INLAY_TRY(expect_element(order, order.element == Element::i32, "I32"));
  INLAY_TRY(expect_rank(order, 1));
  if (order.shape[0] != columns_) {
    return fail(error_, Status::format, "{}: tensor {}: expected {} columns, file has {}",
                file(order), Shown(order.name), columns_, order.shape[0]);
  }
  std::uint64_t column = 0;
  std::int32_t group = 0;
  bool wrong = false;
  INLAY_TRY(for_each_bytes(order.range, 4, [&](const std::byte* at, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i, ++column) {
      std::memcpy(&group, at + i * 4, 4);
      wrong = group < 0 || static_cast<std::uint64_t>(group) >= groups_;
      if (wrong) return false;
      *trivial = *trivial && static_cast<std::uint64_t>(group) == column / packing_.group;
    }
    return true;
  }));
  if (!wrong) return Status::ok;
  return fail(error_, Status::format, "{}: tensor {}: group {} of column {}, expected 0 to {}",
              file(order), Shown(order.name), group, column, groups_ - 1);
}

// ---- Scales -------------------------------------------------------------------------------------

// One number; (n), (n, 1): one of each row; (rows, columns).
Status ModuleParts::grid_of(const StoredTensor& scales, std::uint64_t& rows,
                            std::uint64_t& columns) {
  INLAY_TRY(expect_some(scales));
  rows = scales.rank > 0 ? scales.shape[0] : 1;
  columns = scales.rank > 1 ? scales.shape[1] : 1;
  if (scales.rank <= 2) return Status::ok;
  return expect_rank(scales, 2);
}

// Scales that lie row by row: sets the packing's scales, group and group_rows.
Status ModuleParts::row_scales(const StoredTensor& scales) {
  std::uint64_t rows = 0, columns = 0;
  INLAY_TRY(grid_of(scales, rows, columns));
  packing_.scales = scales.range;
  packing_.scale_element = scales.element == Element::u8 ? Element::f8_e8m0 : scales.element;
  const std::uint64_t block_rows = layout_.block_rows ? layout_.block_rows : 1;
  const std::uint64_t block_columns = layout_.block_columns ? layout_.block_columns : columns_;
  if (rows == divide_up(rows_, block_rows) && columns == divide_up(columns_, block_columns)) {
    packing_.group_rows = block_rows;
    packing_.group = std::min(block_columns, columns_);
  } else if (rows == 1 && columns == 1) {
    packing_.group_rows = rows_;
    packing_.group = columns_;
  } else if (rows == rows_ && columns_ % columns == 0) {
    packing_.group_rows = 1;
    packing_.group = columns_ / columns;
  } else if (layout_.block_rows) {
    return expect_shape(scales, divide_up(rows_, block_rows), divide_up(columns_, block_columns));
  } else {
    return expect_shape(scales, rows_, columns > 1 ? columns : 1);
  }
  groups_ = divide_up(columns_, packing_.group);
  return Status::ok;
}

// As many as there are scales.
Status ModuleParts::zero_points(const StoredTensor& zeros) {
  const bool int8 = packing_.kind == Packing::Kind::int8_channels;
  INLAY_TRY(expect_element(zeros, zeros.element == (int8 ? Element::i8 : Element::i32),
                           int8 ? "I8" : "I32"));
  const std::uint32_t per = int8 ? 1 : 32 / packing_.bits;
  const std::uint64_t rows = divide_up(divide_up(rows_, packing_.group_rows), per);
  std::uint64_t stored_rows = 0, stored_columns = 0;
  INLAY_TRY(grid_of(zeros, stored_rows, stored_columns));
  if (stored_rows != rows || stored_columns != groups_)
    INLAY_TRY(expect_shape(zeros, rows, groups_));
  packing_.zeros = zeros.range;
  return Status::ok;
}

std::string_view ModuleParts::file(const StoredTensor& stored) const {
  return last_component(files_[stored.range.part].name());
}

}  // namespace inlay
