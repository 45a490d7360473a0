// interleave.cpp - the order of the bytes of 16 rows.
#include "quant/interleave.h"

#include <cstring>

#include "quant/types.h"

namespace inlay {
namespace {

// How the bytes of a block are taken: words in [words.begin, words.end), else halves or bytes.
struct BlockShape {
  std::size_t bytes = 0;
  WordRange words{};
  // Of the unit that begins at byte i of a block.
  std::size_t unit_size(std::size_t i) const {
    if (i >= words.begin && i < words.end) return 4;
    return words.begin % 2 == 0 ? 2 : 1;
  }
};

template <class Q>
constexpr BlockShape shape() {
  if constexpr (requires { Q::words; }) {
    return {sizeof(typename Q::Block), Q::words};
  } else {
    return {};
  }
}

BlockShape shape_of(Type type) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return shape<name>();
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return {};
}

// Units of one size: those of a row are `size` apart, their places in `out` 16 * size.
template <std::size_t size>
void interleave_units(const std::byte* in, std::size_t row_bytes, std::size_t bytes,
                      std::byte* out) {
  for (std::size_t at = 0; at < bytes; at += size) {
    for (std::size_t row = 0; row < interleaved_rows; ++row) {
      std::memcpy(out + at * interleaved_rows + row * size, in + row * row_bytes + at, size);
    }
  }
}

void interleave_range(const BlockShape& shape, std::size_t begin, std::size_t end,
                      const std::byte* in, std::size_t row_bytes, std::byte* out) {
  if (begin == end) return;
  in += begin;
  out += begin * interleaved_rows;
  switch (shape.unit_size(begin)) {
    case 4: return interleave_units<4>(in, row_bytes, end - begin, out);
    case 2: return interleave_units<2>(in, row_bytes, end - begin, out);
    default: return interleave_units<1>(in, row_bytes, end - begin, out);
  }
}

}  // namespace

bool can_interleave(Type type) { return shape_of(type).words.end != 0; }

void interleave(Type type, const void* rows, std::size_t row_bytes, void* out) {
  const BlockShape shape = shape_of(type);
  const auto* in = static_cast<const std::byte*>(rows);
  auto* to = static_cast<std::byte*>(out);
  for (std::size_t at = 0; at < row_bytes; at += shape.bytes) {
    std::byte* block = to + at * interleaved_rows;
    interleave_range(shape, 0, shape.words.begin, in + at, row_bytes, block);
    interleave_range(shape, shape.words.begin, shape.words.end, in + at, row_bytes, block);
    interleave_range(shape, shape.words.end, shape.bytes, in + at, row_bytes, block);
  }
}

void take_row(Type type, const void* matrix, std::uint64_t rows, std::size_t row_bytes,
              std::uint64_t row, void* out) {
  const auto* stored = static_cast<const std::byte*>(matrix) + row * row_bytes;
  auto* to = static_cast<std::byte*>(out);
  if (row >= interleaved_part(rows)) {
    std::memcpy(to, stored, row_bytes);
    return;
  }
  const BlockShape shape = shape_of(type);
  const std::uint64_t place = row % interleaved_rows;
  const std::byte* group = stored - place * row_bytes;
  for (std::size_t block = 0; block < row_bytes; block += shape.bytes) {
    for (std::size_t at = 0, size; at < shape.bytes; at += size) {
      size = shape.unit_size(at);
      std::memcpy(to + block + at, group + (block + at) * interleaved_rows + place * size, size);
    }
  }
}

std::byte take_byte(Type type, const void* matrix, std::uint64_t rows, std::size_t row_bytes,
                    std::uint64_t at) {
  const auto* stored = static_cast<const std::byte*>(matrix);
  const std::uint64_t row = at / row_bytes, place = row % interleaved_rows;
  if (row >= interleaved_part(rows)) return stored[at];
  const BlockShape shape = shape_of(type);
  const std::size_t in_row = at % row_bytes, in_block = in_row % shape.bytes;
  const std::size_t size = shape.unit_size(in_block);
  const std::size_t in_unit = (in_block - (size == 4 ? shape.words.begin : 0)) % size;
  const std::byte* group = stored + (row - place) * row_bytes;
  return group[(in_row - in_unit) * interleaved_rows + place * size + in_unit];
}

}  // namespace inlay
