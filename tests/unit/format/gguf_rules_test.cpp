// gguf_rules_test.cpp - one broken file per rule of header and keys: the status, and what the text
// names.
#include <chrono>
#include <string>
#include <vector>

#include "format/limits.h"
#include "unit/format/rules.h"

namespace inlay::test {

TEST_CASE("gguf: the cases of this file stand on a file that is read", "[format]") {
  CHECK(Opened(with_shape({4, 4})).status == Status::ok);
  ByteWriter value;
  value.u32(7);
  CHECK(Opened(with_key("k", 4, value)).status == Status::ok);
}

TEST_CASE("gguf: counts in the header (G1 to G3)", "[format]") {
  const std::uint64_t counts[] = {top_bit,
                                  std::uint64_t{1} << 60,
                                  0xffffffffu,
                                  0x7fffffffu,
                                  all_ones,
                                  SIZE_MAX / sizeof(TensorInfo),
                                  SIZE_MAX / sizeof(TensorInfo) - 1,
                                  SIZE_MAX / sizeof(Entry),
                                  all_ones / 13,
                                  all_ones / 13 + 1,
                                  all_ones / 24 + 1};
  for (const std::uint64_t count : counts) {
    const std::string number = text(count);
    check({"keys " + number,
           header(0, count).raw(Bytes(150)).bytes(),
           Status::format,
           {"key count", number, "room for 11"}});
    check({"tensors " + number,
           header(count, 0).raw(Bytes(150)).bytes(),
           Status::format,
           {"tensor count", number, "room for 6"}});
  }
  const auto zeros = [](std::uint64_t tensors, std::uint64_t keys) {
    return header(tensors, keys).raw(Bytes(150)).bytes();
  };
  check({"as many keys as fit", zeros(0, 11), Status::format, {"key 0 has an empty name"}});
  check({"a key too many", zeros(0, 12), Status::format, {"key count is 12", "room for 11"}});
  check({"as many tensors as fit", zeros(6, 0), Status::format, {"tensor 0 has an empty name"}});
  check({"a tensor too many", zeros(7, 0), Status::format, {"tensor count is 7", "room for 6"}});
  check({"both fit alone",
         header(6, 11).raw(Bytes(150)).bytes(),
         Status::format,
         {"tensor count is 6", "room for 0"}});
}

TEST_CASE("gguf: string lengths at every place that has a string (G4 to G6)", "[format]") {
  const std::uint64_t lengths[] = {all_ones, all_ones - 7, top_bit, std::uint64_t{2} << 30};
  for (const std::uint64_t length : lengths) {
    const std::string number = text(length);
    ByteWriter bad, array;
    bad.u64(length).raw("abc");
    array.u32(8).u64(3).string("a").u64(length).raw("abc");
    check_all({
        {"key", header(0, 1).u64(length).raw(Bytes(64)).bytes(), Status::format, {"key 0", number}},
        {"value", with_key("a.b", 8, bad), Status::format, {"a.b", number}},
        {"tensor",
         with_tensor(ByteWriter().u64(length).raw("abc")),
         Status::format,
         {"tensor 0", number}},
        {"item", with_key("list", gguf_array, array), Status::format, {"list, item 1", number}},
    });
  }
  const Bytes past_end = header(0, 1).string("a.b").u32(8).u64(5).raw("abcd").bytes();
  check({"one past the end", past_end, Status::format, {"a.b", "5 bytes", "4 left"}});
  const Bytes long_key = header(0, 1).u64(200).raw(Bytes(64)).bytes();
  check({"key past the end", long_key, Status::format, {"key 0", "200", "64 left"}});
}

TEST_CASE("gguf: array counts and types (G7 to G12)", "[format]") {
  const auto array = [](std::uint32_t type, std::uint64_t count) {
    return ByteWriter().u32(type).u64(count).raw(Bytes(24));
  };
  for (std::uint32_t type = 0; type <= 12; ++type) {
    if (type == gguf_array) continue;
    for (const int bits : {60, 61, 62, 63}) {
      const std::uint64_t count = std::uint64_t{1} << bits;
      check({"2^" + std::to_string(bits),
             with_key("list", gguf_array, array(type, count)),
             Status::format,
             {"list", text(count), "bytes left"}});
    }
    check({"all ones",
           with_key("list", gguf_array, array(type, all_ones)),
           Status::format,
           {"list", text(all_ones)}});
  }
  for (const std::uint32_t type : {13u, 14u, 0x7fffffffu, 0xffffffffu}) {
    check({"element type",
           with_key("list", gguf_array, array(type, std::uint64_t{1} << 60)),
           Status::format,
           {"list", "array element type " + std::to_string(type), "0 to 12"}});
    check({"value type",
           with_key("odd", type, ByteWriter().u64(0)),
           Status::format,
           {"odd", "value type " + std::to_string(type), "0 to 12"}});
  }
  check({"array of arrays",
         with_key("list", gguf_array, array(gguf_array, 1)),
         Status::unsupported,
         {"list", "array of arrays"}});
  ByteWriter nested;
  for (int i = 0; i < 10000; ++i) nested.u32(gguf_array).u64(1);
  check({"nested 10,000 deep",
         with_key("list", gguf_array, nested),
         Status::unsupported,
         {"list", "array of arrays"}});
  check({"a billion strings",
         with_key("list", gguf_array, array(8, (1u << 30) - 1)),
         Status::format,
         {"list", text((1u << 30) - 1), "string"}});
}

TEST_CASE("gguf: short files, magic and version (G13, G14)", "[format]") {
  const Bytes whole = header(0, 0).bytes();
  for (const std::size_t size : {0u, 1u, 3u, 4u, 7u, 8u, 23u}) {
    check({"size " + text(size),
           Bytes(whole.begin(), whole.begin() + static_cast<long>(size)),
           Status::format,
           {"header", "needs"}});
  }
  const auto start = [](const std::string& magic, std::uint32_t version) {
    return ByteWriter().raw(magic).u32(version).u64(0).u64(0).bytes();
  };
  check_all({
      {"magic", start("GGUX", 3), Status::format, {"47 47 55 58", "expected 47 47 55 46"}},
      {"old magic", start("lmgg", 3), Status::format, {"6c 6d 67 67"}},
      {"high bytes", start("\xff\xfe\x80\x00", 3), Status::format, {"ff fe 80"}},
      {"zip", start("PK\3\4", 3), Status::format, {"50 4b 03 04"}},
      {"version 0", start("GGUF", 0), Status::unsupported, {"version 0", "expected 2 or 3"}},
      {"version 1", start("GGUF", 1), Status::unsupported, {"version 1", "expected 2 or 3"}},
      {"version 4", start("GGUF", 4), Status::unsupported, {"version 4", "expected 2 or 3"}},
      {"version -1", start("GGUF", 0xffffffff), Status::unsupported, {"version 4294967295"}},
      {"big-endian 3", start("GGUF", 0x03000000), Status::unsupported, {"big-endian"}},
      {"big-endian 2", start("GGUF", 0x02000000), Status::unsupported, {"big-endian"}},
  });
  CHECK(Opened(start("GGUF", 3)).status == Status::ok);
  CHECK(Opened(start("GGUF", 2)).status == Status::ok);
}

TEST_CASE("gguf: keys must be names, each once (G15)", "[format]") {
  const auto named = [](const std::string& key) {
    return GgufBuilder().key(key, std::uint32_t{1}).build();
  };
  check_all({
      {"twice",
       GgufBuilder().key("a", 1).key("b", 2).key("c", 3).key("b", 2).build(),
       Status::format,
       {"key b", "twice", "1 and 3"}},
      {"empty", named(""), Status::format, {"key 0", "empty"}},
      {"65,536 bytes", named(std::string(65536, 'k')), Status::limit, {"65536", "65535"}},
      {"zero byte", named(std::string("a\0b", 3)), Status::format, {"zero", "byte 1 of 3"}},
  });
  CHECK(Opened(named(std::string(65535, 'k'))).status == Status::ok);
  const char* not_utf8[] = {"\x80",
                            "a\xff",
                            "\xc0\x80",
                            "\xc1\xbf",
                            "\xc3",
                            "\xc3(",
                            "\xe0\x80\x80",
                            "\xe0\x9f\xbf",
                            "\xe2\x82",
                            "\xed\xa0\x80",
                            "\xed\xbf\xbf",
                            "\xf0\x80\x80\x80",
                            "\xf0\x8f\xbf\xbf",
                            "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80",
                            "\xf0\x9f\x98"};
  for (const char* key : not_utf8) {
    check({"not UTF-8", named(key), Status::format, {"key 0", "not UTF-8"}});
  }
  for (const char* key : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                          "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(Opened(named(key)).status == Status::ok);
  }
}

TEST_CASE("gguf: a bool is 0 or 1", "[format]") {
  check_all({
      {"scalar", with_key("flag", 7, ByteWriter().u8(2)), Status::format, {"flag", "2", "0 or 1"}},
      {"array",
       with_key("flags", gguf_array, ByteWriter().u32(7).u64(3).u8(1).u8(0).u8(255)),
       Status::format,
       {"flags", "bool 2 is 255", "0 or 1"}},
  });
}

TEST_CASE("gguf: alignment (G17, G18)", "[format]") {
  const std::string key = "general.alignment";
  const auto with = [&](auto value) {
    return GgufBuilder().key(key, value).tensor("t", {4}, {1, 2, 3, 4}).build();
  };
  for (const std::uint32_t bad :
       {0u, 1u, 2u, 4u, 3u, 12u, 13u, 33u, 1u << 17, 1u << 30, 1u << 31, 0xffffffffu}) {
    check({"alignment " + text(bad),
           with(bad),
           Status::format,
           {key, "power of two from 8 to 65536", "file has " + text(bad)}});
  }
  check_all({
      {"i32", with(std::int32_t{32}), Status::format, {key, "expected u32", "file has i32"}},
      {"u64", with(std::uint64_t{32}), Status::format, {key, "expected u32", "file has u64"}},
      {"string", with(std::string("32")), Status::format, {key, "expected u32", "string"}},
      {"array",
       GgufBuilder().array(key, std::vector<std::uint32_t>{32}).build(),
       Status::format,
       {key, "expected u32", "array of u32"}},
  });
  for (const std::uint32_t good : {8u, 16u, 32u, 64u, 4096u, 65536u}) {
    const Opened opened(
        GgufBuilder().alignment(good).tensor("a", {1}, {1}).tensor("b", {1}, {2}).build());
    INFO(opened.text());
    REQUIRE(opened.status == Status::ok);
    CHECK(opened.manifest.tensor("b")->offset % good == 0);
    CHECK(opened.manifest.tensor("b")->offset - opened.manifest.tensor("a")->offset == good);
  }
}

TEST_CASE("gguf: limits (G16)", "[format]") {
  const auto keys = [](std::uint32_t count) {
    GgufBuilder builder;
    for (std::uint32_t i = 0; i < count; ++i) builder.key("key." + std::to_string(i), i);
    return builder.build();
  };
  const auto tensors = [](std::uint32_t count) {
    GgufBuilder builder;
    builder.alignment(8);
    for (std::uint32_t i = 0; i < count; ++i) {
      builder.tensor("blk." + std::to_string(i), {1}, {static_cast<float>(i)});
    }
    return builder.build();
  };
  const auto begin = std::chrono::steady_clock::now();
  {
    const Opened opened(keys(65536));
    REQUIRE(opened.status == Status::ok);
    std::uint32_t value = 0;
    Error error{};
    CHECK(opened.manifest.get("key.65535", value, error) == Status::ok);
    CHECK(value == 65535);
  }
  {
    const Opened opened(tensors(262144));
    REQUIRE(opened.status == Status::ok);
    CHECK(opened.manifest.tensor("blk.262143") == &opened.manifest.tensors()[262143]);
  }
  // Each pair compared with each other would take minutes.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  check({"keys", keys(65537), Status::limit, {"65537", "65536"}});
  check({"tensors", tensors(262145), Status::limit, {"262145", "262144"}});

  const auto string = [](std::size_t size) {
    return GgufBuilder().key("text", std::string(size, 'x')).build();
  };
  CHECK(Opened(string(limits::string_bytes)).status == Status::ok);
  check({"string", string(limits::string_bytes + 1), Status::limit, {"text", "16777217"}});
  const auto bytes = [](std::size_t size) {
    return GgufBuilder().array("bytes", std::vector<std::uint8_t>(size)).build();
  };
  CHECK(Opened(bytes(limits::array_items)).status == Status::ok);
  check({"array", bytes(limits::array_items + 1), Status::limit, {"bytes", "16777217"}});
}

}  // namespace inlay::test
