// model_reader.h - whatever a source names, read into a Manifest: GGUF, split GGUF, or a folder.
#pragma once

#include "format/manifest.h"
#include "format/model_files.h"

namespace inlay {

// Opens `source` and reads its metadata and tensor lists; no weight byte. `files` must outlive
// every use of tensor data. Errors: those of ModelFiles::open(), read_gguf() and read_folder().
Status read_model(const inlay_source& source, ModelFiles& files, Manifest& manifest, Error& error);

// Rows [first, first + count) of a tensor (a row: shape[0] elements) in its type, packed or not,
// copied to `out`. Thread-safe for different scratch if every file is (Source::concurrent()).
// Errors: ARGUMENT (rows that the tensor has not), IO, CANCELLED, and of packed ones those of
// unpack_rows().
Status read_rows(const ModelFiles& files, const Manifest& manifest, const TensorInfo& tensor,
                 std::uint64_t first, std::uint64_t count, void* out, Array<std::byte>& scratch,
                 Error& error);

// Where the tensor's bytes lie in memory as they are, at any alignment; nullptr when they have to
// be read or unpacked.
const std::byte* rows_in_place(const ModelFiles& files, const TensorInfo& tensor);

}  // namespace inlay
