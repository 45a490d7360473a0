// gguf.h - reading the metadata of GGUF files, versions 2 and 3, little-endian.
#pragma once

#include "base/source.h"
#include "format/manifest.h"

namespace inlay {

// Reads all keys and the tensor table into `manifest` (which is emptied first, and again on an
// error); no weight byte is read. Every length, count, type and range is checked against the file
// and limits.h. Errors: FORMAT (the file breaks a rule), UNSUPPORTED (version, byte order, tensor
// type, nested array, one part of a split model), LIMIT (limits.h), IO, MEMORY. The rules of the
// file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
Status read_gguf(const Source& source, Manifest& manifest, Error& error);

}  // namespace inlay
