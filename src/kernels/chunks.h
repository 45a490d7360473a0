// chunks.h - a row of floats taken sixteen at a time, with its shorter end.
#pragma once

#include <cstdint>

namespace inlay::INLAY_ISA {

// How one chunk is loaded and stored: all 16 lanes, or the first n with zeros in the others.
struct WholeChunk {
  INLAY_FORCE_INLINE F32x16 load(const float* p) const { return F32x16::load(p); }
  INLAY_FORCE_INLINE F32x16 load(const std::uint16_t* p) const { return F32x16::load_half(p); }
  INLAY_FORCE_INLINE void store(F32x16 v, float* p) const { v.store(p); }
  INLAY_FORCE_INLINE void store(F32x16 v, std::uint16_t* p) const { v.store_half(p); }
  INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) const {
    return F32x16::load_bfloat(p);
  }
  INLAY_FORCE_INLINE void store_bfloat(F32x16 v, std::uint16_t* p) const { v.store_bfloat(p); }
  INLAY_FORCE_INLINE F32x16 keep(F32x16 v) const { return v; }
};
struct PartChunk {
  std::uint32_t n;
  INLAY_FORCE_INLINE F32x16 load(const float* p) const { return F32x16::load_partial(p, n); }
  INLAY_FORCE_INLINE F32x16 load(const std::uint16_t* p) const {
    return F32x16::load_half_partial(p, n);
  }
  INLAY_FORCE_INLINE void store(F32x16 v, float* p) const { v.store_partial(p, n); }
  INLAY_FORCE_INLINE void store(F32x16 v, std::uint16_t* p) const { v.store_half_partial(p, n); }
  INLAY_FORCE_INLINE F32x16 load_bfloat(const std::uint16_t* p) const {
    return F32x16::load_bfloat_partial(p, n);
  }
  INLAY_FORCE_INLINE void store_bfloat(F32x16 v, std::uint16_t* p) const {
    v.store_bfloat_partial(p, n);
  }
  // Zero in the lanes beyond the end.
  INLAY_FORCE_INLINE F32x16 keep(F32x16 v) const {
    return select(first_lanes(n), v, F32x16::zero());
  }
};

// Calls f(offset, chunk) for the chunks of n elements, in ascending order.
template <class Function>
static INLAY_FORCE_INLINE void for_chunks(std::uint32_t n, Function f) {
  std::uint32_t i = 0;
  for (; n - i >= 16; i += 16) f(i, WholeChunk{});
  if (i < n) f(i, PartChunk{n - i});
}

}  // namespace inlay::INLAY_ISA
