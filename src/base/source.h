// source.h - where a file's bytes come from: a mapped path, a block of memory, a host function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/allocator.h"
#include "base/array.h"
#include "base/status.h"

namespace inlay {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { close(); }

  // Opens what `description` names. The name for error texts is copied.
  Status open(Allocator& allocator, const inlay_source& description, Error& error);
  void close();

  std::uint64_t size() const { return size_; }
  // The file's path, or "memory" / "callback" when it has no name.
  std::string_view name() const { return {name_.data(), name_.size()}; }
  // All bytes in memory, or nullptr when they can only be read.
  const std::byte* map() const { return map_; }
  // Copies [offset, offset + size); the range is checked.
  Status read(std::uint64_t offset, void* destination, std::size_t size, Error& error) const;

 private:
  Status map_file(Error& error);
  Status check_size(std::uint64_t size, Error& error) const;

  Array<char> name_;
  const std::byte* map_ = nullptr;
  std::uint64_t size_ = 0;
  bool mapped_ = false;  // map_ is ours to unmap
  inlay_source callback_{};
};

// Reads a Source from front to back with a fixed buffer; every read is checked against the end.
class SourceReader {
 public:
  SourceReader(const Source& source, Error& error) : source_(source), error_(error) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return source_.size() - position_; }
  Error& error() { return error_; }

  // Copies `size` bytes or fails with Status::format naming `what`.
  Status read(void* destination, std::size_t size, std::string_view what);
  Status skip(std::uint64_t size, std::string_view what);

  // One little-endian number.
  template <class T>
  Status read(T& value, std::string_view what) {
    return read(&value, sizeof value, what);
  }

 private:
  Status check(std::uint64_t size, std::string_view what);

  const Source& source_;
  Error& error_;
  std::uint64_t position_ = 0;
  std::uint64_t begin_ = 0;  // of the buffered range
  std::size_t filled_ = 0;
  std::byte buffer_[4096];
};

}  // namespace inlay
