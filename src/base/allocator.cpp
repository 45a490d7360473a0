// allocator.cpp - the default heap and the counting door.
#include "base/allocator.h"

#include <cstdlib>

namespace inlay {
namespace {

void* system_allocate(void*, std::size_t size, std::size_t alignment) {
  // aligned_alloc wants a whole number of alignments.
  const std::size_t mask = alignment - 1;
  if (size > SIZE_MAX - mask) return nullptr;
  return std::aligned_alloc(alignment, (size + mask) & ~mask);
}

void system_release(void*, void* block, std::size_t, std::size_t) { std::free(block); }

}  // namespace

inlay_allocator system_allocator() { return {nullptr, system_allocate, system_release}; }

Allocator::Allocator(const inlay_allocator& host)
    : host_(host.allocate && host.release ? host : system_allocator()) {}

void* Allocator::allocate(std::size_t size, std::size_t alignment) {
  if (size == 0) return nullptr;
  void* block = host_.allocate(host_.user, size, alignment);
  if (block) live_.fetch_add(size, std::memory_order_relaxed);
  return block;
}

void Allocator::release(void* block, std::size_t size, std::size_t alignment) {
  if (!block) return;
  live_.fetch_sub(size, std::memory_order_relaxed);
  host_.release(host_.user, block, size, alignment);
}

}  // namespace inlay
