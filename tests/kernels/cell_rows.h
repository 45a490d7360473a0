// cell_rows.h - rows of key-value cells made and read without the kernels, for tests.
#pragma once

#include <cstring>

#include "base/half.h"
#include "kernels/float_kernels.h"
#include "kernels/rows.h"
#include "quant/dequantize.h"
#include "quant/encode.h"

namespace inlay::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr CellType cell_types[] = {CellType::f32, CellType::f16, CellType::bf16,
                                          CellType::q8_0, CellType::q4_0};
static_assert(std::size(cell_types) == cell_type_count);

inline const char* cell_name(CellType type) {
  constexpr const char* names[] = {"f32", "f16", "bf16", "q8_0", "q4_0"};
  return names[static_cast<int>(type)];
}

// The weight type that rows of this type look like.
inline Type weight_type(CellType type) {
  constexpr Type types[] = {Type::F32, Type::F16, Type::BF16, Type::Q8_0, Type::Q4_0};
  return types[static_cast<int>(type)];
}

// n rounded up to whole blocks.
inline std::uint32_t whole_blocks(CellType type, std::uint32_t n) {
  return type == CellType::q8_0 || type == CellType::q4_0 ? (n + 31) / 32 * 32 : n;
}

// The row of a cell for finite x.
inline Bytes encode_cell(CellType type, const float* x, std::uint32_t n) {
  const std::uint32_t whole = whole_blocks(type, n);
  Floats padded(x, x + n);
  padded.resize(whole, 0.0f);
  Bytes row(cell_row_bytes(type, n));
  switch (type) {
    case CellType::f32: std::memcpy(row.data(), x, row.size()); break;
    case CellType::f16:
    case CellType::bf16:
      for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint16_t half =
            type == CellType::f16 ? float_to_half(x[i]) : float_to_bfloat(x[i]);
        std::memcpy(row.data() + std::size_t{2} * i, &half, 2);
      }
      break;
    default: REQUIRE(encode_row(weight_type(type), padded.data(), nullptr, whole, row.data()));
  }
  return row;
}

// Other codes than zero in the last block of a cell's row beyond element n.
inline void spoil_tail(CellType type, Bytes& row, std::uint32_t n) {
  const std::uint32_t whole = whole_blocks(type, n);
  std::uint8_t* const codes = row.data() + row.size() - (type == CellType::q8_0 ? 32 : 16);
  for (std::uint32_t i = n; i < whole; ++i) {
    const std::uint32_t at = i % 32;
    if (type == CellType::q8_0) codes[at] = 0x55;
    if (type == CellType::q4_0) codes[at % 16] ^= at < 16 ? 0x07 : 0x70;
  }
}

// The floats that the row of a cell stands for.
inline Floats decode_cell(CellType type, const Bytes& row, std::uint32_t n) {
  Floats x(whole_blocks(type, n));
  dequantize_row(weight_type(type), row.data(), static_cast<std::uint32_t>(x.size()), x.data());
  x.resize(n);
  return x;
}

}  // namespace inlay::test
