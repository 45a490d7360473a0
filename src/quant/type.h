// type.h - the tensor types inlay knows: number in the file, name, block shape.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay {

// Numbers are those of the GGUF format.
enum class Type : std::uint32_t {
#define INLAY_TYPE(id, name, file, elements, bytes) name = id,
#include "quant/types.inc"
#undef INLAY_TYPE
};

struct TypeInfo {
  const char* name;              // as the format writes it, "Q4_K"
  std::uint32_t block_elements;  // weights in a block
  std::uint32_t block_bytes;
};

// nullptr for a number that this build has no type for.
const TypeInfo* type_info(Type type);

// Why a number has no type here: "a retired type", "a type of ik_llama.cpp" ...; never nullptr.
const char* describe_missing_type(std::uint32_t id);

}  // namespace inlay
