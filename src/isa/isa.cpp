// isa.cpp - the table of units, and what the processor says about itself.
#include "isa/isa.h"

#include <string_view>

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace inlay {

#define INLAY_ISA_UNIT(name) const KernelTable* name##_kernels();
#include "isa/isa.inc"
#undef INLAY_ISA_UNIT

namespace {

[[maybe_unused]] bool scalar_usable() { return true; }

#if defined(__x86_64__) || defined(_M_X64)
// The words of CPUID that matter here, all zero where a leaf is missing.
struct Processor {
  std::uint32_t leaf1_c = 0;
  std::uint32_t leaf7_b = 0;
  std::uint32_t leaf7_c = 0;
  std::uint32_t leaf7_d = 0;
  std::uint32_t saved_state = 0;  // XCR0: register files that the operating system keeps
};

Processor read_processor() {
  Processor p;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return p;
  p.leaf1_c = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    p.leaf7_b = b;
    p.leaf7_c = c;
    p.leaf7_d = d;
  }
  if (p.leaf1_c & (1u << 27)) {  // OSXSAVE: xgetbv may be used
    std::uint32_t high = 0;
    asm volatile("xgetbv" : "=a"(p.saved_state), "=d"(high) : "c"(0));
  }
  return p;
}

constexpr bool has(std::uint32_t word, std::uint32_t bits) { return (word & bits) == bits; }

[[maybe_unused]] bool avx2_usable() {
  const Processor p = read_processor();
  constexpr std::uint32_t fma = 1u << 12, avx = 1u << 28, f16c = 1u << 29;
  constexpr std::uint32_t avx2 = 1u << 5;
  return has(p.leaf1_c, fma | avx | f16c) && has(p.leaf7_b, avx2) && has(p.saved_state, 0x06);
}

[[maybe_unused]] bool avx512_usable() {
  const Processor p = read_processor();
  constexpr std::uint32_t f = 1u << 16, dq = 1u << 17, cd = 1u << 28, bw = 1u << 30, vl = 1u << 31;
  constexpr std::uint32_t vnni = 1u << 11;
  return avx2_usable() && has(p.leaf7_b, f | dq | cd | bw | vl) && has(p.leaf7_c, vnni) &&
         has(p.saved_state, 0xe6);
}

// Of Linux alone: elsewhere nobody asked yet how a process comes to its tiles.
[[maybe_unused]] bool amx_usable() {
#if defined(__linux__)
  const Processor p = read_processor();
  constexpr std::uint32_t tile = 1u << 24, int8 = 1u << 25;
  return avx512_usable() && has(p.leaf7_d, tile | int8) && has(p.saved_state, 0x60000);
#else
  return false;
#endif
}
#endif

#if defined(__aarch64__)
[[maybe_unused]] bool neon_usable() { return true; }

[[maybe_unused]] bool neon_dotprod_usable() {
#if defined(__ARM_FEATURE_DOTPROD)
  return true;  // the whole library asks for it
#elif defined(__linux__)
  constexpr unsigned long dotprod = 1ul << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & dotprod) != 0;
#elif defined(__APPLE__)
  int value = 0;
  std::size_t size = sizeof value;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &value, &size, nullptr, 0) == 0 && value == 1;
#else
  return false;
#endif
}
#endif

struct Unit {
  const char* name;
  bool (*usable)();
  const KernelTable* (*kernels)();
};

constexpr Unit units[] = {
#define INLAY_ISA_UNIT(name) {#name, name##_usable, name##_kernels},
#include "isa/isa.inc"
#undef INLAY_ISA_UNIT
};
constexpr std::uint32_t unit_count = sizeof units / sizeof units[0];

}  // namespace

std::uint32_t isa_count() { return unit_count; }

const char* isa_name(std::uint32_t index) {
  return index < unit_count ? units[index].name : nullptr;
}

bool isa_usable(std::uint32_t index) { return index < unit_count && units[index].usable(); }

const KernelTable* isa_kernels(const char* name) {
  for (const Unit& unit : units) {
    if (std::string_view(unit.name) == name) return unit.usable() ? unit.kernels() : nullptr;
  }
  return nullptr;
}

const KernelTable* isa_best() {
  for (std::uint32_t i = unit_count; i-- > 1;) {
    if (!units[i].usable()) continue;
    if (const KernelTable* table = units[i].kernels()) return table;
  }
  return units[0].kernels();
}

}  // namespace inlay
