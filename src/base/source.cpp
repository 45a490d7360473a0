// source.cpp - files, memory blocks and host functions behind one face.
#include "base/source.h"

#include <cstring>

#include "base/diagnostics.h"

namespace inlay {
namespace {

Shown shown(std::string_view name) { return Shown(short_path(name)); }

}  // namespace

Status Source::open(Allocator& allocator, const inlay_source& description, Error& error,
                    Access access) {
  close();
  Status status = copy_name(allocator, description, error);
  if (!is_error(status)) status = open_kind(description, access, error);
  if (is_error(status)) close();
  return status;
}

Status Source::open_kind(const inlay_source& description, Access access, Error& error) {
  switch (description.kind) {
    case INLAY_SOURCE_PATH: return open_path(description, access, error);
    case INLAY_SOURCE_MEMORY: return open_memory(description, error);
    case INLAY_SOURCE_CALLBACK: return open_callback(description, error);
    case INLAY_SOURCE_DESCRIPTOR: return open_descriptor(description, access, error);
    case INLAY_SOURCE_PARTS:
      return fail(error, Status::argument, "source: parts stand where one file is expected");
    default:
      return fail(error, Status::argument, "source: kind is {}, known are 1 to 5",
                  description.kind);
  }
}

void Source::close() {
  file_map_.close();
  static_cast<void>(file_.close());  // only read: nothing can be lost
  map_ = nullptr;
  size_ = 0;
  file_offset_ = 0;
  callback_ = {};
  name_.reset();
}

Status Source::copy_name(Allocator& allocator, const inlay_source& description, Error& error) {
  name_ = Array<char>(allocator);
  std::string_view name{description.text ? description.text : "", description.text_length};
  if (!description.text || name.empty()) {
    name = description.kind == INLAY_SOURCE_MEMORY       ? "memory"
           : description.kind == INLAY_SOURCE_DESCRIPTOR ? "descriptor"
                                                         : "callback";
  }
  if (is_error(name_.append({name.data(), name.size()})) || is_error(name_.push('\0'))) {
    return fail_memory(error, "source name");
  }
  name_.pop();  // the zero stays behind the end, for the system call
  return Status::ok;
}

// Later sizes are counts of bytes in memory: they must fit a pointer on every machine.
Status Source::check_size(std::uint64_t size, Error& error) const {
  if (size <= SIZE_MAX / 2) return Status::ok;
  return fail(error, Status::limit, "{}: {} bytes are more than this machine can address",
              shown(name()), size);
}

Status Source::open_path(const inlay_source& description, Access access, Error& error) {
  if (!description.text || description.text_length == 0) {
    return fail(error, Status::argument, "source: the path is empty");
  }
  if (name().find('\0') != std::string_view::npos) {
    return fail(error, Status::argument, "source: the path has a zero byte");
  }
  if (const FileCode code = file_.open(name_.data())) {
    return fail(error, Status::io, "{}: cannot open: {} (error {})", shown(name()),
                file_reason(code), code);
  }
  std::uint64_t bytes = 0;
  INLAY_TRY(measure(&bytes, error));
  return use_range(0, bytes, access, error);
}

Status Source::open_memory(const inlay_source& description, Error& error) {
  if (!description.data && description.size != 0) {
    return fail(error, Status::argument, "source: data is NULL, size is {}", description.size);
  }
  INLAY_TRY(check_size(description.size, error));
  map_ = static_cast<const std::byte*>(description.data);
  size_ = description.size;
  return Status::ok;
}

Status Source::open_callback(const inlay_source& description, Error& error) {
  if (!description.read) return fail(error, Status::argument, "source: read is NULL");
  INLAY_TRY(check_size(description.size, error));
  callback_ = description;
  size_ = description.size;
  return Status::ok;
}

Status Source::open_descriptor(const inlay_source& description, Access access, Error& error) {
  if (const FileCode code = file_.open_duplicate(description.descriptor)) {
    return fail(error, Status::io, "{}: cannot use descriptor {}: {} (error {})", shown(name()),
                description.descriptor, file_reason(code), code);
  }
  std::uint64_t bytes = 0;
  INLAY_TRY(measure(&bytes, error));
  const std::uint64_t offset = description.offset;
  if (offset > bytes || description.size > bytes - offset) {
    return fail(error, Status::argument, "{}: {} bytes at {} wanted, the descriptor's file has {}",
                shown(name()), description.size, offset, bytes);
  }
  return use_range(offset, description.size ? description.size : bytes - offset, access, error);
}

Status Source::measure(std::uint64_t* bytes, Error& error) {
  FileKind kind{};
  if (const FileCode code = file_.measure(&kind, bytes)) {
    return fail(error, Status::io, "{}: cannot stat: {} (error {})", shown(name()),
                file_reason(code), code);
  }
  if (kind == FileKind::regular) return Status::ok;
  return fail(error, Status::io, "{}: not a regular file", shown(name()));
}

// Reads what cannot be mapped: some file systems, and address spaces that are too small.
Status Source::use_range(std::uint64_t offset, std::uint64_t size, Access access, Error& error) {
  INLAY_TRY(check_size(size, error));
  const bool mapped = access == Access::map && size > 0 &&
                      file_.map(offset, static_cast<std::size_t>(size), file_map_) == 0;
  if (mapped) {
    map_ = file_map_.data();
    static_cast<void>(file_.close());
  }
  file_offset_ = offset;
  size_ = size;
  return Status::ok;
}

Status Source::read(std::uint64_t offset, void* destination, std::size_t size, Error& error) const {
  if (offset > size_ || size > size_ - offset) {
    return fail(error, Status::format, "{}: bytes {} to {} wanted, the file has {}", shown(name()),
                offset, offset + size, size_);
  }
  if (size == 0) return Status::ok;
  if (map_) {
    std::memcpy(destination, map_ + offset, size);
    return Status::ok;
  }
  return file_.is_open() ? read_file(offset, destination, size, error)
                         : call_back(offset, destination, size, error);
}

Status Source::read_file(std::uint64_t offset, void* destination, std::size_t size,
                         Error& error) const {
  std::size_t got = 0;
  if (const FileCode code = file_.read(file_offset_ + offset, destination, size, &got)) {
    return fail(error, Status::io, "{}: cannot read {} bytes at {}: {} (error {})", shown(name()),
                size, offset, file_reason(code), code);
  }
  if (got == size) return Status::ok;
  return fail(error, Status::io, "{}: ends at {} now, it had {} bytes when it was opened",
              shown(name()), offset + got, size_);
}

Status Source::call_back(std::uint64_t offset, void* destination, std::size_t size,
                         Error& error) const {
  const inlay_status status = callback_.read(callback_.user, offset, destination, size);
  if (status == INLAY_ERROR_CANCELLED) {
    return fail(error, Status::cancelled, "{}: the read function cancelled", shown(name()));
  }
  if (status != INLAY_OK) {
    return fail(error, Status::io, "{}: the read function gave status {} for {} bytes at {}",
                shown(name()), status, size, offset);
  }
  return Status::ok;
}

Status SourceReader::check(std::uint64_t size, std::string_view what) {
  if (size <= remaining()) return Status::ok;
  return fail(error_, Status::format, "{}: {} needs {} bytes at {}, the file has {} left",
              shown(source_.name()), Shown(what), size, position_, remaining());
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
