// checked.h - arithmetic on sizes from files: every sum and product says whether it fits.
#pragma once

#include <cstdint>

namespace inlay {

[[nodiscard]] constexpr bool checked_add(std::uint64_t a, std::uint64_t b, std::uint64_t& sum) {
  return !__builtin_add_overflow(a, b, &sum);
}

[[nodiscard]] constexpr bool checked_mul(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

// Rounds up to a multiple of `alignment` (a power of two).
[[nodiscard]] constexpr bool checked_align(std::uint64_t a, std::uint64_t alignment,
                                           std::uint64_t& aligned) {
  if (!checked_add(a, alignment - 1, aligned)) return false;
  aligned &= ~(alignment - 1);
  return true;
}

// For sizes that are known to be small.
constexpr std::uint64_t align_up(std::uint64_t a, std::uint64_t alignment) {
  return (a + alignment - 1) & ~(alignment - 1);
}
constexpr std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace inlay
