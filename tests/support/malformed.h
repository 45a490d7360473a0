// malformed.h - the list of hostile files and what the level that owns the fault must say of each.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "support/data.h"

namespace inlay::test {

// The level that must refuse a file: the reader of the container, or the model (hyper-parameters,
// vocabulary) that is made from it. none: the file is sound, or the list leaves the choice open.
enum class Level { container, model, none };

struct MalformedFile {
  std::string file;    // "044-key-duplicate.gguf"
  std::string path;    // openable
  std::string expect;  // as the list writes it: "refuse", "accept", "refuse or accept" ...
  std::string why;
  Level level;  // who must refuse it: numbers under 120 are of the container
  int number() const { return std::atoi(file.c_str()); }
  bool must_refuse() const { return expect == "refuse"; }
  bool may_refuse() const { return expect.find("refuse") != std::string::npos; }
};

// The text of "field": "..." from `at` on; the list has no escapes in strings.
inline std::string json_field(const std::string& text, const char* field, std::size_t at) {
  const std::string label = std::string("\"") + field + "\": \"";
  const std::size_t begin = text.find(label, at);
  if (begin == std::string::npos) return {};
  const std::size_t from = begin + label.size();
  return text.substr(from, text.find('"', from) - from);
}

// `folder` is "malformed/gguf" or "malformed/safetensors" of the test data.
inline std::vector<MalformedFile> malformed_files(const std::string& folder) {
  const std::string list = read_text(data_path(folder + "/manifest.json"));
  std::vector<MalformedFile> files;
  for (std::size_t at = list.find("\"file\""); at != std::string::npos;
       at = list.find("\"file\"", at + 1)) {
    MalformedFile entry;
    entry.file = json_field(list, "file", at);
    entry.expect = json_field(list, "expect", at);
    entry.why = json_field(list, "why", at);
    entry.path = data_path(folder + "/" + entry.file);
    const bool of_container = entry.number() < 120;
    entry.level = !entry.must_refuse() ? Level::none
                  : of_container       ? Level::container
                                       : Level::model;
    files.push_back(entry);
  }
  return files;
}

}  // namespace inlay::test
