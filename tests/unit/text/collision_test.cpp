// collision_test.cpp - tokens and merges that a hostile file chose to fall on one place of a table.
#include <cstring>

#include "text/merge.h"
#include "text/token_index.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Of odd numbers, modulo 2^64.
constexpr std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t x = odd;
  for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
  return x;
}

constexpr std::uint64_t unmix64(std::uint64_t x) {
  x = (x ^ (x >> 31) ^ (x >> 62)) * inverse(0x94d049bb133111ebu);
  x = (x ^ (x >> 27) ^ (x >> 54)) * inverse(0xbf58476d1ce4e5b9u);
  return x ^ (x >> 30) ^ (x >> 60);
}
static_assert(unmix64(mix64(0x123456789abcdef0u)) == 0x123456789abcdef0u);

// The i-th text of 8 bytes on place 5 of every table.
std::string text_of(std::uint64_t i) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;
  std::uint64_t hash = unmix64(i << 32 | 5);
  hash ^= hash >> 32;
  const std::uint64_t word = (hash * inverse(odd)) ^ (8 * odd);
  std::string text(8, '\0');
  std::memcpy(text.data(), &word, 8);
  return text;
}

}  // namespace

TEST_CASE("texts on one place of a table are found, up to the limit") {
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i <= most_probes; ++i) texts.push_back(text_of(i));
  REQUIRE((hash_text(texts[7]) & 0xffffffffu) == 5);
  const auto text = [&](std::int32_t id) -> std::string_view { return texts[std::size_t(id)]; };
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  TokenIndex index(allocator);
  REQUIRE(index.reserve(10000) == Status::ok);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    bool is_new = false;
    const Status expected = i < most_probes ? Status::ok : Status::limit;
    REQUIRE(index.add(texts[i], static_cast<std::int32_t>(i), text, &is_new) == expected);
    REQUIRE(is_new == (i < most_probes));
    REQUIRE(index.find(texts[i], text) == (i < most_probes ? static_cast<std::int32_t>(i) : -1));
  }
  bool is_new = true;
  CHECK(index.add(texts[3], 99, text, &is_new) == Status::ok);
  CHECK_FALSE(is_new);
}

TEST_CASE("merges on one place of a table are found, up to the limit") {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  MergeTable table(allocator);
  REQUIRE(table.reserve(10000) == Status::ok);
  std::uint32_t rank = 0;
  for (std::uint64_t i = 0; rank <= most_probes; ++i) {
    const std::uint64_t key = unmix64(i << 32 | 5) - 0x9e3779b97f4a7c15u;
    const auto left = static_cast<std::int32_t>(key >> 32), right = static_cast<std::int32_t>(key);
    if (left < 0 || right < 0) continue;
    REQUIRE(table.add(left, right, {rank, 1}) == (rank < most_probes ? Status::ok : Status::limit));
    REQUIRE(table.find(left, right).rank == (rank < most_probes ? rank : Merge::never));
    ++rank;
  }
}

TEST_CASE("a vocabulary of texts on one place of a table is refused by name") {
  VocabData v = small_llama();
  for (std::uint64_t i = 0; i < 1000; ++i) v.add(text_of(i), TokenKind::normal, -100);
  CHECK(Loaded(v).status == Status::ok);
  for (std::uint64_t i = 1000; i < 3000; ++i) v.add(text_of(i), TokenKind::normal, -100);
  Loaded t(v);
  CHECK(t.status == Status::limit);
  INFO(t.error.text);
  CHECK(t.says("tokenizer.ggml.tokens["));
  CHECK(t.says("over 1024"));
}
