// carver.h - lays arrays out in one block: run once to measure, once more to hand out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/checked.h"

namespace inlay {

// With a null block only the size is counted. Every array starts at a multiple of 64 bytes.
class Carver {
 public:
  explicit Carver(void* block = nullptr) : block_(static_cast<std::byte*>(block)) {}

  template <class T>
  T* take(std::uint64_t count) {
    std::uint64_t bytes = 0, padded = 0, end = 0;
    fits_ = fits_ && checked_mul(count, sizeof(T), bytes) && checked_align(bytes, 64, padded) &&
            checked_add(size_, padded, end);
    if (!fits_) return nullptr;
    auto* result = block_ ? reinterpret_cast<T*>(block_ + size_) : nullptr;
    size_ = end;
    return result;
  }

  std::uint64_t size() const { return size_; }
  bool fits() const { return fits_; }  // no size has wrapped

 private:
  std::byte* block_;
  std::uint64_t size_ = 0;
  bool fits_ = true;
};

}  // namespace inlay
