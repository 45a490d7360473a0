// encode.cpp - the table of encoders over all types.
#include "quant/encode.h"

#include "quant/types.h"

namespace inlay {

static bool all_finite(const float* x, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!(magnitude(x[i]) <= 3.40282347e+38f)) return false;
  }
  return true;
}

template <class Q>
concept EncodesNumbers = requires(const float* x, void* row) {
  Q::encode(x, x, 1u, row);
};
template <class Q>
concept EncodesBlocks = requires(const float* x, typename Q::Block& block) {
  Q::encode_block(x, x, block);
};
template <class Q>
concept Encodes = EncodesNumbers<Q> || EncodesBlocks<Q>;

// Types whose scales end at a number have its name; those of the others become infinite.
template <class Q>
static bool reaches(const float* x, std::uint32_t k) {
  if constexpr (requires { Q::largest; }) {
    for (std::uint32_t i = 0; i < k; ++i) {
      if (magnitude(x[i]) > Q::largest) return false;
    }
  }
  return true;
}

template <class Q>
static bool encode_as(const float* x, const float* importance, std::uint32_t k, void* out) {
  if constexpr (Encodes<Q>) {
    if (k % Q::elements != 0 || !all_finite(x, k) || !reaches<Q>(x, k)) return false;
    if (importance && !all_finite(importance, k)) return false;
    if constexpr (EncodesBlocks<Q>) {
      encode_blocks<Q>(x, importance, k, out);
    } else {
      Q::encode(x, importance, k, out);
    }
    return true;
  }
  return false;
}

bool encode_row(Type type, const float* x, const float* importance, std::uint32_t k, void* out) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return encode_as<name>(x, importance, k, out);
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return false;
}

bool has_encoder(Type type) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return Encodes<name>;
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return false;
}

}  // namespace inlay
