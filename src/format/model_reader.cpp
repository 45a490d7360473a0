// model_reader.cpp - which reader a source needs, and the rows of tensors wherever they are.
#include "format/model_reader.h"

#include <cstring>

#include "base/diagnostics.h"
#include "format/folder.h"
#include "format/gguf.h"
#include "format/limits.h"

namespace inlay {
namespace {

// A file of a folder given in place of the folder is a mistake that deserves its own words. A
// safetensors file begins with the length of its header, then the header's brace; read as that
// length, the first 8 bytes of a GGUF file are 14 GB, and a brace behind them counts its tensors.
Status refuse_folder_file(const Source& file, Error& error) {
  char head[9] = {};
  const std::size_t size = file.size() < sizeof head ? 0 : sizeof head;
  INLAY_TRY(file.read(0, head, size, error));
  std::uint64_t length = 0;
  std::memcpy(&length, head, sizeof length);
  const bool is_safetensors = head[8] == '{' && length <= limits::metadata_bytes;
  if (!is_safetensors && !file.name().ends_with(".json")) return Status::ok;
  return fail(error, Status::unsupported,
              "{}: a file of a model folder: open the folder, which has config.json",
              Shown(short_path(file.name())));
}

}  // namespace

Status read_model(const inlay_source& source, ModelFiles& files, Manifest& manifest, Error& error) {
  INLAY_TRY(files.open(source, error));
  if (files.is_folder()) return read_folder(files, manifest, error);
  INLAY_TRY(refuse_folder_file(files[0], error));
  return read_gguf(files, manifest, error);
}

Status read_rows(const ModelFiles& files, const Manifest& manifest, const TensorInfo& tensor,
                 std::uint64_t first, std::uint64_t count, void* out, Array<std::byte>& scratch,
                 Error& error) {
  const std::uint64_t rows = tensor.elements / tensor.shape[0];
  if (first > rows || count > rows - first) {
    return fail(error, Status::argument, "tensor {}: {} rows from {} wanted, it has {}",
                Shown(tensor.name), count, first, rows);
  }
  if (tensor.packing != no_packing) {
    const Packing& packing = manifest.packings()[tensor.packing];
    return unpack_rows(files, tensor, packing, first, count, out, scratch, error);
  }
  const std::uint64_t row_bytes = tensor.bytes / rows;
  return files[tensor.part].read(tensor.offset + first * row_bytes, out,
                                 static_cast<std::size_t>(count * row_bytes), error);
}

const std::byte* rows_in_place(const ModelFiles& files, const TensorInfo& tensor) {
  if (tensor.packing != no_packing) return nullptr;
  const std::byte* file = files[tensor.part].map();
  return file ? file + tensor.offset : nullptr;
}

}  // namespace inlay
