// file.cpp - what is the same for files of every system: names for error texts, and their absence.
#include "base/file.h"

namespace inlay {
namespace {

constexpr std::string_view separators = "/\\";

// Without the first `count` bytes; count is not over the size.
std::string_view behind(std::string_view text, std::size_t count) {
  text.remove_prefix(count);
  return text;
}

}  // namespace

std::string_view plain_name(std::string_view path) {
  const std::size_t at = path.find_last_of(separators);
  return at == std::string_view::npos ? path : behind(path, at + 1);
}

std::string_view short_path(std::string_view path) {
  constexpr std::size_t room = 64;  // of a Shown
  if (path.size() <= room) return path;
  const std::size_t at = path.find_first_of(separators, path.size() - room - 1);
  const bool whole_folders = at != std::string_view::npos && at + 1 < path.size();
  return whole_folders ? behind(path, at + 1) : plain_name(path);
}

#if !defined(__unix__) && !defined(__APPLE__) && !defined(_WIN32)

namespace {
constexpr FileCode no_files = -1;
}  // namespace

const char* file_reason(FileCode) { return "this build has no files"; }
FileKind file_kind(const char*) { return FileKind::missing; }
FileCode remove_file(const char*) { return no_files; }
FileCode rename_file(const char*, const char*) { return no_files; }
void FileMap::close() {}
FileCode File::open(const char*) { return no_files; }
FileCode File::open_duplicate(std::int64_t) { return no_files; }
FileCode File::create(const char*) { return no_files; }
FileCode File::close() { return 0; }
FileCode File::measure(FileKind*, std::uint64_t*) const { return no_files; }
FileCode File::read(std::uint64_t, void*, std::size_t, std::size_t*) const { return no_files; }
FileCode File::write(const void*, std::size_t) { return no_files; }
FileCode File::map(std::uint64_t, std::size_t, FileMap&) const { return no_files; }

#endif

}  // namespace inlay
