// quant_units.cpp - the list of instruction set units.
#include <string>

#include "isa/isa.h"
#include "support/catch.h"

using namespace inlay;

TEST_CASE("isa: the list begins with the scalar unit, which always runs") {
  REQUIRE(isa_count() >= 1);
  CHECK(std::string(isa_name(0)) == "scalar");
  CHECK(isa_usable(0));
  CHECK(isa_name(isa_count()) == nullptr);
  CHECK_FALSE(isa_usable(isa_count()));
  CHECK(isa_kernels("none") == nullptr);
  CHECK(isa_kernels("") == nullptr);
}

TEST_CASE("isa: names, tables and the best unit agree") {
  const KernelTable* last = nullptr;
  for (std::uint32_t i = 0; i < isa_count(); ++i) {
    const KernelTable* table = isa_kernels(isa_name(i));
    if (!table && std::string(isa_name(i)) == "amx") continue;  // Linux may refuse it to a process
    CHECK((table != nullptr) == isa_usable(i));
    if (!table) continue;
    CHECK(std::string(table->name) == isa_name(i));
    for (const auto linear : table->linear) CHECK(linear != nullptr);
    for (const auto quantize : table->quantize) CHECK(quantize != nullptr);
    last = table;
  }
  CHECK(isa_best() == last);
}

#if defined(__GNUC__) && defined(__x86_64__)
TEST_CASE("isa: usable says what the compiler's own detection says") {
  for (std::uint32_t i = 0; i < isa_count(); ++i) {
    const std::string name = isa_name(i);
    if (name == "avx2") {
      CHECK(isa_usable(i) == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
    }
    if (name == "avx512") {
      CHECK(isa_usable(i) ==
            (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")));
    }
  }
}
#endif
