// packing_parts.h - what the ways of unpacking share: the rows wanted, and the bytes of the pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/array.h"
#include "base/carver.h"
#include "format/manifest.h"
#include "format/packing.h"

namespace inlay {

class ModelFiles;

// `count` numbers to floats, each rounded once at most; F8_E8M0 are powers of two. Integers of
// 16 bits and more are not numbers of weights: false.
bool to_floats(Element element, const std::byte* in, std::uint64_t count, float* out);

// Bytes [offset, offset + size) of a piece: where they are mapped, else read to `buffer`.
Status piece_bytes(const ModelFiles& files, const FileRange& piece, std::uint64_t offset,
                   std::uint64_t size, std::byte* buffer, const std::byte*& bytes, Error& error);

// One call of unpack_rows().
struct RowRequest {
  const ModelFiles& files;
  const TensorInfo& tensor;
  const Packing& packing;
  std::uint64_t first, count;
  std::byte* out;
  Array<std::byte>& scratch;
  Error& error;

  std::uint64_t columns() const { return tensor.rank == 1 ? 1 : tensor.shape[0]; }
  std::uint64_t row_bytes() const { return tensor.bytes / (tensor.elements / columns()); }
  std::uint64_t stored_row(std::uint64_t i) const { return packing.swap.stored_row(first + i); }
  // How many rows to unpack at once, so that their elements stay in the processor's cache.
  std::uint64_t tile_rows() const;

  Status bytes(const FileRange& piece, std::uint64_t offset, std::uint64_t size, std::byte* buffer,
               const std::byte*& at) const {
    return piece_bytes(files, piece, offset, size, buffer, at, error);
  }
  // The scales of a stored row, of a piece (n / group_rows, groups); `buffer`: 8 * groups bytes.
  Status scales_of(std::uint64_t stored, std::uint64_t groups, std::byte* buffer, float* out) const;
  // Lays out the scratch: lay_out(carver) takes the same arrays each time.
  template <class LayOut>
  Status make_room(const LayOut& lay_out) const {
    Carver measure;
    lay_out(measure);
    if (!measure.fits() || is_error(grow(measure.size()))) return no_room();
    Carver carver(scratch.data());
    lay_out(carver);
    return Status::ok;
  }

 private:
  Status grow(std::uint64_t size) const {
    if (size > SIZE_MAX / 2) return Status::memory;
    const auto wanted = static_cast<std::size_t>(size);
    return scratch.size() >= wanted ? Status::ok : scratch.resize(wanted);
  }
  Status no_room() const;
};

// packed_codes.cpp: whole numbers with scales and zero points (awq, gptq, packed_rows,
// int8_channels).
Status unpack_codes(const RowRequest& rows);

}  // namespace inlay
