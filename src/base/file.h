// file.h - files of the operating system: mapped, read at any place, or written to their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace inlay {

// What a function here gives: 0, or the system's number for what went wrong.
using FileCode = std::int32_t;
// The number in plain words; the system's own texts depend on the language it is set to.
const char* file_reason(FileCode code);
// A file of that name is there.
bool is_taken(FileCode code);

enum class FileKind : std::uint8_t { missing, regular, folder, other };

// Of what a path leads to, through links. Paths are UTF-8 with a zero behind on every system.
FileKind file_kind(const char* path);
FileCode remove_file(const char* path);
// Takes the place of a file that is there.
FileCode rename_file(const char* from, const char* to);

// The end of a path that error texts have room for: all of it, or its last folders and its name.
std::string_view short_path(std::string_view path);
// What is behind the last separator.
std::string_view plain_name(std::string_view path);

// A range of a file in memory, read only; unmapped at its end.
class FileMap {
 public:
  FileMap() = default;
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;
  ~FileMap() { close(); }

  const std::byte* data() const { return data_; }
  void close();

 private:
  friend class File;
  const std::byte* data_ = nullptr;
  void* begin_ = nullptr;  // of the page that data_ lies in
  std::size_t bytes_ = 0;  // from there
};

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(); }

  FileCode open(const char* path);                   // to read; never waits, not even for a pipe
  FileCode open_duplicate(std::int64_t descriptor);  // to read, with a life of its own
  FileCode create(const char* path);                 // to write, empty
  FileCode create_new(const char* path);             // the same; is_taken() where the name is one
  bool is_open() const { return handle_ != closed; }
  FileCode close();  // a failing device may say so only here

  FileCode measure(FileKind* kind, std::uint64_t* size) const;
  // *got is under `size` where the file ends. Thread-safe.
  FileCode read(std::uint64_t offset, void* destination, std::size_t size, std::size_t* got) const;
  FileCode write(const void* data, std::size_t size);
  FileCode sync();  // returns when what was written is on the device
  // size > 0. Any offset; the map outlives the File.
  FileCode map(std::uint64_t offset, std::size_t size, FileMap& map) const;

 private:
  static constexpr std::intptr_t closed = -1;
  std::intptr_t handle_ = closed;
};

}  // namespace inlay
