// packed_codes.cpp - whole numbers of 4 or 8 bits with scales and zero points, w = scale * (code -
// zero), from the orders they are published in to blocks of weights.
//
// Codes become bytes from 0 on, row by row; signed ones are moved up by half their range. AWQ and
// GPTQ store columns: a tile of rows reads a strip of every stored row, and nothing else.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "base/half.h"
#include "format/model_files.h"
#include "format/packing_parts.h"

namespace inlay {
namespace {

// Where AWQ has the code of output 0 .. 7 in its word.
constexpr std::uint32_t awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};

std::uint32_t load_word(const std::byte* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Eight codes of 4 bits to the bytes of a number, lowest first.
std::uint64_t spread(std::uint32_t word) {
  std::uint64_t x = word;
  x = (x | x << 16) & 0x0000ffff0000ffffu;
  x = (x | x << 8) & 0x00ff00ff00ff00ffu;
  return (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
}

class CodeTile {
 public:
  explicit CodeTile(const RowRequest& rows)
      : r_(rows),
        k_(rows.columns()),
        groups_(divide_up(k_, rows.packing.group)),
        stride_(k_ + 64),  // so that the same column of all rows does not fall into one cache set
        stored_rows_(rows.tensor.elements / k_) {}

  Status make_room(std::uint64_t rows);
  Status read_order();
  Status fill(std::uint64_t first, std::uint64_t count);
  Status write(std::uint64_t first);

 private:
  const Packing& packing() const { return r_.packing; }
  std::uint32_t per_word() const { return 32 / packing().bits; }
  std::uint32_t code_mask() const { return (1u << packing().bits) - 1; }
  std::uint32_t middle() const { return code_bits() == 8 ? 128 : 8; }
  std::uint32_t code_bits() const {
    return packing().kind == Packing::Kind::int8_channels ? 8 : packing().bits;
  }

  Status strip(const FileRange& piece, std::uint64_t row, std::uint64_t row_items,
               std::uint64_t items_per, std::uint32_t bytes, const std::byte*& at);
  Status fill_awq();
  Status fill_gptq();
  Status fill_packed_rows();
  Status fill_int8();
  Status fill_column_scales();
  Status fill_column_zeros();
  Status fill_row_scales();
  Status fill_row_zeros();
  void put_word(std::uint32_t word, std::uint64_t row, std::uint64_t column);

  Status write_q4(std::uint64_t row, std::byte* out);
  Status write_q8(std::uint64_t row, std::byte* out);
  Status write_products(std::uint64_t row, std::byte* out);
  Status half(std::uint64_t row, float value, std::uint16_t& out);
  Status not_middle(std::uint64_t row, std::uint64_t group);

  const RowRequest& r_;
  std::uint64_t k_, groups_, stride_, stored_rows_;
  std::uint64_t count_ = 0;            // rows of this tile
  std::uint64_t low_ = 0, high_ = 0;   // stored rows of it lie in [low, high)
  std::uint64_t* stored_ = nullptr;    // (rows)
  std::uint8_t* codes_ = nullptr;      // (rows, stride)
  std::uint8_t* zeros_ = nullptr;      // (rows, groups)
  float* scales_ = nullptr;            // (rows, groups)
  std::uint32_t* group_of_ = nullptr;  // (k), where columns have an order of their own
  std::byte* buffer_ = nullptr;        // one strip or row of a file that is not mapped
  float* floats_ = nullptr;            // one strip of scales
};

Status CodeTile::make_room(std::uint64_t rows) {
  const bool ordered = packing().order.bytes != 0;
  const std::uint64_t longest = std::max({k_ * 8, stored_rows_ * 8, groups_ * 8});
  return r_.make_room([&](Carver& carver) {
    stored_ = carver.take<std::uint64_t>(rows);
    codes_ = carver.take<std::uint8_t>(rows * stride_);
    zeros_ = carver.take<std::uint8_t>(rows * groups_);
    scales_ = carver.take<float>(rows * groups_);
    group_of_ = carver.take<std::uint32_t>(ordered ? k_ : 0);
    buffer_ = carver.take<std::byte>(longest);
    floats_ = carver.take<float>(stored_rows_);
  });
}

Status CodeTile::read_order() {
  if (packing().order.bytes == 0) return Status::ok;
  const std::byte* at = nullptr;
  INLAY_TRY(r_.bytes(packing().order, 0, k_ * 4, buffer_, at));
  for (std::uint64_t c = 0; c < k_; ++c) {
    group_of_[c] = load_word(at + c * 4);
    if (group_of_[c] < groups_) continue;
    return fail(r_.error, Status::format, "tensor {}: group {} of column {}, expected 0 to {}",
                Shown(r_.tensor.name), static_cast<std::int32_t>(group_of_[c]), c, groups_ - 1);
  }
  return Status::ok;
}

Status CodeTile::fill(std::uint64_t first, std::uint64_t count) {
  count_ = count;
  for (std::uint64_t i = 0; i < count; ++i) stored_[i] = r_.stored_row(first + i);
  low_ = *std::min_element(stored_, stored_ + count);
  high_ = *std::max_element(stored_, stored_ + count) + 1;
  switch (packing().kind) {
    case Packing::Kind::awq: INLAY_TRY(fill_awq()); break;
    case Packing::Kind::gptq: INLAY_TRY(fill_gptq()); break;
    case Packing::Kind::packed_rows: INLAY_TRY(fill_packed_rows()); break;
    default: INLAY_TRY(fill_int8()); break;
  }
  const bool columns =
      packing().kind == Packing::Kind::awq || packing().kind == Packing::Kind::gptq;
  INLAY_TRY(columns ? fill_column_scales() : fill_row_scales());
  if (packing().zeros.bytes == 0) {
    std::memset(zeros_, static_cast<int>(middle()), count * groups_);
    return Status::ok;
  }
  return columns ? fill_column_zeros() : fill_row_zeros();
}

// ---- Codes --------------------------------------------------------------------------------------

// Of stored row `row`, which has row_items of so many bytes, each of items_per weight rows: from
// the item of low_ on, those of this tile.
Status CodeTile::strip(const FileRange& piece, std::uint64_t row, std::uint64_t row_items,
                       std::uint64_t items_per, std::uint32_t bytes, const std::byte*& at) {
  const std::uint64_t begin = low_ / items_per, end = (high_ - 1) / items_per + 1;
  return r_.bytes(piece, (row * row_items + begin) * bytes, (end - begin) * bytes, buffer_, at);
}

void CodeTile::put_word(std::uint32_t word, std::uint64_t row, std::uint64_t column) {
  std::uint8_t* out = codes_ + row * stride_ + column;
  if (packing().bits == 8) {
    std::memcpy(out, &word, 4);
  } else {
    const std::uint64_t codes = spread(word);
    std::memcpy(out, &codes, 8);
  }
}

Status CodeTile::fill_awq() {
  const std::uint64_t words = stored_rows_ / 8, begin = low_ / 8;
  for (std::uint64_t c = 0; c < k_; ++c) {
    const std::byte* at = nullptr;
    INLAY_TRY(strip(packing().data, c, words, 8, 4, at));
    for (std::uint64_t i = 0; i < count_; ++i) {
      const std::uint32_t word = load_word(at + (stored_[i] / 8 - begin) * 4);
      codes_[i * stride_ + c] =
          static_cast<std::uint8_t>(word >> awq_place[stored_[i] % 8] * 4 & 15);
    }
  }
  return Status::ok;
}

Status CodeTile::fill_gptq() {
  for (std::uint64_t c = 0; c < k_; c += per_word()) {
    const std::byte* at = nullptr;
    INLAY_TRY(strip(packing().data, c / per_word(), stored_rows_, 1, 4, at));
    for (std::uint64_t i = 0; i < count_; ++i) {
      put_word(load_word(at + (stored_[i] - low_) * 4), i, c);
    }
  }
  return Status::ok;
}

Status CodeTile::fill_packed_rows() {
  const std::uint64_t words = divide_up(k_, per_word());
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::byte* at = nullptr;
    INLAY_TRY(r_.bytes(packing().data, stored_[i] * words * 4, words * 4, buffer_, at));
    for (std::uint64_t w = 0; w < words; ++w) put_word(load_word(at + w * 4), i, w * per_word());
  }
  return Status::ok;
}

Status CodeTile::fill_int8() {
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::byte* at = nullptr;
    INLAY_TRY(r_.bytes(packing().data, stored_[i] * k_, k_, buffer_, at));
    std::uint8_t* out = codes_ + i * stride_;
    for (std::uint64_t c = 0; c < k_; ++c) out[c] = static_cast<std::uint8_t>(at[c]) ^ 0x80u;
  }
  return Status::ok;
}

// ---- Scales and zero points ---------------------------------------------------------------------

Status CodeTile::fill_column_scales() {
  const std::uint32_t bytes = element_bytes(packing().scale_element);
  for (std::uint64_t g = 0; g < groups_; ++g) {
    const std::byte* at = nullptr;
    INLAY_TRY(strip(packing().scales, g, stored_rows_, 1, bytes, at));
    to_floats(packing().scale_element, at, high_ - low_, floats_);
    for (std::uint64_t i = 0; i < count_; ++i)
      scales_[i * groups_ + g] = floats_[stored_[i] - low_];
  }
  return Status::ok;
}

// The writers of zero points minus one subtract from whole words, with borrows: so the one is added
// to whole words too.
Status CodeTile::fill_column_zeros() {
  const bool awq = packing().kind == Packing::Kind::awq;
  const std::uint32_t per = per_word();
  const std::uint32_t ones = packing().bits == 8 ? 0x01010101u : 0x11111111u;
  const std::uint32_t one = packing().zeros_less_one ? ones : 0;
  for (std::uint64_t g = 0; g < groups_; ++g) {
    const std::byte* at = nullptr;
    INLAY_TRY(strip(packing().zeros, g, divide_up(stored_rows_, per), per, 4, at));
    for (std::uint64_t i = 0; i < count_; ++i) {
      const std::uint32_t word = load_word(at + (stored_[i] / per - low_ / per) * 4) + one;
      const auto place = static_cast<std::uint32_t>(stored_[i] % per);
      const std::uint32_t shift = (awq ? awq_place[place] : place) * packing().bits;
      zeros_[i * groups_ + g] = static_cast<std::uint8_t>(word >> shift & code_mask());
    }
  }
  return Status::ok;
}

Status CodeTile::fill_row_scales() {
  for (std::uint64_t i = 0; i < count_; ++i) {
    INLAY_TRY(r_.scales_of(stored_[i], groups_, buffer_, scales_ + i * groups_));
  }
  return Status::ok;
}

Status CodeTile::fill_row_zeros() {
  const bool int8 = packing().kind == Packing::Kind::int8_channels;
  const std::uint32_t per = int8 ? 1 : per_word();
  const std::uint64_t row_bytes = groups_ * (int8 ? 1 : 4);
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::uint64_t stored = stored_[i] / packing().group_rows;
    const std::byte* at = nullptr;
    INLAY_TRY(r_.bytes(packing().zeros, stored / per * row_bytes, row_bytes, buffer_, at));
    for (std::uint64_t g = 0; g < groups_; ++g) {
      const std::uint32_t zero = int8 ? static_cast<std::uint32_t>(at[g]) ^ 0x80u
                                      : load_word(at + g * 4) >> stored % per * packing().bits;
      zeros_[i * groups_ + g] = static_cast<std::uint8_t>(zero & ((1u << code_bits()) - 1));
    }
  }
  return Status::ok;
}

// ---- Blocks -------------------------------------------------------------------------------------

// A scale that is too large for a half would make every weight infinite.
Status CodeTile::half(std::uint64_t row, float value, std::uint16_t& out) {
  out = float_to_half(value);
  if ((out & 0x7fffu) != 0x7c00u || std::isinf(value)) return Status::ok;
  return fail(r_.error, Status::format, "tensor {}: {} in row {} does not fit {}",
              Shown(r_.tensor.name), value, stored_[row], type_info(r_.tensor.type)->name);
}

Status CodeTile::not_middle(std::uint64_t row, std::uint64_t group) {
  return fail(r_.error, Status::format,
              "tensor {}: zero point {} in row {}, expected {} in a symmetric one",
              Shown(r_.tensor.name), zeros_[row * groups_ + group], stored_[row], middle());
}

// Q4_0: half d, 16 bytes (i, i + 16); w = d * (q - 8). Q4_1: half d, half m; w = d * q + m.
Status CodeTile::write_q4(std::uint64_t row, std::byte* out) {
  const bool has_min = r_.tensor.type == Type::Q4_1;
  const std::uint8_t* codes = codes_ + row * stride_;
  for (std::uint64_t b = 0; b < k_ / 32; ++b, codes += 32) {
    const std::uint64_t group = b * 32 / packing().group, at = row * groups_ + group;
    if (!has_min && zeros_[at] != 8) return not_middle(row, group);
    std::uint16_t d = 0, m = 0;
    INLAY_TRY(half(row, scales_[at], d));
    std::memcpy(out, &d, 2);
    out += 2;
    if (has_min) {
      INLAY_TRY(half(row, -scales_[at] * static_cast<float>(zeros_[at]), m));
      std::memcpy(out, &m, 2);
      out += 2;
    }
    for (int i = 0; i < 16; ++i) *out++ = static_cast<std::byte>(codes[i] | codes[i + 16] << 4);
  }
  return Status::ok;
}

// Half d, 32 signed bytes.
Status CodeTile::write_q8(std::uint64_t row, std::byte* out) {
  const std::uint8_t* codes = codes_ + row * stride_;
  for (std::uint64_t b = 0; b < k_ / 32; ++b, codes += 32, out += 32) {
    const std::uint64_t group = b * 32 / packing().group, at = row * groups_ + group;
    if (zeros_[at] != 128) return not_middle(row, group);
    std::uint16_t d = 0;
    INLAY_TRY(half(row, scales_[at], d));
    std::memcpy(out, &d, 2);
    out += 2;
    for (int i = 0; i < 32; ++i) out[i] = static_cast<std::byte>(codes[i] ^ 0x80u);
  }
  return Status::ok;
}

// F16 and F32: code - zero is exact, the product is rounded to float, and then to half.
Status CodeTile::write_products(std::uint64_t row, std::byte* out) {
  constexpr std::uint64_t at_once = 256;
  const std::uint8_t *codes = codes_ + row * stride_, *zeros = zeros_ + row * groups_;
  const float* scales = scales_ + row * groups_;
  float values[at_once];
  for (std::uint64_t c = 0; c < k_; c += at_once) {
    const std::uint64_t part = std::min(k_ - c, at_once);
    for (std::uint64_t i = 0; i < part; ++i) {
      const std::uint64_t g = packing().order.bytes ? group_of_[c + i] : (c + i) / packing().group;
      values[i] = static_cast<float>(int{codes[c + i]} - int{zeros[g]}) * scales[g];
    }
    if (r_.tensor.type == Type::F32) {
      std::memcpy(out + c * 4, values, part * 4);
      continue;
    }
    std::uint16_t word = 0;
    for (std::uint64_t i = 0; i < part; ++i) {
      if (std::fabs(values[i]) >= 65520.0f) INLAY_TRY(half(row, values[i], word));
      word = float_to_half(values[i]);
      std::memcpy(out + (c + i) * 2, &word, 2);
    }
  }
  return Status::ok;
}

Status CodeTile::write(std::uint64_t first) {
  for (std::uint64_t i = 0; i < count_; ++i) {
    std::byte* out = r_.out + (first + i) * r_.row_bytes();
    switch (r_.tensor.type) {
      case Type::Q4_0:
      case Type::Q4_1: INLAY_TRY(write_q4(i, out)); break;
      case Type::Q8_0: INLAY_TRY(write_q8(i, out)); break;
      default: INLAY_TRY(write_products(i, out)); break;
    }
  }
  return Status::ok;
}

}  // namespace

Status unpack_codes(const RowRequest& rows) {
  CodeTile tile(rows);
  const std::uint64_t at_once = rows.tile_rows();
  INLAY_TRY(tile.make_room(at_once));
  INLAY_TRY(tile.read_order());
  for (std::uint64_t first = 0; first < rows.count; first += at_once) {
    INLAY_TRY(tile.fill(first, std::min(at_once, rows.count - first)));
    INLAY_TRY(tile.write(first));
  }
  return Status::ok;
}

}  // namespace inlay
