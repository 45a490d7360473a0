// units.h - the float kernels of every instruction set this machine can run, for tests.
#pragma once

#include <string>
#include <vector>

#include "base/flush_denormals.h"
#include "isa/isa.h"

namespace inlay::test {

struct Unit {
  std::string name;
  FloatKernels f;
};

// The scalar unit, the law, is the first.
inline std::vector<Unit> usable_units() {
  std::vector<Unit> units;
  for (std::uint32_t i = 0; i < isa_count(); ++i) {
    if (isa_usable(i)) units.push_back({isa_name(i), isa_kernels(isa_name(i))->f});
  }
  return units;
}

// Runs `check(scalar, unit)` for each other unit, with denormals as they are and flushed.
template <class Check>
void for_units(Check check) {
  const std::vector<Unit> units = usable_units();
  for (std::size_t i = 1; i < units.size(); ++i) {
    INFO("unit " << units[i].name);
    {
      INFO("denormals kept");
      check(units[0].f, units[i].f);
    }
    INFO("denormals flushed");
    const FlushDenormals flushed;
    check(units[0].f, units[i].f);
  }
}

}  // namespace inlay::test
