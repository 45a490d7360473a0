// file_windows.cpp - files of Windows: UTF-8 paths become wide ones, descriptors are handles.
#if defined(_WIN32)

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include "base/file.h"

namespace inlay {
namespace {

constexpr std::size_t largest_step = std::size_t{1} << 30;  // counts of bytes have 32 bits

HANDLE as_handle(std::intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }
FileCode last_code() { return static_cast<FileCode>(::GetLastError()); }
FileCode code_of(BOOL done) { return done ? 0 : last_code(); }
DWORD step_of(std::size_t size) {
  return static_cast<DWORD>(size < largest_step ? size : largest_step);
}

// A path as the system wants it.
struct WidePath {
  wchar_t text[4096];
  bool valid;
  explicit WidePath(const char* path)
      : valid(::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, text, 4096) > 0) {}
};

}  // namespace

const char* file_reason(FileCode code) {
  switch (static_cast<DWORD>(code)) {
    case ERROR_FILE_NOT_FOUND: return "no such file";
    case ERROR_PATH_NOT_FOUND: return "a part of the path is no folder";
    case ERROR_FILE_EXISTS: return "the name is taken";
    case ERROR_ACCESS_DENIED: return "no permission, or a folder";
    case ERROR_SHARING_VIOLATION: return "another program uses it";
    case ERROR_INVALID_NAME: return "no name of a file";
    case ERROR_NO_UNICODE_TRANSLATION: return "the path is not UTF-8";
    case ERROR_INSUFFICIENT_BUFFER:
    case ERROR_FILENAME_EXCED_RANGE: return "the name is too long";
    case ERROR_TOO_MANY_OPEN_FILES: return "too many open files";
    case ERROR_INVALID_HANDLE: return "the descriptor is not open";
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY: return "out of memory";
    case ERROR_WRITE_PROTECT: return "the device can only be read";
    case ERROR_HANDLE_DISK_FULL:
    case ERROR_DISK_FULL: return "the device is full";
    case ERROR_IO_DEVICE: return "the device failed";
    default: return "the system refused";
  }
}

bool is_taken(FileCode code) { return static_cast<DWORD>(code) == ERROR_FILE_EXISTS; }

FileKind file_kind(const char* path) {
  const WidePath wide(path);
  if (!wide.valid) return FileKind::other;
  const DWORD attributes = ::GetFileAttributesW(wide.text);
  if (attributes == INVALID_FILE_ATTRIBUTES) {
    return last_code() == ERROR_FILE_NOT_FOUND || last_code() == ERROR_PATH_NOT_FOUND
               ? FileKind::missing
               : FileKind::other;
  }
  if (attributes & FILE_ATTRIBUTE_DIRECTORY) return FileKind::folder;
  return attributes & FILE_ATTRIBUTE_DEVICE ? FileKind::other : FileKind::regular;
}

FileCode remove_file(const char* path) {
  const WidePath wide(path);
  return wide.valid ? code_of(::DeleteFileW(wide.text)) : last_code();
}

FileCode rename_file(const char* from, const char* to) {
  const WidePath wide_from(from), wide_to(to);
  if (!wide_from.valid || !wide_to.valid) return ERROR_NO_UNICODE_TRANSLATION;
  return code_of(::MoveFileExW(wide_from.text, wide_to.text, MOVEFILE_REPLACE_EXISTING));
}

void FileMap::close() {
  if (begin_) ::UnmapViewOfFile(begin_);
  begin_ = nullptr;
  data_ = nullptr;
  bytes_ = 0;
}

FileCode File::open(const char* path) {
  static_cast<void>(close());
  const WidePath wide(path);
  if (!wide.valid) return last_code();
  handle_ = reinterpret_cast<std::intptr_t>(
      ::CreateFileW(wide.text, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr));
  return code_of(is_open());
}

FileCode File::open_duplicate(std::int64_t descriptor) {
  static_cast<void>(close());
  const HANDLE process = ::GetCurrentProcess();
  HANDLE copy = nullptr;
  if (descriptor == closed ||  // that number also means this process
      !::DuplicateHandle(process, as_handle(static_cast<std::intptr_t>(descriptor)), process, &copy,
                         0, FALSE, DUPLICATE_SAME_ACCESS)) {
    return ERROR_INVALID_HANDLE;
  }
  handle_ = reinterpret_cast<std::intptr_t>(copy);
  return 0;
}

static std::intptr_t create_file(const WidePath& path, DWORD how) {
  return reinterpret_cast<std::intptr_t>(
      ::CreateFileW(path.text, GENERIC_WRITE, 0, nullptr, how, FILE_ATTRIBUTE_NORMAL, nullptr));
}

FileCode File::create(const char* path) {
  static_cast<void>(close());
  const WidePath wide(path);
  if (!wide.valid) return last_code();
  handle_ = create_file(wide, CREATE_ALWAYS);
  return code_of(is_open());
}

FileCode File::create_new(const char* path) {
  static_cast<void>(close());
  const WidePath wide(path);
  if (!wide.valid) return last_code();
  handle_ = create_file(wide, CREATE_NEW);
  return code_of(is_open());
}

FileCode File::close() {
  if (!is_open()) return 0;
  const HANDLE file = as_handle(handle_);
  handle_ = closed;
  return code_of(::CloseHandle(file));
}

FileCode File::sync() { return ::FlushFileBuffers(as_handle(handle_)) ? 0 : last_code(); }

FileCode File::measure(FileKind* kind, std::uint64_t* size) const {
  LARGE_INTEGER bytes{};
  const bool on_disk = ::GetFileType(as_handle(handle_)) == FILE_TYPE_DISK;
  *kind = on_disk ? FileKind::regular : FileKind::other;
  *size = 0;
  if (!on_disk) return 0;
  if (!::GetFileSizeEx(as_handle(handle_), &bytes)) return last_code();
  *size = static_cast<std::uint64_t>(bytes.QuadPart);
  return 0;
}

FileCode File::read(std::uint64_t offset, void* destination, std::size_t size,
                    std::size_t* got) const {
  auto* bytes = static_cast<std::byte*>(destination);
  *got = 0;
  while (*got < size) {
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset + *got);
    place.OffsetHigh = static_cast<DWORD>((offset + *got) >> 32);
    DWORD count = 0;
    if (!::ReadFile(as_handle(handle_), bytes + *got, step_of(size - *got), &count, &place)) {
      return last_code() == ERROR_HANDLE_EOF ? 0 : last_code();
    }
    if (count == 0) break;
    *got += count;
  }
  return 0;
}

FileCode File::write(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  while (size > 0) {
    DWORD count = 0;
    if (!::WriteFile(as_handle(handle_), bytes, step_of(size), &count, nullptr)) return last_code();
    if (count == 0) return ERROR_HANDLE_DISK_FULL;
    bytes += count;
    size -= count;
  }
  return 0;
}

FileCode File::map(std::uint64_t offset, std::size_t size, FileMap& map) const {
  map.close();
  SYSTEM_INFO system{};
  ::GetSystemInfo(&system);
  const std::uint64_t before = offset % system.dwAllocationGranularity;  // a map begins there
  const std::uint64_t from = offset - before;
  const std::size_t bytes = size + static_cast<std::size_t>(before);
  const HANDLE section =
      ::CreateFileMappingW(as_handle(handle_), nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (!section) return last_code();
  void* begin = ::MapViewOfFile(section, FILE_MAP_READ, static_cast<DWORD>(from >> 32),
                                static_cast<DWORD>(from), bytes);
  const FileCode code = begin ? 0 : last_code();
  ::CloseHandle(section);  // the view keeps it
  if (code) return code;
  map.begin_ = begin;
  map.bytes_ = bytes;
  map.data_ = static_cast<const std::byte*>(begin) + before;
  return 0;
}

}  // namespace inlay

#endif
