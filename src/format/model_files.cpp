// model_files.cpp - finding and opening the files of a model.
#include "format/model_files.h"

#include "base/diagnostics.h"
#include "format/limits.h"
#include "format/split_name.h"

namespace inlay {
namespace {

constexpr std::string_view folder_mark = "config.json";

std::string_view text_of(const inlay_source& source) {
  return source.text ? std::string_view(source.text, source.text_length) : std::string_view();
}

// Why a name from a file must not become a path; nullptr: it may.
const char* unfit(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name == "." || name == "..") return "leaves the folder";
  if (name.find('\0') != std::string_view::npos) return "has a zero byte";
  return name.find_first_of("/\\:") != std::string_view::npos ? "has a separator" : nullptr;
}

}  // namespace

ModelFiles::ModelFiles(Allocator& allocator)
    : allocator_(allocator), store_(allocator), entries_(allocator), files_(allocator) {}

void ModelFiles::close() {
  for (Source* file : files_) destroy(allocator_, file);
  files_.reset();
  entries_.reset();
  store_.reset();
  folder_ = {};
  is_folder_ = false;
  listed_ = 0;
}

std::string_view ModelFiles::name() const {
  if (is_folder_) return folder_;
  return files_.empty() ? std::string_view() : files_[0]->name();
}

Status ModelFiles::open(const inlay_source& description, Error& error) {
  close();
  std::size_t first = 0;
  if (description.kind == INLAY_SOURCE_PARTS) {
    INLAY_TRY(list(description, error));
  } else {
    INLAY_TRY(add_entry(description, &first, error));
    const Entry& entry = entries_[first];
    is_folder_ = description.kind == INLAY_SOURCE_PATH && entry.source.text_length != 0 &&
                 text_of(entry.source).find('\0') == std::string_view::npos &&
                 file_kind(entry.source.text) == FileKind::folder;
    if (is_folder_) folder_ = text_of(entry.source);
    if (is_folder_) entries_.clear();
  }
  std::uint32_t part = 0;
  return is_folder_ ? Status::ok : open_entry(first, &part, error);
}

Status ModelFiles::list(const inlay_source& description, Error& error) {
  const std::size_t count = description.part_count;
  if (!description.parts || count == 0) {
    return fail(error, Status::argument, "source: a list of {} parts",
                description.parts ? count : 0);
  }
  if (count > limits::files) {
    return fail(error, Status::limit, "source: {} parts, the limit is {}", count, limits::files);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const inlay_source& part = description.parts[i];
    if (part.struct_size != sizeof part) {
      return fail(error, Status::argument, "source: part {}: struct_size is {}, expected {}", i,
                  part.struct_size, sizeof part);
    }
    if (part.kind == INLAY_SOURCE_PARTS) {
      return fail(error, Status::argument, "source: part {} is a list of parts itself", i);
    }
    std::size_t index = 0;
    INLAY_TRY(add_entry(part, &index, error));
    if (entries_[index].name == folder_mark) is_folder_ = true;
  }
  listed_ = static_cast<std::uint32_t>(count);
  if (!is_folder_) return check_names(error);
  const std::string_view name = text_of(description);
  if (is_error(store_.copy(name.empty() ? "parts" : name, folder_))) {
    return fail_memory(error, "name of a source");
  }
  return check_names(error);
}

// A folder has one file of a name; parts may be without one, but not the same file twice.
Status ModelFiles::check_names(Error& error) const {
  const auto key = [this](const Entry& entry) {
    return is_folder_ ? entry.name : text_of(entry.source);
  };
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    const std::string_view name = key(entries_[i]);
    for (std::size_t k = 0; k < i && !name.empty(); ++k) {
      if (key(entries_[k]) == name) {
        return fail(error, Status::argument, "source: parts {} and {} are both named {}", k, i,
                    Shown(short_path(name)));
      }
    }
  }
  return Status::ok;
}

// With a text of our own, and a zero behind it.
Status ModelFiles::add_entry(const inlay_source& source, std::size_t* index, Error& error) {
  Entry entry;
  entry.source = source;
  const std::string_view text = text_of(source);
  auto* copy = store_.allocate<char>(text.size() + 1);
  if (!copy) return fail_memory(error, "name of a source");
  text.copy(copy, text.size());
  copy[text.size()] = 0;
  entry.source.text = source.text ? copy : nullptr;
  entry.source.text_length = text.size();
  entry.name = plain_name({copy, text.size()});
  *index = entries_.size();
  return is_error(entries_.push(entry)) ? fail_memory(error, "list of files") : Status::ok;
}

Status ModelFiles::add_path(std::string_view before, std::string_view after, std::size_t* index,
                            Error& error) {
  if (entries_.size() >= limits::files) {
    return fail(error, Status::limit, "{}: more than {} files", Shown(short_path(before)),
                limits::files);
  }
  Array<char> path(allocator_);
  if (is_error(path.append({before.data(), before.size()})) ||
      is_error(path.append({after.data(), after.size()}))) {
    return fail_memory(error, "path");
  }
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_PATH;
  source.text = path.data();
  source.text_length = path.size();
  return add_entry(source, index, error);
}

Status ModelFiles::open_entry(std::size_t index, std::uint32_t* part, Error& error) {
  Entry& entry = entries_[index];
  *part = entry.part;
  if (entry.part != not_opened) return Status::ok;
  if (is_error(files_.reserve(entries_.size()))) return fail_memory(error, "list of files");
  Source* file = create<Source>(allocator_);
  if (!file) return fail_memory(error, "file");
  if (const Status s = file->open(allocator_, entry.source, error, access_); is_error(s)) {
    destroy(allocator_, file);
    return s;
  }
  *part = entry.part = count();
  return files_.push(file);  // room was reserved
}

// ---- Folders

Status ModelFiles::find(std::string_view name, bool* present, std::uint32_t* part, Error& error) {
  *present = false;
  if (const char* why = unfit(name)) {
    return fail(error, Status::format, "{}: the file name \"{}\" {}",
                Shown(short_path(this->name())), Shown(name), why);
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name != name) continue;
    *present = true;
    return open_entry(i, part, error);
  }
  if (!is_folder_ || listed_) return Status::ok;
  return find_in_folder(name, present, part, error);
}

Status ModelFiles::find_in_folder(std::string_view name, bool* present, std::uint32_t* part,
                                  Error& error) {
  Array<char> tail(allocator_);
  if (is_error(tail.reserve(name.size() + 1))) return fail_memory(error, "path");
  if (folder_.back() != '/') INLAY_TRY(tail.push('/'));  // room was reserved
  INLAY_TRY(tail.append({name.data(), name.size()}));
  std::size_t index = 0;
  INLAY_TRY(add_path(folder_, {tail.data(), tail.size()}, &index, error));
  *present = file_kind(entries_[index].source.text) != FileKind::missing;
  if (*present) return open_entry(index, part, error);
  entries_.pop();
  return Status::ok;
}

// ---- Split models

Status ModelFiles::open_part(std::uint32_t no, std::uint32_t count, std::uint32_t* part,
                             Error& error) {
  if (listed_) {
    if (count == listed_) return open_entry(no, part, error);
    return fail(error, Status::argument, "{}: the model has {} parts, {} are given",
                Shown(short_path(name())), count, listed_);
  }
  const inlay_source& first = entries_[0].source;
  SplitName split;
  const bool named = first.kind == INLAY_SOURCE_PATH && parse_split_name(text_of(first), &split) &&
                     split.count == count;
  if (!named) {
    return fail(error, Status::unsupported,
                "{}: a part of a model of {} files, and not named <name>-00001-of-{:05}.gguf: give "
                "all of them (INLAY_SOURCE_PARTS)",
                Shown(short_path(name())), count, count);
  }
  if (no == split.no) return open_entry(0, part, error);
  SplitEnding ending(no, count);
  for (std::size_t i = 1; i < entries_.size(); ++i) {
    if (text_of(entries_[i].source).ends_with(ending.view())) return open_entry(i, part, error);
  }
  std::size_t index = 0;
  INLAY_TRY(add_path(split.prefix, ending.view(), &index, error));
  const inlay_source& source = entries_[index].source;
  if (file_kind(source.text) != FileKind::missing) return open_entry(index, part, error);
  const Status status = fail(error, Status::io, "{}: part {} of {} is missing",
                             Shown(short_path(text_of(source))), no + 1, count);
  entries_.pop();
  return status;
}

}  // namespace inlay
