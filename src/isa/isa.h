// isa.h - which instruction set units are in this library, and which of them this processor can
// run.
#pragma once

#include <cstdint>

#include "kernels/kernel_table.h"

namespace inlay {

// Units compiled in, slowest first; there is at least the scalar one.
std::uint32_t isa_count();

// Zero-terminated; nullptr past the end.
const char* isa_name(std::uint32_t index);

// False past the end.
bool isa_usable(std::uint32_t index);

// The table of a unit by its name; nullptr when there is no such unit or it is not usable here.
const KernelTable* isa_kernels(const char* name);

// The table of the fastest usable unit.
const KernelTable* isa_best();

}  // namespace inlay
