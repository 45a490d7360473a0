// arch.h - the table of model families.
#pragma once

#include <string_view>

#include "graph/graph.h"

namespace inlay {

// Records one family's program; errors stick in the graph.
using RecordArchitecture = void (*)(const Meta& meta, Graph& graph);

namespace arch {
#define INLAY_ARCH(name) void name(const Meta& meta, Graph& graph);
#include "arch/arch.inc"
#undef INLAY_ARCH
}  // namespace arch

// nullptr when no family has this name.
RecordArchitecture find_architecture(std::string_view name);

}  // namespace inlay
