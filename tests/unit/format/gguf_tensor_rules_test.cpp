// gguf_tensor_rules_test.cpp - one broken file per rule of the tensor table: status and text.
#include <string>
#include <vector>

#include "format/limits.h"
#include "unit/format/rules.h"

namespace inlay::test {

TEST_CASE("gguf: number of dimensions (T1, T2)", "[format]") {
  for (const std::uint32_t rank : {0u, 5u, 8u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const ByteWriter bytes = ByteWriter().string("blk.0.x").u32(rank).raw(Bytes(80));
    check({"rank " + text(rank),
           with_tensor(bytes),
           Status::format,
           {"blk.0.x", "expected 1 to 4 dimensions", "file has " + text(rank)}});
  }
}

TEST_CASE("gguf: dimensions and sizes (T3 to T9)", "[format]") {
  constexpr std::uint64_t big = 0x7fffffffffffffff;
  check_all({
      {"zero first", with_shape({0}), Status::format, {"blk.0.x", "dimension 0 of 1 is 0"}},
      {"zero second", with_shape({4, 0, 4}), Status::format, {"blk.0.x", "dimension 1 of 3 is 0"}},
      {"zero last", with_shape({4, 4, 4, 0}), Status::format, {"blk.0.x", "dimension 3 of 4"}},
      {"-1", with_shape({4, all_ones}), Status::limit, {"blk.0.x", "4x" + text(all_ones)}},
      {"lowest", with_shape({top_bit}), Status::limit, {"blk.0.x", text(top_bit)}},
      {"product 0",
       with_shape({1ull << 32, 1ull << 32}),
       Status::limit,
       {"blk.0.x", "4294967296x4294967296", text(limits::elements)}},
      {"product -2", with_shape({big, 2}), Status::limit, {"blk.0.x", text(big) + "x2"}},
      {"product 2^64", with_shape({top_bit, 2}), Status::limit, {"blk.0.x", "x2"}},
      {"four big", with_shape({big, big, big, big}), Status::limit, {"blk.0.x"}},
      {"bytes wrap", with_shape({1ull << 61}), Status::limit, {"blk.0.x", text(1ull << 61)}},
      {"bytes wrap 2", with_shape({1ull << 62}), Status::limit, {"blk.0.x"}},
      {"padding wraps", with_shape({SIZE_MAX / 4}), Status::limit, {"blk.0.x"}},
      {"2^40 + 1", with_shape({(1ull << 40) + 1}), Status::limit, {"blk.0.x"}},
      {"2^40", with_shape({1ull << 40}), Status::format, {"blk.0.x", text(4ull << 40), "256"}},
      {"a little long", with_shape({65}), Status::format, {"blk.0.x", "260 bytes", "256 bytes"}},
  });
  // Sums: two tensors that each have the most elements allowed, and wrapping ones.
  for (const std::uint64_t size : {std::uint64_t{1} << 40, std::uint64_t{0x7fffffffffffffc0}}) {
    ByteWriter table = entry("a", {size}, 1, 0);
    table.raw(entry("b", {size}, 1, size * 2).bytes());
    const Opened opened(header(2, 0).raw(table.bytes()).pad(32).raw(Bytes(256)).bytes());
    CHECK(is_error(opened.status));
    CHECK(opened.says("tensor a"));
  }
}

TEST_CASE("gguf: tensor types (T10)", "[format]") {
  struct Known {
    std::uint32_t id;
    const char* text;
  };
  const Known known[] = {{4, "Q4_2, a retired type"},
                         {5, "Q4_3, a retired type"},
                         {31, "Q4_0_4_4, a retired"},
                         {32, "Q4_0_4_8, a retired"},
                         {33, "Q4_0_8_8, a retired"},
                         {36, "I2_S of ik_llama.cpp"},
                         {37, "IQ4_NL_4_8, a retired"},
                         {38, "IQ4_NL_8_8, a retired"},
                         {137, "IQ2_K, a type of ik_llama.cpp"},
                         {158, "IQ1_KT, a type of ik_llama.cpp"},
                         {202, "row-interleaved type of ik_llama.cpp"},
                         {399, "row-interleaved type of ik_llama.cpp"},
                         {400, "an unknown type"},
                         {43, "an unknown type"},
                         {999, "an unknown type"},
                         {0x80000000u, "an unknown type"},
                         {0xffffffffu, "an unknown type"}};
  for (const Known& type : known) {
    check({type.text,
           with_tensor(entry("blk.0.x", {256}, type.id, 0)),
           Status::unsupported,
           {"blk.0.x", "type " + text(type.id) + " is", type.text}});
  }
}

TEST_CASE("gguf: a row is whole blocks (T11)", "[format]") {
  for (std::uint32_t id = 0; id < 64; ++id) {
    const TypeInfo* type = type_info(static_cast<Type>(id));
    if (!type || type->block_elements == 1) continue;
    for (const std::uint64_t row : {type->block_elements - 1, type->block_elements + 1, 1u}) {
      // The element count is a whole number of blocks; the row is not.
      check({type->name,
             with_shape({row, type->block_elements}, static_cast<Type>(id)),
             Status::format,
             {"blk.0.x", "row of " + text(row), "multiple of " + text(type->block_elements),
              type->name}});
    }
  }
}

TEST_CASE("gguf: places of tensors (T12, T13)", "[format]") {
  const auto at = [](std::uint64_t offset) { return with_tensor(entry("t", {16}, 0, offset)); };
  check_all({
      {"behind the end", at(256), Status::format, {"tensor t", "64 bytes at offset 256", "256"}},
      {"over the end", at(224), Status::format, {"tensor t", "64 bytes at offset 224", "256"}},
      {"far", at(1u << 20), Status::format, {"tensor t", "1048576"}},
      {"wraps with the base", at(0xffffffffffffff00), Status::format, {"18446744073709551360"}},
      {"wraps with the size", at(all_ones - 31), Status::format, {"tensor t"}},
      {"2^63", at(top_bit), Status::format, {"tensor t", text(top_bit)}},
      {"misaligned", at(4), Status::format, {"tensor t", "offset 4", "alignment 32"}},
      {"half aligned", at(16), Status::format, {"tensor t", "offset 16", "alignment 32"}},
  });
  CHECK(Opened(at(192)).status == Status::ok);

  const auto pair = [](std::uint64_t a, std::uint64_t b) {
    return header(2, 0)
        .raw(entry("a", {16}, 0, a).bytes())
        .raw(entry("b", {16}, 0, b).bytes())
        .pad(32)
        .raw(Bytes(256))
        .bytes();
  };
  check_all({
      {"same place", pair(64, 64), Status::format, {"tensors a", "and b", "overlap"}},
      {"half", pair(64, 96), Status::format, {"tensors a", "and b", "overlap"}},
      {"half, reversed", pair(96, 64), Status::format, {"tensors b", "and a", "overlap"}},
  });
  CHECK(Opened(pair(0, 64)).status == Status::ok);
  CHECK(Opened(pair(64, 0)).status == Status::ok);   // any order
  CHECK(Opened(pair(0, 192)).status == Status::ok);  // a gap

  Bytes cut = at(192);
  cut.pop_back();
  check({"cut by a byte", cut, Status::format, {"tensor t", "64 bytes at offset 192", "255"}});
  const ByteWriter table = entry("t", {16}, 0, 0);
  check({"no data section",
         header(1, 0).raw(table.bytes()).bytes(),
         Status::format,
         {"tensor data begins at"}});
}

TEST_CASE("gguf: tensor names (T14)", "[format]") {
  const auto named = [](const std::string& name) {
    return GgufBuilder().tensor(name, {4}, {1, 2, 3, 4}).build();
  };
  for (const std::size_t size : {1u, 63u, 64u, 65u, 255u}) {
    const std::string name(size, 'n');
    const Opened opened(named(name));
    REQUIRE(opened.status == Status::ok);
    CHECK(opened.manifest.tensor(name) != nullptr);
  }
  check_all({
      {"256", named(std::string(256, 'n')), Status::limit, {"tensor 0", "256", "255"}},
      {"a million", named(std::string(1000000, 'n')), Status::limit, {"tensor 0", "1000000"}},
      {"empty", named(""), Status::format, {"tensor 0", "empty"}},
      {"not UTF-8", named("a\xff"), Status::format, {"tensor 0", "not UTF-8", "byte 1 of 2"}},
      {"zero", named(std::string("a\0", 2)), Status::format, {"tensor 0", "zero"}},
      {"twice",
       GgufBuilder().tensor("x", {1}, {1}).tensor("y", {1}, {1}).tensor("x", {1}, {1}).build(),
       Status::format,
       {"tensor x", "twice", "0 and 2"}},
  });
}

TEST_CASE("gguf: parts of split models (T15)", "[format]") {
  const auto part = [](std::uint16_t number, std::uint16_t count) {
    return GgufBuilder()
        .key("split.no", number)
        .key("split.count", count)
        .key("split.tensors.count", std::int32_t{1})
        .tensor("x", {1}, {1})
        .build();
  };
  check_all({
      {"first of 3", part(0, 3), Status::unsupported, {"split.no 0", "split.count 3"}},
      {"last of 3", part(2, 3), Status::unsupported, {"split.no 2", "split.count 3"}},
      {"5 of 3", part(5, 3), Status::unsupported, {"split.no 5", "split.count 3"}},
      {"5 of 0", part(5, 0), Status::unsupported, {"split.no 5", "split.count 0"}},
      {"text",
       GgufBuilder().key("split.count", "3").build(),
       Status::format,
       {"split.count", "file has string"}},
  });
  CHECK(Opened(part(0, 1)).status == Status::ok);
}

}  // namespace inlay::test
