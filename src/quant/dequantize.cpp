// dequantize.cpp - the tables over all types: rows to floats, and the activation form of each.
#include "quant/dequantize.h"

#include "quant/types.h"

namespace inlay {

#define INLAY_TYPE(id, name, file, block_elements, block_bytes)        \
  static_assert(name::elements == block_elements, #name ": elements"); \
  static_assert(sizeof(name::Block) == block_bytes, #name ": bytes");
#include "quant/types.inc"
#undef INLAY_TYPE

// Numbers that stand alone have their own way to floats, blocks all go by way of the normal form.
template <class Q>
static void dequantize_as(const void* row, std::uint32_t k, float* out) {
  if constexpr (Q::elements == 1) {
    Q::dequantize(row, k, out);
  } else {
    dequantize_blocks<Q>(row, k, out);
  }
}

void dequantize_row(Type type, const void* row, std::uint32_t k, float* out) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return dequantize_as<name>(row, k, out);
#include "quant/types.inc"
#undef INLAY_TYPE
  }
}

Activation activation_of(Type type) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return name::activation;
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return Activation::f32;
}

}  // namespace inlay
