// linear.h - what matrix products must give: the double-precision oracle with its error bound, and
// weights, activations and guarded memory to try kernels on.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/flush_denormals.h"
#include "isa/isa.h"
#include "quant/activation.h"
#include "quant/dequantize.h"
#include "quant/encode.h"
#include "quant/types.h"

#if defined(__unix__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace inlay::test {

inline const std::vector<Type>& all_types() {
  static const std::vector<Type> types = {
#define INLAY_TYPE(id, name, file, elements, bytes) Type::name,
#include "quant/types.inc"
#undef INLAY_TYPE
  };
  return types;
}

inline std::vector<const KernelTable*> usable_tables() {
  std::vector<const KernelTable*> units;
  for (std::uint32_t i = 0; i < isa_count(); ++i) {
    if (const KernelTable* table = isa_kernels(isa_name(i))) units.push_back(table);
  }
  return units;
}

// Bytes whose end is the end of readable memory (where the system can do that), so that a kernel
// that reads beyond its weights fails.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t size) : size_(size) {
#if defined(__unix__)
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (size + page - 1) / page * page + page;
    void* p = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::uint8_t*>(p);
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    begin_ = base_ + mapped_ - page - size;
#else
    begin_ = base_ = new std::uint8_t[size];
#endif
  }
  ~GuardedBytes() {
#if defined(__unix__)
    munmap(base_, mapped_);
#else
    delete[] base_;
#endif
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::uint8_t* data() const { return begin_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t* base_ = nullptr;
  std::uint8_t* begin_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};

// 64-byte aligned rows of activations in the form of a type.
class Activations {
 public:
  Activations(const KernelTable& unit, Type type, const std::vector<float>& x, std::uint32_t k) {
    const Activation form = activation_of(type);
    const std::size_t tokens = x.size() / k, row_bytes = activation_row_bytes(form, k);
    next_row_ = lies_in_blocks(form) ? activation_block_bytes : row_bytes;
    stride_ = lies_in_blocks(form) ? tokens * activation_block_bytes : row_bytes;
    bytes_.resize(tokens * row_bytes + 64);
    for (std::size_t t = 0; t < tokens; ++t) {
      unit.quantize[static_cast<int>(form)](x.data() + t * k, k, row(t), stride_);
    }
  }
  std::uint8_t* row(std::size_t t) {
    const auto at = reinterpret_cast<std::uintptr_t>(bytes_.data());
    return bytes_.data() + (64 - at % 64) % 64 + t * next_row_;
  }
  std::size_t stride() const { return stride_; }  // LinearTask::x_stride

 private:
  std::size_t next_row_, stride_;
  std::vector<std::uint8_t> bytes_;
};

inline std::size_t weight_row_bytes(Type type, std::uint32_t k) {
  const TypeInfo& info = *type_info(type);
  return std::size_t{k} / info.block_elements * info.block_bytes;
}

// ---- The oracle
// ------------------------------------------------------------------------------------

// One row of weights exactly, in double: value[i], and size[i] >= |each part it is the sum of|.
struct ExactRow {
  Eigen::RowVectorXd value, size;
};

template <class Q>
ExactRow exact_row(const std::uint8_t* row, std::uint32_t k) {
  ExactRow exact{Eigen::RowVectorXd(k), Eigen::RowVectorXd(k)};
  if constexpr (Q::elements == 1) {
    std::vector<float> w(k);
    Q::dequantize(row, k, w.data());
    for (std::uint32_t i = 0; i < k; ++i) exact.value[i] = w[i];
    exact.size = exact.value.cwiseAbs();
  } else {
    for (std::uint32_t i = 0; i < k; ++i) {
      NormalBlock b;
      Q::unpack(row + i / Q::elements * sizeof(typename Q::Block), b);
      const std::uint32_t at = i % Q::elements, span = at / Q::span, sub = at / Q::sub;
      const double s = has_float_scales<Q> ? 1.0 : b.s[sub];
      const double scaled = double(b.d[span]) * s * b.q[at];
      double min = 0.0;
      if constexpr (Q::has_min) min = double(b.m[span]) * (has_float_scales<Q> ? 1.0 : b.t[sub]);
      exact.value[i] = scaled - min;
      exact.size[i] = std::abs(scaled) + std::abs(min);
    }
  }
  return exact;
}

inline ExactRow exact_row(Type type, const std::uint8_t* row, std::uint32_t k) {
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return exact_row<name>(row, k);
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return {};
}

// Weights that share one float scale; 1 for the types that are no blocks.
inline std::uint32_t span_of(Type type) {
  const auto span = []<class Q>(const Q*) -> std::uint32_t {
    if constexpr (Q::elements == 1) {
      return 1;
    } else {
      return Q::span;
    }
  };
  switch (type) {
#define INLAY_TYPE(id, name, file, elements, bytes) \
  case Type::name:                                  \
    return span(static_cast<const name*>(nullptr));
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  return 1;
}

// The largest rounding error of each activation. q8: the code is x * (127 / max) after two
// roundings, so at most 127 * 2^-22 away from the exact quotient, then at most a half from an
// integer; the scale is rounded once: |x - scale * code| <= scale * (1/2 + 127 * 2^-22 + 127 *
// 2^-23) < 0.5001 * scale. bf16 has 8 significant bits: at most 2^-8 |x| (2^-9 below the middle of
// a binade).
inline Eigen::VectorXd activation_error(Activation form, const float* x, std::uint32_t k) {
  Eigen::VectorXd error = Eigen::VectorXd::Zero(k);
  const std::uint32_t block = form == Activation::q8_32 ? 32 : form == Activation::q8_256 ? 256 : 1;
  for (std::uint32_t begin = 0; block > 1 && begin < k; begin += block) {
    double largest = 0;
    for (std::uint32_t i = 0; i < block; ++i) {
      largest = std::max(largest, std::abs(double(x[begin + i])));
    }
    error.segment(begin, block).setConstant(0.5001 * largest / 127);
  }
  if (form == Activation::bf16) {
    for (std::uint32_t i = 0; i < k; ++i) error[i] = std::abs(double(x[i])) / 256;
  }
  return error;
}

struct Bounded {
  double value;
  double bound;  // largest |difference| a right kernel can have
};

// One output. With u = 2^-24 and n roundings on the longest way of a term to the result, the sum of
// terms is off by at most n u / (1 - n u) times the sum of their magnitudes (Higham, "Accuracy and
// Stability of Numerical Algorithms", 3.1). Quantized: a span's term has one rounding for d *
// scale, one for float(integer) and then one for each span's step (two steps with minima). Floats:
// one for each element of its lane, then four of the tree. `exact_x`: the activations are codes
// already.
inline Bounded reference_dot(Type type, const ExactRow& w, const float* x, bool exact_x) {
  const auto k = static_cast<std::uint32_t>(w.value.size());
  const Activation form = activation_of(type);
  const Eigen::VectorXd xd = Eigen::Map<const Eigen::VectorXf>(x, k).cast<double>();
  Eigen::VectorXd error = activation_error(form, x, k);
  if (exact_x) error.setZero();
  const std::uint32_t span = span_of(type);
  const double steps = span == 1 ? (k + 31) / 32 * 2 + 4 : 2.0 * k / span + 2;
  const double u = 0x1p-24;
  const double gamma = steps * u / (1 - steps * u);
  const double tiny = k * 0x1p-120;  // products below the normal numbers
  return {w.value.dot(xd), w.value.cwiseAbs().dot(error) +
                               gamma * w.size.dot((xd.cwiseAbs() + error).eval()) + tiny};
}

}  // namespace inlay::test
