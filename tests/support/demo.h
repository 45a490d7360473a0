// demo.h - the demo model of the repository, for tests that need a real one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/data.h"

namespace inlay::test {

inline std::string demo_path() { return source_path("examples/demo_model/demo.gguf"); }

// A file without its vocabulary, so that builds without PCRE2 open it too.
inline std::vector<std::uint8_t> without_vocabulary(std::vector<std::uint8_t> file) {
  const std::string key = "tokenizer.ggml.model";
  const auto at = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (at != file.end()) *at = 'T';
  return file;
}

inline std::vector<std::uint8_t> demo_weights() {
  std::vector<std::uint8_t> file = read_bytes(demo_path());
  return without_vocabulary(std::move(file));
}

// Some ids that every vocabulary of a few thousand tokens has; 70 cross a page of the cache.
inline std::vector<std::int32_t> some_ids(std::size_t count, std::uint32_t vocabulary = 4000) {
  std::vector<std::int32_t> ids(count);
  std::uint32_t state = 12345;
  for (std::int32_t& id : ids) {
    state = state * 1664525u + 1013904223u;
    id = static_cast<std::int32_t>((state >> 8) % vocabulary);
  }
  return ids;
}

}  // namespace inlay::test
