// quantized_layout.h - which published form of quantization a folder uses, and how each of its
// modules is put together from several tensors.
#pragma once

#include "format/manifest.h"
#include "format/safetensors.h"

namespace inlay {

class JsonReader;

// "quantization_config" of config.json. What the tensors say themselves (which modules are
// quantized, shapes of scales) is not repeated here.
struct QuantizedLayout {
  enum class Method : std::uint8_t { none, fp8, mxfp4, awq, gptq, compressed_tensors };
  Method method = Method::none;
  std::uint32_t bits = 0;        // awq, gptq; 0: not said
  std::uint32_t group = 0;       // columns of one scale; 0: a whole row
  std::uint32_t block_rows = 0;  // fp8: weight_block_size; 0: not said
  std::uint32_t block_columns = 0;
  bool zeros_less_one = true;  // gptq: checkpoint_format "gptq"; false for "gptq_v2"
  bool symmetric = false;      // gptq: zero points are said to be in the middle of the codes
};

// Reads the object that comes next; errors are those of `json`. FORMAT: no quant_method, numbers
// out of their range. UNSUPPORTED, naming it: a method or form that is not known.
Status read_quantized_layout(JsonReader& json, QuantizedLayout& layout, Error& error);

// Finds the matrix of `module` ("model.layers.0.self_attn.q_proj"), plain or quantized: fills type,
// rank, shape, elements, bytes, part, offset of `tensor`, and `packing`. *plain true: the file has
// the bytes exactly as the tensor's type wants them and no packing is needed (unless rows are to be
// swapped). *present false: nothing of that name. Which type each form gets, and why:
// quantized_modules.cpp. Weight bytes are not read; scales, zero points and orders of columns that
// decide a type are.
Status find_module(const ModelFiles& files, const StoredTensors& tensors,
                   const QuantizedLayout& layout, std::string_view module, TensorInfo& tensor,
                   Packing& packing, bool* plain, bool* present, Error& error);

}  // namespace inlay
