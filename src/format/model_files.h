// model_files.h - the files of one model: a single one, the parts of a split one, or a folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/source.h"
#include "format/chunk_store.h"

namespace inlay {

class ModelFiles {
 public:
  explicit ModelFiles(Allocator& allocator);
  ModelFiles(const ModelFiles&) = delete;
  ModelFiles& operator=(const ModelFiles&) = delete;
  ~ModelFiles() { close(); }

  // How the files opened from now on come into memory; at first mapped.
  void set_access(Source::Access access) { access_ = access; }

  // A path may name a file or a folder; PARTS are a folder when one of them is called config.json.
  // Files of a folder are opened by find(), the first file of anything else at once. Whatever
  // `description` points to is needed until close(), but texts and the list of parts, which are
  // copied. Errors: ARGUMENT (parts: none, of another size, in parts, two of one name), LIMIT (more
  // than limits::files), IO, MEMORY.
  Status open(const inlay_source& description, Error& error);
  void close();

  // The folder's path, else the name of the first file.
  std::string_view name() const;
  bool is_folder() const { return is_folder_; }
  // How many files the host listed; 0 when it did not list them.
  std::uint32_t listed() const { return listed_; }

  // The opened ones, in the order they were opened. References stay good until close().
  std::uint32_t count() const { return static_cast<std::uint32_t>(files_.size()); }
  const Source& operator[](std::uint32_t part) const { return *files_[part]; }

  // A folder's file by its plain name (no separators, no "..": FORMAT), opened once. *present
  // false: it has none.
  Status find(std::string_view name, bool* present, std::uint32_t* part, Error& error);

  // File `no` (from 0) of the `count` of a split model whose first opened file is one of them too:
  // of listed files in the host's order; else beside it on the path <prefix>-00001-of-00002.gguf.
  // ARGUMENT: the host listed another number. UNSUPPORTED: the first file has no such path. IO,
  // naming it, when it is not there.
  Status open_part(std::uint32_t no, std::uint32_t count, std::uint32_t* part, Error& error);

 private:
  struct Entry {
    std::string_view name;  // plain
    inlay_source source{};
    std::uint32_t part = not_opened;
  };
  static constexpr std::uint32_t not_opened = 0xffffffffu;

  Status list(const inlay_source& description, Error& error);
  Status check_names(Error& error) const;
  Status add_entry(const inlay_source& source, std::size_t* index, Error& error);
  Status add_path(std::string_view before, std::string_view after, std::size_t* index,
                  Error& error);
  Status open_entry(std::size_t index, std::uint32_t* part, Error& error);
  Status find_in_folder(std::string_view name, bool* present, std::uint32_t* part, Error& error);

  Allocator& allocator_;
  ChunkStore store_;  // texts
  Source::Access access_ = Source::Access::map;
  bool is_folder_ = false;
  std::uint32_t listed_ = 0;
  std::string_view folder_;  // its path; of listed files its name
  Array<Entry> entries_;     // known files
  Array<Source*> files_;
};

}  // namespace inlay
