// attention_test.cpp - attention over pages: equal bits on every unit, for every group, window and
// type of cells.
#include "kernels/attention_problems.h"

using namespace inlay;
using namespace inlay::test;

TEST_CASE("attention has the same bits on every unit") {
  std::mt19937 random(1);
  for_units([&](const FloatKernels& law, const FloatKernels& unit) {
    for_problems(random, true, [&](const Problem& p, Cells cells) {
      REQUIRE(first_difference(attend(unit, cells, p), attend(law, cells, p)) == "");
    });
  });
}

TEST_CASE("attention has the bits of float cells with the numbers that its cells stand for") {
  std::mt19937 random(7);
  const FlushDenormals flushed;
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    for_problems(random, true, [&](const Problem& p, Cells cells) {
      Problem floats = p;
      floats.k = through_cells(cells.keys, p.k, p.shape.head_k);
      floats.v = through_cells(cells.values, p.v, p.shape.head_v);
      const Floats wanted = attend(unit.f, same(CellType::f32), floats);
      REQUIRE(first_difference(attend(unit.f, cells, p), wanted) == "");
    });
  }
}

TEST_CASE("attention of a head does not depend on the heads beside it") {
  std::mt19937 random(2);
  for (const Unit& unit : usable_units()) {
    for (const CellType type : cell_types) {
      INFO("unit " << unit.name << ", " << cell_name(type));
      const Problem p = make_problem(random, {9, 64, 80, 2, 0, 150, 1}, true, false);
      const Floats together = attend(unit.f, same(type), p);
      Floats apart;
      std::uint32_t h = 0;
      for (const std::uint32_t group : {1u, 2u, 1u, 5u}) {
        const Floats part = attend(unit.f, same(type), p, {0, 1, h, group});
        apart.insert(apart.end(), part.begin(), part.end());
        h += group;
      }
      REQUIRE(first_difference(together, apart) == "");
    }
  }
}

TEST_CASE("attention of a row does not read the cells that other rows alone see") {
  std::mt19937 random(6);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Unit& unit : usable_units()) {
    for (const std::uint32_t group : {1u, 3u, 4u}) {
      for (const std::uint32_t rows : {2u, 5u, 9u}) {
        INFO("unit " << unit.name << ", group " << group << ", rows " << rows);
        const Shape s{group, 40, 24, 1, 90, 126, rows};
        Problem p = make_problem(random, s, false, false);
        const Floats wanted = attend(unit.f, same(CellType::f32), p);
        // The first row's first cell and the last row's last.
        for (const std::uint32_t cell : {s.first, s.cells() - 1}) {
          for (std::uint32_t d = 0; d < s.head_k; ++d) p.k[cell * s.head_k + d] = infinity;
          for (std::uint32_t d = 0; d < s.head_v; ++d) p.v[cell * s.head_v + d] = -infinity;
        }
        const Floats got = attend(unit.f, same(CellType::f32), p);
        const std::size_t row = std::size_t{group} * s.head_v;
        const auto between = [&](const Floats& all) {
          return Floats(all.begin() + static_cast<std::ptrdiff_t>(row),
                        all.end() - static_cast<std::ptrdiff_t>(row));
        };
        REQUIRE(first_difference(between(got), between(wanted)) == "");
        REQUIRE(got.front() != got.front());
        REQUIRE(got.back() != got.back());
      }
    }
  }
}

TEST_CASE("attention is within its error bound of double precision") {
  std::mt19937 random(3);
  const FloatKernels f = usable_units().back().f;
  for_problems(random, false, [&](const Problem& p, Cells cells) {
    if (p.shape.first < p.shape.length) check_bound(f, cells, p);
  });
}

TEST_CASE("a block of values that is all NaN spoils its own outputs alone") {
  std::mt19937 random(8);
  for (const Unit& unit : usable_units()) {
    for (const CellType type : {CellType::q8_0, CellType::q4_0}) {
      INFO("unit " << unit.name << ", " << cell_name(type));
      const Problem p = make_problem(random, {4, 80, 80, 1, 0, 5}, false, false);
      const Pages keys(type, p.k, 80, p.shape);
      Pages values(type, p.v, 80, p.shape);
      const std::size_t block = cell_row_bytes(type, 32);
      std::memset(values.memory[0].data() + 3 * values.stride + block, 0xff, 2);  // a scale
      Floats out(4 * 80);
      run(unit.f, same(type), p, keys, values, whole(p.shape), out);
      for (std::uint32_t i = 0; i < 4 * 80; ++i) {
        REQUIRE((out[i] != out[i]) == (i % 80 / 32 == 1));
      }
    }
  }
}

TEST_CASE("a key of minus infinities has no weight, also where its last block is not full") {
  for (const Unit& unit : usable_units()) {
    for (const CellType type : {CellType::q8_0, CellType::q4_0}) {
      INFO("unit " << unit.name << ", " << cell_name(type));
      Problem p{
          {1, 20, 20, 1, 0, 3}, Floats(20, 1.0f), Floats(60, 1.0f), Floats(60, 3.0f), {}, 1.0f};
      for (std::uint32_t d = 0; d < 20; ++d) {
        p.k[20 + d] = -1e30f;  // beyond the scales that a half holds
        p.v[20 + d] = 5.0f;
      }
      REQUIRE(first_difference(attend(unit.f, {type, CellType::f32}, p), Floats(20, 3.0f)) == "");
    }
  }
}

TEST_CASE("attention over no cell gives zeros") {
  std::mt19937 random(4);
  for (const Unit& unit : usable_units()) {
    const Problem p = make_problem(random, {2, 16, 16, 1, 0, 0}, false, false);
    REQUIRE(first_difference(attend(unit.f, same(CellType::f32), p), Floats(32, 0.0f)) == "");
  }
}

TEST_CASE("attention follows scores that are far apart") {
  // One key matches the query strongly, in the first, a middle or the last page: its value is the
  // answer.
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    for (const std::uint32_t chosen : {0u, 70u, 199u}) {
      const Shape s{1, 16, 16, 1, 0, 200};
      Problem p{s, Floats(16, 10.0f), Floats(200 * 16, -1.0f), Floats(200 * 16, 0.0f), {}, 1.0f};
      for (std::uint32_t d = 0; d < 16; ++d) {
        p.k[chosen * 16 + d] = 1.0f;
        p.v[chosen * 16 + d] = 3.0f + static_cast<float>(d);
      }
      const Floats out = attend(unit.f, same(CellType::f32), p);
      for (std::uint32_t d = 0; d < 16; ++d) REQUIRE(out[d] == 3.0f + static_cast<float>(d));
    }
  }
}
