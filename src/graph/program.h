// program.h - the flat program an architecture records: instructions that hold indices, no
// pointers.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "quant/activation.h"
#include "quant/type.h"

namespace inlay {

// The closed set of words a model is written in. Shapes: T tokens of the chunk, R rows wanted.
enum class Op : std::uint8_t {
#define INLAY_OP(name) name,
#include "graph/ops.inc"
#undef INLAY_OP
};

using ValueId = std::uint16_t;
using WeightId = std::uint16_t;
inline constexpr ValueId no_value = 0xffff;
inline constexpr WeightId no_weight = 0xffff;
inline constexpr std::uint16_t no_layer = 0xffff;
inline constexpr std::uint32_t no_tensor = 0xffffffffu;

// What the numbers mean for each op stands in ops.inc.
struct Instruction {
  Op op;
  std::uint8_t kind;
  std::uint16_t layer;
  ValueId out, a, b;
  WeightId weight, bias;
  std::uint16_t slot;
  std::uint32_t n0, n1;
  float f0, f1;
};
static_assert(sizeof(Instruction) == 32);

enum class Rows : std::uint8_t { tokens, wanted };

// A matrix of activations: `width` columns of a storage from `column` on.
struct ValueInfo {
  std::uint16_t storage;
  Activation form;  // of its rows; columns other than all of them only in f32
  std::uint32_t column;
  std::uint32_t width;
};

// Memory for the rows of values.
struct StorageInfo {
  std::uint32_t row_bytes;  // a multiple of 64; of the logits exactly 4 * width
  Rows rows;
  std::uint32_t first, last;  // instructions that write it first and touch it last; never_used
};
inline constexpr std::uint32_t never_used = 0xffffffffu;

// A tensor of the file as the program uses it. Matrices stay as stored, vectors become F32.
struct WeightInfo {
  std::uint32_t tensor;  // index in the file's list
  Type type;             // as stored
  bool matrix;
  std::uint32_t rows;                      // n: outputs (1 for a vector)
  std::uint32_t columns;                   // k: inputs
  std::uint64_t row_bytes;                 // as stored
  std::uint64_t bytes;                     // as used: n * row_bytes, or 4 * columns for a vector
  std::uint32_t scale_tensor = no_tensor;  // one F32 that multiplies the whole matrix
};

// One layer's place in a page of the key/value cache, in elements of one token.
struct KvSlot {
  std::uint32_t kv_heads, head_k, head_v;
};

// An input of one or more matrices whose squares a session sums up, column by column.
struct Observed {
  std::uint32_t columns;
  Rows rows;
  std::uint64_t first;  // its columns in the sums of a session begin here
};

struct Program {
  explicit Program(Allocator& allocator)
      : code(allocator),
        values(allocator),
        storages(allocator),
        weights(allocator),
        kv_slots(allocator),
        observed(allocator) {}

  Array<Instruction> code;
  Array<ValueInfo> values;
  Array<StorageInfo> storages;
  Array<WeightInfo> weights;
  Array<KvSlot> kv_slots;
  Array<Observed> observed;   // empty: nothing is observed
  ValueId logits = no_value;  // (R, vocabulary)
  std::uint32_t vocabulary = 0;

  std::uint64_t observed_columns() const {  // of all observed inputs
    return observed.empty() ? 0 : observed.back().first + observed.back().columns;
  }
};

const char* op_name(Op op);

}  // namespace inlay
