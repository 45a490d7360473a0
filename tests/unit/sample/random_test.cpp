// random_test.cpp - the counter-based generator against its published vectors, and its uniformity.
#include "base/random.h"

#include <vector>

#include "support/catch.h"

using inlay::philox4x32;
using inlay::uniform;

TEST_CASE("philox gives the known answers of the Random123 distribution", "[random]") {
  using Four = std::array<std::uint32_t, 4>;
  REQUIRE(philox4x32({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  REQUIRE(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
          Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform takes its 53 bits from the first two words", "[random]") {
  const std::uint64_t bits = 0xe169c58d6627e8d5u;
  REQUIRE(uniform(0, 0, 0) == static_cast<double>(bits >> 11) * 0x1p-53);
  REQUIRE(uniform(0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff) ==
          static_cast<double>(0x41c83b0e408f276du >> 11) * 0x1p-53);
}

TEST_CASE("uniform differs in seed, stream and position, in both halves of each", "[random]") {
  const std::uint64_t high = std::uint64_t{1} << 32;
  const double base = uniform(1, 2, 3);
  REQUIRE(uniform(1, 2, 3) == base);
  for (const std::uint64_t step : {std::uint64_t{1}, high}) {
    REQUIRE(uniform(1 + step, 2, 3) != base);
    REQUIRE(uniform(1, 2 + step, 3) != base);
    REQUIRE(uniform(1, 2, 3 + step) != base);
  }
}

TEST_CASE("uniform is uniform, also in pairs of neighbours", "[random]") {
  constexpr int bins = 16;
  constexpr int draws = 64 * 1024;
  std::vector<int> pairs(bins * bins);
  for (int i = 0; i < draws; ++i) {
    const double a = uniform(7, 0, static_cast<std::uint64_t>(i));
    const double b = uniform(7, 1, static_cast<std::uint64_t>(i));
    REQUIRE((a >= 0.0 && a < 1.0));
    ++pairs[static_cast<std::size_t>(a * bins) * bins + static_cast<std::size_t>(b * bins)];
  }
  double chi_square = 0;
  constexpr double expected = static_cast<double>(draws) / (bins * bins);
  for (const int count : pairs) chi_square += (count - expected) * (count - expected) / expected;
  // 255 degrees of freedom: mean 255, standard deviation 22.6; both tails at four deviations.
  REQUIRE(chi_square > 165.0);
  REQUIRE(chi_square < 346.0);
}
