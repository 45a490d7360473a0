// arena.h - memory that is taken piece by piece and given back at once, up to a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "base/allocator.h"

namespace inlay::jinja {

class Arena {
 public:
  Arena(Allocator& allocator, std::size_t limit) : allocator_(allocator), limit_(limit) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { clear(); }

  // nullptr: out of memory or over the limit; at_limit() says which.
  void* take(std::size_t size, std::size_t alignment);
  bool at_limit() const { return at_limit_; }
  std::size_t limit() const { return limit_; }
  Allocator& allocator() { return allocator_; }
  void clear();

  template <class T, class... Args>
  T* make(const Args&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    void* block = take(sizeof(T), alignof(T));
    return block ? new (block) T{args...} : nullptr;
  }
  // `count` elements, not initialised.
  template <class T>
  T* make_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);
    if (count > SIZE_MAX / 2 / sizeof(T)) return nullptr;
    return static_cast<T*>(take(count * sizeof(T) + (count == 0), alignof(T)));
  }
  // The last piece that was taken grows where it lies; false: it is another, or there is no room.
  bool extend(void* piece, std::size_t size, std::size_t wanted);

 private:
  struct Chunk {
    Chunk* next;
    std::size_t size;  // with this head
  };
  static constexpr std::size_t least_chunk = 16384;

  bool add_chunk(std::size_t size);

  Allocator& allocator_;
  std::size_t limit_;
  std::size_t taken_ = 0;  // of the allocator
  Chunk* chunks_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  bool at_limit_ = false;
};

// A growing array inside an arena, which must be the same in every call.
template <class T>
struct Vec {
  T* items = nullptr;
  std::uint32_t count = 0;
  std::uint32_t room = 0;

  T& operator[](std::size_t i) const { return items[i]; }
  T* begin() const { return items; }
  T* end() const { return items + count; }
  T& back() const { return items[count - 1]; }

  // False when memory is out; nothing has changed then.
  bool reserve(Arena& arena, std::size_t wanted) {
    if (wanted <= room) return true;
    if (wanted > UINT32_MAX / 2) return false;
    const std::size_t grown = wanted < 2 * std::size_t{room} ? 2 * std::size_t{room} : wanted;
    if (arena.extend(items, room * sizeof(T), grown * sizeof(T))) {
      room = static_cast<std::uint32_t>(grown);
      return true;
    }
    T* moved = arena.make_array<T>(grown);
    if (!moved) return false;
    for (std::uint32_t i = 0; i < count; ++i) moved[i] = items[i];
    items = moved;
    room = static_cast<std::uint32_t>(grown);
    return true;
  }
  bool push(Arena& arena, const T& item) {
    if (count == room && !reserve(arena, count < 4 ? 4 : std::size_t{count} + 1)) return false;
    items[count++] = item;
    return true;
  }
};

}  // namespace inlay::jinja
