// explain.h - the program as text, for people.
#pragma once

#include "base/array.h"
#include "graph/meta.h"
#include "graph/program.h"

namespace inlay {

// One line for each instruction: index, layer, op, shapes, weight name and type. `name` gives the
// name of a tensor by its index in the file.
Status explain(const Program& program, const void* file,
               std::string_view (*name)(const void* file, std::uint32_t tensor), Array<char>& text);

}  // namespace inlay
