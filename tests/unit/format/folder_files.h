// folder_files.h - a model folder made of texts in memory, for the tests of this folder.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "format/folder.h"
#include "format/model_files.h"
#include "format/safetensors.h"
#include "support/counting_allocator.h"

namespace inlay::test {

// A tensor of a safetensors file; the data is bytes counted up, unless it is given.
struct FolderTensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::size_t element_bytes = 4;
  std::string data;
};

inline std::string safetensors_bytes(const std::vector<FolderTensor>& tensors,
                                     const std::string& extra = "") {
  std::string header = "{" + extra, data;
  for (const FolderTensor& t : tensors) {
    std::size_t bytes = t.element_bytes;
    std::string shape;
    for (const std::uint64_t n : t.shape) {
      bytes *= n;
      shape += (shape.empty() ? "" : ",") + std::to_string(n);
    }
    const std::size_t begin = data.size();
    data += t.data;
    while (data.size() < begin + bytes) data += static_cast<char>(data.size());
    if (header.size() > 1) header += ",";
    header += "\"" + t.name + "\":{\"dtype\":\"" + t.dtype + "\",\"shape\":[" + shape +
              "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) +
              "]}";
  }
  header += "}";
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header + data;
}

using FolderTexts = std::map<std::string, std::string>;  // by file name

// Opens the files as the parts of one source. The texts stay as long as this does.
struct FolderFiles {
  FolderTexts texts;
  std::vector<inlay_source> parts;
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  ModelFiles files{allocator};
  Manifest manifest{allocator};
  StoredTensors stored{allocator};
  Error error{};

  explicit FolderFiles(FolderTexts t) : texts(std::move(t)) { texts.insert({"config.json", "{}"}); }

  Status open() {
    for (const auto& [name, text] : texts) {
      inlay_source part{};
      part.struct_size = sizeof part;
      part.kind = INLAY_SOURCE_MEMORY;
      part.text = name.data();
      part.text_length = name.size();
      part.data = text.data();
      part.size = text.size();
      parts.push_back(part);
    }
    inlay_source folder{};
    folder.struct_size = sizeof folder;
    folder.kind = INLAY_SOURCE_PARTS;
    folder.parts = parts.data();
    folder.part_count = parts.size();
    return files.open(folder, error);
  }
  Status read_tensors() {
    const Status status = open();
    return is_error(status) ? status : stored.read(files, error);
  }
  Status read() {
    const Status status = open();
    return is_error(status) ? status : read_folder(files, manifest, error);
  }
  std::string text() const { return error.text; }
  bool says(const std::string& part) const { return text().find(part) != std::string::npos; }
};

}  // namespace inlay::test
