// gguf.h - reading the metadata of GGUF files, versions 2 and 3, little-endian.
#pragma once

#include "base/source.h"
#include "format/manifest.h"
#include "format/model_files.h"

namespace inlay {

// Reads all keys and the tensor table into `manifest` (which is emptied first, and again on an
// error); no weight byte is read. Every length, count, type and range is checked against the file
// and limits.h. Errors: FORMAT (the file breaks a rule), UNSUPPORTED (version, byte order, tensor
// type, nested array, one part of a split model), LIMIT (limits.h), IO, MEMORY. The rules of the
// file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
Status read_gguf(const Source& source, Manifest& manifest, Error& error);

// The same for the first opened of `files`, and where that is a part of a split model, for all
// parts: keys come from the first part, tensors from all in the order of the parts. Files that are
// missing: see ModelFiles::open_part().
Status read_gguf(ModelFiles& files, Manifest& manifest, Error& error);

// What a file says of its place in a split model.
struct Split {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  std::uint64_t no = 0;  // from 0
  std::uint64_t count = 1;
  std::uint64_t tensors = unknown;  // of all parts
};
// One file of its own or of a split model.
Status read_gguf_part(const Source& source, Manifest& manifest, Split* split, Error& error);

}  // namespace inlay
