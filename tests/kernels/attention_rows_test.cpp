// attention_rows_test.cpp - attention over pages: equal bits for any number of rows at once.
#include "kernels/attention_problems.h"

using namespace inlay;
using namespace inlay::test;

TEST_CASE("attention of a row does not depend on the rows beside it") {
  std::mt19937 random(5);
  const FlushDenormals flushed;
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    for_problems(random, true, [&](const Problem& p, Cells cells) {
      if (p.shape.rows == 1) return;
      const Floats together = attend(unit.f, cells, p);
      for (const std::uint32_t step : {1u, 2u, 5u}) {
        INFO(step << " rows at once");
        REQUIRE(first_difference(together, attend_by(unit.f, cells, p, step)) == "");
      }
    });
  }
}
