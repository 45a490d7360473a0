// type.cpp - the table behind Type, and the names of the types that have no place in it.
#include "quant/type.h"

namespace inlay {

const TypeInfo* type_info(Type type) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes)         \
  case Type::name: {                                        \
    static constexpr TypeInfo info{#name, elements, bytes}; \
    return &info;                                           \
  }
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return nullptr;
}

namespace {

struct MissingType {
  std::uint32_t id;
  const char* text;
};

constexpr MissingType missing_types[] = {
    // The format's own: this build has no code for those that types.inc does not list.
    {0, "F32, not built in"},
    {1, "F16, not built in"},
    {2, "Q4_0, not built in"},
    {3, "Q4_1, not built in"},
    {6, "Q5_0, not built in"},
    {7, "Q5_1, not built in"},
    {8, "Q8_0, not built in"},
    {9, "Q8_1, a type of activations, not of weights"},
    {10, "Q2_K, not built in"},
    {11, "Q3_K, not built in"},
    {12, "Q4_K, not built in"},
    {13, "Q5_K, not built in"},
    {14, "Q6_K, not built in"},
    {15, "Q8_K, a type of activations, not of weights"},
    {16, "IQ2_XXS, not built in"},
    {17, "IQ2_XS, not built in"},
    {18, "IQ3_XXS, not built in"},
    {19, "IQ1_S, not built in"},
    {20, "IQ4_NL, not built in"},
    {21, "IQ3_S, not built in"},
    {22, "IQ2_S, not built in"},
    {23, "IQ4_XS, not built in"},
    {24, "I8, not built in"},
    {25, "I16, not built in"},
    {26, "I32, not built in"},
    {27, "I64, not built in"},
    {28, "F64, not built in"},
    {29, "IQ1_M, not built in"},
    {30, "BF16, not built in"},
    {34, "TQ1_0, not built in"},
    {35, "TQ2_0, not built in"},
    {39, "MXFP4, not built in"},
    {40, "NVFP4, not built in"},
    {41, "Q1_0, not built in"},
    {42, "Q2_0, not built in"},
    // Taken out of the format.
    {4, "Q4_2, a retired type"},
    {5, "Q4_3, a retired type"},
    {31, "Q4_0_4_4, a retired type"},
    {32, "Q4_0_4_8, a retired type"},
    {33, "Q4_0_8_8, a retired type"},
    {36, "IQ4_NL_4_4, a retired type, or I2_S of ik_llama.cpp"},
    {37, "IQ4_NL_4_8, a retired type"},
    {38, "IQ4_NL_8_8, a retired type"},
    // Only that fork writes these.
    {97, "Q8_0_X4, a type of ik_llama.cpp"},
    {98, "Q8_1_X4, a type of ik_llama.cpp"},
    {99, "Q8_2_X4, a type of ik_llama.cpp"},
    {133, "Q6_0, a type of ik_llama.cpp"},
    {134, "IQ1_BN, a type of ik_llama.cpp"},
    {135, "IQ2_BN, a type of ik_llama.cpp"},
    {137, "IQ2_K, a type of ik_llama.cpp"},
    {138, "IQ3_K, a type of ik_llama.cpp"},
    {139, "IQ4_K, a type of ik_llama.cpp"},
    {140, "IQ5_K, a type of ik_llama.cpp"},
    {141, "IQ6_K, a type of ik_llama.cpp"},
    {144, "IQ4_KS, a type of ik_llama.cpp"},
    {145, "IQ2_KS, a type of ik_llama.cpp"},
    {146, "IQ4_KSS, a type of ik_llama.cpp"},
    {151, "Q8_KV, a type of ik_llama.cpp"},
    {152, "IQ5_KS, a type of ik_llama.cpp"},
    {153, "IQ2_KT, a type of ik_llama.cpp"},
    {154, "IQ3_KT, a type of ik_llama.cpp"},
    {155, "IQ4_KT, a type of ik_llama.cpp"},
    {156, "IQ3_KS, a type of ik_llama.cpp"},
    {157, "IQ2_KL, a type of ik_llama.cpp"},
    {158, "IQ1_KT, a type of ik_llama.cpp"},
};

}  // namespace

const char* describe_missing_type(std::uint32_t id) {
  if (type_info(static_cast<Type>(id))) return "built in";
  for (const MissingType& type : missing_types) {
    if (type.id == id) return type.text;
  }
  if (id >= 202 && id <= 399) return "a row-interleaved type of ik_llama.cpp";
  return "an unknown type";
}

}  // namespace inlay
