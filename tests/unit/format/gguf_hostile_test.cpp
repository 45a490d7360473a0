// gguf_hostile_test.cpp - the corpus of malformed files; every cut, bit flip, failed allocation and
// read.
#include <set>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/gguf_builder.h"
#include "support/malformed.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

// Every kind of key and three tensor types in about 1 KiB.
Bytes small_model() {
  std::vector<unsigned char> blocks(2 * 18, 0x5a);
  return GgufBuilder()
      .key("general.architecture", "llama")
      .alignment(64)
      .key("u8", std::uint8_t{200})
      .key("i8", std::int8_t{-100})
      .key("u16", std::uint16_t{60000})
      .key("i16", std::int16_t{-30000})
      .key("u32", std::uint32_t{4000000000})
      .key("i32", std::int32_t{-2000000000})
      .key("f32", 1.5f)
      .key("bool", true)
      .key("u64", std::uint64_t{1} << 63)
      .key("i64", std::int64_t{-5})
      .key("f64", 2.5)
      .array<std::string>("tokens", {"a", "", "\xff", "hello"})
      .array<float>("scores", {0.0f, -1.0f, -2.0f})
      .array<bool>("flags", {true, false})
      .array<std::uint64_t>("empty", {})
      .tensor("token_embd.weight", {4, 4}, std::vector<float>(16, 0.25f))
      .tensor("blk.0.attn_q.weight", Type::Q4_0, {32, 2}, blocks)
      .tensor_f16("output.weight", {5}, {1, 2, 3, 4, 5})
      .build();
}

// Reads everything that the manifest points at; the sum keeps the reads alive.
std::uint64_t touch(const Opened& opened) {
  std::uint64_t sum = 0;
  for (const Entry& entry : opened.manifest.entries()) {
    for (const char c : entry.key) sum += static_cast<unsigned char>(c);
    for (const std::string_view text : entry.value.texts()) {
      for (const char c : text) sum += static_cast<unsigned char>(c);
    }
    double number = 0;
    for (std::uint64_t i = 0; i < entry.value.count(); ++i) {
      if (entry.value.number(i, number)) sum += number > 0;
    }
  }
  for (const TensorInfo& tensor : opened.manifest.tensors()) {
    for (const char c : tensor.name) sum += static_cast<unsigned char>(c);
    for (std::uint64_t i = 0; i < tensor.bytes; ++i) {
      sum += static_cast<std::uint64_t>(opened.source.map()[tensor.offset + i]);
    }
  }
  return sum;
}

// Ok or an error with a text; in both cases nothing is read that is not there.
bool survives(const Opened& opened, std::size_t size) {
  if (opened.heap.peak_bytes > 16384 + 8 * size) return false;
  if (is_error(opened.status)) return opened.error.text[0] != 0;
  touch(opened);
  return true;
}

}  // namespace

TEST_CASE("gguf: every file of the malformed corpus has the listed outcome", "[format][data]") {
  INLAY_NEEDS_TEST_DATA();
  // Where the list leaves it open, this is what inlay does.
  const std::set<std::string> accepted = {"105-order-reversed.gguf", "107-name-64.gguf",
                                          "111-trailing-garbage.gguf"};
  const std::vector<MalformedFile> files = malformed_files("malformed/gguf");
  CHECK(files.size() == 139);
  int of_container = 0, of_model = 0;
  for (const MalformedFile& file : files) {
    const Opened opened(path_source(file.path));
    INFO(file.file << " (" << file.expect << ", " << file.why << "): " << opened.text());
    of_container += file.level == Level::container;
    of_model += file.level == Level::model;
    // A fault of a level above is no fault of the container.
    const bool open_choice = file.number() < 120 && file.may_refuse() && !file.must_refuse();
    const bool refused =
        file.level == Level::container || (open_choice && !accepted.count(file.file));
    CHECK(is_error(opened.status) == refused);
    const Bytes bytes = read_bytes(file.path);
    CHECK(survives(opened, bytes.size()));
    CHECK(Opened(bytes).status == opened.status);  // from an exact block of memory
  }
  CHECK(of_container == 68);
  CHECK(of_model == 36);
}

TEST_CASE("gguf: files found in the wild end in ok or an error", "[format][data]") {
  INLAY_NEEDS_TEST_DATA();
  struct Found {
    const char* file;
    Status status;
  };
  const Found files[] = {{"docker-dummy.gguf", Status::ok},
                         {"docker-dummy-00001-of-00002.gguf", Status::unsupported},
                         {"docker-dummy-00002-of-00002.gguf", Status::unsupported},
                         {"weight-inspect-empty.gguf", Status::ok},
                         {"weight-inspect-tiny.gguf", Status::format},
                         {"llama.dict", Status::format},
                         {"test_llama2c_tokenizer.bin", Status::format},
                         {"valid-tensor-1d-int32.safetensors", Status::format}};
  for (const Found& file : files) {
    const Opened opened(path_source(data_path(std::string("malformed/found/") + file.file)));
    INFO(file.file << ": " << opened.text());
    CHECK(opened.status == file.status);
  }
}

TEST_CASE("gguf: no proper prefix of a file is a file", "[format]") {
  const Bytes whole = small_model();
  REQUIRE(Opened(whole).status == Status::ok);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
    const Opened opened(cut);
    INFO("cut at " << size << ": " << opened.text());
    REQUIRE(opened.status == Status::format);
    REQUIRE(survives(opened, size));
  }
}

TEST_CASE("gguf: any flipped bit ends in ok or an error", "[format]") {
  const Bytes whole = small_model();
  int refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1u << bit % 8));
    const Opened opened(flipped);
    INFO("bit " << bit << ": " << opened.text());
    REQUIRE(survives(opened, whole.size()));
    refused += is_error(opened.status);
  }
  CHECK(refused > 1000);  // the structure, not the values, was hit this often
}

TEST_CASE("gguf: any byte set to 0, 1, 127, 128 or 255 ends in ok or an error", "[format]") {
  const Bytes whole = small_model();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned char value : {0, 1, 127, 128, 255}) {
      Bytes changed = whole;
      changed[at] = value;
      const Opened opened(changed);
      INFO("byte " << at << " is " << int{value} << ": " << opened.text());
      REQUIRE(survives(opened, whole.size()));
    }
  }
}

TEST_CASE("gguf: any failing allocation is Status::memory, and nothing leaks", "[format][fault]") {
  GgufBuilder builder;
  std::vector<std::string> tokens;
  for (int i = 0; i < 3000; ++i) tokens.push_back("token number " + std::to_string(i));
  builder.array("tokenizer.ggml.tokens", tokens).key("big", std::string(70000, 'x'));
  for (int i = 0; i < 200; ++i) builder.tensor("blk." + std::to_string(i), {1}, {1.0f});
  const Bytes file = builder.build();

  for (const bool after : {false, true}) {
    std::uint64_t failed = 0;
    for (std::uint64_t n = 1;; ++n) {
      CountingAllocator heap;
      Status status;
      {
        Allocator allocator(heap.host());
        Source source;
        Manifest manifest(allocator);
        Error error{};
        REQUIRE(source.open(allocator, memory_source(file), error) == Status::ok);
        heap.calls = 0;
        heap.fail_at = n;
        heap.fail_after = after;
        status = read_gguf(source, manifest, error);
        const bool reached = heap.calls >= n;
        INFO("allocation " << n << " of " << heap.calls << ": " << error.text);
        REQUIRE(status == (reached ? Status::memory : Status::ok));
        if (reached) {
          ++failed;
          REQUIRE(std::string(error.text).find("out of memory") != std::string::npos);
          REQUIRE(manifest.entries().empty());
          // The manifest is usable again.
          heap.fail_at = 0;
          REQUIRE(read_gguf(source, manifest, error) == Status::ok);
          REQUIRE(manifest.tensors().size() == 200);
        }
      }
      REQUIRE(heap.clean());
      if (status == Status::ok) break;
    }
    CHECK(failed >= 10);
  }
}

TEST_CASE("gguf: any failing read of a callback is Status::io", "[format][fault]") {
  GgufBuilder builder;
  std::vector<std::string> tokens(5000, "some token");
  builder.array("tokens", tokens).tensor("x", {4}, {1, 2, 3, 4});
  const Bytes bytes = builder.build();
  int failed = 0;
  for (int n = 1;; ++n) {
    CallbackFile file{&bytes, 0, n};
    const Opened opened(file.source());
    if (file.calls < n) {
      CHECK(opened.status == Status::ok);
      break;
    }
    ++failed;
    REQUIRE(opened.status == Status::io);
    REQUIRE(opened.says("test.gguf"));
  }
  CHECK(failed >= 20);
}

}  // namespace inlay::test
