// clock.cpp - nanoseconds from the system.
#include "base/clock.h"

#include <time.h>

#include <cstdint>

namespace inlay {
namespace {

std::uint64_t monotonic_now(void*) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

inlay_clock system_clock() { return {nullptr, monotonic_now}; }

}  // namespace inlay
