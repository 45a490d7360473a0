// record.h - runs an architecture once, on metadata only.
#pragma once

#include "graph/meta.h"
#include "graph/program.h"

namespace inlay {

// Records, fuses and times the program of the file's architecture. observed: with observers of the
// inputs of all matrix products.
// Errors: unsupported (no such family), format (keys and tensors that do not fit it).
Status record_program(const FileView& file, Program& program, Error& error, bool observed = false);

}  // namespace inlay
