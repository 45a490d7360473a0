// demo.h - the demo model of the repository, for tests that need a real one.
#pragma once

#include <cstdint>
#include <vector>

#include "support/data.h"

namespace inlay::test {

inline std::string demo_path() { return source_path("examples/demo_model/demo.gguf"); }

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
