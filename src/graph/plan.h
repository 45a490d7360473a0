// plan.h - what follows from a recorded program: fusing, observing, and exact memory.
#pragma once

#include "graph/program.h"

namespace inlay {

// Joins an addition to the linear that feeds it (out = a W^T + bias, then + b in the same call), so
// that the sum is not written twice. The bits do not change.
void fuse(Program& program);

// Puts an observe before the products (and before the rounding of their input, where there is one);
// products with the same input share it. Their slots name the sums. Only fails for memory.
Status observe(Program& program);

// Sets first and last of every storage; to be called when the code is final.
void find_lifetimes(Program& program);

// Offsets of every storage in one arena for at most `tokens` and `wanted` rows; *bytes is its size.
// Storages that never live at the same time share memory. `allocator`: for working memory.
Status place(const Program& program, Allocator& allocator, std::uint32_t tokens,
             std::uint32_t wanted, std::uint64_t* offsets, std::uint64_t* bytes);

}  // namespace inlay
