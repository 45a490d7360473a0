// pages.h - words with the system about memory: huge pages, and pages of files that are done with.
#pragma once

#include <cstddef>

namespace inlay {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// Asks for huge pages in [block, block + bytes), best before it is written. `block` is a multiple
// of huge_page_bytes. False where the system has none, or says no: the memory is as good as before.
bool ask_for_huge_pages(void* block, std::size_t bytes);

// [begin, begin + bytes) of a mapped file has been read: its pages need not count as this process's
// memory any more. They come back when they are touched. Only for mapped files.
void leave_file_pages(const void* begin, std::size_t bytes);

}  // namespace inlay
