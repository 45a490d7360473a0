// arena.cpp - chunks of an arena.
#include "text/template/arena.h"

namespace inlay::jinja {

bool Arena::add_chunk(std::size_t size) {
  std::size_t wanted = taken_ / 2 < least_chunk ? least_chunk : taken_ / 2;
  if (wanted > limit_ - taken_) wanted = limit_ - taken_;
  const std::size_t least = size + sizeof(Chunk) + alignof(std::max_align_t);
  if (wanted < least) wanted = least;
  if (wanted > limit_ - taken_) {
    at_limit_ = true;
    return false;
  }
  void* block = allocator_.allocate(wanted);
  if (!block) return false;
  chunks_ = new (block) Chunk{chunks_, wanted};
  taken_ += wanted;
  at_ = static_cast<char*>(block) + sizeof(Chunk);
  end_ = static_cast<char*>(block) + wanted;
  return true;
}

void* Arena::take(std::size_t size, std::size_t alignment) {
  if (size > SIZE_MAX / 4) {
    at_limit_ = true;
    return nullptr;
  }
  for (int round = 0; round < 2; ++round) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(at_) % alignment;
    const std::size_t skip = past ? alignment - past : 0;
    if (at_ && size + skip <= static_cast<std::size_t>(end_ - at_)) {
      char* piece = at_ + skip;
      at_ = piece + size;
      return piece;
    }
    if (round == 0 && !add_chunk(size + alignment)) return nullptr;
  }
  return nullptr;
}

bool Arena::extend(void* piece, std::size_t size, std::size_t wanted) {
  if (!piece || static_cast<char*>(piece) + size != at_) return false;
  if (wanted - size > static_cast<std::size_t>(end_ - at_)) return false;
  at_ += wanted - size;
  return true;
}

void Arena::clear() {
  while (chunks_) {
    Chunk* chunk = chunks_;
    chunks_ = chunk->next;
    allocator_.release(chunk, chunk->size);
  }
  at_ = end_ = nullptr;
  taken_ = 0;
  at_limit_ = false;
}

}  // namespace inlay::jinja
