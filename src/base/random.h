// random.h - random numbers without state: a counter-based generator, the same on every machine.
#pragma once

#include <array>
#include <cstdint>

namespace inlay {

// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011): ten rounds that turn a counter and a key into
// 128 random bits.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xcd9e8d57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return counter;
}

// The 128 bits that belong to (seed, stream, position).
constexpr std::array<std::uint32_t, 4> random_bits(std::uint64_t seed, std::uint64_t stream,
                                                   std::uint64_t position) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  return philox4x32({low(position), high(position), low(stream), high(stream)},
                    {low(seed), high(seed)});
}

// A number in [0, 1), a multiple of 2^-53.
constexpr double unit_number(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = std::uint64_t{high} << 32 | low;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

// The one that belongs to (seed, stream, position), and another.
constexpr double uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t position) {
  const std::array<std::uint32_t, 4> bits = random_bits(seed, stream, position);
  return unit_number(bits[1], bits[0]);
}
constexpr double second_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t position) {
  const std::array<std::uint32_t, 4> bits = random_bits(seed, stream, position);
  return unit_number(bits[3], bits[2]);
}

}  // namespace inlay
