// gguf_read_test.cpp - reading sound files: from every source, twice, large vocabularies, who owns
// the text.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/data.h"
#include "support/gguf_builder.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

template <class T>
T got(const Manifest& manifest, const std::string& key) {
  T out{};
  Error error{};
  CHECK(manifest.get(key, out, error) == Status::ok);
  return out;
}

}  // namespace

TEST_CASE("manifest: text keeps its address and outlives the file", "[format]") {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Manifest manifest(allocator);
  Error error{};
  {
    std::vector<std::string> tokens;
    for (int i = 0; i < 20000; ++i) tokens.push_back("token " + std::to_string(i));
    const Bytes file = GgufBuilder().array("tokens", tokens).tensor("t", {1}, {1}).build();
    Source source;
    REQUIRE(source.open(allocator, memory_source(file), error) == Status::ok);
    REQUIRE(read_gguf(source, manifest, error) == Status::ok);
  }
  const auto texts = manifest.find("tokens")->texts();
  for (int i = 0; i < 20000; ++i) {
    REQUIRE(texts[static_cast<std::size_t>(i)] == "token " + std::to_string(i));
  }
  CHECK(manifest.file() == "test.gguf");
  CHECK(heap.calls < 60);  // no allocation per string
}

TEST_CASE("manifest: path, memory and callback give the same", "[format]") {
  GgufBuilder builder;
  builder.key("name", "x").key("f64", 2.5).array<bool>("flags", {true, false});
  std::vector<std::string> tokens;
  for (int i = 0; i < 5000; ++i)
    tokens.push_back(std::string(static_cast<std::size_t>(i) % 90, 'x'));
  builder.array("tokens", tokens).array("floats", std::vector<float>(3000, 0.5f));
  const Bytes bytes = builder.tensor("t", {2}, {1, 2}).tensor("u", {1}, {3}).build();
  const std::string path = "inlay-manifest-test.gguf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  CallbackFile file{&bytes};
  const Opened memory(bytes), callback(file.source()), mapped(path_source(path));
  std::remove(path.c_str());
  REQUIRE(memory.status == Status::ok);
  CHECK(file.calls > 1);
  CHECK(mapped.manifest.file() == path);
  for (const Opened* other : {&callback, &mapped}) {
    INFO(other->text());
    REQUIRE(other->status == Status::ok);
    const auto a = memory.manifest.entries(), b = other->manifest.entries();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].key == b[i].key);
      CHECK(a[i].value.type() == b[i].value.type());
      CHECK(a[i].value.is_array() == b[i].value.is_array());
      REQUIRE(a[i].value.count() == b[i].value.count());
      for (std::uint64_t k = 0; k < a[i].value.count(); ++k) {
        std::string_view s, t;
        double x = 0, y = 0;
        const bool is_text = a[i].value.text(k, s);
        REQUIRE(is_text == b[i].value.text(k, t));
        REQUIRE(a[i].value.number(k, x) == b[i].value.number(k, y));
        REQUIRE(s == t);
        REQUIRE(x == y);
      }
    }
    const auto p = memory.manifest.tensors(), q = other->manifest.tensors();
    REQUIRE(p.size() == q.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      CHECK(p[i].name == q[i].name);
      CHECK(p[i].offset == q[i].offset);
      CHECK(p[i].bytes == q[i].bytes);
      CHECK(p[i].type == q[i].type);
    }
  }
}

TEST_CASE("manifest: version 2 reads like version 3", "[format]") {
  const Opened opened(GgufBuilder(2).key("a", std::uint32_t{5}).tensor("t", {1}, {1}).build());
  REQUIRE(opened.status == Status::ok);
  CHECK(got<std::uint32_t>(opened.manifest, "a") == 5);
  CHECK(opened.manifest.tensor("t"));
}

TEST_CASE("manifest: a second file takes the place of the first", "[format]") {
  const Bytes first = GgufBuilder().key("a", 1).tensor("t", {1}, {1}).build();
  const Bytes second = GgufBuilder().key("b", 2).build();
  const Bytes broken(first.begin(), first.end() - 1);
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    Manifest manifest(allocator);
    Error error{};
    Source source;
    REQUIRE(source.open(allocator, memory_source(first), error) == Status::ok);
    REQUIRE(read_gguf(source, manifest, error) == Status::ok);
    REQUIRE(source.open(allocator, memory_source(second), error) == Status::ok);
    REQUIRE(read_gguf(source, manifest, error) == Status::ok);
    CHECK(!manifest.find("a"));
    CHECK(manifest.find("b"));
    CHECK(manifest.tensors().empty());
    REQUIRE(source.open(allocator, memory_source(broken), error) == Status::ok);
    REQUIRE(read_gguf(source, manifest, error) == Status::format);
    CHECK(manifest.entries().empty());
    CHECK(!manifest.find("b"));
  }
  CHECK(heap.clean());
}

TEST_CASE("chunk store: pieces are apart, aligned and stay", "[format]") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    ChunkStore store(allocator);
    struct Piece {
      unsigned char* data;
      std::size_t size;
    };
    std::vector<Piece> pieces;
    std::size_t total = 0;
    for (std::size_t i = 0; i < 3000; ++i) {
      const std::size_t size = i % 97 == 0 ? 5000 + i : 1 + i % 61;
      const std::size_t alignment = std::size_t{1} << i % 5;
      auto* data = static_cast<unsigned char*>(store.allocate_bytes(size, alignment));
      REQUIRE(data);
      REQUIRE(reinterpret_cast<std::uintptr_t>(data) % alignment == 0);
      std::memset(data, static_cast<int>(i % 256), size);
      pieces.push_back({data, size});
      total += size;
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      for (std::size_t k = 0; k < pieces[i].size; ++k) wrong += pieces[i].data[k] != i % 256;
    }
    CHECK(wrong == 0);
    CHECK(heap.live_bytes < 2 * total);
    CHECK(store.allocate_bytes(0, 8) == nullptr);
    CHECK(store.allocate<std::uint64_t>(SIZE_MAX / 4) == nullptr);
    std::string_view text;
    CHECK(store.copy("", text) == Status::ok);
    CHECK((text.data() && text.empty()));
    store.reset();
    CHECK(heap.live_blocks() == 0);
    CHECK(store.copy("again", text) == Status::ok);
    CHECK(text == "again");
  }
  CHECK(heap.clean());
}

TEST_CASE("manifest: models of the test data are read", "[format][data]") {
  INLAY_NEEDS_TEST_DATA();
  const Opened opened(path_source(data_path("models/stories260K/stories260K.gguf")));
  INFO(opened.text());
  REQUIRE(opened.status == Status::ok);
  CHECK(got<std::string_view>(opened.manifest, "general.architecture") == "llama");
  CHECK(got<std::uint32_t>(opened.manifest, "llama.embedding_length") == 64);
  CHECK(opened.manifest.find("tokenizer.ggml.tokens")->count() == 512);
  CHECK(opened.manifest.tensor("token_embd.weight"));
}

TEST_CASE("manifest: fixtures are read", "[format]") {
  const Opened opened(path_source(fixture_path("models/llama-gqa.gguf")));
  INFO(opened.text());
  REQUIRE(opened.status == Status::ok);
  CHECK(got<std::string_view>(opened.manifest, "general.architecture") == "llama");
  CHECK(opened.manifest.tensor("blk.0.attn_k.weight"));
}

TEST_CASE("manifest: a vocabulary of 128,000 tokens is read in milliseconds", "[format]") {
  std::vector<std::string> tokens, merges;
  for (int i = 0; i < 128000; ++i) tokens.push_back("tok" + std::to_string(i * 7919));
  for (int i = 0; i < 280000; ++i) merges.push_back("ab" + std::to_string(i) + " cd");
  const Bytes file = GgufBuilder()
                         .array("tokenizer.ggml.tokens", tokens)
                         .array("tokenizer.ggml.token_type", std::vector<std::int32_t>(128000, 1))
                         .array("tokenizer.ggml.merges", merges)
                         .build();
  const auto begin = std::chrono::steady_clock::now();
  const Opened opened(file);
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  REQUIRE(opened.status == Status::ok);
  CHECK(opened.manifest.find("tokenizer.ggml.merges")->count() == 280000);
  CHECK(opened.heap.calls < 100);
  CHECK(opened.heap.peak_bytes < 3 * file.size());
  INFO("128,000 tokens and 280,000 merges, " << file.size() << " bytes: " << ms << " ms");
  CHECK(ms < 1000);  // loose: builds with sanitizers and busy machines; about 20 ms are usual
}

}  // namespace inlay::test
