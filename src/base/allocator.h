// allocator.h - memory from the host, counted; the only door to the heap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "inlay/inlay.h"

namespace inlay {

inline constexpr std::size_t default_alignment = 64;  // a cache line; enough for every vector type

// The C library's heap as an inlay_allocator.
inlay_allocator system_allocator();

// Hands out the host's memory and counts the bytes that are live. Thread-safe as far as the host's
// functions are. Every object that allocates keeps a pointer to one; it must outlive them.
class Allocator {
 public:
  // NULL functions in `host` mean the C library's heap.
  explicit Allocator(const inlay_allocator& host);
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // `size` bytes or nullptr. Size 0 gives nullptr.
  void* allocate(std::size_t size, std::size_t alignment = default_alignment);
  void release(void* block, std::size_t size, std::size_t alignment = default_alignment);

  std::uint64_t live_bytes() const { return live_.load(std::memory_order_relaxed); }
  const inlay_allocator& host() const { return host_; }

 private:
  inlay_allocator host_;
  std::atomic<std::uint64_t> live_{0};
};

// An object from the allocator; nullptr when memory is out.
template <class T, class... Args>
T* create(Allocator& allocator, Args&&... args) {
  void* block = allocator.allocate(sizeof(T), alignof(T) > 16 ? alignof(T) : 16);
  return block ? new (block) T(std::forward<Args>(args)...) : nullptr;
}

template <class T>
void destroy(Allocator& allocator, T* object) {
  if (!object) return;
  object->~T();
  allocator.release(object, sizeof(T), alignof(T) > 16 ? alignof(T) : 16);
}

}  // namespace inlay
