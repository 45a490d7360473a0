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
static bool encode_as(const float* x, std::uint32_t k, void* out) {
  if (k % Q::elements != 0 || !all_finite(x, k)) return false;
  Q::encode(x, k, out);
  return true;
}

bool encode_row(Type type, const float* x, std::uint32_t k, void* out) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return encode_as<name>(x, k, out);
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return false;
}

}  // namespace inlay
