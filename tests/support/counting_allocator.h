// counting_allocator.h - a heap that counts, remembers every block, and fails when it is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

#include "inlay/inlay.h"

namespace inlay::test {

class CountingAllocator {
 public:
  CountingAllocator() = default;
  CountingAllocator(const CountingAllocator&) = delete;
  CountingAllocator& operator=(const CountingAllocator&) = delete;
  ~CountingAllocator() {
    for (const auto& [block, size] : blocks_) std::free(block);
  }

  inlay_allocator host() { return {this, allocate, release}; }

  std::uint64_t calls = 0;       // of allocate, failed ones too
  std::uint64_t live_bytes = 0;  // now
  std::uint64_t peak_bytes = 0;
  std::uint64_t mistakes = 0;  // releases of unknown blocks or with another size
  std::uint64_t fail_at = 0;   // the call with this number (from 1) fails; 0: none
  bool fail_after = false;     // and all after it
  std::size_t live_blocks() const { return blocks_.size(); }
  // Nothing is left and every release was right.
  bool clean() const { return blocks_.empty() && live_bytes == 0 && mistakes == 0; }

 private:
  static void* allocate(void* user, std::size_t size, std::size_t alignment) {
    auto& self = *static_cast<CountingAllocator*>(user);
    const std::lock_guard lock(self.mutex_);
    const std::uint64_t call = ++self.calls;
    if (self.fail_at && (call == self.fail_at || (self.fail_after && call > self.fail_at))) {
      return nullptr;
    }
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!block) return nullptr;
    self.blocks_.emplace(block, size);
    self.live_bytes += size;
    if (self.live_bytes > self.peak_bytes) self.peak_bytes = self.live_bytes;
    return block;
  }
  static void release(void* user, void* block, std::size_t size, std::size_t) {
    auto& self = *static_cast<CountingAllocator*>(user);
    const std::lock_guard lock(self.mutex_);
    const auto found = self.blocks_.find(block);
    if (found == self.blocks_.end() || found->second != size) {
      ++self.mistakes;
      return;
    }
    self.live_bytes -= size;
    self.blocks_.erase(found);
    std::free(block);
  }

  std::mutex mutex_;  // workers take and release, too
  std::unordered_map<void*, std::size_t> blocks_;
};

}  // namespace inlay::test
