// array.h - a growable array whose growth may fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/allocator.h"
#include "base/status.h"

namespace inlay {

// Elements move by move construction. All growing calls return Status::memory when memory is out
// and leave the array as it was. Indexing is unchecked: check sizes where data comes in.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(Allocator& allocator) : allocator_(&allocator) {}
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    if (this != &other) {
      Array moved(std::move(other));
      swap(moved);
    }
    return *this;
  }
  ~Array() { reset(); }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }
  operator std::span<const T>() const { return {data_, size_}; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }
  Allocator* allocator() const { return allocator_; }

  // Room for exactly `capacity` elements, if there is less now.
  Status reserve(std::size_t capacity) {
    if (capacity <= capacity_) return Status::ok;
    if (!allocator_ || capacity > SIZE_MAX / sizeof(T)) return Status::memory;
    auto* grown = static_cast<T*>(allocator_->allocate(capacity * sizeof(T), alignment));
    if (!grown) return Status::memory;
    const std::size_t size = size_;
    if constexpr (std::is_trivially_copyable_v<T>) {
      if (size) std::memcpy(static_cast<void*>(grown), data_, size * sizeof(T));
    } else {
      for (std::size_t i = 0; i < size; ++i) new (grown + i) T(std::move(data_[i]));
    }
    reset();
    data_ = grown;
    size_ = size;
    capacity_ = capacity;
    return Status::ok;
  }

  Status push(T value) {
    if (size_ == capacity_) INLAY_TRY(reserve(capacity_ < 8 ? 8 : capacity_ + capacity_ / 2));
    new (data_ + size_++) T(std::move(value));
    return Status::ok;
  }

  Status append(std::span<const T> values) {
    INLAY_TRY(make_room(values.size()));
    for (const T& value : values) new (data_ + size_++) T(value);
    return Status::ok;
  }
  // `count` value-initialised elements more.
  Status extend(std::size_t count) {
    INLAY_TRY(make_room(count));
    for (std::size_t i = 0; i < count; ++i) new (data_ + size_++) T();
    return Status::ok;
  }

  // Exactly `size` elements; new ones are value-initialised.
  Status resize(std::size_t size) {
    INLAY_TRY(reserve(size));
    while (size_ > size) pop();
    while (size_ < size) new (data_ + size_++) T();
    return Status::ok;
  }

  void pop() { data_[--size_].~T(); }
  void clear() {
    while (size_) pop();
  }
  // Gives all memory back.
  void reset() {
    clear();
    if (data_) allocator_->release(data_, capacity_ * sizeof(T), alignment);
    data_ = nullptr;
    capacity_ = 0;
  }
  void swap(Array& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  // For `count` elements more; grows by half at least, so that many small steps copy little.
  Status make_room(std::size_t count) {
    if (count > SIZE_MAX - size_) return Status::memory;
    const std::size_t wanted = size_ + count, grown = capacity_ + capacity_ / 2;
    return wanted <= capacity_ ? Status::ok : reserve(wanted > grown ? wanted : grown);
  }

  static constexpr std::size_t alignment = default_alignment;
  Allocator* allocator_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace inlay
