// memory.h - how much memory the library takes: a counting heap, and what the system says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace cli {

// The C library's heap for inlay::Host::memory, counted. Thread-safe.
class CountingMemory {
 public:
  void* allocate(std::size_t size, std::size_t alignment) {
    if (size > SIZE_MAX - alignment) return nullptr;
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!block) return nullptr;
    const std::uint64_t live = live_ += size;
    std::uint64_t peak = peak_;
    while (peak < live && !peak_.compare_exchange_weak(peak, live)) {
    }
    return block;
  }
  void release(void* block, std::size_t size, std::size_t) {
    live_ -= size;
    std::free(block);
  }
  // Most bytes that were taken at the same time.
  std::uint64_t peak() const { return peak_; }

 private:
  std::atomic<std::uint64_t> live_{0};
  std::atomic<std::uint64_t> peak_{0};
};

// The number behind `word` in a file of lines "Word:  123 kB", in bytes; 0 where it is not known.
inline std::uint64_t read_kilobytes(const char* file, const char* word) {
  std::ifstream lines(file);
  std::string at;
  std::uint64_t kilobytes = 0;
  while (lines >> at) {
    if (at == word && lines >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// Most memory of the process that was resident, mapped files included.
inline std::uint64_t peak_resident_bytes() { return read_kilobytes("/proc/self/status", "VmHWM:"); }

// What the machine can give without swapping.
inline std::uint64_t available_bytes() { return read_kilobytes("/proc/meminfo", "MemAvailable:"); }

}  // namespace cli
