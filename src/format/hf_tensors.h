// hf_tensors.h - the tensors of a Hugging Face folder under their GGUF names.
#pragma once

#include "format/hf_family.h"
#include "format/model_files.h"
#include "format/quantized_layout.h"
#include "format/safetensors.h"

namespace inlay {

// Adds every tensor that the model's names list to `manifest`, before index_tensors(). What the
// files have besides is left, as the reference implementation does. FORMAT: a module is missing, or
// its shape does not go with the config.
Status add_hf_tensors(const ModelFiles& files, const StoredTensors& stored,
                      const QuantizedLayout& layout, const HfModel& model, Manifest& manifest,
                      Error& error);

}  // namespace inlay
