// limits.h - what a chat template may take: it is text from a file, and so untrusted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay::jinja {

struct Limits {
  std::size_t template_bytes = std::size_t{1} << 20;  // of one template's text
  std::size_t tree_bytes = std::size_t{64} << 20;     // of memory for the compiled tree
  std::size_t value_bytes = std::size_t{128} << 20;   // of memory for values while rendering
  std::size_t output_bytes = std::size_t{16} << 20;   // of the prompt
  std::uint64_t steps = 4'000'000;  // nodes evaluated, items walked, and bytes handled / 64
  std::uint32_t nesting = 200;      // of brackets, operators and blocks in the template
  std::uint32_t depth = 600;        // of nested evaluations, macro calls and values
};

}  // namespace inlay::jinja
