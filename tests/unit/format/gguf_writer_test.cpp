// gguf_writer_test.cpp - what is written is read again, value by value and byte by byte.
#include <cstring>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "support/catch.h"
#include "support/data.h"
#include "support/gguf_builder.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

// A sink in memory, and a writer on it.
struct Writing {
  Bytes bytes;
  std::uint64_t taken = 0;
  bool keeps = true;
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Sink sink;
  Error error{};
  GgufWriter writer{sink, allocator};

  Writing() {
    inlay_sink description{};
    description.struct_size = sizeof description;
    description.user = this;
    description.write = [](void* user, const void* data, std::size_t size) -> inlay_status {
      auto& self = *static_cast<Writing*>(user);
      const auto* begin = static_cast<const unsigned char*>(data);
      if (self.keeps) self.bytes.insert(self.bytes.end(), begin, begin + size);
      self.taken += size;
      return INLAY_OK;
    };
    REQUIRE(sink.open(allocator, description, error) == Status::ok);
  }
  Status tensor(const char* name, Type type, const std::vector<std::uint64_t>& shape,
                std::uint64_t size) {
    return writer.add_tensor(name, type, shape, size, error);
  }
  Status write(const Bytes& data) { return writer.write(data.data(), data.size(), error); }
  // Keys and tensors of a file that was read, with their data.
  void copy(const Opened& from) {
    for (const Entry& entry : from.manifest.entries()) {
      REQUIRE(writer.add_key(entry.key, entry.value, error) == Status::ok);
    }
    for (const TensorInfo& t : from.manifest.tensors()) {
      REQUIRE(writer.add_tensor(t.name, t.type, {t.shape, t.rank}, t.bytes, error) == Status::ok);
    }
    REQUIRE(writer.begin_data(error) == Status::ok);
    for (const TensorInfo& t : from.manifest.tensors()) {
      Bytes data(t.bytes);
      REQUIRE(from.source.read(t.offset, data.data(), data.size(), error) == Status::ok);
      REQUIRE(write(data) == Status::ok);
    }
    REQUIRE(writer.finish(error) == Status::ok);
  }
};

// Every type, alone and as an array, with the values at both ends.
GgufBuilder all_types() {
  GgufBuilder b;
  b.key("u8", std::uint8_t{255}).key("i8", std::int8_t{-128}).key("u16", std::uint16_t{65535});
  b.key("i16", std::int16_t{-32768}).key("u32", ~std::uint32_t{0}).key("i32", INT32_MIN);
  b.key("f32", -1.5f).key("yes", true).key("no", false).key("text", "h\xc3\xa9llo").key("none", "");
  b.key("u64", ~std::uint64_t{0}).key("i64", INT64_MIN).key("f64", 0.1);
  b.array("u8s", std::vector<std::uint8_t>{0, 255}).array("i8s", std::vector<std::int8_t>{-1, 1});
  b.array("u16s", std::vector<std::uint16_t>{1, 65535})
      .array("i16s", std::vector<std::int16_t>{-2, 2});
  b.array("u32s", std::vector<std::uint32_t>{3, ~0u})
      .array("i32s", std::vector<std::int32_t>{-3, 3});
  b.array("u64s", std::vector<std::uint64_t>{4, ~std::uint64_t{0}});
  b.array("i64s", std::vector<std::int64_t>{INT64_MIN, -4, INT64_MAX});
  b.array("f32s", std::vector<float>{0.1f, -2, 3e38f})
      .array("f64s", std::vector<double>{0.1, -1e300});
  b.array("bools", std::vector<bool>{true, false, true});
  b.array("texts", std::vector<std::string>{"a", "", std::string("z\0z", 3)});
  b.array("empty", std::vector<std::string>{}).array("nothing", std::vector<float>{});
  return b;
}

}  // namespace

TEST_CASE("gguf writer: every type of value and shape comes back, byte by byte", "[format]") {
  const Bytes file = all_types()
                         .tensor("x", {3, 2}, {1, 2, 3, 4, 5, 6})
                         .tensor("y", {1}, {7})
                         .tensor_f16("z.\xc3\xa9", {2, 1, 3, 2}, std::vector<float>(12, 0.5f))
                         .build();
  const Opened read(file);
  REQUIRE(read.status == Status::ok);
  Writing out;
  out.copy(read);
  Bytes padded = file;  // the writer pads the last tensor too
  padded.resize((padded.size() + 31) / 32 * 32);
  CHECK(out.bytes == padded);
}

TEST_CASE("gguf writer: a real file comes back", "[format]") {
  const Bytes file = read_bytes(source_path("examples/demo_model/demo.gguf"));
  const Opened read(file);
  REQUIRE(read.status == Status::ok);
  Writing out;
  out.copy(read);
  const Opened again(out.bytes);
  REQUIRE(again.status == Status::ok);
  REQUIRE(again.manifest.entries().size() == read.manifest.entries().size());
  REQUIRE(again.manifest.tensors().size() == read.manifest.tensors().size());
  for (const TensorInfo& t : read.manifest.tensors()) {
    const TensorInfo* copy = again.manifest.tensor(t.name);
    REQUIRE(copy);
    CHECK(copy->offset % 32 == 0);
    CHECK(copy->type == t.type);
    CHECK(std::memcmp(out.bytes.data() + copy->offset, file.data() + t.offset, t.bytes) == 0);
  }
  Writing twice;
  twice.copy(again);
  CHECK(twice.bytes == out.bytes);
}

TEST_CASE("gguf writer: keys of its own making", "[format]") {
  Writing out;
  const std::uint32_t wide = 64;
  const Value alignment(ValueType::u32, false, 1, &wide);
  CHECK(out.writer.add_text("general.architecture", "llama", out.error) == Status::ok);
  CHECK(out.writer.add_number("general.file_type", 7, out.error) == Status::ok);
  // Those of the file it came from would be wrong here.
  CHECK(out.writer.add_key("general.alignment", alignment, out.error) == Status::ok);
  CHECK(out.writer.add_number("split.count", 3, out.error) == Status::ok);
  CHECK(out.writer.add_number("splitting", 3, out.error) == Status::ok);
  REQUIRE(out.writer.begin_data(out.error) == Status::ok);
  REQUIRE(out.writer.finish(out.error) == Status::ok);
  const Opened read(out.bytes);
  REQUIRE(read.status == Status::ok);
  CHECK(read.manifest.entries().size() == 3);
  std::string_view text;
  std::uint32_t number = 0;
  Error error{};
  CHECK(read.manifest.get("general.architecture", text, error) == Status::ok);
  CHECK(text == "llama");
  CHECK(read.manifest.get("general.file_type", number, error) == Status::ok);
  CHECK(number == 7);
  CHECK(read.manifest.find("splitting"));
}

TEST_CASE("gguf writer: data in any pieces", "[format]") {
  Bytes data(600);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(i * 7);
  Bytes first;
  for (const std::size_t piece : {1, 7, 32, 100, 200}) {
    Writing out;
    REQUIRE(out.tensor("a", Type::F32, {50}, 200) == Status::ok);
    REQUIRE(out.tensor("b", Type::F16, {2, 100}, 400) == Status::ok);
    REQUIRE(out.writer.begin_data(out.error) == Status::ok);
    for (std::size_t at = 0; at < 600;) {
      const std::size_t end = at < 200 ? 200 : 600;
      const std::size_t size = std::min(piece, end - at);
      REQUIRE(out.writer.write(data.data() + at, size, out.error) == Status::ok);
      at += size;
    }
    REQUIRE(out.writer.finish(out.error) == Status::ok);
    if (first.empty()) first = out.bytes;
    CHECK(out.bytes == first);
    const Opened read(out.bytes);
    REQUIRE(read.status == Status::ok);
    const TensorInfo* b = read.manifest.tensor("b");
    REQUIRE(b);
    CHECK(std::memcmp(out.bytes.data() + b->offset, data.data() + 200, 400) == 0);
  }
}

TEST_CASE("gguf writer: what would make no file is refused", "[format]") {
  Writing out;
  const std::string long_name(256, 'n');
  CHECK(out.tensor("", Type::F32, {1}, 4) == Status::format);
  CHECK(out.tensor(long_name.c_str(), Type::F32, {1}, 4) == Status::limit);
  CHECK(out.tensor("x", Type::F32, {}, 4) == Status::format);
  CHECK(out.tensor("x", Type::F32, {1, 1, 1, 1, 1}, 4) == Status::format);
  CHECK(out.tensor("x", Type::F32, {1, 0}, 0) == Status::format);
  CHECK(out.tensor("x", Type::Q8_0, {33}, 34) == Status::format);
  CHECK(out.tensor("x", Type::F32, {2}, 4) == Status::argument);
  CHECK(std::string(out.error.text) == "callback: tensor x: 4 bytes, its type and shape have 8");
  CHECK(out.writer.add_text("", "x", out.error) == Status::format);
  CHECK(out.writer.add_text("a\xff", "x", out.error) == Status::format);

  REQUIRE(out.tensor("x", Type::F32, {2}, 8) == Status::ok);
  REQUIRE(out.tensor("y", Type::F32, {1}, 4) == Status::ok);
  CHECK(out.write({1}) == Status::internal);  // no head yet
  CHECK(out.writer.finish(out.error) == Status::internal);
  REQUIRE(out.writer.begin_data(out.error) == Status::ok);
  CHECK(out.write(Bytes(9)) == Status::internal);  // into the next tensor
  CHECK(out.write(Bytes(8)) == Status::ok);
  CHECK(out.writer.finish(out.error) == Status::internal);
  CHECK(std::string(out.error.text) == "callback: 1 of 2 tensors are written");
  CHECK(out.write(Bytes(3)) == Status::ok);
  CHECK(out.writer.finish(out.error) == Status::internal);
  CHECK(out.write(Bytes(1)) == Status::ok);
  CHECK(out.write(Bytes(1)) == Status::internal);
  CHECK(out.writer.finish(out.error) == Status::ok);

  Writing twice;
  REQUIRE(twice.writer.add_text("key", "x", twice.error) == Status::ok);
  REQUIRE(twice.writer.add_number("key", 1, twice.error) == Status::ok);
  CHECK(twice.writer.begin_data(twice.error) == Status::argument);
  CHECK(std::string(twice.error.text) == "callback: key key is there twice");
  Writing tensors;
  REQUIRE(tensors.tensor("x", Type::F32, {1}, 4) == Status::ok);
  REQUIRE(tensors.tensor("x", Type::F32, {1}, 4) == Status::ok);
  CHECK(tensors.writer.begin_data(tensors.error) == Status::argument);
}

TEST_CASE("gguf writer: gigabytes pass through little memory", "[format]") {
  Writing out;
  out.keeps = false;
  constexpr std::uint64_t rows = 1200, columns = std::uint64_t{1} << 20;  // 4.8 GB of F32
  for (const char* name : {"a", "b"}) {
    REQUIRE(out.tensor(name, Type::F32, {columns, rows / 2}, rows * columns * 2) == Status::ok);
  }
  REQUIRE(out.writer.begin_data(out.error) == Status::ok);
  const Bytes row(columns * 4);
  for (std::uint64_t i = 0; i < rows; ++i) REQUIRE(out.write(row) == Status::ok);
  REQUIRE(out.writer.finish(out.error) == Status::ok);
  CHECK(out.taken > rows * columns * 4);
  CHECK(out.heap.peak_bytes < 100000);
}

TEST_CASE("gguf writer: any failing allocation is Status::memory", "[format][fault]") {
  for (std::uint64_t n = 1;; ++n) {
    Writing out;
    const std::uint64_t before = out.heap.calls;
    out.heap.fail_at = before + n;
    Status status = out.writer.add_text("a", "text", out.error);
    for (int i = 0; i < 20 && !is_error(status); ++i) {
      const std::string name = "t" + std::to_string(i);
      static std::vector<std::string> names;  // borrowed until begin_data()
      names.reserve(100000);
      status = out.writer.add_tensor(names.emplace_back(name), Type::F32,
                                     std::vector<std::uint64_t>{1}, 4, out.error);
    }
    if (!is_error(status)) status = out.writer.begin_data(out.error);
    const bool reached = out.heap.calls >= before + n;
    REQUIRE(status == (reached ? Status::memory : Status::ok));
    if (!reached) {
      CHECK(n > 5);
      break;
    }
  }
}

}  // namespace inlay::test
