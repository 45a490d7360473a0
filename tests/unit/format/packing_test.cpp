// packing_test.cpp - every kind of packed tensor against plain loops: any range of rows, rows in
// another order, mapped and read.
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "base/float8.h"
#include "format/manifest.h"
#include "format/model_files.h"
#include "quant/dequantize.h"
#include "support/catch.h"
#include "support/counting_allocator.h"

using namespace inlay;

namespace {

using Bytes = std::vector<unsigned char>;

template <class T>
void put(Bytes& bytes, const T& value) {
  const auto* at = reinterpret_cast<const unsigned char*>(&value);
  bytes.insert(bytes.end(), at, at + sizeof value);
}

// One file in memory, which inlay sees as it is or through a callback.
class File {
 public:
  FileRange add(const Bytes& bytes) {
    while (bytes_.size() % 3 != 1) bytes_.push_back(0xee);  // odd addresses
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {0, bytes_.size() - bytes.size(), bytes.size()};
  }
  inlay_source source(bool mapped) {
    inlay_source source{};
    source.struct_size = sizeof source;
    source.size = bytes_.size();
    source.kind = mapped ? INLAY_SOURCE_MEMORY : INLAY_SOURCE_CALLBACK;
    source.data = bytes_.data();
    source.user = this;
    source.read = [](void* user, std::uint64_t offset, void* to, std::size_t size) -> inlay_status {
      auto& self = *static_cast<File*>(user);
      if (offset + size > self.bytes_.size()) return INLAY_ERROR_IO;
      std::memcpy(to, self.bytes_.data() + offset, size);
      return INLAY_OK;
    };
    return source;
  }

 private:
  Bytes bytes_;
};

// A tensor of rows x columns; expected: what its weight (stored row, column) is, in float.
struct Case {
  File file;
  Packing packing;
  TensorInfo tensor;
  std::vector<std::uint64_t> swap_dims;
  std::function<float(std::uint64_t, std::uint64_t)> expected;

  void shape(Type type, std::uint64_t rows, std::uint64_t columns) {
    const TypeInfo& info = *type_info(type);
    tensor.name = "w";
    tensor.type = type;
    tensor.rank = 2;
    tensor.shape[0] = columns;
    tensor.shape[1] = rows;
    tensor.elements = rows * columns;
    tensor.bytes = tensor.elements / info.block_elements * info.block_bytes;
  }
};

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

Status unpack(Case& c, bool mapped, std::uint64_t first, std::uint64_t count,
              std::vector<float>& values, Error& error) {
  test::CountingAllocator heap;
  Allocator allocator(heap.host());
  ModelFiles files(allocator);
  const inlay_source source = c.file.source(mapped);
  REQUIRE(files.open(source, error) == Status::ok);
  Array<std::byte> scratch(allocator);
  const std::size_t row_bytes = c.tensor.bytes / c.tensor.shape[1];
  Bytes out(row_bytes * count + 8, 0xcd);
  const Status status =
      unpack_rows(files, c.tensor, c.packing, first, count, out.data(), scratch, error);
  if (is_error(status)) return status;
  for (std::size_t i = row_bytes * count; i < out.size(); ++i) REQUIRE(out[i] == 0xcd);
  const auto k = static_cast<std::uint32_t>(c.tensor.shape[0]);
  values.resize(std::size_t{k} * count);
  for (std::uint64_t r = 0; r < count; ++r) {
    dequantize_row(c.tensor.type, out.data() + r * row_bytes, k, values.data() + r * k);
  }
  return Status::ok;
}

// The first weight that is not as it should be, or "".
std::string first_wrong(Case& c, bool mapped, std::uint64_t first, std::uint64_t count) {
  Error error{};
  std::vector<float> values;
  if (is_error(unpack(c, mapped, first, count, values, error))) return error.text;
  const std::uint64_t k = c.tensor.shape[0];
  for (std::uint64_t i = 0; i < count * k; ++i) {
    const float expected = c.expected(c.packing.swap.stored_row(first + i / k), i % k);
    if (same(values[i], expected)) continue;
    return "row " + std::to_string(first + i / k) + " column " + std::to_string(i % k) + ": " +
           std::to_string(values[i]) + ", expected " + std::to_string(expected);
  }
  return "";
}

// All rows, then odd ranges; plain order, then two others (rows must be a multiple of 24).
void check(Case& c) {
  const std::uint64_t rows = c.tensor.shape[1];
  REQUIRE(rows % 24 == 0);
  const auto n = static_cast<std::uint32_t>(rows);
  const RowSwap swaps[] = {{}, {n / 24, 2, 12, 1}, {1, n / 24, 3, 8}};
  std::mt19937 random(5);
  for (const RowSwap& swap : swaps) {
    c.packing.swap = swap;
    for (const bool mapped : {true, false}) {
      CHECK(first_wrong(c, mapped, 0, rows) == "");
      for (int i = 0; i < 6; ++i) {
        const std::uint64_t first = random() % rows;
        CHECK(first_wrong(c, mapped, first, 1 + random() % (rows - first)) == "");
      }
    }
  }
}

float rounded(Type type, float value) {
  if (type == Type::F16) return half_to_float(float_to_half(value));
  if (type == Type::BF16) return bfloat_to_float(float_to_bfloat(value));
  return value;
}

// ---- Codes --------------------------------------------------------------------------------------

// A matrix of codes with scales and zero points, before it is packed in any order.
struct Codes {
  std::uint64_t n, k, group, groups;
  std::uint32_t bits;
  std::vector<std::uint32_t> code, zero;  // (n, k), (n, groups)
  std::vector<float> scale;               // (n, groups), halves
  std::vector<std::uint32_t> group_of;    // (k)

  Codes(std::uint64_t rows, std::uint64_t columns, std::uint64_t of_group, std::uint32_t of_bits,
        bool middle, unsigned seed)
      : n(rows), k(columns), group(of_group), groups((k + group - 1) / group), bits(of_bits) {
    std::mt19937 random(seed);
    const std::uint32_t mask = (1u << bits) - 1;
    for (std::uint64_t i = 0; i < n * k; ++i) code.push_back(random() & mask);
    for (std::uint64_t i = 0; i < n * groups; ++i) {
      zero.push_back(middle ? 1u << (bits - 1) : random() & mask);
      scale.push_back(half_to_float(static_cast<std::uint16_t>(0x2000 + random() % 0x1000)));
    }
    for (std::uint64_t c = 0; c < k; ++c) group_of.push_back(static_cast<std::uint32_t>(c / group));
  }
  void mix_columns() {
    std::mt19937 random(3);
    for (std::uint64_t c = k - 1; c > 0; --c) std::swap(group_of[c], group_of[random() % (c + 1)]);
  }

  std::uint32_t per() const { return 32 / bits; }
  // Rows x columns of values, packed down the columns or along the rows.
  static Bytes pack(std::uint64_t rows, std::uint64_t columns, std::uint32_t bits, bool down,
                    const std::function<std::uint32_t(std::uint64_t, std::uint64_t)>& value) {
    const std::uint32_t per = 32 / bits;
    const std::uint64_t word_rows = down ? (rows + per - 1) / per : rows;
    const std::uint64_t word_columns = down ? columns : (columns + per - 1) / per;
    Bytes bytes;
    for (std::uint64_t r = 0; r < word_rows; ++r) {
      for (std::uint64_t c = 0; c < word_columns; ++c) {
        std::uint32_t word = 0;
        for (std::uint32_t i = 0; i < per; ++i) {
          const std::uint64_t y = down ? r * per + i : r, x = down ? c : c * per + i;
          if (y < rows && x < columns) word |= value(y, x) << (i * bits);
        }
        put(bytes, word);
      }
    }
    return bytes;
  }
  Bytes order_bytes() const {
    Bytes bytes;
    for (const std::uint32_t g : group_of) put(bytes, g);
    return bytes;
  }
  Bytes scale_bytes(bool by_group) const {
    Bytes bytes;
    for (std::uint64_t i = 0; i < n * groups; ++i) {
      const std::uint64_t at = by_group ? i % n * groups + i / n : i;
      put(bytes, float_to_half(scale[at]));
    }
    return bytes;
  }

  // What the block types make of weight (r, c).
  float value(Type type, std::uint64_t r, std::uint64_t c) const {
    const std::uint64_t at = r * groups + group_of[c];
    const auto q = static_cast<float>(code[r * k + c]), z = static_cast<float>(zero[at]);
    if (type == Type::Q4_1) return scale[at] * q + half_to_float(float_to_half(-scale[at] * z));
    return rounded(type, scale[at] * (q - z));
  }
  void set(Case& c, Type type, Packing::Kind kind) const {
    c.shape(type, n, k);
    c.packing.kind = kind;
    c.packing.bits = bits;
    c.packing.group = group;
    c.packing.scale_element = Element::f16;
    c.expected = [this, type](std::uint64_t r, std::uint64_t column) {
      return value(type, r, column);
    };
  }
};

Case gptq(const Codes& m, Type type, bool less_one) {
  Case c;
  m.set(c, type, Packing::Kind::gptq);
  c.packing.zeros_less_one = less_one;
  c.packing.data =
      c.file.add(Codes::pack(m.k, m.n, m.bits, true, [&](std::uint64_t y, std::uint64_t x) {
        return m.code[x * m.k + y];
      }));
  // Minus one from whole words, with borrows, as the writers do it.
  Bytes zeros = Codes::pack(m.groups, m.n, m.bits, false, [&](std::uint64_t y, std::uint64_t x) {
    return m.zero[x * m.groups + y];
  });
  for (std::size_t i = 0; less_one && i < zeros.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, &zeros[i], 4);
    word -= m.bits == 4 ? 0x11111111u : 0x01010101u;
    std::memcpy(&zeros[i], &word, 4);
  }
  c.packing.zeros = c.file.add(zeros);
  c.packing.scales = c.file.add(m.scale_bytes(true));
  return c;
}

Case awq(const Codes& m, Type type) {
  // The code at place i of a word is that of output order[i].
  constexpr std::uint64_t order[8] = {0, 2, 4, 6, 1, 3, 5, 7};
  Case c;
  m.set(c, type, Packing::Kind::awq);
  c.packing.data =
      c.file.add(Codes::pack(m.k, m.n, 4, false, [&](std::uint64_t y, std::uint64_t x) {
        return m.code[(x / 8 * 8 + order[x % 8]) * m.k + y];
      }));
  c.packing.zeros =
      c.file.add(Codes::pack(m.groups, m.n, 4, false, [&](std::uint64_t y, std::uint64_t x) {
        return m.zero[(x / 8 * 8 + order[x % 8]) * m.groups + y];
      }));
  c.packing.scales = c.file.add(m.scale_bytes(true));
  return c;
}

Case packed_rows(const Codes& m, Type type, bool zeros) {
  Case c;
  m.set(c, type, Packing::Kind::packed_rows);
  c.packing.data =
      c.file.add(Codes::pack(m.n, m.k, m.bits, false, [&](std::uint64_t y, std::uint64_t x) {
        return m.code[y * m.k + x];
      }));
  if (zeros) {
    c.packing.zeros =
        c.file.add(Codes::pack(m.n, m.groups, m.bits, true, [&](std::uint64_t y, std::uint64_t x) {
          return m.zero[y * m.groups + x];
        }));
  }
  c.packing.scales = c.file.add(m.scale_bytes(false));
  return c;
}

Case int8(const Codes& m, Type type, bool zeros) {
  Case c;
  m.set(c, type, Packing::Kind::int8_channels);
  Bytes data, zero_bytes;
  for (const std::uint32_t code : m.code)
    put(data, static_cast<std::int8_t>(static_cast<int>(code) - 128));
  for (const std::uint32_t zero : m.zero)
    put(zero_bytes, static_cast<std::int8_t>(static_cast<int>(zero) - 128));
  c.packing.data = c.file.add(data);
  if (zeros) c.packing.zeros = c.file.add(zero_bytes);
  c.packing.scales = c.file.add(m.scale_bytes(false));
  return c;
}

}  // namespace

TEST_CASE("rows of numbers become rows of the tensor's type", "[format]") {
  std::mt19937 random(1);
  const struct {
    Element element;
    Type type;
  } pairs[] = {
      {Element::f32, Type::F32},     {Element::f16, Type::F16},     {Element::bf16, Type::BF16},
      {Element::f64, Type::F32},     {Element::f16, Type::F32},     {Element::bf16, Type::F32},
      {Element::f32, Type::F16},     {Element::f32, Type::BF16},    {Element::f8_e4m3, Type::F16},
      {Element::f8_e5m2, Type::F16}, {Element::f8_e4m3, Type::F32}, {Element::f8_e5m2, Type::BF16}};
  for (const auto& pair : pairs) {
    for (const std::uint64_t columns : {1, 7, 513, 1200}) {
      INFO(element_name(pair.element) << " to " << type_info(pair.type)->name << ", " << columns);
      Case c;
      c.shape(pair.type, 48, columns);
      c.packing.element = pair.element;
      std::vector<float> values;
      Bytes data;
      for (std::uint64_t i = 0; i < 48 * columns; ++i) {
        const auto bits = static_cast<std::uint32_t>(random());
        switch (pair.element) {
          case Element::f64: {
            const double value = std::ldexp(static_cast<double>(bits) - 2e9, -31);
            put(data, value);
            values.push_back(static_cast<float>(value));
            break;
          }
          case Element::f32:
            values.push_back(std::ldexp(static_cast<float>(bits), -30) - 2.0f);
            put(data, values.back());
            break;
          case Element::f16:
            put(data, static_cast<std::uint16_t>(bits));
            values.push_back(half_to_float(static_cast<std::uint16_t>(bits)));
            break;
          case Element::bf16:
            put(data, static_cast<std::uint16_t>(bits));
            values.push_back(bfloat_to_float(static_cast<std::uint16_t>(bits)));
            break;
          default:
            put(data, static_cast<std::uint8_t>(bits));
            values.push_back(pair.element == Element::f8_e4m3
                                 ? e4m3_to_float(static_cast<std::uint8_t>(bits))
                                 : e5m2_to_float(static_cast<std::uint8_t>(bits)));
        }
      }
      c.packing.data = c.file.add(data);
      c.expected = [&](std::uint64_t r, std::uint64_t k) {
        return rounded(pair.type, values[r * columns + k]);
      };
      check(c);
    }
  }
}

TEST_CASE("a vector's elements are swapped like rows", "[format]") {
  Bytes data;
  for (int i = 0; i < 24; ++i) put(data, static_cast<float>(i));
  Case c;
  c.packing.data = c.file.add(data);
  c.packing.swap = {2, 3, 4, 1};
  c.shape(Type::F32, 1, 24);
  c.tensor.rank = 1;
  for (const bool stored : {false, true}) {
    std::vector<float> kept(24), values;
    std::iota(kept.begin(), kept.end(), 0.0f);
    if (stored) {
      c.packing.kind = Packing::Kind::stored;
      c.packing.values = kept.data();
    }
    Error error{};
    REQUIRE(unpack(c, true, 0, 1, values, error) == Status::ok);
    for (std::size_t i = 0; i < 24; ++i) {
      const std::size_t o = i / 12, second = i % 12 / 3, first = i % 3;  // (2, 4, 3) from (2, 3, 4)
      CHECK(values[i] == static_cast<float>(o * 12 + first * 4 + second));
    }
  }
}

TEST_CASE("8-bit floats are multiplied with the scale of their block", "[format]") {
  std::mt19937 random(2);
  for (const Element element : {Element::f8_e4m3, Element::f8_e5m2}) {
    for (const Type type : {Type::F16, Type::F32}) {
      for (const auto& [group_rows, group] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
               {1, 200}, {16, 64}, {7, 33}, {72, 200}}) {
        INFO(element_name(element) << " " << group_rows << "x" << group);
        const std::uint64_t groups = (200 + group - 1) / group,
                            grid_rows = (72 + group_rows - 1) / group_rows;
        Case c;
        c.shape(type, 72, 200);
        c.packing.kind = Packing::Kind::fp8_blocks;
        c.packing.element = element;
        c.packing.group = group;
        c.packing.group_rows = group_rows;
        Bytes codes, scale_bytes;
        std::vector<float> scales;
        for (int i = 0; i < 72 * 200; ++i) codes.push_back(static_cast<unsigned char>(random()));
        const bool powers = group_rows == 7;
        c.packing.scale_element = powers ? Element::f8_e8m0 : Element::f32;
        for (std::uint64_t i = 0; i < groups * grid_rows; ++i) {
          const auto power = static_cast<std::uint8_t>(100 + random() % 40);
          scales.push_back(powers ? e8m0_to_float(power)
                                  : std::ldexp(static_cast<float>(random()), -38));
          if (powers) put(scale_bytes, power);
          if (!powers) put(scale_bytes, scales.back());
        }
        c.packing.data = c.file.add(codes);
        c.packing.scales = c.file.add(scale_bytes);
        c.expected = [&](std::uint64_t r, std::uint64_t k) {
          const std::uint8_t code = codes[r * 200 + k];
          const float value =
              element == Element::f8_e4m3 ? e4m3_to_float(code) : e5m2_to_float(code);
          return rounded(type, value * scales[r / group_rows * groups + k / group]);
        };
        check(c);
      }
    }
  }
}

TEST_CASE("pairs of 4-bit floats become blocks of MXFP4", "[format]") {
  constexpr float e2m1[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  std::mt19937 random(3);
  Bytes codes, scales;
  for (int i = 0; i < 48 * 96 / 2; ++i) codes.push_back(static_cast<unsigned char>(random()));
  for (int i = 0; i < 48 * 3; ++i)
    scales.push_back(static_cast<unsigned char>(100 + random() % 50));
  Case c;
  c.shape(Type::MXFP4, 48, 96);
  c.packing.kind = Packing::Kind::mxfp4;
  c.packing.data = c.file.add(codes);
  c.packing.scales = c.file.add(scales);
  c.expected = [&](std::uint64_t r, std::uint64_t k) {
    const std::uint32_t code = codes[(r * 96 + k) / 2] >> (k % 2 * 4) & 15;
    const float value = e2m1[code & 7] * e8m0_to_float(scales[r * 3 + k / 32]);
    return code & 8 ? 0.0f - value : value;  // GGUF's block has no zero with a sign
  };
  check(c);
  c.packing.swap = {};
  scales[100] = 255;
  c.packing.scales = c.file.add(scales);
  Error error{};
  std::vector<float> values;
  CHECK(unpack(c, true, 0, 48, values, error) == Status::format);
  CHECK(std::string(error.text) == "tensor w: scale 1 of row 33 is NaN");
}

TEST_CASE("AWQ's codes go from columns to rows", "[format]") {
  for (const std::uint64_t group : {32, 64, 160}) {
    const Codes m(72, 160, group, 4, false, 11);
    for (const Type type : {Type::Q4_1, Type::F16, Type::F32}) {
      INFO(type_info(type)->name << " " << group);
      Case c = awq(m, type);
      check(c);
    }
  }
}

TEST_CASE("GPTQ's codes go from columns to rows", "[format]") {
  for (const std::uint32_t bits : {4u, 8u}) {
    for (const bool less_one : {false, true}) {
      for (const bool middle : {false, true}) {
        Codes m(72, 160, 32, bits, middle, 12 + bits);
        std::vector<Type> types = {Type::F16, Type::F32};
        if (bits == 4) types.push_back(Type::Q4_1);
        if (middle) types.push_back(bits == 4 ? Type::Q4_0 : Type::Q8_0);
        for (const Type type : types) {
          INFO(type_info(type)->name << " bits " << bits << " less one " << less_one << " middle "
                                     << middle);
          Case c = gptq(m, type, less_one);
          check(c);
        }
        m.mix_columns();
        for (const Type type : {Type::F16, Type::F32}) {
          INFO("act-order");
          Case c = gptq(m, type, less_one);
          c.packing.order = c.file.add(m.order_bytes());
          check(c);
        }
      }
    }
  }
}

TEST_CASE("GPTQ's last words may be half full", "[format]") {
  const Codes m(36, 64, 32, 8, false, 77);  // 36 rows: 9 words of zero points
  Case c = gptq(m, Type::F16, false);
  CHECK(first_wrong(c, true, 0, 36) == "");
  const Codes odd(27, 64, 32, 4, false, 78);
  Case d = gptq(odd, Type::Q4_1, true);
  for (const bool mapped : {true, false}) {
    CHECK(first_wrong(d, mapped, 0, 27) == "");
    CHECK(first_wrong(d, mapped, 25, 2) == "");
  }
}

TEST_CASE("codes packed along the rows, with and without zero points", "[format]") {
  for (const std::uint32_t bits : {4u, 8u}) {
    for (const bool middle : {false, true}) {
      const Codes m(72, 96, 32, bits, middle, 30 + bits), odd(48, 45, 45, bits, middle, 31 + bits);
      std::vector<Type> types = {Type::F16, Type::F32};
      if (bits == 4) types.push_back(Type::Q4_1);
      if (middle) types.push_back(bits == 4 ? Type::Q4_0 : Type::Q8_0);
      for (const Type type : types) {
        INFO(type_info(type)->name << " bits " << bits << " middle " << middle);
        Case c = packed_rows(m, type, !middle);
        check(c);
      }
      Case c = packed_rows(odd, Type::F16, !middle);
      check(c);
    }
  }
}

TEST_CASE("8-bit integers with a scale of each row, group or of all", "[format]") {
  for (const std::uint64_t group : {32, 96}) {
    const Codes middle(72, 96, group, 8, true, 40), moved(72, 96, group, 8, false, 41);
    for (const Type type : {Type::Q8_0, Type::F16, Type::F32}) {
      Case c = int8(middle, type, false);
      check(c);
    }
    for (const Type type : {Type::F16, Type::F32}) {
      Case c = int8(moved, type, true);
      check(c);
    }
  }
  Codes one(72, 96, 96, 8, true, 42);
  one.scale.assign(72, 0.125f);
  Case c = int8(one, Type::Q8_0, false);
  c.packing.group_rows = 72;
  check(c);
}

TEST_CASE("codes and scales that do not go with the type are refused", "[format]") {
  Error error{};
  std::vector<float> values;
  Codes m(24, 64, 32, 4, true, 50);
  SECTION("a group that is not there") {
    Case c = gptq(m, Type::F16, false);
    m.group_of[17] = 2;
    c.packing.order = c.file.add(m.order_bytes());
    CHECK(unpack(c, true, 0, 24, values, error) == Status::format);
    CHECK(std::string(error.text) == "tensor w: group 2 of column 17, expected 0 to 1");
  }
  SECTION("a negative group") {
    Case c = gptq(m, Type::F16, false);
    m.group_of[3] = 0xffffffffu;
    c.packing.order = c.file.add(m.order_bytes());
    CHECK(unpack(c, false, 5, 1, values, error) == Status::format);
    CHECK(std::string(error.text) == "tensor w: group -1 of column 3, expected 0 to 1");
  }
  SECTION("a zero point off the middle") {
    m.zero[9 * 2 + 1] = 7;
    Case c = gptq(m, Type::Q4_0, false);
    CHECK(unpack(c, true, 0, 9, values, error) == Status::ok);
    CHECK(unpack(c, true, 0, 24, values, error) == Status::format);
    CHECK(std::string(error.text) ==
          "tensor w: zero point 7 in row 9, expected 8 in a symmetric one");
  }
  SECTION("an offset beyond the largest half") {
    m.scale[3] = 60000.0f;
    Case c = gptq(m, Type::Q4_1, false);
    CHECK(unpack(c, true, 0, 24, values, error) == Status::format);
    CHECK(std::string(error.text) == "tensor w: -480000 in row 1 does not fit Q4_1");
  }
  SECTION("no memory") {
    Case c = gptq(m, Type::Q4_0, false);
    test::CountingAllocator heap;
    Allocator allocator(heap.host());
    ModelFiles files(allocator);
    const inlay_source source = c.file.source(true);
    REQUIRE(files.open(source, error) == Status::ok);
    Array<std::byte> scratch(allocator);
    Bytes out(c.tensor.bytes);
    heap.fail_at = heap.calls + 1;
    CHECK(unpack_rows(files, c.tensor, c.packing, 0, 24, out.data(), scratch, error) ==
          Status::memory);
    CHECK(unpack_rows(files, c.tensor, c.packing, 0, 24, out.data(), scratch, error) == Status::ok);
  }
}
