// kernel_calls.cpp - a number of calls of one matrix product and nothing else, for programs that
// count instructions: scripts/count_instructions.
//
//   kernel_calls unit type tokens calls     16 rows of 4096 weights a call
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/flush_denormals.h"
#include "isa/isa.h"
#include "quant/activation.h"

namespace {

using namespace inlay;

constexpr std::uint32_t k = 4096, rows = 16;

struct alignas(64) Line {
  std::uint8_t bytes[64];
};
using Lines = std::vector<Line>;
Lines lines_for(std::size_t bytes) { return Lines(bytes / 64 + 1); }

Type type_named(const char* wanted) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  if (std::strcmp(wanted, #name) == 0) return Type::name;
#include "quant/types.inc"
#undef INLAY_TYPE
  std::fprintf(stderr, "no type %s\n", wanted);
  std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: kernel_calls unit type tokens calls\n");
    return 1;
  }
  const KernelTable* unit = isa_kernels(arguments[1]);
  if (!unit) {
    std::fprintf(stderr, "no unit %s here\n", arguments[1]);
    return 1;
  }
  const Type type = type_named(arguments[2]);
  const TypeInfo& info = *type_info(type);
  const Activation form = activation_of(type);
  const FlushDenormals flushed;

  LinearTask task{};
  task.k = k;
  task.row_end = task.y_stride = rows;
  task.tokens = static_cast<std::uint32_t>(std::atoi(arguments[3]));
  task.scale = 1.0f;
  task.row_bytes = std::size_t{k} / info.block_elements * info.block_bytes;
  const std::size_t row_bytes = activation_row_bytes(form, k);
  const std::size_t next = lies_in_blocks(form) ? activation_block_bytes : row_bytes;
  task.x_stride = lies_in_blocks(form) ? task.tokens * activation_block_bytes : row_bytes;
  const Lines weights = lines_for(task.row_bytes * rows);
  Lines x = lines_for(row_bytes * task.tokens);
  std::vector<float> values(k), y(std::size_t{task.tokens} * rows);
  for (std::uint32_t i = 0; i < k; ++i) values[i] = static_cast<float>(i * 37 % 101) - 50;
  for (std::uint32_t t = 0; t < task.tokens; ++t) {
    unit->quantize[static_cast<int>(form)](values.data(), k, x.data()->bytes + t * next,
                                           task.x_stride);
  }
  task.weights = weights.data();
  task.x = x.data();
  task.y = y.data();
  for (int call = std::atoi(arguments[4]); call > 0; --call) {
    unit->linear[type_index(type)](task);
  }
  return 0;
}
