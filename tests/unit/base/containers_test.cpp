// containers_test.cpp - allocator, array and hash map: growth, moves, and every way memory can be
// out.
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/array.h"
#include "base/hash_map.h"
#include "support/catch.h"
#include "support/counting_allocator.h"

namespace inlay::test {
namespace {

// Counts the objects that live; moved-from ones still do.
struct Tracked {
  static inline int live = 0;
  int value = 0;
  Tracked() { ++live; }
  explicit Tracked(int v) : value(v) { ++live; }
  Tracked(Tracked&& other) noexcept : value(other.value) {
    other.value = -1;
    ++live;
  }
  Tracked(const Tracked& other) : value(other.value) { ++live; }
  ~Tracked() { --live; }
};

}  // namespace

TEST_CASE("allocator: counts live bytes; NULL functions mean the C heap", "[base]") {
  Allocator allocator(inlay_allocator{});
  CHECK(allocator.allocate(0) == nullptr);
  CHECK(allocator.live_bytes() == 0);
  for (const std::size_t alignment : {16u, 64u, 4096u}) {
    void* block = allocator.allocate(100, alignment);
    REQUIRE(block);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    CHECK(allocator.live_bytes() == 100);
    allocator.release(block, 100, alignment);
    CHECK(allocator.live_bytes() == 0);
  }
  allocator.release(nullptr, 100);
  CHECK(allocator.live_bytes() == 0);
  CHECK(allocator.allocate(SIZE_MAX) == nullptr);
  CHECK(allocator.live_bytes() == 0);
}

TEST_CASE("allocator: create and destroy, or nullptr", "[base][fault]") {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Tracked* object = create<Tracked>(allocator, 5);
  REQUIRE(object);
  CHECK(object->value == 5);
  CHECK(Tracked::live == 1);
  destroy(allocator, object);
  destroy(allocator, static_cast<Tracked*>(nullptr));
  CHECK(Tracked::live == 0);
  heap.fail_at = heap.calls + 1;
  CHECK(create<Tracked>(allocator, 5) == nullptr);
  CHECK(Tracked::live == 0);
  CHECK(heap.clean());
}

TEST_CASE("array: does what a vector does", "[base]") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    Array<Tracked> array(allocator);
    std::vector<int> model;
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
      switch (random() % 8) {
        case 0:
          if (!model.empty()) {
            array.pop();
            model.pop_back();
          }
          break;
        case 1: {
          const std::size_t size = random() % 100;
          REQUIRE(array.resize(size) == Status::ok);
          model.resize(size);
          break;
        }
        case 2: {
          const Tracked more[3] = {Tracked(i), Tracked(i + 1), Tracked(i + 2)};
          REQUIRE(array.append({more, 3}) == Status::ok);
          model.insert(model.end(), {i, i + 1, i + 2});
          break;
        }
        case 3: {
          Array<Tracked> moved(std::move(array));
          CHECK(array.empty());
          array = std::move(moved);
          break;
        }
        default: REQUIRE(array.push(Tracked(i)) == Status::ok); model.push_back(i);
      }
      REQUIRE(array.size() == model.size());
      REQUIRE(array.capacity() >= array.size());
      REQUIRE(Tracked::live == static_cast<int>(array.size()));
      for (std::size_t k = 0; k < model.size(); k += 7) REQUIRE(array[k].value == model[k]);
      if (!model.empty()) REQUIRE(array.back().value == model.back());
    }
    array.clear();
    CHECK(Tracked::live == 0);
    array.reset();
    CHECK(array.capacity() == 0);
    CHECK(heap.live_blocks() == 0);
  }
  CHECK(heap.clean());
}

TEST_CASE("array: a failed growth leaves it as it was", "[base][fault]") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    Array<Tracked> array(allocator);
    for (int i = 0; i < 8; ++i) REQUIRE(array.push(Tracked(i)) == Status::ok);
    REQUIRE(array.capacity() == 8);
    heap.fail_at = heap.calls + 1;
    heap.fail_after = true;
    const Tracked more[2];
    CHECK(array.push(Tracked(8)) == Status::memory);
    CHECK(array.append({more, 2}) == Status::memory);
    CHECK(array.resize(9) == Status::memory);
    CHECK(array.reserve(9) == Status::memory);
    CHECK(array.reserve(SIZE_MAX / sizeof(Tracked) + 1) == Status::memory);  // would wrap
    REQUIRE(array.size() == 8);
    for (int i = 0; i < 8; ++i) CHECK(array[static_cast<std::size_t>(i)].value == i);
    CHECK(array.resize(3) == Status::ok);  // shrinking needs nothing
    heap.fail_at = 0;
    CHECK(array.push(Tracked(3)) == Status::ok);
    CHECK(array.size() == 4);
  }
  CHECK(Tracked::live == 0);
  CHECK(heap.clean());
}

TEST_CASE("array: without an allocator it stays empty", "[base]") {
  Array<int> array;
  CHECK(array.push(1) == Status::memory);
  CHECK(array.resize(1) == Status::memory);
  CHECK(array.resize(0) == Status::ok);
  CHECK(array.append({}) == Status::ok);
  CHECK(array.span().empty());
}

TEST_CASE("hash map: does what a map does", "[base]") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    HashMap<std::uint64_t, int> numbers(allocator);
    std::map<std::uint64_t, int> model;
    std::mt19937_64 random(2);
    CHECK(numbers.find(0) == nullptr);
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t key = random() % 8000;
      bool inserted = false;
      REQUIRE(numbers.insert(key, i, &inserted) == Status::ok);
      REQUIRE(inserted == model.emplace(key, i).second);  // the first value stays
    }
    CHECK(numbers.size() == model.size());
    for (std::uint64_t key = 0; key < 8000; ++key) {
      const auto found = model.find(key);
      REQUIRE(numbers.contains(key) == (found != model.end()));
      if (found != model.end()) REQUIRE(*numbers.find(key) == found->second);
    }
    *numbers.find(model.begin()->first) = -7;
    CHECK(*numbers.find(model.begin()->first) == -7);

    HashMap<std::string_view, std::uint32_t> names(allocator);
    std::vector<std::string> texts;
    for (int i = 0; i < 3000; ++i)
      texts.push_back(std::string(static_cast<std::size_t>(i) % 5, 'x') + std::to_string(i));
    for (std::uint32_t i = 0; i < texts.size(); ++i)
      REQUIRE(names.insert(texts[i], i) == Status::ok);
    for (std::uint32_t i = 0; i < texts.size(); ++i) REQUIRE(*names.find(texts[i]) == i);
    CHECK(!names.contains(""));
    REQUIRE(names.insert("", 5) == Status::ok);
    CHECK(*names.find("") == 5);
  }
  CHECK(heap.clean());
}

TEST_CASE("hash map: a failed growth leaves it as it was", "[base][fault]") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    HashMap<std::uint64_t, int> map(allocator);
    heap.fail_at = 1;
    CHECK(map.insert(1, 1) == Status::memory);
    CHECK(map.size() == 0);
    CHECK(!map.contains(1));
    heap.fail_at = 0;
    std::uint64_t count = 0;
    while (heap.calls < 4) {
      REQUIRE(map.insert(count, static_cast<int>(count)) == Status::ok);
      ++count;
    }
    heap.fail_at = heap.calls + 1;
    heap.fail_after = true;
    std::uint64_t key = count;
    while (map.insert(key, static_cast<int>(key)) == Status::ok) ++key;
    CHECK(map.size() == key);
    CHECK(!map.contains(key));
    for (std::uint64_t i = 0; i < key; ++i) REQUIRE(*map.find(i) == static_cast<int>(i));
    CHECK(map.reserve(SIZE_MAX) == Status::memory);
    CHECK(map.reserve(SIZE_MAX / 4) == Status::memory);
    heap.fail_at = 0;
    CHECK(map.insert(key, 5) == Status::ok);
    CHECK(*map.find(key) == 5);
  }
  CHECK(heap.clean());
  HashMap<std::uint64_t, int> none;
  CHECK(none.insert(1, 1) == Status::memory);
  CHECK(none.find(1) == nullptr);
}

TEST_CASE("hash map: reserve makes room for that many", "[base]") {
  for (const std::size_t count : {1u, 7u, 8u, 100u, 1000u, 4097u}) {
    CountingAllocator heap;
    Allocator allocator(heap.host());
    HashMap<std::uint64_t, int> map(allocator);
    REQUIRE(map.reserve(count) == Status::ok);
    const std::uint64_t calls = heap.calls;
    for (std::uint64_t i = 0; i < count; ++i) REQUIRE(map.insert(i, 0) == Status::ok);
    CHECK(heap.calls == calls);
  }
}

}  // namespace inlay::test
