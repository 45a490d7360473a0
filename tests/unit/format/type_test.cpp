// type_test.cpp - the table of weight types and the names of those that are not in it.
#include <cstring>
#include <string>

#include "quant/type.h"
#include "support/catch.h"

namespace inlay::test {

TEST_CASE("types: the table says what the format says", "[quant]") {
  struct Row {
    std::uint32_t id;
    const char* name;
    std::uint32_t elements, bytes;
  };
  const Row rows[] = {{0, "F32", 1, 4},    {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},
                      {8, "Q8_0", 32, 34}, {12, "Q4_K", 256, 144}, {14, "Q6_K", 256, 210},
                      {30, "BF16", 1, 2}};
  for (const Row& row : rows) {
    const TypeInfo* type = type_info(static_cast<Type>(row.id));
    REQUIRE(type);
    CHECK(std::string(type->name) == row.name);
    CHECK(type->block_elements == row.elements);
    CHECK(type->block_bytes == row.bytes);
  }
}

TEST_CASE("types: every number has a description, known ones by name", "[quant]") {
  const auto says = [](std::uint32_t id, const char* part) {
    return std::strstr(describe_missing_type(id), part) != nullptr;
  };
  for (std::uint32_t id = 0; id < 1000; ++id) {
    REQUIRE(describe_missing_type(id) != nullptr);
    const bool built = type_info(static_cast<Type>(id)) != nullptr;
    CHECK(built == says(id, "built in") - says(id, "not built in"));
  }
  for (const std::uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u}) CHECK(says(id, "retired"));
  // Of the format itself, 0 to 42, all are known.
  for (std::uint32_t id = 0; id <= 42; ++id) CHECK(!says(id, "unknown"));
  CHECK(says(43, "an unknown type"));
  CHECK(says(36, "I2_S"));
  for (const std::uint32_t id : {97u, 133u, 139u, 144u, 151u, 158u, 202u, 300u, 399u}) {
    CHECK(says(id, "ik_llama.cpp"));
  }
  CHECK(says(0xffffffffu, "unknown"));
}

}  // namespace inlay::test
