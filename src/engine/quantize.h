// quantize.h - a model written again as one GGUF file, its matrices in other types.
#pragma once

#include "base/sink.h"
#include "engine/mix.h"

namespace inlay {

class Model;

struct QuantizeOptions {
  const Mix* mix = nullptr;
  std::span<const inlay_keep> keep;
  const inlay_source* importance = nullptr;
  std::uint32_t threads = 0;  // without host jobs: with the caller's; 0: physical cores
  inlay_progress progress{};
};

// Reads the model's files again. Opens and closes `sink`; where it is a path, an error leaves
// nothing behind. Takes a few rows a worker and a few MiB.
Status quantize(const Model& model, const inlay_sink& sink, const QuantizeOptions& options,
                Error& error);

}  // namespace inlay
