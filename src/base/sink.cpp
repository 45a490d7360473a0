// sink.cpp - writing to a file beside the wanted one, or to the host.
#include "base/sink.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

constexpr std::size_t gathered_bytes = 64 * 1024;
constexpr std::uint32_t most_names = 100;  // to be tried for the file while it is written

Shown shown(std::string_view name) { return Shown(short_path(name)); }

// The text and a zero that does not count.
Status keep_text(Array<char>& kept, std::string_view text, std::string_view suffix) {
  INLAY_TRY(kept.reserve(text.size() + suffix.size() + 1));
  INLAY_TRY(kept.append({text.data(), text.size()}));
  INLAY_TRY(kept.append({suffix.data(), suffix.size()}));
  INLAY_TRY(kept.push('\0'));
  kept.pop();
  return Status::ok;
}

}  // namespace

Status Sink::open(Allocator& allocator, const inlay_sink& description, Error& error) {
  discard();
  state_ = State::idle;
  written_ = 0;
  name_ = Array<char>(allocator);
  part_ = Array<char>(allocator);
  gathered_ = Array<std::byte>(allocator);
  if (is_error(gathered_.reserve(gathered_bytes))) return fail_memory(error, "buffer of a sink");
  callback_ = description;
  if (!description.write) return open_path(description, error);
  if (is_error(keep_text(name_, "callback", ""))) return fail_memory(error, "name of a sink");
  state_ = State::open;
  return Status::ok;
}

Status Sink::open_path(const inlay_sink& description, Error& error) {
  if (!description.path || description.path_length == 0) {
    return fail(error, Status::argument, "sink: the path is empty and write is NULL");
  }
  const std::string_view path(description.path, description.path_length);
  if (path.find('\0') != std::string_view::npos) {
    return fail(error, Status::argument, "sink: the path has a zero byte");
  }
  if (is_error(keep_text(name_, path, ""))) return fail_memory(error, "path of a sink");
  const FileKind kind = file_kind(name_.data());
  if (kind == FileKind::folder) {
    return fail(error, Status::io, "{}: cannot write: it is a folder", shown(path));
  }
  renames_ = kind != FileKind::other;
  FileCode code = 0;
  if (renames_) {
    INLAY_TRY(create_beside(path, &code, error));
  } else {
    code = file_.create(name_.data());
  }
  if (code) return refuse("open", code, error);
  state_ = State::open;
  return Status::ok;
}

// Under a name that is not taken: a file that is there may be somebody's, even the model being
// read.
Status Sink::create_beside(std::string_view path, FileCode* code, Error& error) {
  for (std::uint32_t i = 0; i < most_names; ++i) {
    char suffix[16] = ".part";
    if (i) print(suffix, sizeof suffix, ".{}.part", i);
    part_.clear();
    if (is_error(keep_text(part_, path, suffix))) return fail_memory(error, "path of a sink");
    *code = file_.create_new(part_.data());
    if (!is_taken(*code)) break;
  }
  return Status::ok;
}

Status Sink::refuse(const char* what, FileCode code, Error& error) {
  return fail(error, Status::io, "{}: cannot {}: {} (error {})", shown(name()), what,
              file_reason(code), code);
}

Status Sink::check_open(Error& error) const {
  if (state_ == State::open) return Status::ok;
  const char* why = state_ == State::failed ? "an earlier write failed"
                    : state_ == State::idle ? "it is not open"
                                            : "it is closed";
  return fail(error, Status::state, "sink: nothing can be written: {}", why);
}

Status Sink::write(const void* data, std::size_t size, Error& error) {
  INLAY_TRY(check_open(error));
  written_ += size;
  if (size > gathered_bytes - gathered_.size()) INLAY_TRY(flush(error));
  if (size >= gathered_bytes) return put(data, size, error);
  return gathered_.append({static_cast<const std::byte*>(data), size});  // room was reserved
}

Status Sink::flush(Error& error) {
  if (gathered_.empty()) return Status::ok;
  const Status status = put(gathered_.data(), gathered_.size(), error);
  gathered_.clear();
  return status;
}

Status Sink::put(const void* data, std::size_t size, Error& error) {
  if (callback_.write) return call_back(data, size, error);
  const FileCode code = file_.write(data, size);
  if (!code) return Status::ok;
  discard();
  return refuse("write", code, error);
}

Status Sink::call_back(const void* data, std::size_t size, Error& error) {
  const inlay_status status = callback_.write(callback_.user, data, size);
  if (status == INLAY_OK) return Status::ok;
  discard();
  if (status == INLAY_ERROR_CANCELLED) {
    return fail(error, Status::cancelled, "callback: the write function cancelled");
  }
  return fail(error, Status::io, "callback: the write function gave status {} for {} bytes", status,
              size);
}

Status Sink::close(Error& error) {
  if (state_ == State::closed) return Status::ok;
  INLAY_TRY(check_open(error));
  INLAY_TRY(flush(error));
  if (!callback_.write) INLAY_TRY(finish_file(error));
  gathered_.reset();
  state_ = State::closed;
  return Status::ok;
}

// The name is given when the bytes are on the device: not even a power cut leaves half a file
// there.
Status Sink::finish_file(Error& error) {
  const FileCode synced = renames_ ? file_.sync() : 0, closed = file_.close();
  const FileCode written = synced ? synced : closed;
  const FileCode code = written || !renames_ ? written : rename_file(part_.data(), name_.data());
  if (!code) return Status::ok;
  discard();
  return refuse(written ? "write" : "rename what was written", code, error);
}

void Sink::discard() {
  if (state_ != State::open) return;
  state_ = State::failed;
  gathered_.reset();
  static_cast<void>(file_.close());
  if (!callback_.write && renames_) static_cast<void>(remove_file(part_.data()));
}

}  // namespace inlay
