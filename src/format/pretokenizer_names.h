// pretokenizer_names.h - which lists of patterns have a name in GGUF files (tokenizer.ggml.pre).
#pragma once

#include <span>
#include <string_view>

namespace inlay {

struct NamedPretokenizer {
  const char* name;
  const char* steps[4];  // as in tokenizer.inlay.pre_steps; nullptr after the last one
};

std::span<const NamedPretokenizer> named_pretokenizers();

// "" when no name means exactly these steps.
std::string_view pretokenizer_name(std::span<const std::string_view> steps);

}  // namespace inlay
