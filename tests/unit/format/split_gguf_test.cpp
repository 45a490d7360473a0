// split_gguf_test.cpp - split GGUF models: found, put in order, checked against each other.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/limits.h"
#include "format/model_reader.h"
#include "support/catch.h"
#include "support/data.h"
#include "support/gguf_builder.h"
#include "support/scratch_folder.h"
#include "unit/format/open.h"

namespace inlay::test {
namespace {

using Bytes = std::vector<unsigned char>;

struct Model {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  ModelFiles files{allocator};
  Manifest manifest{allocator};
  Error error{};
  Status status = Status::ok;

  explicit Model(const inlay_source& source) {
    status = read_model(source, files, manifest, error);
  }
  explicit Model(const std::string& path) : Model(path_source(path)) {}
  std::string text() const { return error.text; }
  bool says(const std::string& words) const { return text().find(words) != std::string::npos; }
  // All elements of an F32 tensor.
  std::vector<float> values(const char* name) {
    const TensorInfo* tensor = manifest.tensor(name);
    REQUIRE(tensor);
    std::vector<float> out(tensor->elements);
    Array<std::byte> scratch(allocator);
    REQUIRE(read_rows(files, manifest, *tensor, 0, tensor->elements / tensor->shape[0], out.data(),
                      scratch, error) == Status::ok);
    return out;
  }
};

// What a part says of the model, where it is to be wrong.
struct Part {
  std::uint16_t no = 0;
  std::uint16_t count = 3;
  std::optional<std::int32_t> tensors = 4;
};

// Of a model of three parts: no tensors, two, two.
GgufBuilder builder_of(const Part& part) {
  GgufBuilder builder;
  builder.key("split.no", part.no).key("split.count", part.count);
  if (part.tensors) builder.key("split.tensors.count", *part.tensors);
  return builder;
}
Bytes first_part(const Part& part = {0}) {
  return builder_of(part).key("general.architecture", "llama").build();
}
Bytes second_part(const Part& part = {1}) {
  return builder_of(part).tensor("a", {2}, {1, 2}).tensor("b", {1}, {3}).build();
}
Bytes third_part(const Part& part = {2}) {
  return builder_of(part)
      .key("general.architecture", "of a part that nobody reads")
      .tensor("c", {3}, {4, 5, 6})
      .tensor("d", {1}, {7})
      .build();
}

struct ThreeFiles {
  ScratchFolder folder;
  std::string paths[3];
  ThreeFiles(const Bytes& first, const Bytes& second, const Bytes& third)
      : paths{folder.add("model-00001-of-00003.gguf", first),
              folder.add("model-00002-of-00003.gguf", second),
              folder.add("model-00003-of-00003.gguf", third)} {}
};

inlay_source parts_source(const std::vector<inlay_source>& parts) {
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_PARTS;
  source.parts = parts.data();
  source.part_count = parts.size();
  return source;
}

inlay_source unnamed(const Bytes& bytes) {
  inlay_source source = memory_source(bytes);
  source.text = nullptr;
  source.text_length = 0;
  return source;
}

void check_whole(Model& model) {
  INFO(model.text());
  REQUIRE(model.status == Status::ok);
  std::string_view architecture;
  CHECK(model.manifest.get("general.architecture", architecture, model.error) == Status::ok);
  CHECK(architecture == "llama");
  REQUIRE(model.manifest.tensors().size() == 4);
  const char* names[] = {"a", "b", "c", "d"};
  for (int i = 0; i < 4; ++i) CHECK(model.manifest.tensors()[i].name == names[i]);
  CHECK(model.values("a") == std::vector<float>{1, 2});
  CHECK(model.values("b") == std::vector<float>{3});
  CHECK(model.values("c") == std::vector<float>{4, 5, 6});
  CHECK(model.values("d") == std::vector<float>{7});
  CHECK(model.files.count() == 3);
}

}  // namespace

TEST_CASE("split gguf: the path of any part opens the model", "[format]") {
  const ThreeFiles files(first_part(), second_part(), third_part());
  for (const std::string& path : files.paths) {
    Model model(path);
    check_whole(model);
    CHECK(model.files[model.manifest.tensor("c")->part].name() == files.paths[2]);
    CHECK(model.manifest.file().ends_with("model-00001-of-00003.gguf"));
  }
}

TEST_CASE("split gguf: listed parts come in any order, with any names", "[format]") {
  const Bytes parts[] = {first_part(), second_part(), third_part()};
  int order[] = {0, 1, 2};
  do {
    std::vector<inlay_source> sources;
    for (const int i : order) sources.push_back(unnamed(parts[i]));
    Model model(parts_source(sources));
    INFO(order[0] << order[1] << order[2]);
    check_whole(model);
  } while (std::next_permutation(order, order + 3));

  CallbackFile called{&parts[1]};
  const ScratchFolder folder;
  const std::string path = folder.add("renamed.gguf", parts[0]);
  Model mixed(parts_source({unnamed(parts[2]), called.source(), path_source(path)}));
  check_whole(mixed);
}

TEST_CASE("split gguf: one part alone", "[format]") {
  const Bytes file = second_part();
  const ScratchFolder folder;
  const std::string path = folder.add("my-model.gguf", file);
  for (const inlay_source& source : {memory_source(file), path_source(path)}) {
    const Model model(source);
    CHECK(model.status == Status::unsupported);
    CHECK(
        model.says("a part of a model of 3 files, and not named <name>-00001-of-00003.gguf: give "
                   "all of them (INLAY_SOURCE_PARTS)"));
    CHECK(model.manifest.entries().empty());
  }
  // A name that counts otherwise than the keys do.
  const Model other(folder.add("model-00001-of-00002.gguf", file));
  CHECK(other.status == Status::unsupported);
  CHECK(other.says("not named <name>-00001-of-00003.gguf"));
  const Model listed(parts_source({unnamed(file)}));
  CHECK(listed.status == Status::argument);
  CHECK(listed.says("the model has 3 parts, 1 are given"));
}

TEST_CASE("split gguf: a missing part is named", "[format]") {
  for (int missing = 0; missing < 3; ++missing) {
    const ThreeFiles files(first_part(), second_part(), third_part());
    std::filesystem::remove(files.paths[missing]);
    const Model model(files.paths[(missing + 1) % 3]);
    CHECK(model.status == Status::io);
    const std::string number = std::to_string(missing + 1);
    CHECK(
        model.says("model-0000" + number + "-of-00003.gguf: part " + number + " of 3 is missing"));
    CHECK(model.manifest.tensors().empty());
  }
}

TEST_CASE("split gguf: parts that do not belong together", "[format]") {
  struct Case {
    const char* what;
    Bytes first, second, third;
    Status status;
    std::vector<std::string> words;
  };
  const Bytes one = first_part(), two = second_part(), three = third_part();
  const Bytes again = builder_of({2}).tensor("c", {1}, {1}).tensor("a", {1}, {1}).build();
  const Bytes overlap =
      builder_of({2}).raw_tensor("c", 0, {2}, 0).raw_tensor("d", 0, {9}, 0).data(Bytes(64)).build();
  const Bytes outside = builder_of({2}).raw_tensor("c", 0, {2}, 32).data(Bytes(32)).build();
  const Case cases[] = {
      {"twice the second",
       one,
       two,
       two,
       Status::format,
       {"model-00003-of-00003.gguf: split.no is 1, expected 2"}},
      {"not the first",
       three,
       two,
       three,
       Status::format,
       {"model-00001-of-00003.gguf: split.no is 2, expected 0"}},
      {"past the end",
       one,
       two,
       third_part({3}),
       Status::format,
       {"model-00003", "split.no is 3, split.count is 3"}},
      {"another count",
       one,
       second_part({1, 2}),
       three,
       Status::format,
       {"model-00002", "split.count is 2", "model-00001-of-00003.gguf has 3"}},
      {"another sum in a part",
       one,
       two,
       third_part({2, 3, 5}),
       Status::format,
       {"model-00003", "split.tensors.count is 5", "has 4"}},
      {"another sum",
       first_part({0, 3, 5}),
       second_part({1, 3, 5}),
       third_part({2, 3, 5}),
       Status::format,
       {"split.tensors.count is 5, the 3 parts have 4"}},
      {"a negative sum",
       first_part({0, 3, -4}),
       two,
       three,
       Status::format,
       {"split.tensors.count", "-4"}},
      {"a tensor in two parts",
       one,
       two,
       again,
       Status::format,
       {"model-00003-of-00003.gguf: tensor a is in", "model-00002-of-00003.gguf too"}},
      {"overlap in a part",
       one,
       two,
       overlap,
       Status::format,
       {"model-00003-of-00003.gguf: tensors c", "overlap"}},
      {"outside of its file",
       one,
       two,
       outside,
       Status::format,
       {"model-00003-of-00003.gguf: tensor c", "8 bytes at offset 32"}},
      {"cut",
       one,
       two,
       Bytes(three.begin(), three.begin() + 100),
       Status::format,
       {"model-00003-of-00003.gguf"}},
      {"no GGUF",
       one,
       Bytes(100),
       three,
       Status::format,
       {"model-00002-of-00003.gguf: no GGUF file"}},
  };
  for (const Case& c : cases) {
    const ThreeFiles files(c.first, c.second, c.third);
    const Model model(files.paths[0]);
    INFO(c.what << ": " << model.text());
    CHECK(model.status == c.status);
    for (const std::string& word : c.words) CHECK(model.says(word));
    CHECK(model.manifest.entries().empty());
    CHECK(model.manifest.tensors().empty());
  }
}

TEST_CASE("split gguf: lists that do not fit the files", "[format]") {
  const Bytes one = first_part(), two = second_part(), three = third_part();
  const Model twice(parts_source({unnamed(one), unnamed(three), unnamed(three)}));
  CHECK(twice.status == Status::format);
  CHECK(twice.says("split.no is 2, as in"));
  const Model short_list(parts_source({unnamed(one), unnamed(three)}));
  CHECK(short_list.status == Status::argument);
  CHECK(short_list.says("the model has 3 parts, 2 are given"));
  const Bytes whole = GgufBuilder().tensor("x", {1}, {1}).build();
  const Model not_split(parts_source({unnamed(whole), unnamed(whole)}));
  CHECK(not_split.status == Status::argument);
  CHECK(not_split.says("the model has 1 part, 2 are given"));
  CHECK(Model(parts_source({unnamed(whole)})).status == Status::ok);
  CHECK(Model(unnamed(builder_of({0, 1, 0}).build())).status == Status::ok);
  const Model no_such(unnamed(builder_of({5, 1}).build()));
  CHECK(no_such.status == Status::format);
  CHECK(no_such.says("split.no is 5, split.count is 1"));
  const Model outside(unnamed(builder_of({5, 3}).build()));
  CHECK(outside.status == Status::format);
  CHECK(outside.says("split.no is 5, split.count is 3"));
  const Model many(unnamed(builder_of({0, 65535}).build()));
  CHECK(many.status == Status::limit);
  CHECK(many.says("split.count is 65535, the limit is 1024"));
}

TEST_CASE("split gguf: parts need not say how many tensors there are", "[format]") {
  const ThreeFiles files(first_part({0, 3, {}}), second_part({1, 3, {}}), third_part({2, 3, {}}));
  Model model(files.paths[0]);
  check_whole(model);
  const ThreeFiles late(first_part({0, 3, {}}), second_part({1, 3, {}}), third_part({2, 3, 9}));
  CHECK(Model(late.paths[0]).says("split.tensors.count is 9, the 3 parts have 4"));
}

TEST_CASE("split gguf: no byte of weights is read", "[format]") {
  const Bytes one = first_part(), two = second_part();
  const std::vector<float> large(100000, 1.5f);
  const Bytes three = builder_of({2}).tensor("c", {100000}, large).tensor("d", {1}, {7}).build();
  struct Watched {
    const Bytes* bytes;
    std::uint64_t reached;
  } watched{&three, 0};
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_CALLBACK;
  source.size = three.size();
  source.user = &watched;
  source.read = [](void* user, std::uint64_t offset, void* to, std::size_t size) -> inlay_status {
    auto& self = *static_cast<Watched*>(user);
    self.reached = std::max(self.reached, offset + size);
    std::memcpy(to, self.bytes->data() + offset, size);
    return INLAY_OK;
  };
  Model model(parts_source({unnamed(one), unnamed(two), source}));
  REQUIRE(model.status == Status::ok);
  CHECK(watched.reached > 0);
  CHECK(watched.reached <= 4096);  // what the reader takes at a time
  CHECK(model.values("c") == large);
  CHECK(watched.reached > 400000);
}

TEST_CASE("split gguf: any failing allocation is Status::memory, and nothing leaks",
          "[format][fault]") {
  const ThreeFiles files(first_part(), second_part(), third_part());
  const Bytes parts[] = {first_part(), second_part(), third_part()};
  const std::vector<inlay_source> list = {unnamed(parts[2]), unnamed(parts[0]), unnamed(parts[1])};
  for (const inlay_source& source : {path_source(files.paths[0]), parts_source(list)}) {
    int failed = 0;
    for (std::uint64_t n = 1;; ++n) {
      CountingAllocator heap;
      Status status;
      {
        Allocator allocator(heap.host());
        ModelFiles opened(allocator);
        Manifest manifest(allocator);
        Error error{};
        heap.fail_at = n;
        status = read_model(source, opened, manifest, error);
        const bool reached = heap.calls >= n;
        INFO("allocation " << n << ": " << error.text);
        REQUIRE(status == (reached ? Status::memory : Status::ok));
        failed += reached;
      }
      REQUIRE(heap.clean());
      if (status == Status::ok) break;
    }
    CHECK(failed >= 20);
  }
}

TEST_CASE("split gguf: any flipped bit of a part ends in ok or an error", "[format]") {
  const Bytes one = first_part(), two = second_part(), three = third_part();
  int refused = 0;
  for (std::size_t bit = 0; bit < two.size() * 8; ++bit) {
    Bytes flipped = two;
    flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1u << bit % 8));
    const Model model(parts_source({unnamed(one), unnamed(flipped), unnamed(three)}));
    INFO("bit " << bit << ": " << model.text());
    for (const TensorInfo& tensor : model.manifest.tensors()) {
      REQUIRE(tensor.part < 3);
      REQUIRE(tensor.offset + tensor.bytes <= model.files[tensor.part].size());
    }
    REQUIRE(is_error(model.status) == model.manifest.tensors().empty());
    refused += is_error(model.status);
  }
  CHECK(refused > 500);
}

TEST_CASE("split gguf: the real model of two files", "[format]") {
  INLAY_NEEDS_TEST_DATA();
  Model whole(data_path("malformed/found/docker-dummy.gguf"));
  REQUIRE(whole.status == Status::ok);
  for (const char* no : {"1", "2"}) {
    Model split(
        data_path("malformed/found/docker-dummy-0000" + std::string(no) + "-of-00002.gguf"));
    INFO(split.text());
    REQUIRE(split.status == Status::ok);
    REQUIRE(split.manifest.tensors().size() == whole.manifest.tensors().size());
    for (const TensorInfo& tensor : whole.manifest.tensors()) {
      const std::string name(tensor.name);
      CHECK(split.values(name.c_str()) == whole.values(name.c_str()));
    }
    CHECK(split.manifest.find("some.parameter.string"));
  }
}

}  // namespace inlay::test
