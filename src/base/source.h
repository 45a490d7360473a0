// source.h - where a file's bytes come from: a mapped file, a block of memory, a host function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/allocator.h"
#include "base/array.h"
#include "base/file.h"
#include "base/status.h"

namespace inlay {

class Source {
 public:
  // How files come into memory: mapped where the system can, or read piece by piece.
  enum class Access : std::uint8_t { map, read };

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { close(); }

  // Opens the one file that `description` names, which is no folder and not PARTS. The name for
  // error texts is copied. Errors: ARGUMENT (a range outside the descriptor's file), IO, LIMIT,
  // MEMORY.
  Status open(Allocator& allocator, const inlay_source& description, Error& error,
              Access access = Access::map);
  void close();

  std::uint64_t size() const { return size_; }
  // The file's path, or "memory", "callback", "descriptor" when it has no name.
  std::string_view name() const { return {name_.data(), name_.size()}; }
  // All bytes in memory, or nullptr when they can only be read.
  const std::byte* map() const { return map_; }
  // Whether map() is a mapped file, not memory of the host's.
  bool maps_file() const { return file_map_.data() != nullptr; }
  // Whether read() may be called from several threads at once: all but callbacks, which belong to
  // the thread that opened them.
  bool concurrent() const { return callback_.read == nullptr; }
  // Copies [offset, offset + size); the range is checked.
  Status read(std::uint64_t offset, void* destination, std::size_t size, Error& error) const;

 private:
  Status copy_name(Allocator& allocator, const inlay_source& description, Error& error);
  Status open_kind(const inlay_source& description, Access access, Error& error);
  Status open_path(const inlay_source& description, Access access, Error& error);
  Status open_memory(const inlay_source& description, Error& error);
  Status open_callback(const inlay_source& description, Error& error);
  Status open_descriptor(const inlay_source& description, Access access, Error& error);
  Status measure(std::uint64_t* bytes, Error& error);
  Status use_range(std::uint64_t offset, std::uint64_t size, Access access, Error& error);
  Status read_file(std::uint64_t offset, void* destination, std::size_t size, Error& error) const;
  Status call_back(std::uint64_t offset, void* destination, std::size_t size, Error& error) const;
  Status check_size(std::uint64_t size, Error& error) const;

  Array<char> name_;
  const std::byte* map_ = nullptr;
  std::uint64_t size_ = 0;
  FileMap file_map_;
  File file_;  // open only when it is read
  std::uint64_t file_offset_ = 0;
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
