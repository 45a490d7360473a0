// gguf_writer.h - GGUF files (version 3, little-endian) written from front to back.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/sink.h"
#include "format/manifest.h"

namespace inlay {

// Collects keys and tensor infos, writes the head, then takes the data of the tensors in their
// order: add_...(), begin_data(), write() until all is there, finish(). Data passes through: memory
// is that of keys and infos. An error of the Sink ends it all; the file is then gone.
//
// Errors: FORMAT, LIMIT (names and shapes that the reader would refuse), ARGUMENT (a name twice,
// bytes that do not belong to type and shape), INTERNAL (data of another size), IO, CANCELLED,
// MEMORY.
class GgufWriter {
 public:
  // `sink` is open and empty.
  GgufWriter(Sink& sink, Allocator& allocator);

  // Names and values are borrowed until begin_data(). Keys that describe the file they came from
  // (general.alignment, split.*) are left out.
  Status add_key(std::string_view key, const Value& value, Error& error);
  Status add_text(std::string_view key, std::string_view text, Error& error);
  Status add_number(std::string_view key, std::uint32_t number, Error& error);
  // shape: innermost first. bytes: of its data.
  Status add_tensor(std::string_view name, Type type, std::span<const std::uint64_t> shape,
                    std::uint64_t bytes, Error& error);

  // Header, keys, tensor table with offsets, padding (alignment 32).
  Status begin_data(Error& error);
  // The next bytes of the tensor being written; its end is padded by itself.
  Status write(const void* data, std::size_t size, Error& error);
  // Closes the sink: the file is whole. INTERNAL when bytes are missing.
  Status finish(Error& error);

 private:
  Status check_keys(Error& error) const;
  Status put_text(std::string_view text, Error& error);
  Status put_key(const Entry& entry, Error& error);
  Status put_elements(const Value& value, Error& error);
  Status put_tensor(const TensorInfo& tensor, Error& error);
  Status pad(Error& error);
  template <class T>
  Status put(T number, Error& error) {
    return sink_.write(&number, sizeof number, error);
  }

  Sink& sink_;
  ChunkStore store_;  // of values that are given by themselves
  Array<Entry> keys_;
  Array<TensorInfo> tensors_;  // offsets from the begin of the data
  std::uint64_t data_bytes_ = 0;
  bool has_head_ = false;
  std::size_t current_ = 0;  // tensor being written
  std::uint64_t left_ = 0;   // of its bytes
};

}  // namespace inlay
