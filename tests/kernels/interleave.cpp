// interleave.cpp - the order of 16 rows against its definition, byte by byte, and the way back.
#include "quant/interleave.h"

#include <set>

#include "reference/linear.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

TEST_CASE("interleave: rows and bytes come back, and nothing else is in between") {
  std::mt19937 random(1);
  for (const Type type : all_types()) {
    if (!can_interleave(type)) continue;
    INFO(type_info(type)->name);
    const std::uint32_t k = 3 * type_info(type)->block_elements, rows = 37;
    const std::size_t row_bytes = weight_row_bytes(type, k);
    std::vector<std::uint8_t> stored(row_bytes * rows), matrix;
    for (auto& byte : stored) byte = static_cast<std::uint8_t>(random());
    matrix = stored;
    for (std::uint32_t row = 0; row + 16 <= rows; row += 16) {
      interleave(type, stored.data() + row * row_bytes, row_bytes, matrix.data() + row * row_bytes);
    }
    REQUIRE(interleaved_part(rows) == 32);
    std::vector<std::uint8_t> row(row_bytes);
    for (std::uint32_t r = 0; r < rows; ++r) {
      take_row(type, matrix.data(), rows, row_bytes, r, row.data());
      REQUIRE(std::equal(row.begin(), row.end(), stored.begin() + r * row_bytes));
    }
    for (std::size_t at = 0; at < stored.size(); ++at) {
      REQUIRE(take_byte(type, matrix.data(), rows, row_bytes, at) == std::byte{stored[at]});
    }
    REQUIRE(std::multiset(matrix.begin(), matrix.end()) ==
            std::multiset(stored.begin(), stored.end()));
  }
}

TEST_CASE("interleave: words of Q4_0 lie row after row behind the 16 scales") {
  std::vector<std::uint8_t> rows(16 * 18), out(16 * 18);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<std::uint8_t>(i / 18 * 16 + i % 18 / 2);  // row, place
  }
  interleave(Type::Q4_0, rows.data(), 18, out.data());
  for (std::size_t r = 0; r < 16; ++r) {
    REQUIRE(out[2 * r] == r * 16);
    for (std::size_t word = 0; word < 4; ++word) {
      REQUIRE(out[32 + word * 64 + r * 4] == r * 16 + 1 + 2 * word);
      REQUIRE(out[32 + word * 64 + r * 4 + 2] == r * 16 + 2 + 2 * word);
    }
  }
}
