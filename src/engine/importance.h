// importance.h - the importance matrix of a session, as a file.
#pragma once

#include <cstdint>

#include "base/status.h"

namespace inlay {

class Model;

// What a session has seen. Each column's squares are added as doubles in the order in which the
// rows were computed, one after the other: the sums depend on nothing but that order.
struct Importance {
  const double* sums;     // (program.observed_columns())
  std::uint64_t tokens;   // rows of what is computed for every token
  std::uint64_t wanted;   // of what is computed for rows of logits only
  std::uint32_t context;  // tokens of one sequence
};

// Writes GGUF of general.type "imatrix", in the form of llama.cpp: for every matrix that multiplied
// at least one row, in the order of the program, <tensor>.in_sum2 (F32, k: sums of squares of its
// inputs) and <tensor>.counts (F32, 1: rows). Keys: imatrix.datasets (no texts), .chunk_count and
// .chunk_size (tokens in pieces of the context). Errors: STATE (the model was opened without
// importance, or nothing was computed yet), FORMAT (a sum is no finite float), IO, CANCELLED,
// MEMORY.
Status write_importance(const Model& model, const Importance& seen, const inlay_sink& sink,
                        Error& error);

}  // namespace inlay
