// chunk_store.cpp - bump allocation in growing blocks.
#include "format/chunk_store.h"

#include <cstring>

namespace inlay {
namespace {

constexpr std::size_t first_block = std::size_t{4} << 10;
constexpr std::size_t last_block = std::size_t{1} << 20;

}  // namespace

std::byte* ChunkStore::add_block(std::size_t size) {
  if (is_error(blocks_.push({nullptr, 0}))) return nullptr;
  auto* data = static_cast<std::byte*>(blocks_.allocator()->allocate(size));
  if (!data) {
    blocks_.pop();
    return nullptr;
  }
  blocks_.back() = {data, size};
  return data;
}

void* ChunkStore::allocate_bytes(std::size_t size, std::size_t alignment) {
  if (size == 0) return nullptr;
  const std::size_t padding = (~reinterpret_cast<std::uintptr_t>(next_) + 1) & (alignment - 1);
  if (padding > left_ || size > left_ - padding) {
    const std::size_t wanted = block_size_ ? block_size_ * 2 : first_block;
    const std::size_t block = wanted < last_block ? wanted : last_block;
    if (size > block / 2) return add_block(size);
    std::byte* data = add_block(block);
    if (!data) return nullptr;
    block_size_ = block;
    next_ = data + size;  // a block starts at a multiple of 64
    left_ = block - size;
    return data;
  }
  std::byte* piece = next_ + padding;
  next_ = piece + size;
  left_ -= padding + size;
  return piece;
}

Status ChunkStore::copy(std::string_view text, std::string_view& stored) {
  if (text.empty()) {
    stored = {"", 0};
    return Status::ok;
  }
  auto* bytes = allocate<char>(text.size());
  if (!bytes) return Status::memory;
  std::memcpy(bytes, text.data(), text.size());
  stored = {bytes, text.size()};
  return Status::ok;
}

void ChunkStore::reset() {
  for (const Block& block : blocks_) blocks_.allocator()->release(block.data, block.size);
  blocks_.reset();
  next_ = nullptr;
  left_ = 0;
  block_size_ = 0;
}

}  // namespace inlay
