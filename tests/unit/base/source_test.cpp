// source_test.cpp - files, memory and callbacks as one Source; the reader that never passes its
// end.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/source.h"
#include "support/catch.h"
#include "support/counting_allocator.h"

namespace inlay::test {
namespace {

struct Opened {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Source source;
  Error error{};
  Status status;
  explicit Opened(const inlay_source& description)
      : status(source.open(allocator, description, error)) {}
  std::string text() const { return error.text; }
};

inlay_source path_source(const std::string& path) {
  inlay_source source{};
  source.kind = INLAY_SOURCE_PATH;
  source.text = path.data();
  source.text_length = path.size();
  return source;
}

inlay_source memory_source(const std::vector<unsigned char>& bytes) {
  inlay_source source{};
  source.kind = INLAY_SOURCE_MEMORY;
  source.data = bytes.data();
  source.size = bytes.size();
  return source;
}

struct Callback {
  std::vector<unsigned char> bytes;
  std::vector<std::pair<std::uint64_t, std::size_t>> ranges;
  bool broken = false;
  inlay_source source() {
    inlay_source source{};
    source.kind = INLAY_SOURCE_CALLBACK;
    source.size = bytes.size();
    source.user = this;
    source.read = [](void* user, std::uint64_t offset, void* destination,
                     std::size_t size) -> inlay_status {
      auto& self = *static_cast<Callback*>(user);
      self.ranges.emplace_back(offset, size);
      if (self.broken) return INLAY_ERROR_IO;
      std::memcpy(destination, self.bytes.data() + offset, size);
      return INLAY_OK;
    };
    return source;
  }
};

std::vector<unsigned char> counting_bytes(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + i / 251);
  return bytes;
}

}  // namespace

TEST_CASE("source: what cannot be opened says so", "[base]") {
  const std::string none = "no/such/file.gguf", folder = ".", empty, zero("a\0b", 3);
  const Opened missing(path_source(none));
  CHECK(missing.status == Status::io);
  CHECK(missing.text().find(none + ": cannot open") == 0);
  const Opened directory(path_source(folder));
  CHECK(directory.status == Status::io);
  CHECK(Opened(path_source(empty)).status == Status::argument);
  CHECK(Opened(path_source(zero)).status == Status::argument);
  inlay_source bad{};
  CHECK(Opened(bad).status == Status::argument);
  bad.kind = 99;
  const Opened unknown(bad);
  CHECK(unknown.status == Status::argument);
  CHECK(unknown.text() == "source: kind is 99, known are 1 to 3");
  bad.kind = INLAY_SOURCE_CALLBACK;
  CHECK(Opened(bad).status == Status::argument);
  bad.kind = INLAY_SOURCE_MEMORY;
  bad.size = 1;
  CHECK(Opened(bad).status == Status::argument);
  bad.size = 0;
  CHECK(Opened(bad).status == Status::ok);
}

TEST_CASE("source: a path is mapped, and its name is kept", "[base]") {
  const std::string path = "inlay-source-test.bin";
  const std::vector<unsigned char> bytes = counting_bytes(10000);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  Opened opened(path_source(path));
  std::remove(path.c_str());
  REQUIRE(opened.status == Status::ok);
  CHECK(opened.source.name() == path);
  REQUIRE(opened.source.size() == bytes.size());
  REQUIRE(opened.source.map());
  CHECK(std::memcmp(opened.source.map(), bytes.data(), bytes.size()) == 0);
  opened.source.close();
  CHECK(opened.source.size() == 0);
  CHECK(opened.source.map() == nullptr);
  CHECK(opened.heap.clean());

  std::ofstream(path, std::ios::binary).close();
  const Opened empty(path_source(path));
  std::remove(path.c_str());
  CHECK(empty.status == Status::ok);
  CHECK(empty.source.size() == 0);
}

TEST_CASE("source: no memory for the name is Status::memory", "[base][fault]") {
  const std::vector<unsigned char> bytes(4);
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Source source;
  Error error{};
  heap.fail_at = 1;
  CHECK(source.open(allocator, memory_source(bytes), error) == Status::memory);
  CHECK(error.status == INLAY_ERROR_MEMORY);
  source.close();
  CHECK(heap.clean());
}

TEST_CASE("source: reads stay inside", "[base]") {
  const std::vector<unsigned char> bytes = counting_bytes(100);
  Callback callback{bytes, {}, false};
  const Opened memory(memory_source(bytes)), called(callback.source());
  CHECK(memory.source.name() == "memory");
  CHECK(called.source.name() == "callback");
  CHECK(called.source.map() == nullptr);
  for (const Opened* opened : {&memory, &called}) {
    const Source& source = opened->source;
    Error error{};
    unsigned char out[100] = {};
    CHECK(source.read(0, out, 100, error) == Status::ok);
    CHECK(std::memcmp(out, bytes.data(), 100) == 0);
    CHECK(source.read(99, out, 1, error) == Status::ok);
    CHECK(out[0] == bytes[99]);
    CHECK(source.read(100, out, 0, error) == Status::ok);
    CHECK(source.read(100, out, 1, error) == Status::format);
    CHECK(source.read(101, out, 0, error) == Status::format);
    CHECK(source.read(99, out, 2, error) == Status::format);
    CHECK(std::string(error.text).find("the file has 100") != std::string::npos);
    CHECK(source.read(~std::uint64_t{0}, out, 2, error) == Status::format);  // the end would wrap
    CHECK(source.read(1, out, SIZE_MAX, error) == Status::format);
  }
  for (const auto& [offset, size] : callback.ranges) CHECK(offset + size <= 100);
  callback.broken = true;
  Error error{};
  unsigned char out[4];
  CHECK(called.source.read(0, out, 4, error) == Status::io);
  CHECK(std::string(error.text).find("callback: the read function gave status") == 0);
}

TEST_CASE("source reader: any mix of sizes gives the bytes in order", "[base]") {
  const std::vector<unsigned char> bytes = counting_bytes(50000);
  Callback callback{bytes, {}, false};
  const Opened memory(memory_source(bytes)), called(callback.source());
  const std::size_t sizes[] = {1, 2, 4, 8, 3, 4095, 4096, 4097, 1, 5000, 8, 100, 0, 9};
  for (const Opened* opened : {&memory, &called}) {
    Error error{};
    SourceReader reader(opened->source, error);
    std::vector<unsigned char> out(5000);
    std::size_t at = 0;
    for (std::size_t i = 0; at + sizes[i % 14] <= bytes.size(); ++i) {
      const std::size_t size = sizes[i % 14];
      REQUIRE(reader.read(out.data(), size, "bytes") == Status::ok);
      REQUIRE(std::memcmp(out.data(), bytes.data() + at, size) == 0);
      at += size;
      if (i % 5 == 0 && at + 300 < bytes.size()) {
        REQUIRE(reader.skip(300, "gap") == Status::ok);
        at += 300;
      }
      REQUIRE(reader.position() == at);
      REQUIRE(reader.remaining() == bytes.size() - at);
    }
  }
  CHECK(callback.ranges.size() < 60);  // small reads share a buffer
}

TEST_CASE("source reader: past the end is an error that names what was wanted", "[base]") {
  const std::vector<unsigned char> bytes = {1, 2, 3, 4, 5, 6};
  const Opened opened(memory_source(bytes));
  Error error{};
  SourceReader reader(opened.source, error);
  std::uint32_t number = 0;
  REQUIRE(reader.read(number, "first") == Status::ok);
  CHECK(number == 0x04030201u);
  CHECK(reader.read(number, "second") == Status::format);
  CHECK(std::string(error.text) == "memory: second needs 4 bytes at 4, the file has 2 left");
  CHECK(reader.position() == 4);  // where it was
  CHECK(reader.skip(3, "third") == Status::format);
  CHECK(reader.skip(~std::uint64_t{0}, "all") == Status::format);
  CHECK(reader.skip(2, "rest") == Status::ok);
  CHECK(reader.remaining() == 0);
}

}  // namespace inlay::test
