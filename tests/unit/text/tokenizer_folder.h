// tokenizer_folder.h - the tokenizer of a folder, read as a model's is: files, keys, vocabulary.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/vocab_view.h"
#include "format/folder.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"
#include "support/folder.h"
#include "unit/format/open.h"

namespace inlay::test {

using Ids = std::vector<std::int32_t>;

struct FolderTokenizer {
  static constexpr std::uint32_t all_flags = INLAY_ENCODE_ADD_SPECIAL | INLAY_ENCODE_PARSE_SPECIAL;

  CountingAllocator heap;
  Allocator allocator{heap.host()};
  ModelFiles files{allocator};
  Manifest manifest{allocator};
  Tokenizer tokenizer{allocator};
  Error error{};
  Status status;

  explicit FolderTokenizer(const inlay_source& source) {
    status = files.open(source, error);
    if (!is_error(status)) status = manifest.clear("folder", error);
    if (!is_error(status)) status = read_tokenizer_json(files, manifest, error);
    if (!is_error(status)) status = manifest.index_keys(error);
    if (!is_error(status)) status = load_tokenizer(manifest, allocator, tokenizer, error);
  }
  // The folder must outlive it.
  explicit FolderTokenizer(Folder& folder) : FolderTokenizer(folder.source()) {}

  bool says(const std::string& part) const {
    return std::string(error.text).find(part) != std::string::npos;
  }
  std::string text(const std::string& key) const {
    std::string_view value;
    const Value* found = manifest.find(key);
    return found && found->text(0, value) ? std::string(value) : "(none)";
  }
  std::int64_t number(const std::string& key) const {
    std::int64_t value = -1;
    const Value* found = manifest.find(key);
    return found && found->integer(0, value) ? value : -1;
  }
  bool flag(const std::string& key) const {
    bool value = false;
    const Value* found = manifest.find(key);
    return found && found->boolean(0, value) && value;
  }
  std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> all;
    if (const Value* found = manifest.find(key)) {
      for (const std::string_view text : found->texts()) all.emplace_back(text);
    }
    return all;
  }

  static Ids encode(const Tokenizer& tokenizer, Allocator& allocator, std::string_view text,
                    std::uint32_t flags = all_flags) {
    Error error{};
    Array<std::int32_t> ids(allocator);
    if (tokenizer.encode(text, flags, ids, error) != Status::ok) FAIL("encode: " << error.text);
    return Ids(ids.begin(), ids.end());
  }
  Ids encode(std::string_view text, std::uint32_t flags = all_flags) {
    return encode(tokenizer, allocator, text, flags);
  }
  std::string decode(const Ids& ids, std::uint32_t flags = 0) {
    Array<char> text(allocator);
    if (tokenizer.decode(ids, flags, text, error) != Status::ok) FAIL("decode: " << error.text);
    return std::string(text.data(), text.size());
  }
};

// A text in hexadecimal, "-" for none.
inline std::string text_of_hex(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    text.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return text;
}

struct Expected {
  std::string folder;  // "" when the file has none
  std::string text;
  Ids ids;
};

// Lines of [folder] text ids...
inline std::vector<Expected> expected_of(const std::string& path, bool with_folder) {
  std::istringstream lines(read_text(path));
  std::vector<Expected> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hex;
    Expected e;
    if (with_folder) words >> e.folder;
    words >> hex;
    e.text = text_of_hex(hex);
    for (std::int32_t id; words >> id;) e.ids.push_back(id);
    all.push_back(e);
  }
  return all;
}

}  // namespace inlay::test
