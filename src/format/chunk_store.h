// chunk_store.h - many small pieces of memory that stay where they are and end together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"

namespace inlay {

// Blocks grow from 4 KiB to 1 MiB; a large piece gets a block of its own. Pieces need no
// destructor.
class ChunkStore {
 public:
  explicit ChunkStore(Allocator& allocator) : blocks_(allocator) {}
  ChunkStore(const ChunkStore&) = delete;
  ChunkStore& operator=(const ChunkStore&) = delete;
  ~ChunkStore() { reset(); }

  // `count` objects of plain data, uninitialised; nullptr when memory is out. count 0 gives
  // nullptr.
  template <class T>
  T* allocate(std::size_t count) {
    if (count > SIZE_MAX / sizeof(T)) return nullptr;
    return static_cast<T*>(allocate_bytes(count * sizeof(T), alignof(T)));
  }
  // `size` bytes at a multiple of `alignment` (a power of two, at most 64).
  void* allocate_bytes(std::size_t size, std::size_t alignment);
  // The bytes of `text`, copied.
  Status copy(std::string_view text, std::string_view& stored);
  // Gives all memory back; every piece ends.
  void reset();

 private:
  struct Block {
    std::byte* data;
    std::size_t size;
  };
  std::byte* add_block(std::size_t size);

  Array<Block> blocks_;
  std::byte* next_ = nullptr;  // free part of the block being filled
  std::size_t left_ = 0;
  std::size_t block_size_ = 0;
};

}  // namespace inlay
