// manifest_test.cpp - what a sound file gives: values of every type, typed getters, tensors,
// sources.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/gguf_builder.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

// One key for each value: "u8 200" and so on, named by type.
GgufBuilder every_type() {
  return GgufBuilder()
      .key("u8", std::uint8_t{200})
      .key("i8", std::int8_t{-100})
      .key("u16", std::uint16_t{60000})
      .key("i16", std::int16_t{-30000})
      .key("u32", std::uint32_t{4000000000})
      .key("i32", std::int32_t{-2000000000})
      .key("f32", 1.5f)
      .key("bool", true)
      .key("string", "llama")
      .key("u64", ~std::uint64_t{0})
      .key("i64", std::numeric_limits<std::int64_t>::min())
      .key("f64", 1e300)
      .array<std::uint32_t>("array", {1, 2, 3});
}

template <class T>
std::string refusal(const Manifest& manifest, const std::string& key) {
  T out{};
  Error error{};
  const Status status = manifest.get(key, out, error);
  if (status == Status::ok) return "ok";
  CHECK(status == Status::format);
  CHECK(error.status == INLAY_ERROR_FORMAT);
  return error.text;
}

template <class T>
T got(const Manifest& manifest, const std::string& key) {
  T out{};
  Error error{};
  INFO(error.text);
  CHECK(manifest.get(key, out, error) == Status::ok);
  return out;
}

}  // namespace

TEST_CASE("manifest: every value type arrives as it was written", "[format]") {
  const Opened opened(every_type().build());
  INFO(opened.text());
  REQUIRE(opened.status == Status::ok);
  const Manifest& m = opened.manifest;
  CHECK(m.file() == "test.gguf");
  REQUIRE(m.entries().size() == 13);
  for (std::size_t i = 0; i < 12; ++i) {
    const Entry& entry = m.entries()[i];
    CHECK(entry.key == value_type_name(entry.value.type()));  // file order, and the type's name
    CHECK(!entry.value.is_array());
    CHECK(entry.value.count() == 1);
    CHECK(m.find(entry.key) == &entry.value);
  }
  CHECK(got<std::uint32_t>(m, "u8") == 200);
  CHECK(got<std::int32_t>(m, "i8") == -100);
  CHECK(got<std::uint32_t>(m, "u16") == 60000);
  CHECK(got<std::int32_t>(m, "i16") == -30000);
  CHECK(got<std::uint32_t>(m, "u32") == 4000000000u);
  CHECK(got<std::int64_t>(m, "u32") == 4000000000);
  CHECK(got<std::uint64_t>(m, "u32") == 4000000000u);
  CHECK(got<std::int32_t>(m, "i32") == -2000000000);
  CHECK(got<std::int64_t>(m, "i32") == -2000000000);
  CHECK(got<std::uint64_t>(m, "u64") == ~std::uint64_t{0});
  CHECK(got<std::int64_t>(m, "i64") == std::numeric_limits<std::int64_t>::min());
  CHECK(got<float>(m, "f32") == 1.5f);
  CHECK(got<bool>(m, "bool"));
  CHECK(got<std::string_view>(m, "string") == "llama");
  CHECK(m.find("nothing") == nullptr);
  CHECK(m.find("") == nullptr);
  CHECK(m.tensor("nothing") == nullptr);
}

TEST_CASE("manifest: getters refuse what does not fit, with key, wish and fact", "[format]") {
  const Opened opened(every_type()
                          .key("nan", std::nanf(""))
                          .key("inf", -INFINITY)
                          .key("neg", std::int8_t{-1})
                          .build());
  REQUIRE(opened.status == Status::ok);
  const Manifest& m = opened.manifest;
  const std::string at = "test.gguf: key ";
  CHECK(refusal<std::uint32_t>(m, "gone") == at + "gone is missing, expected u32");
  CHECK(refusal<std::uint32_t>(m, "string") == at + "string: expected u32, file has string");
  CHECK(refusal<std::uint32_t>(m, "f32") == at + "f32: expected u32, file has f32");
  CHECK(refusal<std::uint32_t>(m, "bool") == at + "bool: expected u32, file has bool");
  CHECK(refusal<std::uint32_t>(m, "array") == at + "array: expected u32, file has array of u32");
  CHECK(refusal<std::uint32_t>(m, "u64") ==
        at + "u64: expected u32 from 0 to 4294967295, file has 18446744073709551615");
  CHECK(refusal<std::uint32_t>(m, "neg") ==
        at + "neg: expected u32 from 0 to 4294967295, file has -1");
  CHECK(refusal<std::uint64_t>(m, "neg") ==
        at + "neg: expected u64 from 0 to 18446744073709551615, file has -1");
  CHECK(refusal<std::int32_t>(m, "u32") ==
        at + "u32: expected i32 from -2147483648 to 2147483647, file has 4000000000");
  CHECK(refusal<std::int32_t>(m, "i64") ==
        at + "i64: expected i32 from -2147483648 to 2147483647, file has -9223372036854775808");
  CHECK(refusal<std::int64_t>(m, "u64").find("file has 18446744073709551615") != std::string::npos);
  CHECK(refusal<float>(m, "u32") == at + "u32: expected f32, file has u32");
  CHECK(refusal<float>(m, "f64").find("file has 1e+300") != std::string::npos);
  CHECK(refusal<bool>(m, "u8") == at + "u8: expected bool, file has u8");
  CHECK(refusal<std::string_view>(m, "u8") == at + "u8: expected string, file has u8");
  CHECK(refusal<std::string_view>(m, "array") ==
        at + "array: expected string, file has array of u32");
  CHECK(std::isnan(got<float>(m, "nan")));
  CHECK(got<float>(m, "inf") == -INFINITY);

  Error error{};
  const Value* array = nullptr;
  CHECK(m.get_array("array", array, error) == Status::ok);
  REQUIRE(array);
  CHECK(array->count() == 3);
  CHECK(m.get_array("u8", array, error) == Status::format);
  CHECK(std::string(error.text) == at + "u8: expected an array, file has u8");

  std::uint32_t number = 0;
  CHECK(m.get_or("gone", number, 7, error) == Status::ok);
  CHECK(number == 7);
  CHECK(m.get_or("u8", number, 7, error) == Status::ok);
  CHECK(number == 200);
  CHECK(m.get_or("string", number, 7, error) == Status::format);  // there, but wrong
  float real = 0;
  CHECK(m.get_or("gone", real, 0.5f, error) == Status::ok);
  CHECK(real == 0.5f);
}

TEST_CASE("manifest: arrays are read element by element or in place", "[format]") {
  const Opened opened(GgufBuilder()
                          .array<std::int16_t>("i16", {-3, 4})
                          .array<std::uint64_t>("u64", {1, ~std::uint64_t{0}})
                          .array<float>("f32", {0.5f, -2.0f})
                          .array<bool>("bool", {false, true})
                          .array<std::uint8_t>("u8", {9, 8, 7})
                          .array<std::string>("string", {"a", "", std::string("\xff\0z", 3)})
                          .array<double>("none", {})
                          .array<std::string>("no strings", {})
                          .build());
  REQUIRE(opened.status == Status::ok);
  const Manifest& m = opened.manifest;
  std::int64_t i = 0;
  std::uint64_t u = 0;
  double d = 0;
  bool b = false;
  std::string_view s;

  const Value& shorts = *m.find("i16");
  CHECK(shorts.is_array());
  CHECK((shorts.integer(0, i) && i == -3));
  CHECK(!shorts.integer(0, u));
  CHECK((shorts.integer(1, u) && u == 4));
  CHECK(!shorts.integer(2, i));
  CHECK(!shorts.number(2, d));
  CHECK(!shorts.text(0, s));
  CHECK(!shorts.boolean(0, b));
  CHECK(shorts.floats().empty());
  CHECK(shorts.texts().empty());
  CHECK(shorts.bytes().empty());

  const Value& wide = *m.find("u64");
  CHECK(!wide.integer(1, i));
  CHECK((wide.integer(1, u) && u == ~std::uint64_t{0}));
  CHECK((wide.number(1, d) && d == 18446744073709551616.0));
  CHECK(!wide.integer(2, u));

  const Value& floats = *m.find("f32");
  CHECK(floats.floats().size() == 2);
  CHECK(floats.floats()[1] == -2.0f);
  CHECK((floats.number(1, d) && d == -2.0));
  CHECK(!floats.integer(0, i));
  CHECK((m.find("bool")->boolean(1, b) && b));
  CHECK((m.find("bool")->number(0, d) && d == 0.0));
  CHECK(!m.find("bool")->integer(0, i));
  CHECK(m.find("u8")->bytes().size() == 3);
  CHECK(m.find("u8")->bytes()[2] == std::byte{7});

  const Value& texts = *m.find("string");
  REQUIRE(texts.texts().size() == 3);
  CHECK(texts.texts()[0] == "a");
  CHECK((texts.text(1, s) && s.empty()));
  CHECK((texts.text(2, s) && s == std::string("\xff\0z", 3)));
  CHECK(!texts.text(3, s));
  CHECK(!texts.number(0, d));
  CHECK(m.find("none")->count() == 0);
  CHECK(!m.find("none")->number(0, d));
  CHECK(m.find("no strings")->texts().empty());
}

TEST_CASE("manifest: tensors have shape, size and place", "[format]") {
  const Bytes file = GgufBuilder()
                         .tensor("a", {3}, {1, 2, 3})
                         .tensor("b", Type::Q4_K, {512, 2, 3}, Bytes(12 * 144, 7))
                         .tensor_f16("c", {2, 1, 1, 2}, {1, 2, 3, 4})
                         .build();
  const Opened opened(file);
  REQUIRE(opened.status == Status::ok);
  REQUIRE(opened.manifest.tensors().size() == 3);
  const TensorInfo& a = opened.manifest.tensors()[0];
  CHECK(a.name == "a");
  CHECK(a.rank == 1);
  CHECK(a.elements == 3);
  CHECK(a.bytes == 12);
  CHECK(a.shape[0] == 3);
  CHECK(a.shape[1] == 1);
  float third = 0;
  std::memcpy(&third, file.data() + a.offset + 8, 4);
  CHECK(third == 3.0f);
  const TensorInfo& b = *opened.manifest.tensor("b");
  CHECK(b.type == Type::Q4_K);
  CHECK(b.rank == 3);
  CHECK(b.elements == 3072);
  CHECK(b.bytes == 1728);
  CHECK(b.offset % 32 == 0);
  CHECK(file[b.offset] == 7);
  const TensorInfo& c = *opened.manifest.tensor("c");
  CHECK(c.rank == 4);
  CHECK(c.bytes == 8);
  CHECK(c.offset + 8 == file.size());
}

TEST_CASE("manifest: readers of any format cannot add what is no name, or too much", "[format]") {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Manifest manifest(allocator);
  Error error{};
  const std::uint8_t number = 5;
  const Value value(ValueType::u8, false, 1, &number);
  const std::string key(65536, 'k');
  REQUIRE(manifest.clear("x", error) == Status::ok);
  CHECK(manifest.add_key(key, value, error) == Status::limit);
  CHECK(manifest.add_key("", value, error) == Status::format);
  CHECK(manifest.add_key("\xff", value, error) == Status::format);
  TensorInfo tensor;
  tensor.name = std::string_view(key).substr(0, 256);
  CHECK(manifest.add_tensor(tensor, error) == Status::limit);
  CHECK(manifest.entries().empty());
  for (int i = 0; i < 65536; ++i) REQUIRE(manifest.add_key("a", value, error) == Status::ok);
  CHECK(manifest.add_key("a", value, error) == Status::limit);
  CHECK(std::string(error.text) == "x: more than 65536 keys");
  CHECK(manifest.index_keys(error) == Status::format);
}

TEST_CASE("manifest: a long file name and a long key stay inside the error text", "[format]") {
  const std::string name(5000, 'n'), key(5000, 'k');
  Bytes file = GgufBuilder().raw_key(key, 77, {}).data(Bytes(64)).build();
  inlay_source source = memory_source(file);
  source.text = name.data();
  source.text_length = name.size();
  const Opened opened(source);
  CHECK(opened.status == Status::format);
  const std::string n(64, 'n'), k(64, 'k');  // both are cut at 64 bytes
  CHECK(opened.text() == n + "...: key " + k + "...: value type 77, known are 0 to 12");
}

}  // namespace inlay::test
