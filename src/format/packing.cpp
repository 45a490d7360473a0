// packing.cpp - rows of other number formats, other orders and 8-bit and 4-bit floats.
#include "format/packing.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "base/float8.h"
#include "base/half.h"
#include "format/model_files.h"
#include "format/packing_parts.h"

namespace inlay {
namespace {

struct ElementInfo {
  const char* name;
  std::uint32_t bytes;
};
constexpr ElementInfo element_infos[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
    {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U8", 1},      {"BOOL", 1},
};

template <class Stored, class ToFloat>
void convert(const std::byte* in, std::uint64_t count, float* out, const ToFloat& to_float) {
  for (std::uint64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, in + i * sizeof value, sizeof value);
    out[i] = to_float(value);
  }
}

// The form of a float in a tensor of the type.
template <class Word>
Word to_word(float value);
template <>
std::uint32_t to_word<std::uint32_t>(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
template <>
std::uint16_t to_word<std::uint16_t>(float value) {
  return float_to_half(value);
}

void write_floats(Type type, const float* in, std::uint64_t count, std::byte* out) {
  if (type == Type::F32) {
    std::memcpy(out, in, count * sizeof(float));
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint16_t word = type == Type::F16 ? float_to_half(in[i]) : float_to_bfloat(in[i]);
    std::memcpy(out + i * sizeof word, &word, sizeof word);
  }
}

bool is_same(Element element, Type type) {
  return (element == Element::f32 && type == Type::F32) ||
         (element == Element::f16 && type == Type::F16) ||
         (element == Element::bf16 && type == Type::BF16);
}

// ---- Numbers ------------------------------------------------------------------------------------

Status convert_numbers(const RowRequest& r, std::uint64_t offset, std::uint64_t count,
                       std::byte* out) {
  constexpr std::uint64_t at_once = 512;
  const std::uint32_t bytes = element_bytes(r.packing.element);
  const std::uint32_t out_bytes = r.tensor.type == Type::F32 ? 4 : 2;
  std::byte buffer[at_once * 8];
  float floats[at_once];
  for (std::uint64_t done = 0; done < count; done += at_once) {
    const std::uint64_t part = std::min(count - done, at_once);
    const std::byte* at = nullptr;
    INLAY_TRY(r.bytes(r.packing.data, offset + done * bytes, part * bytes, buffer, at));
    if (!to_floats(r.packing.element, at, part, floats)) {
      return fail(r.error, Status::internal, "tensor {}: no weights of {}", Shown(r.tensor.name),
                  element_name(r.packing.element));
    }
    write_floats(r.tensor.type, floats, part, out + done * out_bytes);
  }
  return Status::ok;
}

// Neighbouring rows that are neighbours in the file too go together.
Status unpack_elements(const RowRequest& r) {
  const std::uint64_t columns = r.columns(), row_bytes = r.row_bytes();
  const std::uint64_t stored_bytes = columns * element_bytes(r.packing.element);
  const bool same = is_same(r.packing.element, r.tensor.type);
  std::uint64_t run = 1;
  for (std::uint64_t i = 0; i < r.count; i += run) {
    const std::uint64_t stored = r.stored_row(i);
    for (run = 1; i + run < r.count && r.stored_row(i + run) == stored + run;) ++run;
    std::byte* out = r.out + i * row_bytes;
    const std::uint64_t offset = stored * stored_bytes;
    if (!same) {
      INLAY_TRY(convert_numbers(r, offset, run * columns, out));
      continue;
    }
    const std::byte* at = nullptr;
    INLAY_TRY(r.bytes(r.packing.data, offset, run * stored_bytes, out, at));
    if (at != out) std::memcpy(out, at, run * stored_bytes);
  }
  return Status::ok;
}

Status unpack_values(const RowRequest& r) {
  const std::uint64_t columns = r.columns();
  for (std::uint64_t i = 0; i < r.count; ++i) {
    std::memcpy(r.out + i * columns * sizeof(float), r.packing.values + r.stored_row(i) * columns,
                columns * sizeof(float));
  }
  return Status::ok;
}

// ---- 8-bit floats with scales -------------------------------------------------------------------

// All products of an 8-bit float with one scale.
template <class Word>
class Products {
 public:
  Products(Element element, float scale) {
    constexpr Word sign = static_cast<Word>(Word{1} << (sizeof(Word) * 8 - 1));
    for (std::uint32_t code = 0; code < 128; ++code) {
      const auto byte = static_cast<std::uint8_t>(code);
      const float value = element == Element::f8_e4m3 ? e4m3_to_float(byte) : e5m2_to_float(byte);
      word_[code] = to_word<Word>(value * scale);
      word_[code + 128] = static_cast<Word>(word_[code] ^ sign);
    }
  }
  void write(const std::byte* codes, std::uint64_t count, std::byte* out) const {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::memcpy(out + i * sizeof(Word), &word_[static_cast<std::uint8_t>(codes[i])],
                  sizeof(Word));
    }
  }

 private:
  Word word_[256];
};

struct Fp8Tile {
  std::uint64_t groups = 0;
  std::uint64_t* stored = nullptr;    // row of the file
  const std::byte** codes = nullptr;  // of the row
  float* scales = nullptr;            // (rows, groups)
  std::byte* read = nullptr;          // (rows, k), where the file is not mapped
  std::byte* buffer = nullptr;        // one row's scales as they are stored
};

Status fill_fp8(const RowRequest& r, std::uint64_t first, std::uint64_t count, Fp8Tile& tile) {
  const std::uint64_t k = r.columns();
  for (std::uint64_t i = 0; i < count; ++i) {
    tile.stored[i] = r.stored_row(first + i);
    INLAY_TRY(r.bytes(r.packing.data, tile.stored[i] * k, k, tile.read + i * k, tile.codes[i]));
    INLAY_TRY(r.scales_of(tile.stored[i], tile.groups, tile.buffer, tile.scales + i * tile.groups));
  }
  return Status::ok;
}

// Block column by block column, as rows of one block have one table of products.
template <class Word>
void write_fp8(const RowRequest& r, std::uint64_t first, std::uint64_t count, const Fp8Tile& tile) {
  const std::uint64_t k = r.columns(), group = r.packing.group;
  for (std::uint64_t g = 0; g < tile.groups; ++g) {
    const std::uint64_t begin = g * group, width = std::min(group, k - begin);
    for (std::uint64_t i = 0; i < count;) {
      const std::uint64_t block = tile.stored[i] / r.packing.group_rows;
      const Products<Word> products(r.packing.element, tile.scales[i * tile.groups + g]);
      for (; i < count && tile.stored[i] / r.packing.group_rows == block; ++i) {
        products.write(tile.codes[i] + begin, width,
                       r.out + ((first + i) * k + begin) * sizeof(Word));
      }
    }
  }
}

Status unpack_fp8(const RowRequest& r) {
  const std::uint64_t k = r.columns(), rows = r.tile_rows();
  const bool mapped = r.files[r.packing.data.part].map() != nullptr;
  Fp8Tile tile;
  tile.groups = divide_up(k, r.packing.group);
  INLAY_TRY(r.make_room([&](Carver& carver) {
    tile.stored = carver.take<std::uint64_t>(rows);
    tile.codes = carver.take<const std::byte*>(rows);
    tile.scales = carver.take<float>(rows * tile.groups);
    tile.buffer = carver.take<std::byte>(tile.groups * 8);
    tile.read = carver.take<std::byte>(mapped ? 0 : rows * k);
  }));
  for (std::uint64_t first = 0; first < r.count; first += rows) {
    const std::uint64_t count = std::min(rows, r.count - first);
    INLAY_TRY(fill_fp8(r, first, count, tile));
    if (r.tensor.type == Type::F32) {
      write_fp8<std::uint32_t>(r, first, count, tile);
    } else {
      write_fp8<std::uint16_t>(r, first, count, tile);
    }
  }
  return Status::ok;
}

// ---- 4-bit floats -------------------------------------------------------------------------------

// Pairs of neighbours to pairs 16 apart. GGUF's block: the scale, then 16 bytes of codes; codes and
// scale mean the same in both.
Status write_mxfp4(const RowRequest& r, const std::byte* codes, const std::byte* scales,
                   std::uint64_t stored, std::byte* out) {
  for (std::uint64_t b = 0; b < r.columns() / 32; ++b, codes += 16, out += 17) {
    if (scales[b] == std::byte{255}) {
      return fail(r.error, Status::format, "tensor {}: scale {} of row {} is NaN",
                  Shown(r.tensor.name), b, stored);
    }
    out[0] = scales[b];
    for (int i = 0; i < 8; ++i) {
      const std::byte low = codes[i], high = codes[i + 8];
      out[1 + 2 * i] = (low & std::byte{15}) | high << 4;
      out[2 + 2 * i] = low >> 4 | (high & std::byte{0xf0});
    }
  }
  return Status::ok;
}

Status unpack_mxfp4(const RowRequest& r) {
  const std::uint64_t k = r.columns();
  std::byte *code_buffer = nullptr, *scale_buffer = nullptr;
  INLAY_TRY(r.make_room([&](Carver& carver) {
    code_buffer = carver.take<std::byte>(k / 2);
    scale_buffer = carver.take<std::byte>(k / 32);
  }));
  for (std::uint64_t i = 0; i < r.count; ++i) {
    const std::uint64_t stored = r.stored_row(i);
    const std::byte *codes = nullptr, *scales = nullptr;
    INLAY_TRY(r.bytes(r.packing.data, stored * (k / 2), k / 2, code_buffer, codes));
    INLAY_TRY(r.bytes(r.packing.scales, stored * (k / 32), k / 32, scale_buffer, scales));
    INLAY_TRY(write_mxfp4(r, codes, scales, stored, r.out + i * r.row_bytes()));
  }
  return Status::ok;
}

}  // namespace

// ---- Shared parts -------------------------------------------------------------------------------

std::uint32_t element_bytes(Element element) {
  return element_infos[static_cast<std::size_t>(element)].bytes;
}

const char* element_name(Element element) {
  return element_infos[static_cast<std::size_t>(element)].name;
}

bool to_floats(Element element, const std::byte* in, std::uint64_t count, float* out) {
  switch (element) {
    case Element::f64:
      convert<double>(in, count, out, [](double v) { return static_cast<float>(v); });
      return true;
    case Element::f32: std::memcpy(out, in, count * sizeof(float)); return true;
    case Element::f16: convert<std::uint16_t>(in, count, out, half_to_float); return true;
    case Element::bf16: convert<std::uint16_t>(in, count, out, bfloat_to_float); return true;
    case Element::f8_e4m3: convert<std::uint8_t>(in, count, out, e4m3_to_float); return true;
    case Element::f8_e5m2: convert<std::uint8_t>(in, count, out, e5m2_to_float); return true;
    case Element::f8_e8m0: convert<std::uint8_t>(in, count, out, e8m0_to_float); return true;
    default: return false;
  }
}

Status piece_bytes(const ModelFiles& files, const FileRange& piece, std::uint64_t offset,
                   std::uint64_t size, std::byte* buffer, const std::byte*& bytes, Error& error) {
  const Source& file = files[piece.part];
  if (offset > piece.bytes || size > piece.bytes - offset) {
    return fail(error, Status::internal, "{}: bytes {} to {} of a piece of {}", Shown(file.name()),
                offset, offset + size, piece.bytes);
  }
  const std::uint64_t begin = piece.offset + offset;
  if (const std::byte* map = file.map();
      map && begin <= file.size() && size <= file.size() - begin) {
    bytes = map + begin;
    return Status::ok;
  }
  bytes = buffer;
  return file.read(begin, buffer, static_cast<std::size_t>(size), error);
}

std::uint64_t RowRequest::tile_rows() const {
  constexpr std::uint64_t tile_elements = 256 << 10;
  const std::uint64_t rows = std::clamp<std::uint64_t>(tile_elements / columns(), 8, 512);
  return std::min(rows, count);
}

Status RowRequest::scales_of(std::uint64_t stored, std::uint64_t groups, std::byte* buffer,
                             float* to) const {
  const std::uint64_t row_size = groups * element_bytes(packing.scale_element);
  const std::byte* at = nullptr;
  INLAY_TRY(bytes(packing.scales, stored / packing.group_rows * row_size, row_size, buffer, at));
  if (to_floats(packing.scale_element, at, groups, to)) return Status::ok;
  return fail(error, Status::internal, "tensor {}: scales of {}", Shown(tensor.name),
              element_name(packing.scale_element));
}

Status RowRequest::no_room() const { return fail_memory(error, "rows being unpacked"); }

Status unpack_rows(const ModelFiles& files, const TensorInfo& tensor, const Packing& packing,
                   std::uint64_t first, std::uint64_t count, void* out, Array<std::byte>& scratch,
                   Error& error) {
  if (count == 0) return Status::ok;
  // A vector is one row; its elements are what is swapped.
  const bool vector = tensor.rank == 1;
  const RowRequest rows{files,
                        tensor,
                        packing,
                        vector ? 0 : first,
                        vector ? tensor.shape[0] : count,
                        static_cast<std::byte*>(out),
                        scratch,
                        error};
  switch (packing.kind) {
    case Packing::Kind::elements: return unpack_elements(rows);
    case Packing::Kind::fp8_blocks: return unpack_fp8(rows);
    case Packing::Kind::mxfp4: return unpack_mxfp4(rows);
    case Packing::Kind::awq:
    case Packing::Kind::gptq:
    case Packing::Kind::packed_rows:
    case Packing::Kind::int8_channels: return unpack_codes(rows);
    case Packing::Kind::stored: return unpack_values(rows);
  }
  return fail(error, Status::internal, "tensor {}: unknown packing", Shown(tensor.name));
}

}  // namespace inlay
