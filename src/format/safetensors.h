// safetensors.h - the tensors that the files of a folder list, before they have inlay's names.
// Format: https://huggingface.co/docs/safetensors
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "format/chunk_store.h"
#include "format/model_files.h"
#include "format/name_index.h"
#include "format/packing.h"

namespace inlay {

struct StoredTensor {
  std::string_view name;  // "model.layers.0.self_attn.q_proj.weight"
  Element element = Element::f32;
  std::uint32_t rank = 0;                 // 0 to 4
  std::uint64_t shape[4] = {1, 1, 1, 1};  // outermost first, as in the file
  FileRange range;
};

// All tensors of model.safetensors, or of the shards that model.safetensors.index.json lists.
class StoredTensors {
 public:
  explicit StoredTensors(Allocator& allocator);
  StoredTensors(const StoredTensors&) = delete;
  StoredTensors& operator=(const StoredTensors&) = delete;

  // Every offset, shape and overlap is checked. Errors: FORMAT, UNSUPPORTED (number format), LIMIT
  // (header over 100 MB, rank over 4, ...), IO (a file that is not there), MEMORY.
  Status read(ModelFiles& files, Error& error);
  // One file, beside those read before; index_names() after the last one.
  Status read_file(const Source& source, std::uint32_t part, Error& error);
  // Refuses a name that two tensors have.
  Status index_names(const ModelFiles* files, Error& error);

  std::span<const StoredTensor> all() const { return tensors_.span(); }
  const StoredTensor* find(std::string_view name) const;

 private:
  Status read_shards(ModelFiles& files, std::uint32_t index_part, Error& error);

  ChunkStore store_;
  Array<StoredTensor> tensors_;
  NameIndex<StoredTensor, &StoredTensor::name> index_;
};

}  // namespace inlay
