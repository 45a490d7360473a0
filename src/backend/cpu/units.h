// units.h - the instruction set units this backend can run on.
#pragma once

#include <cstdint>

namespace inlay {

struct KernelTable;

std::uint32_t cpu_unit_count();
const char* cpu_unit_name(std::uint32_t index);  // zero-terminated; nullptr past the end
bool cpu_unit_usable(std::uint32_t index);

// By name, or the best one for nullptr; nullptr when this processor cannot run it.
const KernelTable* cpu_unit(const char* name);
const char* cpu_unit_name(const KernelTable& unit);

}  // namespace inlay
