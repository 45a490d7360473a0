// module_parts.h - the tensors a module of a folder is stored as: looking them up, checking them
// against each other, and reading those that decide a type.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/diagnostics.h"
#include "format/model_files.h"
#include "format/packing_parts.h"
#include "format/quantized_layout.h"

namespace inlay {

// Errors name file and tensor, and both values.
class ModuleParts {
 protected:
  ModuleParts(const ModelFiles& files, const StoredTensors& tensors, const QuantizedLayout& layout,
              std::string_view module, TensorInfo& tensor, Packing& packing, Error& error)
      : files_(files),
        tensors_(tensors),
        layout_(layout),
        module_(module),
        tensor_(tensor),
        packing_(packing),
        error_(error) {}

  // "<module><suffix>"; nullptr: there is none.
  const StoredTensor* part(const char* suffix) const;
  Status require(const char* suffix, const StoredTensor& because, const StoredTensor*& found);

  Status expect_shape(const StoredTensor& stored, std::uint64_t rows, std::uint64_t columns);
  Status expect_rank(const StoredTensor& stored, std::uint32_t rank);
  Status expect_some(const StoredTensor& stored);  // no dimension is 0
  Status expect_whole(const StoredTensor& stored, std::uint64_t columns, std::uint64_t group);
  Status expect_element(const StoredTensor& stored, bool right, const char* expected);
  Status expect_scale_element(const StoredTensor& scales);
  Status refuse_method(const StoredTensor& stored);
  std::string_view file(const StoredTensor& stored) const;

  // Sets scales, group and group_rows of the packing from scales that lie row by row.
  Status row_scales(const StoredTensor& scales);
  Status grid_of(const StoredTensor& scales, std::uint64_t& rows, std::uint64_t& columns);
  Status zero_points(const StoredTensor& zeros);
  Status largest_scale(float* largest);
  Status all_zeros_middle(bool* middle);
  Status read_order(const StoredTensor& order, bool* trivial);

  // Sizes and type of the tensor.
  Status finish(Type type, const StoredTensor& named);

  template <class Use>
  Status for_each_bytes(const FileRange& range, std::uint32_t unit, const Use& use);

  const ModelFiles& files_;
  const StoredTensors& tensors_;
  const QuantizedLayout& layout_;
  std::string_view module_;
  TensorInfo& tensor_;
  Packing& packing_;
  Error& error_;
  std::uint64_t rows_ = 0, columns_ = 0;  // of the matrix
  std::uint64_t groups_ = 0;              // of a row
};

// use(bytes, units), piece by piece; it returns false to end.
template <class Use>
Status ModuleParts::for_each_bytes(const FileRange& range, std::uint32_t unit, const Use& use) {
  std::byte buffer[4096];
  for (std::uint64_t done = 0; done < range.bytes;) {
    const std::uint64_t size = std::min<std::uint64_t>(range.bytes - done, sizeof buffer);
    const std::byte* at = nullptr;
    INLAY_TRY(piece_bytes(files_, range, done, size, buffer, at, error_));
    if (!use(at, size / unit)) return Status::ok;
    done += size;
  }
  return Status::ok;
}

}  // namespace inlay
