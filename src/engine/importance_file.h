// importance_file.h - how much each input of a matrix matters, from a file that a session wrote.
#pragma once

#include "format/model_reader.h"

namespace inlay {

// A GGUF file of general.type "imatrix". For a tensor "x.weight" of shape (k, n, experts) it holds
// x.weight.in_sum2 (k, experts), sums of squared inputs, and x.weight.counts (1, experts), of how
// many rows.
class ImportanceFile {
 public:
  explicit ImportanceFile(Allocator& allocator)
      : files_(allocator),
        manifest_(allocator),
        counts_(allocator),
        values_(allocator),
        scratch_(allocator) {}

  // Also checks that the file fits `model`: at least one tensor is known there, none has another
  // shape. *matched: tensors that it has something for. Errors: FORMAT, IO, MEMORY ...
  Status open(const inlay_source& source, const Manifest& model, std::uint64_t* matched,
              Error& error);

  // (k) values for one matrix of `tensor`, good until the next call; nullptr: the file has none.
  // FORMAT: a sum, count or mean that is negative or not finite.
  Status find(const TensorInfo& tensor, std::uint64_t matrix, const float** importance,
              Error& error);

 private:
  Status check_fit(const TensorInfo& tensor, bool* present, Error& error) const;
  const TensorInfo* beside(const TensorInfo& tensor, const char* suffix) const;
  Status read_counts(const TensorInfo& counts, Error& error);

  ModelFiles files_;
  Manifest manifest_;
  const TensorInfo* counted_ = nullptr;  // whose numbers these are:
  Array<float> counts_;                  // (matrices)
  Array<float> values_;
  Array<std::byte> scratch_;
};

}  // namespace inlay
