// source.cpp - mapped files, memory blocks and host functions behind one face.
#include "base/source.h"

#include <cstring>

#include "base/diagnostics.h"

#if defined(__unix__) || defined(__APPLE__)
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define INLAY_HAS_MMAP 1
#else
#define INLAY_HAS_MMAP 0
#endif

namespace inlay {

Status Source::open(Allocator& allocator, const inlay_source& description, Error& error) {
  close();
  name_ = Array<char>(allocator);
  std::string_view name{description.text ? description.text : "", description.text_length};
  if (!description.text || name.empty()) {
    name = description.kind == INLAY_SOURCE_MEMORY ? "memory" : "callback";
  }
  if (is_error(name_.append({name.data(), name.size()})) || is_error(name_.push('\0'))) {
    return fail_memory(error, "source name");
  }
  name_.pop();  // the zero stays behind the end, for the system call

  switch (description.kind) {
    case INLAY_SOURCE_PATH:
      if (!description.text || description.text_length == 0) {
        return fail(error, Status::argument, "source: the path is empty");
      }
      if (name.find('\0') != std::string_view::npos) {
        return fail(error, Status::argument, "source: the path has a zero byte");
      }
      return map_file(error);
    case INLAY_SOURCE_MEMORY:
      if (!description.data && description.size != 0) {
        return fail(error, Status::argument, "source: data is NULL, size is {}", description.size);
      }
      INLAY_TRY(check_size(description.size, error));
      map_ = static_cast<const std::byte*>(description.data);
      size_ = description.size;
      return Status::ok;
    case INLAY_SOURCE_CALLBACK:
      if (!description.read) return fail(error, Status::argument, "source: read is NULL");
      INLAY_TRY(check_size(description.size, error));
      callback_ = description;
      size_ = description.size;
      return Status::ok;
    default:
      return fail(error, Status::argument, "source: kind is {}, known are 1 to 3",
                  description.kind);
  }
}

// Later sizes are counts of bytes in memory: they must fit a pointer on every machine.
Status Source::check_size(std::uint64_t size, Error& error) const {
  if (size <= SIZE_MAX / 2) return Status::ok;
  return fail(error, Status::limit, "{}: {} bytes are more than this machine can address",
              Shown(name()), size);
}

#if INLAY_HAS_MMAP

namespace {

// The usual reasons in words; the system's own texts depend on the language it is set to.
const char* reason(int code) {
  switch (code) {
    case ENOENT: return "no such file";
    case ENOTDIR: return "a part of the path is no folder";
    case EACCES:
    case EPERM: return "no permission";
    case ELOOP: return "too many links";
    case ENAMETOOLONG: return "the name is too long";
    case EMFILE:
    case ENFILE: return "too many open files";
    case ENOMEM: return "out of memory";
    case EIO: return "the device failed";
    default: return "the system refused";
  }
}

}  // namespace

Status Source::map_file(Error& error) {
  const char* path = name_.data();
  const Shown shown(name());
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return fail(error, Status::io, "{}: cannot open: {} (error {})", shown, reason(errno), errno);
  struct stat state {};
  if (::fstat(file, &state) != 0) {
    const int code = errno;
    ::close(file);
    return fail(error, Status::io, "{}: cannot stat: {} (error {})", shown, reason(code), code);
  }
  if (!S_ISREG(state.st_mode)) {
    ::close(file);
    return fail(error, Status::io, "{}: not a regular file", shown);
  }
  const auto size = static_cast<std::uint64_t>(state.st_size);
  if (const Status fits = check_size(size, error); is_error(fits)) {
    ::close(file);
    return fits;
  }
  if (size > 0) {
    void* map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    const int code = errno;
    if (map == MAP_FAILED) {
      ::close(file);
      return fail(error, Status::io, "{}: cannot map {} bytes: {} (error {})", shown, size,
                  reason(code), code);
    }
    map_ = static_cast<const std::byte*>(map);
    mapped_ = true;
  }
  size_ = size;
  ::close(file);
  return Status::ok;
}

void Source::close() {
  if (mapped_) ::munmap(const_cast<std::byte*>(map_), size_);
  map_ = nullptr;
  mapped_ = false;
  size_ = 0;
  callback_ = {};
  name_.reset();
}

#else

Status Source::map_file(Error& error) {
  return fail(error, Status::unsupported, "{}: this build opens memory and callback sources only",
              Shown(name()));
}

void Source::close() {
  map_ = nullptr;
  size_ = 0;
  callback_ = {};
  name_.reset();
}

#endif

Status Source::read(std::uint64_t offset, void* destination, std::size_t size, Error& error) const {
  if (offset > size_ || size > size_ - offset) {
    return fail(error, Status::format, "{}: bytes {} to {} wanted, the file has {}", Shown(name()),
                offset, offset + size, size_);
  }
  if (size == 0) return Status::ok;
  if (map_) {
    std::memcpy(destination, map_ + offset, size);
    return Status::ok;
  }
  const inlay_status status = callback_.read(callback_.user, offset, destination, size);
  if (status == INLAY_ERROR_CANCELLED) {
    return fail(error, Status::cancelled, "{}: the read function cancelled", Shown(name()));
  }
  if (status != INLAY_OK) {
    return fail(error, Status::io, "{}: the read function gave status {} for {} bytes at {}",
                Shown(name()), status, size, offset);
  }
  return Status::ok;
}

Status SourceReader::check(std::uint64_t size, std::string_view what) {
  if (size <= remaining()) return Status::ok;
  return fail(error_, Status::format, "{}: {} needs {} bytes at {}, the file has {} left",
              Shown(source_.name()), Shown(what), size, position_, remaining());
}

Status SourceReader::skip(std::uint64_t size, std::string_view what) {
  INLAY_TRY(check(size, what));
  position_ += size;
  return Status::ok;
}

Status SourceReader::read(void* destination, std::size_t size, std::string_view what) {
  INLAY_TRY(check(size, what));
  const bool direct = source_.map() || size >= sizeof buffer_;
  if (!direct && (position_ < begin_ || position_ + size > begin_ + filled_)) {
    filled_ = remaining() < sizeof buffer_ ? static_cast<std::size_t>(remaining()) : sizeof buffer_;
    begin_ = position_;
    if (const Status s = source_.read(begin_, buffer_, filled_, error_); is_error(s)) {
      filled_ = 0;
      return s;
    }
  }
  if (direct) {
    INLAY_TRY(source_.read(position_, destination, size, error_));
  } else {
    std::memcpy(destination, buffer_ + (position_ - begin_), size);
  }
  position_ += size;
  return Status::ok;
}

}  // namespace inlay
