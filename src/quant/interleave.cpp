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
  const std::uint8_t* places = nullptr;  // of each 16 bytes of words, where not in their own order

  // Of the unit that begins at byte i of a block.
  std::size_t unit_size(std::size_t i) const {
    if (i >= words.begin && i < words.end) return 4;
    return words.begin % 2 == 0 ? 2 : 1;
  }
  // Where byte i of a block lies, counted in bytes of one row.
  std::size_t place(std::size_t i) const {
    if (!places || i < words.begin || i >= words.end) return i;
    return words.begin + places[(i - words.begin) / 16] * 16u + (i - words.begin) % 16;
  }
};

template <class Q>
constexpr BlockShape shape() {
  if constexpr (requires { Q::places; }) {
    static_assert((Q::words.end - Q::words.begin) == 16 * sizeof Q::places);
    return {sizeof(typename Q::Block), Q::words, Q::places};
  } else if constexpr (requires { Q::words; }) {
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

// `bytes` of a row in units of one size: those of a row are `size` apart, their places in `out`
// 16 * size.
template <std::size_t size>
void interleave_units(const std::byte* in, std::size_t row_bytes, std::size_t bytes,
                      std::byte* out) {
  for (std::size_t at = 0; at < bytes; at += size) {
    for (std::size_t row = 0; row < interleaved_rows; ++row) {
      std::memcpy(out + at * interleaved_rows + row * size, in + row * row_bytes + at, size);
    }
  }
}

void interleave_block(const BlockShape& shape, const std::byte* in, std::size_t row_bytes,
                      std::byte* out) {
  const std::size_t piece = shape.places ? 16 : shape.words.end - shape.words.begin;
  for (std::size_t at = 0, bytes; at < shape.bytes; at += bytes) {
    std::byte* to = out + shape.place(at) * interleaved_rows;
    switch (const std::size_t size = shape.unit_size(at)) {
      case 4: interleave_units<4>(in + at, row_bytes, bytes = piece, to); break;
      case 2: interleave_units<2>(in + at, row_bytes, bytes = size, to); break;
      default: interleave_units<1>(in + at, row_bytes, bytes = size, to);
    }
  }
}

}  // namespace

bool can_interleave(Type type) { return shape_of(type).words.end != 0; }

void interleave(Type type, const void* rows, std::size_t row_bytes, void* out) {
  const BlockShape shape = shape_of(type);
  const auto* in = static_cast<const std::byte*>(rows);
  auto* to = static_cast<std::byte*>(out);
  for (std::size_t at = 0; at < row_bytes; at += shape.bytes) {
    interleave_block(shape, in + at, row_bytes, to + at * interleaved_rows);
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
      std::memcpy(to + block + at,
                  group + (block + shape.place(at)) * interleaved_rows + place * size, size);
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
  const std::size_t lies = in_row - in_block + shape.place(in_block - in_unit);
  return group[lies * interleaved_rows + place * size + in_unit];
}

}  // namespace inlay
