// safetensors_test.cpp - headers of safetensors files, sound and broken, and the list of shards.
#include "format/safetensors.h"

#include "folder_files.h"
#include "format/json.h"
#include "support/catch.h"
#include "support/malformed.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// One file's header, read alone.
struct ReadFile {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Source source;
  StoredTensors tensors{allocator};
  Error error{};
  Status status;
  explicit ReadFile(const std::string& bytes) {
    inlay_source description{};
    description.struct_size = sizeof description;
    description.kind = INLAY_SOURCE_MEMORY;
    description.text = "model.safetensors";
    description.text_length = 17;
    description.data = bytes.data();
    description.size = bytes.size();
    status = source.open(allocator, description, error);
    if (!is_error(status)) status = tensors.read_file(source, 0, error);
    if (!is_error(status)) status = tensors.index_names(nullptr, error);
  }
  bool says(const std::string& part) const {
    return std::string(error.text).find(part) != std::string::npos;
  }
};

std::string with_header(const std::string& header, const std::string& data = "") {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header + data;
}

const std::string sixteen(16, 'x');

std::string index_text(const std::string& map) {
  return "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map + "}}";
}

}  // namespace

TEST_CASE("safetensors: names, shapes and ranges", "[format]") {
  const std::string bytes = safetensors_bytes({{"b.weight", "BF16", {3, 2}, 2, {}},
                                               {"a", "F32", {}, 4, {}},
                                               {"empty", "I64", {0, 5}, 8, {}},
                                               {"c", "F8_E4M3", {1, 2, 3, 4}, 1, {}}},
                                              R"("__metadata__":{"format":"pt"})");
  ReadFile r(bytes);
  INFO(r.error.text);
  REQUIRE(r.status == Status::ok);
  REQUIRE(r.tensors.all().size() == 4);
  const StoredTensor* b = r.tensors.find("b.weight");
  REQUIRE(b);
  CHECK(b->element == Element::bf16);
  CHECK(b->rank == 2);
  CHECK(b->shape[0] == 3);
  CHECK(b->shape[1] == 2);
  CHECK(b->shape[2] == 1);
  CHECK(b->range.bytes == 12);
  CHECK(b->range.offset + 12 + 4 + 24 == bytes.size());
  CHECK(r.tensors.find("a")->rank == 0);
  CHECK(r.tensors.find("a")->range.bytes == 4);
  CHECK(r.tensors.find("empty")->range.bytes == 0);
  CHECK(r.tensors.find("c")->element == Element::f8_e4m3);
  CHECK(r.tensors.find("c")->shape[3] == 4);
  CHECK_FALSE(r.tensors.find("nobody"));
  CHECK_FALSE(r.tensors.find("__metadata__"));
}

TEST_CASE("safetensors: errors name the tensor and both values", "[format]") {
  struct Case {
    std::string bytes;
    Status status;
    std::string text;
  };
  const auto tensor = [](const std::string& fields) {
    return with_header("{\"w\":{" + fields + "}}", sixteen);
  };
  for (const Case& c : {
           Case{"1234567", Status::format, "the file has 7 bytes"},
           Case{with_header(""), Status::format, "header of 0 bytes"},
           Case{std::string(8, '\xff') + "{}", Status::format,
                "header of 18446744073709551615 bytes"},
           Case{with_header(" {}"), Status::format, "does not begin with '{'"},
           Case{tensor(R"("dtype":"F32","shape":[5],"data_offsets":[0,16])"), Status::format,
                "w: shape and F32 need 20 bytes, the offsets give 16"},
           Case{tensor(R"("dtype":"Q9","shape":[4],"data_offsets":[0,16])"), Status::unsupported,
                "w.dtype: number format Q9"},
           Case{tensor(R"("dtype":"F32","shape":[4],"data_offsets":[0,17])"), Status::format,
                "w.data_offsets: bytes 0 to 17, the file has 16"},
           Case{tensor(R"("dtype":"F32","shape":[1,1,1,1,4],"data_offsets":[0,16])"), Status::limit,
                "w.shape[4]: more than 4 dimensions"},
           Case{tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16])"),
                Status::format, "do not fit 64 bits"},
           Case{tensor(R"("dtype":"F32","data_offsets":[0,16])"), Status::format,
                "w: shape is missing"},
           Case{tensor(R"("dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16])"),
                Status::format, "w.dtype: is there twice"},
           Case{tensor(R"("dtype":"F32","shape":[3],"data_offsets":[4,16])"), Status::format,
                "w begins at byte 4 of the data, the one before ends at 0"},
           Case{tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,12])"), Status::format,
                "the tensors have 12 bytes, the file has 16"},
           Case{with_header(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},)"
                            R"("b":{"dtype":"U8","shape":[9],"data_offsets":[7,16]}})",
                            sixteen),
                Status::format, "b begins at byte 7 of the data, the one before ends at 9"},
           Case{with_header(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},)"
                            R"("a":{"dtype":"U8","shape":[7],"data_offsets":[9,16]}})",
                            sixteen),
                Status::format, "a is there twice"},
           Case{with_header(R"({"":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}})", sixteen),
                Status::format, "empty name"},
           Case{with_header(R"({"__metadata__":{"a":1}})"), Status::format, "__metadata__.a"},
       }) {
    ReadFile r(c.bytes);
    INFO(c.text << " | " << r.error.text);
    CHECK(r.status == c.status);
    CHECK(r.says(c.text));
  }
}

TEST_CASE("safetensors: the hostile files of the collection", "[format]") {
  INLAY_NEEDS_TEST_DATA();
  const auto list = malformed_files("malformed/safetensors");
  REQUIRE(list.size() >= 45);
  std::size_t refused = 0, accepted = 0;
  for (const MalformedFile& file : list) {
    ReadFile r(read_text(file.path));
    INFO(file.file << " " << file.why << ": " << r.error.text);
    if (file.expect == "accept") {
      CHECK(r.status == Status::ok);
      ++accepted;
    } else {
      CHECK(is_error(r.status));
      CHECK(std::strlen(r.error.text) > 0);
      ++refused;
    }
    CHECK(r.heap.peak_bytes < (4u << 20));
  }
  CHECK(accepted >= 6);
  CHECK(refused >= 39);
}

TEST_CASE("safetensors: a cut file is refused at every length", "[format]") {
  const std::string bytes = safetensors_bytes({{"a", "F32", {2}, 4, {}}, {"b", "F16", {3}, 2, {}}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ReadFile r(bytes.substr(0, size));
    CHECK(r.status == Status::format);
  }
  CHECK(ReadFile(bytes).status == Status::ok);
}

TEST_CASE("safetensors: shards by the index", "[format]") {
  const std::string one = safetensors_bytes({{"a", "F32", {2}, 4, {}}, {"b", "F32", {1}, 4, {}}});
  const std::string two = safetensors_bytes({{"c", "F16", {4}, 2, {}}});
  const std::string map = R"("a":"m-1.safetensors","c":"m-2.safetensors","b":"m-1.safetensors")";
  const auto folder = [&](const std::string& lines) {
    return FolderFiles(FolderTexts{{"model.safetensors.index.json", index_text(lines)},
                                   {"m-1.safetensors", one},
                                   {"m-2.safetensors", two}});
  };
  {
    auto f = folder(map);
    const Status status = f.read_tensors();
    INFO(f.text());
    REQUIRE(status == Status::ok);
    REQUIRE(f.stored.all().size() == 3);
    const StoredTensor* c = f.stored.find("c");
    REQUIRE(c);
    CHECK(last_component(f.files[c->range.part].name()) == "m-2.safetensors");
    CHECK(c->range.part != f.stored.find("a")->range.part);
  }
  {
    auto f = folder(map + R"(,"d":"m-2.safetensors")");
    CHECK(f.read_tensors() == Status::format);
    CHECK(f.says("tensor d is listed for m-2.safetensors, which does not have it"));
  }
  {
    auto f = folder(R"("a":"m-2.safetensors","b":"m-1.safetensors")");
    CHECK(f.read_tensors() == Status::format);
    CHECK(f.says("tensor a is listed for m-2.safetensors"));
  }
  {
    auto f = folder(R"("a":"m-3.safetensors")");
    CHECK(f.read_tensors() == Status::io);
    CHECK(f.says("m-3.safetensors"));
  }
  for (const char* bad : {"../m-1.safetensors", "/etc/passwd", "..", "a/b.safetensors", ""}) {
    auto f = folder(std::string(R"("a":")") + bad + "\"");
    INFO(bad << ": " << f.text());
    CHECK(is_error(f.read_tensors()));
  }
  {
    auto f = folder(R"("a":1)");
    CHECK(f.read_tensors() == Status::format);
    CHECK(f.says("weight_map.a: expected a string, file has a number"));
  }
  {
    FolderFiles f(FolderTexts{{"model.safetensors.index.json", "{}"}});
    CHECK(f.read_tensors() == Status::format);
    CHECK(f.says("weight_map is missing"));
  }
  {
    FolderFiles f(FolderTexts{{"model.safetensors.index.json", index_text(map)},
                              {"m-1.safetensors", one},
                              {"m-2.safetensors", one}});
    CHECK(f.read_tensors() == Status::format);
    CHECK(f.says("is there twice, also in m-"));
  }
  {
    FolderFiles f(FolderTexts{});
    CHECK(f.read_tensors() == Status::io);
    CHECK(f.says("neither model.safetensors nor model.safetensors.index.json"));
  }
  {
    FolderFiles f(
        FolderTexts{{"model.safetensors", two}, {"model.safetensors.index.json", "broken"}});
    CHECK(f.read_tensors() == Status::ok);  // the single file counts first
    CHECK(f.stored.find("c"));
  }
}
