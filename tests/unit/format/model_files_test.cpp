// model_files_test.cpp - one file, a folder, or the files that the host lists.
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/limits.h"
#include "format/model_files.h"
#include "format/model_reader.h"
#include "support/catch.h"
#include "support/gguf_builder.h"
#include "support/scratch_folder.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

struct Files {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  ModelFiles files{allocator};
  Error error{};

  Status open(const inlay_source& source) { return files.open(source, error); }
  Status find(const std::string& name) {
    part = 99;
    return files.find(name, &present, &part, error);
  }
  bool has(const std::string& name) { return find(name) == Status::ok && present; }
  std::string content(std::uint32_t index) {
    std::string text(files[index].size(), 0);
    CHECK(files[index].read(0, text.data(), text.size(), error) == Status::ok);
    return text;
  }
  bool says(const std::string& words) const {
    return std::string(error.text).find(words) != std::string::npos;
  }

  bool present = false;
  std::uint32_t part = 99;
};

inlay_source named_memory(const std::string& name, const std::string& text) {
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_MEMORY;
  source.text = name.empty() ? nullptr : name.data();
  source.text_length = name.size();
  source.data = text.data();
  source.size = text.size();
  return source;
}

inlay_source parts_source(const std::vector<inlay_source>& parts) {
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_PARTS;
  source.parts = parts.data();
  source.part_count = parts.size();
  return source;
}

}  // namespace

TEST_CASE("model files: one file is opened at once", "[format]") {
  Files opened;
  const std::string name = "a.gguf", text = "bytes";
  REQUIRE(opened.open(named_memory(name, text)) == Status::ok);
  CHECK_FALSE(opened.files.is_folder());
  CHECK(opened.files.listed() == 0);
  CHECK(opened.files.count() == 1);
  CHECK(opened.files.name() == "a.gguf");
  CHECK(opened.content(0) == "bytes");
  opened.files.close();
  CHECK(opened.files.count() == 0);
  CHECK(opened.heap.clean());
  CHECK(opened.open(path_source("no/such/file")) == Status::io);
  CHECK(opened.open(path_source("")) == Status::argument);
  CHECK(opened.open(path_source(std::string("a\0b", 3))) == Status::argument);
  CHECK(opened.open(path_source(std::string(".\0b", 3))) == Status::argument);
}

TEST_CASE("model files: a folder's files are opened when they are asked for, once", "[format]") {
  const ScratchFolder folder;
  folder.add("config.json", std::string("{}"));
  folder.add("model.safetensors", std::string("weights"));
  std::filesystem::create_directory(folder / "tokenizer.json");
  for (const std::string ending : {"", "/"}) {
    Files opened;
    REQUIRE(opened.open(path_source(folder.path() + ending)) == Status::ok);
    CHECK(opened.files.is_folder());
    CHECK(opened.files.name() == folder.path() + ending);
    CHECK(opened.files.count() == 0);
    REQUIRE(opened.has("model.safetensors"));
    CHECK(opened.part == 0);
    REQUIRE(opened.has("config.json"));
    CHECK(opened.part == 1);
    CHECK(opened.content(1) == "{}");
    const Source* first = &opened.files[0];
    REQUIRE(opened.has("model.safetensors"));
    CHECK(opened.part == 0);
    CHECK(opened.files.count() == 2);
    CHECK(&opened.files[0] == first);
    CHECK(opened.find("generation_config.json") == Status::ok);
    CHECK_FALSE(opened.present);
    CHECK(opened.find("tokenizer.json") == Status::io);  // it is a folder
    CHECK(opened.says("tokenizer.json: not a regular file"));
  }
}

TEST_CASE("model files: names that would leave the folder are refused", "[format]") {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "model");
  std::filesystem::create_directory(folder / "model/inner");
  folder.add("secret", std::string("x"));
  folder.add("model/inner/file", std::string("x"));
  Files opened;
  REQUIRE(opened.open(path_source(folder / "model")) == Status::ok);
  const std::string names[] = {"",           "..",
                               ".",          "../secret",
                               "inner/file", "/etc/passwd",
                               "a\\b",       "..\\secret",
                               "C:secret",   std::string("con\0fig", 7)};
  for (const std::string& name : names) {
    INFO(name);
    CHECK(opened.find(name) == Status::format);
    CHECK_FALSE(opened.present);
    CHECK(opened.says("the file name \""));
  }
  CHECK(opened.files.count() == 0);
}

TEST_CASE("model files: listed files make a folder where one is config.json", "[format]") {
  const std::string config = "{}", weights = "weights";
  const ScratchFolder scratch;
  const std::string path = scratch.add("tokenizer.json", std::string("tokens"));
  std::string names[] = {"some/folder/model.safetensors", "config.json"};
  std::vector<inlay_source> parts = {named_memory(names[0], weights),
                                     named_memory(names[1], config), path_source(path)};
  Files opened;
  REQUIRE(opened.open(parts_source(parts)) == Status::ok);
  for (std::string& name : names) name.assign(name.size(), '?');  // texts and list are copied
  parts.assign(3, inlay_source{});
  CHECK(opened.files.is_folder());
  CHECK(opened.files.name() == "parts");
  CHECK(opened.files.listed() == 3);
  CHECK(opened.files.count() == 0);
  REQUIRE(opened.has("tokenizer.json"));
  CHECK(opened.content(opened.part) == "tokens");
  REQUIRE(opened.has("model.safetensors"));
  CHECK(opened.content(opened.part) == "weights");
  REQUIRE(opened.has("config.json"));
  CHECK(opened.content(opened.part) == "{}");
  CHECK(opened.files.count() == 3);
  CHECK_FALSE(opened.has("generation_config.json"));
}

TEST_CASE("model files: lists that are wrong", "[format]") {
  const std::string text = "x", config = "config.json", other = "b/config.json", a = "a.gguf";
  Files opened;
  CHECK(opened.open(parts_source({})) == Status::argument);
  inlay_source null_list = parts_source({});
  null_list.part_count = 3;
  CHECK(opened.open(null_list) == Status::argument);

  // In a folder the plain name counts, else the whole text; no name is no name.
  CHECK(opened.open(parts_source({named_memory(config, text), named_memory(other, text)})) ==
        Status::argument);
  CHECK(opened.says("parts 0 and 1 are both named config.json"));
  CHECK(opened.open(parts_source({named_memory(a, text), named_memory(a, text)})) ==
        Status::argument);
  const std::string a1 = "1/a.gguf", a2 = "2/a.gguf";
  CHECK(opened.open(parts_source({named_memory(a1, text), named_memory(a2, text)})) == Status::ok);
  CHECK(opened.open(parts_source({named_memory("", text), named_memory("", text)})) == Status::ok);

  const std::vector<inlay_source> inner = {named_memory(a, text)};
  CHECK(opened.open(parts_source({parts_source(inner)})) == Status::argument);
  inlay_source old = named_memory(a, text);
  old.struct_size -= 8;
  CHECK(opened.open(parts_source({old})) == Status::argument);
  CHECK(opened.says("struct_size"));
  CHECK(opened.open(parts_source(std::vector<inlay_source>(
            limits::files + 1, named_memory("", text)))) == Status::limit);
}

TEST_CASE("model files: any failing allocation is Status::memory, and nothing leaks",
          "[format][fault]") {
  const ScratchFolder folder;
  folder.add("config.json", std::string("{}"));
  const std::string config = "config.json", text = "{}";
  const std::vector<inlay_source> parts = {named_memory(config, text), named_memory("", text)};
  for (const bool listed : {false, true}) {
    int failed = 0;
    for (std::uint64_t n = 1;; ++n) {
      Files opened;
      opened.heap.fail_at = n;
      Status status = opened.open(listed ? parts_source(parts) : path_source(folder.path()));
      if (!is_error(status)) status = opened.find("config.json");
      if (!is_error(status)) REQUIRE(opened.present);
      const bool reached = opened.heap.calls >= n;
      REQUIRE(status == (reached ? Status::memory : Status::ok));
      opened.files.close();
      REQUIRE(opened.heap.clean());
      if (!reached) break;
      ++failed;
    }
    CHECK(failed >= 4);
  }
}

TEST_CASE("model reader: rows where they are, and rows copied", "[format]") {
  std::vector<float> values(24);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Bytes file = GgufBuilder()
                         .key("general.architecture", "llama")
                         .tensor("before", {3}, {7, 8, 9})
                         .tensor("x", {4, 3, 2}, values)
                         .build();
  CallbackFile callback{&file};
  for (const bool called : {false, true}) {
    CountingAllocator heap;
    Allocator allocator(heap.host());
    ModelFiles files(allocator);
    Manifest manifest(allocator);
    Error error{};
    REQUIRE(read_model(called ? callback.source() : memory_source(file), files, manifest, error) ==
            Status::ok);
    const TensorInfo& x = *manifest.tensor("x");
    CHECK(x.part == 0);
    const std::byte* place = rows_in_place(files, x);
    CHECK((place == nullptr) == called);
    if (place) CHECK(std::memcmp(place, values.data(), 96) == 0);
    Array<std::byte> scratch(allocator);
    float out[24] = {};
    REQUIRE(read_rows(files, manifest, x, 0, 6, out, scratch, error) == Status::ok);
    CHECK(std::memcmp(out, values.data(), 96) == 0);
    REQUIRE(read_rows(files, manifest, x, 4, 1, out, scratch, error) == Status::ok);
    CHECK(out[0] == 16);
    CHECK(out[3] == 19);
    CHECK(read_rows(files, manifest, x, 6, 0, out, scratch, error) == Status::ok);
    CHECK(read_rows(files, manifest, x, 6, 1, out, scratch, error) == Status::argument);
    CHECK(read_rows(files, manifest, x, 1, ~std::uint64_t{0}, out, scratch, error) ==
          Status::argument);
    CHECK(std::string(error.text).find("tensor x: ") == 0);
  }
}

TEST_CASE("model reader: a file of a folder is pointed to its folder", "[format]") {
  ByteWriter safetensors;
  safetensors.u64(2).raw("{}");
  const ScratchFolder folder;
  for (const std::string& path : {folder.add("model.safetensors", safetensors.bytes()),
                                  folder.add("config.json", std::string("{\n}"))}) {
    Files opened;
    Manifest manifest(opened.allocator);
    CHECK(read_model(path_source(path), opened.files, manifest, opened.error) ==
          Status::unsupported);
    CHECK(opened.says("open the folder"));
  }
  Files opened;
  Manifest manifest(opened.allocator);
  CHECK(read_model(path_source(folder.add("x.bin", std::string(20, 'x'))), opened.files, manifest,
                   opened.error) == Status::format);
  CHECK(opened.says("no GGUF file"));
  CHECK(read_model(path_source(folder.add("empty.gguf", std::string())), opened.files, manifest,
                   opened.error) == Status::format);
}

// Its first bytes, read as the length of a safetensors header, end inside the file.
TEST_CASE("model reader: a GGUF file of 15 GB and 123 tensors is no safetensors file", "[format]") {
  ByteWriter gguf;
  gguf.raw("GGUF").u32(3).u64(123).u64(0);
  Bytes head = gguf.bytes();
  inlay_source source{};
  inlay_source_callback(&source, std::uint64_t{15} << 30, &head,
                        [](void* user, std::uint64_t offset, void* to, std::size_t size) {
                          const Bytes& bytes = *static_cast<const Bytes*>(user);
                          for (std::size_t i = 0; i < size; ++i) {
                            static_cast<unsigned char*>(to)[i] =
                                offset + i < bytes.size() ? bytes[offset + i] : 0;
                          }
                          return static_cast<inlay_status>(INLAY_OK);
                        });
  Files opened;
  Manifest manifest(opened.allocator);
  CHECK(read_model(source, opened.files, manifest, opened.error) == Status::format);
  INFO(opened.error.text);
  CHECK(opened.says("tensor 0 has an empty name"));
}

}  // namespace inlay::test
