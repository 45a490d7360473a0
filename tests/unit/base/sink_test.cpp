// sink_test.cpp - a file appears when it is whole, or not at all.
#include <filesystem>
#include <string>
#include <vector>

#include "base/sink.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"
#include "support/scratch_folder.h"

namespace inlay::test {
namespace {

struct Written {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Sink sink;
  Error error{};

  Status open(const std::string& path) {
    inlay_sink description{};
    description.struct_size = sizeof description;
    description.path = path.data();
    description.path_length = path.size();
    return sink.open(allocator, description, error);
  }
  Status write(const std::string& text) { return sink.write(text.data(), text.size(), error); }
  Status close() { return sink.close(error); }
  std::string text() const { return error.text; }
};

// Takes what it gets; the call with number `fail_at` gives `status`.
struct Receiver {
  std::string got;
  int calls = 0;
  int fail_at = 0;
  inlay_status status = INLAY_ERROR_MEMORY;

  inlay_sink sink() {
    inlay_sink description{};
    description.struct_size = sizeof description;
    description.user = this;
    description.write = [](void* user, const void* data, std::size_t size) -> inlay_status {
      auto& self = *static_cast<Receiver*>(user);
      if (++self.calls == self.fail_at) return self.status;
      self.got.append(static_cast<const char*>(data), size);
      return INLAY_OK;
    };
    return description;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("sink: the file has its name when it is whole", "[base]") {
  const ScratchFolder folder;
  const std::string path = folder.add("out.gguf", std::string("what was there"));
  Written out;
  REQUIRE(out.open(path) == Status::ok);
  CHECK(out.sink.name() == path);
  CHECK(folder.names() == Names{"out.gguf", "out.gguf.part"});
  std::string expected;
  for (const std::size_t size : {std::size_t{1}, std::size_t{0}, std::size_t{70000},
                                 std::size_t{65536}, std::size_t{65535}, std::size_t{3}}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    REQUIRE(out.write(piece) == Status::ok);
    expected += piece;
    CHECK(out.sink.written() == expected.size());
  }
  CHECK(read_text(path) == "what was there");
  REQUIRE(out.close() == Status::ok);
  CHECK(read_text(path) == expected);
  CHECK(folder.names() == Names{"out.gguf"});
  CHECK(out.close() == Status::ok);  // once more
  CHECK(out.write("x") == Status::state);
  CHECK(read_text(path) == expected);
}

TEST_CASE("sink: files beside it are left alone, whatever their names", "[base]") {
  const ScratchFolder folder;
  const std::string path = folder / "out.gguf";
  folder.add("out.gguf.part", std::string("somebody's"));
  std::filesystem::create_symlink(folder / "elsewhere", path + ".1.part");
  Written out;
  REQUIRE(out.open(path) == Status::ok);
  REQUIRE(out.write("new") == Status::ok);
  REQUIRE(out.close() == Status::ok);
  CHECK(read_text(path) == "new");
  CHECK(read_text(path + ".part") == "somebody's");
  CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("sink: no close, no file", "[base]") {
  const ScratchFolder folder;
  const std::string path = folder / "out.gguf";
  {
    Written out;
    REQUIRE(out.open(path) == Status::ok);
    REQUIRE(out.write(std::string(100000, 'x')) == Status::ok);
    CHECK(folder.names() == Names{"out.gguf.part"});
  }
  CHECK(folder.names().empty());
  Written out;
  REQUIRE(out.open(path) == Status::ok);
  REQUIRE(out.write("x") == Status::ok);
  out.sink.discard();
  CHECK(folder.names().empty());
  CHECK(out.write("x") == Status::state);
  CHECK(out.close() == Status::state);
  // And open again.
  REQUIRE(out.open(path) == Status::ok);
  REQUIRE(out.close() == Status::ok);
  CHECK(read_text(path).empty());
}

TEST_CASE("sink: what cannot be written says so and names the path", "[base]") {
  const ScratchFolder folder;
  Written out;
  CHECK(out.open("") == Status::argument);
  CHECK(out.open(std::string("a\0b", 3)) == Status::argument);
  CHECK(out.open(folder.path()) == Status::io);
  CHECK(out.text().find("it is a folder") != std::string::npos);
  CHECK(out.open(folder / "none/out.gguf") == Status::io);
  CHECK(out.text().find("none/out.gguf: cannot open: no such file") != std::string::npos);
  CHECK(out.write("x") == Status::state);
  CHECK(folder.names().empty());
  // A path longer than a text has room for keeps its end.
  const std::string deep = std::string(100, 'd') + "/" + std::string(40, 'e') + "/out.gguf";
  CHECK(out.open(folder / deep) == Status::io);
  CHECK(out.text().find("e/out.gguf: cannot open") != std::string::npos);
}

TEST_CASE("sink: a full device fails, at once or at the end", "[base]") {
  if (!std::filesystem::exists("/dev/full")) return print_skipped("no full device");
  Written large;
  REQUIRE(large.open("/dev/full") == Status::ok);
  CHECK(large.write(std::string(100000, 'x')) == Status::io);
  CHECK(large.text().find("/dev/full: cannot write: the device is full") == 0);
  CHECK(large.close() == Status::state);
  Written small;
  REQUIRE(small.open("/dev/full") == Status::ok);
  REQUIRE(small.write("x") == Status::ok);  // gathered
  CHECK(small.close() == Status::io);
  CHECK(small.text().find("/dev/full: cannot write: the device is full") == 0);
  CHECK(std::filesystem::exists("/dev/full"));  // written directly, never replaced
  CHECK_FALSE(std::filesystem::exists("/dev/full.part"));
}

TEST_CASE("sink: a file that cannot get its name is removed", "[base]") {
  const ScratchFolder folder;
  const std::string path = folder / "out.gguf";
  Written out;
  REQUIRE(out.open(path) == Status::ok);
  REQUIRE(out.write("x") == Status::ok);
  std::filesystem::create_directory(path);  // meanwhile
  CHECK(out.close() == Status::io);
  CHECK(out.text().find("out.gguf: cannot rename what was written") != std::string::npos);
  CHECK(folder.names() == Names{"out.gguf"});
}

TEST_CASE("sink: a host function gets all bytes in order, in large pieces", "[base]") {
  Receiver receiver;
  CountingAllocator heap;
  Error error{};
  {
    Allocator allocator(heap.host());
    Sink sink;
    REQUIRE(sink.open(allocator, receiver.sink(), error) == Status::ok);
    CHECK(sink.name() == "callback");
    std::string expected;
    for (int i = 0; i < 50000; ++i) {
      const std::string piece = std::to_string(i);
      REQUIRE(sink.write(piece.data(), piece.size(), error) == Status::ok);
      expected += piece;
    }
    REQUIRE(sink.close(error) == Status::ok);
    CHECK(receiver.got == expected);
    CHECK(receiver.calls <= 5);
    CHECK(heap.peak_bytes < 70000);
  }
  CHECK(heap.clean());
}

TEST_CASE("sink: a host function ends the writing", "[base]") {
  for (const bool cancels : {false, true}) {
    Receiver receiver;
    receiver.fail_at = 2;
    if (cancels) receiver.status = INLAY_ERROR_CANCELLED;
    CountingAllocator heap;
    Allocator allocator(heap.host());
    Sink sink;
    Error error{};
    REQUIRE(sink.open(allocator, receiver.sink(), error) == Status::ok);
    const std::string piece(70000, 'x');
    CHECK(sink.write(piece.data(), piece.size(), error) == Status::ok);
    CHECK(sink.write(piece.data(), piece.size(), error) ==
          (cancels ? Status::cancelled : Status::io));
    CHECK(std::string(error.text).find("callback: the write function") == 0);
    CHECK(sink.write(piece.data(), piece.size(), error) == Status::state);
    CHECK(sink.close(error) == Status::state);
    CHECK(receiver.calls == 2);
  }
}

TEST_CASE("sink: any failing allocation is Status::memory and leaves nothing", "[base][fault]") {
  const ScratchFolder folder;
  const std::string path = folder / "out.gguf";
  for (std::uint64_t n = 1;; ++n) {
    Written out;
    out.heap.fail_at = n;
    const Status status = out.open(path);
    if (out.heap.calls < n) {
      CHECK(status == Status::ok);
      CHECK(n > 3);
      break;
    }
    CHECK(status == Status::memory);
    CHECK(folder.names().empty());
  }
}

}  // namespace inlay::test
