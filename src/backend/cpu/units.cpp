// units.cpp - the backend's view of isa/.
#include "backend/cpu/units.h"

#include "isa/isa.h"

namespace inlay {

std::uint32_t cpu_unit_count() { return isa_count(); }
const char* cpu_unit_name(std::uint32_t index) { return isa_name(index); }
bool cpu_unit_usable(std::uint32_t index) { return isa_usable(index); }
const KernelTable* cpu_unit(const char* name) { return name ? isa_kernels(name) : isa_best(); }
const char* cpu_unit_name(const KernelTable& unit) { return unit.name; }

}  // namespace inlay
