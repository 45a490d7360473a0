// cells_test.cpp - rows of the key-value cache as they are stored: the bytes of every type.

#include "kernels/cell_rows.h"

#include <limits>

#include "kernels/units.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr std::uint32_t sizes[] = {1, 7, 15, 16, 17, 20, 31, 32, 33, 45, 64, 80, 128, 511, 1024};
constexpr std::uint8_t untouched = 0xa5;

Bytes stored(const FloatKernels& f, CellType type, const Floats& x) {
  const auto n = static_cast<std::uint32_t>(x.size());
  const std::size_t bytes = cell_row_bytes(type, n);
  Bytes row(bytes + 64, untouched);
  f.store_cells(type, x.data(), n, row.data());
  for (std::size_t i = bytes; i < row.size(); ++i) REQUIRE(row[i] == untouched);
  row.resize(bytes);
  return row;
}

// Rows whose codes lie half way between two, with the largest magnitude of either sign first.
Floats ties(std::uint32_t n, float step, float first) {
  Floats x(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    const float size = static_cast<float>(i * 37 % 127) + 0.5f;
    x[i] = step * (i % 3 ? size : -size);
    if (i % 32 == 5) x[i] = first * step;
    if (i % 32 == 9) x[i] = -first * step;
  }
  return x;
}

std::vector<Floats> rows_of(std::mt19937& random, std::uint32_t n) {
  std::vector<Floats> rows = {normal_row(random, n),
                              wild_row(random, n, 20),
                              wild_row(random, n, 126),
                              normal_row(random, n, 0x1p-9),
                              normal_row(random, n, 0x1p-126),
                              normal_row(random, n, 1e30f),
                              Floats(n, 0.0f),
                              Floats(n, -0.0f),
                              Floats(n, 1e-44f),
                              Floats(n, -3.0f),
                              ties(n, 0.25f, 127.0f),
                              ties(n, 1.0f, -127.0f)};
  Floats nibbles(n);  // halves between the codes of four bits
  for (std::uint32_t i = 0; i < n; ++i) nibbles[i] = static_cast<float>(i % 33) * 0.5f - 8.0f;
  rows.push_back(nibbles);
  for (float& x : nibbles) x = -x;
  rows.push_back(nibbles);
  return rows;
}

void check_rows(std::mt19937& random) {
  for (const Unit& unit : usable_units()) {
    for (const std::uint32_t n : sizes) {
      for (const Floats& x : rows_of(random, n)) {
        for (const CellType type : cell_types) {
          INFO("unit " << unit.name << ", " << cell_name(type) << ", n " << n);
          REQUIRE(stored(unit.f, type, x) == encode_cell(type, x.data(), n));
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("bytes of a cell's row are those of whole blocks") {
  CHECK(cell_row_bytes(CellType::f32, 7) == 28);
  CHECK(cell_row_bytes(CellType::f16, 7) == 14);
  CHECK(cell_row_bytes(CellType::bf16, 80) == 160);
  CHECK(cell_row_bytes(CellType::q8_0, 1) == 34);
  CHECK(cell_row_bytes(CellType::q8_0, 80) == 3 * 34);
  CHECK(cell_row_bytes(CellType::q4_0, 32) == 18);
  CHECK(cell_row_bytes(CellType::q4_0, 33) == 36);
  CHECK(cell_row_bytes(CellType::q4_0, 0xffffffffu) == std::size_t{0x8000000} * 18);
}

TEST_CASE("cells are stored as the weight type of their name is encoded") {
  std::mt19937 random(5);
  check_rows(random);
  const FlushDenormals flushed;
  check_rows(random);
}

TEST_CASE("the tail of a cell's last block holds codes of zero") {
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    const Bytes q8 = stored(unit.f, CellType::q8_0, Floats(20, 2.0f));
    for (std::size_t i = 20; i < 32; ++i) CHECK(q8[2 + i] == 0);
    const Bytes q4 = stored(unit.f, CellType::q4_0, Floats(20, 2.0f));
    for (std::size_t i = 4; i < 16; ++i) CHECK(q4[2 + i] >> 4 == 8);
  }
}

TEST_CASE("a block with an infinity or a NaN becomes all NaN, its neighbours stay") {
  std::mt19937 random(6);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Unit& unit : usable_units()) {
    for (const float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
      for (const std::uint32_t at : {32u, 47u, 48u, 63u}) {
        for (const CellType type : {CellType::q8_0, CellType::q4_0}) {
          INFO("unit " << unit.name << ", " << cell_name(type) << ", " << bad << " at " << at);
          Floats x = normal_row(random, 96);
          const Floats before = decode_cell(type, stored(unit.f, type, x), 96);
          x[at] = bad;
          const Bytes row = stored(unit.f, type, x);
          REQUIRE(row == stored(usable_units()[0].f, type, x));
          const Floats after = decode_cell(type, row, 96);
          for (std::uint32_t i = 0; i < 96; ++i) {
            if (i / 32 == 1) {
              REQUIRE(after[i] != after[i]);
            } else {
              REQUIRE(after[i] == before[i]);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("numbers that are not finite stay what they are in float cells") {
  const float infinity = std::numeric_limits<float>::infinity();
  const Floats x = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 1.0f};
  for (const Unit& unit : usable_units()) {
    for (const CellType type : {CellType::f32, CellType::f16, CellType::bf16}) {
      INFO("unit " << unit.name << ", " << cell_name(type));
      REQUIRE(first_difference(decode_cell(type, stored(unit.f, type, x), 4), x) == "");
    }
  }
}
