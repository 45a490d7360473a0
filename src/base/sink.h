// sink.h - where a file that is written goes: a path or a host function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/file.h"
#include "base/status.h"

namespace inlay {

// A path is written as <path>.part (or .1.part ... where that is taken), which close() renames:
// until then what was at the path stays, and without close(), or after an error, nothing new is
// left. A path that leads to a device or a pipe is written directly. Small pieces are gathered;
// memory is constant.
//
// Errors: ARGUMENT (the description), IO, CANCELLED (a host function's word), MEMORY; after one,
// every write() and close() is STATE.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { discard(); }

  Status open(Allocator& allocator, const inlay_sink& description, Error& error);
  // Appends.
  Status write(const void* data, std::size_t size, Error& error);
  // All bytes are out and the file has its name. Once more is no error.
  Status close(Error& error);
  // Gives up: removes what was written.
  void discard();

  std::uint64_t written() const { return written_; }  // bytes, those still gathered too
  // The path, or "callback".
  std::string_view name() const { return {name_.data(), name_.size()}; }

 private:
  enum class State : std::uint8_t { idle, open, closed, failed };

  Status open_path(const inlay_sink& description, Error& error);
  Status create_beside(std::string_view path, FileCode* code, Error& error);
  Status check_open(Error& error) const;
  Status flush(Error& error);
  Status put(const void* data, std::size_t size, Error& error);
  Status call_back(const void* data, std::size_t size, Error& error);
  Status finish_file(Error& error);
  Status refuse(const char* what, FileCode code, Error& error);

  State state_ = State::idle;
  bool renames_ = false;
  std::uint64_t written_ = 0;
  inlay_sink callback_{};
  File file_;
  Array<char> name_;  // zero-terminated behind its end, as part_
  Array<char> part_;  // the path while it is written
  Array<std::byte> gathered_;
};

}  // namespace inlay
