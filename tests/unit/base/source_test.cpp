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
#include "support/data.h"
#include "support/scratch_folder.h"

#if defined(__unix__)
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace inlay::test {
namespace {

struct Opened {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Source source;
  Error error{};
  Status status;
  explicit Opened(const inlay_source& description, Source::Access access = Source::Access::map)
      : status(source.open(allocator, description, error, access)) {}
  bool holds(const unsigned char* bytes, std::size_t size) {
    std::vector<unsigned char> out(size + 1);  // never without an address
    return source.size() == size && source.read(0, out.data(), size, error) == Status::ok &&
           std::memcmp(out.data(), bytes, size) == 0;
  }
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
  CHECK(unknown.text() == "source: kind is 99, known are 1 to 5");
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

TEST_CASE("source: parts are no file", "[base]") {
  inlay_source parts{};
  parts.kind = INLAY_SOURCE_PARTS;
  const Opened opened(parts);
  CHECK(opened.status == Status::argument);
  CHECK(opened.text() == "source: parts stand where one file is expected");
}

TEST_CASE("source: a path can be read instead of mapped", "[base]") {
  const ScratchFolder folder;
  const std::vector<unsigned char> bytes = counting_bytes(10000);
  const std::string path = folder.add("file.bin", bytes);
  Opened opened(path_source(path), Source::Access::read);
  REQUIRE(opened.status == Status::ok);
  CHECK(opened.source.map() == nullptr);
  CHECK(opened.source.concurrent());
  CHECK(opened.holds(bytes.data(), bytes.size()));
  std::filesystem::resize_file(path, 5000);  // what would fault in a map is an error here
  unsigned char out[100];
  CHECK(opened.source.read(4900, out, 100, opened.error) == Status::ok);
  CHECK(opened.source.read(4950, out, 100, opened.error) == Status::io);
  CHECK(opened.text().find("file.bin: ends at 5000 now, it had 10000 bytes") != std::string::npos);
}

TEST_CASE("source: all but callbacks may be read by several threads", "[base]") {
  const std::vector<unsigned char> bytes = counting_bytes(100);
  Callback callback{bytes, {}, false};
  CHECK(Opened(memory_source(bytes)).source.concurrent());
  CHECK_FALSE(Opened(callback.source()).source.concurrent());
}

TEST_CASE("source: a path of any UTF-8, and one too long for a text", "[base]") {
  const ScratchFolder folder;
  const std::vector<unsigned char> bytes = counting_bytes(100);
  const std::string name =
      "\xd0\xbc\xd0\xbe\xd0\xb4\xd0\xb5\xd0\xbb\xd1\x8c "
      "\xe6\xa8\xa1\xe5\x9e\x8b \xf0\x9f\xa6\x99.gguf";
  const std::string path = folder.add(name, bytes);
  Opened opened(path_source(path));
  REQUIRE(opened.status == Status::ok);
  CHECK(opened.holds(bytes.data(), bytes.size()));
  const std::string missing = std::string(100, 'd') + "/" + std::string(30, 'e') + "/" + name;
  const Opened none(path_source(missing));
  CHECK(none.status == Status::io);
  CHECK(none.text().find(std::string(30, 'e') + "/" + name + ": cannot open: no such file") == 0);
}

#if defined(__unix__)

namespace {

inlay_source descriptor_source(int descriptor, std::uint64_t offset, std::uint64_t size) {
  inlay_source source{};
  source.kind = INLAY_SOURCE_DESCRIPTOR;
  source.descriptor = descriptor;
  source.offset = offset;
  source.size = size;
  return source;
}

int open_descriptors() {
  int count = 0;
  for (int i = 0; i < 256; ++i) count += ::fcntl(i, F_GETFD) >= 0;
  return count;
}

}  // namespace

TEST_CASE("source: a range of a descriptor, wherever it begins", "[base]") {
  const ScratchFolder folder;
  const std::vector<unsigned char> bytes = counting_bytes(30000);
  const int file = ::open(folder.add("package.bin", bytes).c_str(), O_RDONLY);
  REQUIRE(file >= 0);
  const int before = open_descriptors();
  for (const auto access : {Source::Access::map, Source::Access::read}) {
    for (const std::size_t offset : {0, 1, 4095, 4096, 4097, 12345, 29999, 30000}) {
      const std::size_t rest = bytes.size() - offset;
      for (const std::size_t size : {std::size_t{0}, rest / 2, rest}) {
        INFO(offset << " " << size);
        const std::size_t expected = size ? size : rest;  // 0: to the end
        Opened opened(descriptor_source(file, offset, size), access);
        REQUIRE(opened.status == Status::ok);
        CHECK(opened.source.name() == "descriptor");
        CHECK((opened.source.map() != nullptr) == (access == Source::Access::map && expected > 0));
        CHECK(opened.holds(bytes.data() + offset, expected));
        unsigned char out[1];
        CHECK(opened.source.read(expected, out, 1, opened.error) == Status::format);
      }
    }
  }
  CHECK(open_descriptors() == before);
  Opened opened(descriptor_source(file, 100, 200), Source::Access::read);
  ::close(file);  // ours stays open
  CHECK(opened.holds(bytes.data() + 100, 200));
}

TEST_CASE("source: descriptors that cannot be read", "[base]") {
  const ScratchFolder folder;
  const int file = ::open(folder.add("package.bin", counting_bytes(1000)).c_str(), O_RDONLY);
  REQUIRE(file >= 0);
  const int before = open_descriptors();
  const Opened outside(descriptor_source(file, 1001, 0));
  CHECK(outside.status == Status::argument);
  CHECK(outside.text() == "descriptor: 0 bytes at 1001 wanted, the descriptor's file has 1000");
  CHECK(Opened(descriptor_source(file, 999, 2)).status == Status::argument);
  CHECK(Opened(descriptor_source(file, 999, ~std::uint64_t{0})).status == Status::argument);
  CHECK(Opened(descriptor_source(file, ~std::uint64_t{0}, 2)).status == Status::argument);
  inlay_source huge = descriptor_source(file, 0, 0);
  huge.descriptor = std::int64_t{1} << 32 | file;  // must not be cut to the open one
  CHECK(Opened(huge).status == Status::io);
  int pipes[2];
  REQUIRE(::pipe(pipes) == 0);
  const Opened piped(descriptor_source(pipes[0], 0, 0));
  CHECK(piped.status == Status::io);
  CHECK(piped.text() == "descriptor: not a regular file");
  ::close(pipes[0]);
  ::close(pipes[1]);
  const int folder_file = ::open(folder.path().c_str(), O_RDONLY);
  CHECK(Opened(descriptor_source(folder_file, 0, 0)).status == Status::io);
  ::close(folder_file);
  CHECK(open_descriptors() == before);
  ::close(file);
  const Opened closed(descriptor_source(file, 0, 0));
  CHECK(closed.status == Status::io);
  CHECK(closed.text().find("the descriptor is not open") != std::string::npos);
  CHECK(Opened(descriptor_source(-1, 0, 0)).status == Status::io);
}

TEST_CASE("source: a pipe at the path does not hold up the opening", "[base]") {
  const ScratchFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const Opened opened(path_source(path));
  CHECK(opened.status == Status::io);
  CHECK(opened.text().find("not a regular file") != std::string::npos);
}

TEST_CASE("source: what cannot be mapped is read", "[base]") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  print_skipped("sanitizers need the address space");
#else
  const ScratchFolder folder;
  const std::vector<unsigned char> head = counting_bytes(1000);
  const std::string path = folder.add("large.bin", head);
  constexpr std::uint64_t size = std::uint64_t{6} << 30;  // of holes
  std::filesystem::resize_file(path, size);
  rlimit before{}, small{};
  REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
  small = before;
  small.rlim_cur = rlim_t{5} << 30;
  REQUIRE(::setrlimit(RLIMIT_AS, &small) == 0);
  Opened opened(path_source(path));
  REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
  REQUIRE(opened.status == Status::ok);
  CHECK(opened.source.map() == nullptr);
  CHECK(opened.source.size() == size);
  std::vector<unsigned char> out(1000);
  REQUIRE(opened.source.read(0, out.data(), 1000, opened.error) == Status::ok);
  CHECK(out == head);
  REQUIRE(opened.source.read(size - 1, out.data(), 1, opened.error) == Status::ok);
  CHECK(out[0] == 0);
#endif
}

#endif

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
