// bytes.h - a set of bytes, and ranges of code points.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace inlay::grammar {

struct ByteSet {
  std::uint64_t words[4] = {};

  constexpr void add(std::uint32_t byte) {
    words[byte >> 6 & 3] |= std::uint64_t{1} << (byte & 63);
  }
  constexpr void add(std::uint32_t low, std::uint32_t high) {
    for (std::uint32_t b = low; b <= high; ++b) add(b);
  }
  constexpr void remove(std::uint32_t byte) {
    words[byte >> 6 & 3] &= ~(std::uint64_t{1} << (byte & 63));
  }
  constexpr bool has(std::uint32_t byte) const { return words[byte >> 6 & 3] >> (byte & 63) & 1; }
  constexpr void join(const ByteSet& other) {
    for (std::size_t i = 0; i < 4; ++i) words[i] |= other.words[i];
  }
  constexpr int count() const {
    return std::popcount(words[0]) + std::popcount(words[1]) + std::popcount(words[2]) +
           std::popcount(words[3]);
  }
  constexpr bool operator==(const ByteSet&) const = default;
};

// Code points from `low` to `high`, both included.
struct PointRange {
  std::uint32_t low;
  std::uint32_t high;
};

inline constexpr std::uint32_t last_point = 0x10ffff;

}  // namespace inlay::grammar
