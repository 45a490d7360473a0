// units.h - the instruction set units a model can be opened with, for the interface above.
#pragma once

#include "backend/cpu/units.h"

namespace inlay {

inline std::uint32_t unit_count() { return cpu_unit_count(); }
inline const char* unit_name(std::uint32_t index) { return cpu_unit_name(index); }
inline bool unit_usable(std::uint32_t index) { return cpu_unit_usable(index); }

}  // namespace inlay
