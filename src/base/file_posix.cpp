// file_posix.cpp - files of Linux, macOS and other systems of the POSIX kind.
#if defined(__unix__) || defined(__APPLE__)

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

namespace inlay {
namespace {

// Linux moves at most this much in one call.
constexpr std::size_t largest_step = std::size_t{1} << 30;

FileKind kind_of(const struct stat& state) {
  if (S_ISREG(state.st_mode)) return FileKind::regular;
  return S_ISDIR(state.st_mode) ? FileKind::folder : FileKind::other;
}

FileCode code_of(long result) { return result < 0 ? errno : 0; }

}  // namespace

const char* file_reason(FileCode code) {
  switch (code) {
    case ENOENT: return "no such file";
    case ENOTDIR: return "a part of the path is no folder";
    case EEXIST: return "the name is taken";
    case EISDIR: return "it is a folder";
    case EACCES:
    case EPERM: return "no permission";
    case EROFS: return "the device can only be read";
    case ELOOP: return "too many links";
    case ENAMETOOLONG: return "the name is too long";
    case EMFILE:
    case ENFILE: return "too many open files";
    case EBADF: return "the descriptor is not open";
    case ENOMEM: return "out of memory";
    case ENOSPC:
    case EDQUOT: return "the device is full";
    case EFBIG: return "the file would be too large";
    case EPIPE: return "nobody reads it";
    case EIO: return "the device failed";
    default: return "the system refused";
  }
}

bool is_taken(FileCode code) { return code == EEXIST; }

FileKind file_kind(const char* path) {
  struct stat state {};
  if (::stat(path, &state) == 0) return kind_of(state);
  return errno == ENOENT ? FileKind::missing : FileKind::other;
}

FileCode remove_file(const char* path) { return code_of(::unlink(path)); }
FileCode rename_file(const char* from, const char* to) { return code_of(::rename(from, to)); }

void FileMap::close() {
  if (begin_) ::munmap(begin_, bytes_);
  begin_ = nullptr;
  data_ = nullptr;
  bytes_ = 0;
}

FileCode File::open(const char* path) {
  close();
  handle_ = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  return code_of(handle_);
}

FileCode File::open_duplicate(std::int64_t descriptor) {
  close();
  if (descriptor < 0 || descriptor > INT_MAX) return EBADF;
  handle_ = ::fcntl(static_cast<int>(descriptor), F_DUPFD_CLOEXEC, 0);
  return code_of(handle_);
}

FileCode File::create(const char* path) {
  close();
  handle_ = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return code_of(handle_);
}

// Nor through a link: what it leads to is somebody's.
FileCode File::create_new(const char* path) {
  close();
  handle_ = ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return code_of(handle_);
}

FileCode File::close() {
  if (!is_open()) return 0;
  const int file = static_cast<int>(handle_);
  handle_ = closed;
  return code_of(::close(file));
}

FileCode File::sync() { return code_of(::fsync(static_cast<int>(handle_))); }

FileCode File::measure(FileKind* kind, std::uint64_t* size) const {
  struct stat state {};
  if (::fstat(static_cast<int>(handle_), &state) != 0) return errno;
  *kind = kind_of(state);
  *size = static_cast<std::uint64_t>(state.st_size);
  return 0;
}

FileCode File::read(std::uint64_t offset, void* destination, std::size_t size,
                    std::size_t* got) const {
  auto* bytes = static_cast<std::byte*>(destination);
  *got = 0;
  while (*got < size) {
    const std::size_t step = size - *got < largest_step ? size - *got : largest_step;
    const ssize_t count =
        ::pread(static_cast<int>(handle_), bytes + *got, step, static_cast<off_t>(offset + *got));
    if (count == 0) break;
    if (count > 0) {
      *got += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

FileCode File::write(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  while (size > 0) {
    const std::size_t step = size < largest_step ? size : largest_step;
    const ssize_t count = ::write(static_cast<int>(handle_), bytes, step);
    if (count > 0) {
      bytes += count;
      size -= static_cast<std::size_t>(count);
    } else if (count == 0) {
      return EIO;  // no progress, no reason
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

FileCode File::map(std::uint64_t offset, std::size_t size, FileMap& map) const {
  map.close();
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t before = offset % page;  // a map begins with a page
  const std::size_t bytes = size + static_cast<std::size_t>(before);
  void* begin = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, static_cast<int>(handle_),
                       static_cast<off_t>(offset - before));
  if (begin == MAP_FAILED) return errno;
  map.begin_ = begin;
  map.bytes_ = bytes;
  map.data_ = static_cast<const std::byte*>(begin) + before;
  return 0;
}

}  // namespace inlay

#endif
