// kernels.cpp - speed of the matrix products of every unit, one thread: operations and weight bytes
// a second for each type and number of tokens.
//
//   bench_kernels [--unit avx2] [--type Q4_K] [--k 4096] [--tokens 1,8,64] [--megabytes 600]
//                 [--interleaved]
//
// The weights are larger than caches by default. Types whose blocks do not divide k are left out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "base/flush_denormals.h"
#include "isa/isa.h"
#include "quant/activation.h"
#include "quant/interleave.h"

namespace {

using namespace inlay;

constexpr const char* usage =
    "bench_kernels [--unit avx2] [--type Q4_K] [--k 4096] [--tokens 1,8,64] [--megabytes 600] "
    "[--interleaved]";
constexpr std::uint32_t rows_per_call = 64;
constexpr double seconds_per_figure = 0.3;  // of processor time

// Of the processor, so that other programs disturb less.
double seconds_now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// 64-byte aligned, so that figures do not depend on the heap.
struct Buffer {
  explicit Buffer(std::size_t size) : bytes(new std::uint8_t[size + 64]) {
    data = bytes.get() + (64 - reinterpret_cast<std::uintptr_t>(bytes.get()) % 64) % 64;
  }
  std::unique_ptr<std::uint8_t[]> bytes;
  std::uint8_t* data;
};

struct Figures {
  double giga_operations;  // 2 for each weight and token
  double giga_bytes;       // of weights
};

Figures measure(const KernelTable& unit, Type type, std::uint32_t k, std::uint32_t tokens,
                bool interleaved, const Buffer& weights, std::size_t size) {
  const TypeInfo& info = *type_info(type);
  const Activation form = activation_of(type);
  const bool blocks = lies_in_blocks(form);
  const std::size_t row_bytes = activation_row_bytes(form, k);
  const std::size_t next = blocks ? activation_block_bytes : row_bytes;
  const std::size_t stride = blocks ? tokens * activation_block_bytes : row_bytes;
  Buffer x(row_bytes * tokens);
  std::vector<float> values(k), y(std::size_t{tokens} * rows_per_call);
  for (std::uint32_t t = 0; t < tokens; ++t) {
    for (std::uint32_t i = 0; i < k; ++i)
      values[i] = static_cast<float>((i * 37 + t * 11) % 101) - 50;
    unit.quantize[static_cast<int>(form)](values.data(), k, x.data + t * next, stride);
  }
  LinearTask task{};
  task.row_bytes = std::size_t{k} / info.block_elements * info.block_bytes;
  task.x = x.data;
  task.x_stride = stride;
  task.y = y.data();
  task.y_stride = rows_per_call;
  task.k = k;
  task.row_end = rows_per_call;
  task.tokens = tokens;
  task.interleaved = interleaved && unit.takes_interleaved && can_interleave(type);
  const std::size_t call_bytes = task.row_bytes * rows_per_call;
  double rows = 0, seconds = 0;
  std::size_t at = 0;
  const double start = seconds_now();
  do {
    if (at + call_bytes > size) at = 0;
    task.weights = weights.data + at;
    at += call_bytes;
    unit.linear[type_index(type)](task);
    rows += rows_per_call;
    seconds = seconds_now() - start;
  } while (seconds < seconds_per_figure);
  return {2.0 * rows * k * tokens / seconds * 1e-9,
          rows * static_cast<double>(task.row_bytes) / seconds * 1e-9};
}

// Any bytes do as codes; what would be infinite or NaN as a float is avoided.
void fill(const Buffer& weights, std::size_t size) {
  std::uint64_t state = 1;
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t word = (state ^ state >> 29) & 0xbfbfbfbfbfbfbfbfu;
    std::memcpy(weights.data + i, &word, 8);
  }
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words, usage);
  const std::string only_unit = arguments.take_word("--unit", "all");
  const std::string only_type = arguments.take_word("--type", "all");
  const std::uint32_t k = arguments.take_number("--k", 4096);
  const std::vector<std::uint32_t> tokens = arguments.take_list("--tokens", {1, 8, 64});
  const std::size_t size = std::size_t{arguments.take_number("--megabytes", 600)} << 20;
  const bool interleaved = arguments.take_flag("--interleaved");
  arguments.take_end();
  const FlushDenormals flushed;
  Buffer weights(size);
  fill(weights, size);
  std::printf("one thread, k = %u, weights %zu MB\n%-8s %-6s", k, size >> 20, "unit", "type");
  for (const std::uint32_t t : tokens) std::printf(" %14u token%c", t, t > 1 ? 's' : ' ');
  std::printf("\n");
  for (std::uint32_t i = 0; i < isa_count(); ++i) {
    if (!isa_usable(i) || (only_unit != "all" && only_unit != isa_name(i))) continue;
#define INLAY_TYPE(id, name, file, elements, bytes)                                         \
  if ((only_type == "all" || only_type == #name) && k % (elements) == 0) {                  \
    std::printf("%-8s %-6s", isa_name(i), #name);                                           \
    for (const std::uint32_t t : tokens) {                                                  \
      const Figures f =                                                                     \
          measure(*isa_kernels(isa_name(i)), Type::name, k, t, interleaved, weights, size); \
      std::printf(" %6.1f GOP/s %5.1f GB/s", f.giga_operations, f.giga_bytes);              \
      std::fflush(stdout);                                                                  \
    }                                                                                       \
    std::printf("\n");                                                                      \
  }
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return 0;
}
