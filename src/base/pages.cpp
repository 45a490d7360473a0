// pages.cpp - madvise() where it is; nothing elsewhere.
#include "base/pages.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace inlay {

#if defined(__linux__)

bool ask_for_huge_pages(void* block, std::size_t bytes) {
  // Whole ones only: what lies behind the block belongs to others.
  const std::size_t whole = bytes / huge_page_bytes * huge_page_bytes;
  return whole != 0 && ::madvise(block, whole, MADV_HUGEPAGE) == 0;
}

// From the page that the range begins in, whose begin was read before, up to the last that it ends.
void leave_file_pages(const void* begin, std::size_t bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t from = address / page * page, to = (address + bytes) / page * page;
  if (to > from) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

#else

bool ask_for_huge_pages(void*, std::size_t) { return false; }
void leave_file_pages(const void*, std::size_t) {}

#endif

}  // namespace inlay
