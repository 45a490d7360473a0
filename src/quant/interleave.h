// interleave.h - 16 rows of weights put together word by word, so that a kernel whose lanes are
// rows reads them as one stream. The bytes are the same and as many.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/type.h"

namespace inlay {

inline constexpr std::uint32_t interleaved_rows = 16;

// Whether lanes of this type read blocks word by word (WordRange in quant/normal_form.h); others
// stay row by row.
bool can_interleave(Type type);

// 16 rows of `row_bytes` each at `rows`, one after the other, to `out`: of every word of a block
// first that of row 0, then that of row 1 ... What lies at byte i of the rows lies from 16 i on,
// unless the type has `places` for the 16-byte pieces of its blocks.
void interleave(Type type, const void* rows, std::size_t row_bytes, void* out);

// A matrix of `rows` rows is interleaved 16 by 16; what is left at its end lies row by row.
inline constexpr std::uint64_t interleaved_part(std::uint64_t rows) {
  return rows - rows % interleaved_rows;
}

// Row `row` of such a matrix.
void take_row(Type type, const void* matrix, std::uint64_t rows, std::size_t row_bytes,
              std::uint64_t row, void* out);

// Byte `at` of the same matrix as it would be with all rows one after the other.
std::byte take_byte(Type type, const void* matrix, std::uint64_t rows, std::size_t row_bytes,
                    std::uint64_t at);

}  // namespace inlay
