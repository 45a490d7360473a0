// tokenizer_files_test.cpp - tokenizer.json files give the ids that the tokenizers package gives.
#include <algorithm>

#include "format/gguf_writer.h"
#include "format/json.h"
#include "support/data.h"
#include "support/small_model.h"
#include "unit/text/tokenizer_folder.h"

using namespace inlay;
using namespace inlay::test;

namespace {

std::string fixture(const std::string& name) { return fixture_path("tokenizers/" + name); }

const char* const spaced_names[] = {
    "prepend",          "prepend-some-bytes", "replace",        "metaspace-first",
    "metaspace-always", "metaspace-never",    "replace-digits",
};
const char* const byte_names[] = {"bytes",        "bytes-prefix", "bytes-nfc",
                                  "bytes-around", "bytes-kept",   "bytes-many"};

bool needs_patterns(const std::string& name) {
  return name != "prepend" && name != "prepend-some-bytes" && name != "replace" &&
         name != "metaspace-first";
}

std::vector<std::string> usable_fixtures() {
  std::vector<std::string> names;
  for (const char* name : spaced_names) names.emplace_back(name);
  for (const char* name : byte_names) names.emplace_back(name);
  std::vector<std::string> usable;
  for (const std::string& name : names) {
    if (INLAY_WITH_PCRE2 || !needs_patterns(name)) usable.push_back(name);
  }
  return usable;
}

Folder folder_of(const std::string& name) {
  Folder folder;
  folder["tokenizer.json"] = read_text(fixture(name + ".json"));
  return folder;
}

// The keys in a GGUF file of their own.
std::vector<unsigned char> gguf_of(const Manifest& manifest) {
  std::vector<unsigned char> bytes;
  const inlay_sink description = sink_to(bytes);
  Allocator allocator(system_allocator());
  Error error{};
  Sink sink;
  REQUIRE(sink.open(allocator, description, error) == Status::ok);
  GgufWriter writer(sink, allocator);
  for (const Entry& e : manifest.entries()) {
    REQUIRE(writer.add_key(e.key, e.value, error) == Status::ok);
  }
  REQUIRE(writer.begin_data(error) == Status::ok);
  REQUIRE(writer.finish(error) == Status::ok);
  return bytes;
}

}  // namespace

TEST_CASE("small tokenizer.json files of every kind give the expected ids") {
  for (const std::string& name : usable_fixtures()) {
    Folder folder = folder_of(name);
    FolderTokenizer t(folder);
    INFO(name << ": " << t.error.text);
    REQUIRE(t.status == Status::ok);
    const std::vector<Expected> all = expected_of(fixture(name + ".txt"), false);
    REQUIRE(all.size() >= 70);
    for (const Expected& e : all) {
      INFO("text '" << e.text << "'");
      CHECK(t.encode(e.text) == e.ids);
    }
  }
}

TEST_CASE("a GGUF file with the keys of a folder tokenizes as the folder does") {
  for (const std::string& name : usable_fixtures()) {
    Folder folder = folder_of(name);
    FolderTokenizer t(folder);
    REQUIRE(t.status == Status::ok);
    Opened file(gguf_of(t.manifest));
    INFO(name << ": " << file.text());
    REQUIRE(file.status == Status::ok);
    Tokenizer again(file.allocator);
    const Status loaded = load_tokenizer(file.manifest, file.allocator, again, file.error);
    INFO(file.text());
    REQUIRE(loaded == Status::ok);
    for (const Expected& e : expected_of(fixture(name + ".txt"), false)) {
      INFO("text '" << e.text << "'");
      CHECK(FolderTokenizer::encode(again, file.allocator, e.text) == e.ids);
    }
  }
}

TEST_CASE("decoding takes away the space that encoding put first, and only that") {
  Folder folder = folder_of("prepend");
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  for (const char* text : {"the and", " the", "the  \n and ", "caf\xc3\xa9 \xe6\x97\xa5"}) {
    INFO(text);
    CHECK(t.decode(t.encode(text)) == text);
  }
  const Ids ids = t.encode("the");
  CHECK(t.decode(ids, INLAY_DECODE_SPECIAL) == "<s> the");
  Folder plain = folder_of("replace");
  FolderTokenizer u(plain);
  REQUIRE(u.status == Status::ok);
  CHECK(u.decode(u.encode(" the")) == " the");
  CHECK(u.decode(u.encode("the")) == "the");
}

TEST_CASE("control tokens in text are found only when asked for") {
  for (const std::string& name : usable_fixtures()) {
    Folder folder = folder_of(name);
    FolderTokenizer t(folder);
    REQUIRE(t.status == Status::ok);
    for (const char* text : {"<s>", " <s> the</s>", "<unk>", "the<mask>"}) {
      INFO(name << " '" << text << "'");
      for (const std::int32_t id : t.encode(text, 0)) {
        CHECK(t.tokenizer.kind(id) != TokenKind::control);
      }
    }
  }
}

TEST_CASE("bytes that are no UTF-8 are taken one by one and come back") {
  const std::string text = "the\xff\xe6\x97 \xc3 and\x80";
  for (const std::string& name : usable_fixtures()) {
    if (name == "prepend-some-bytes" || name == "replace-digits" || name == "bytes-kept" ||
        name == "bytes-many" || name == "bytes-prefix" || name == "metaspace-never") {
      continue;  // these leave something out or put something in
    }
    Folder folder = folder_of(name);
    FolderTokenizer t(folder);
    REQUIRE(t.status == Status::ok);
    INFO(name);
    CHECK(t.decode(t.encode(text)) == text);
  }
}

TEST_CASE("every failed allocation becomes a status, and nothing leaks") {
  for (const char* name : {"prepend", "replace"}) {
    Folder folder = folder_of(name);
    folder["tokenizer_config.json"] = R"({"bos_token": "<s>", "chat_template": "x"})";
    int failures = 0;
    for (std::uint64_t n = 1; n < 100000; n = n < 60 ? n + 1 : n + n / 16) {
      CountingAllocator heap;
      heap.fail_at = n;
      Status status = Status::ok;
      {
        Allocator allocator(heap.host());
        Error error{};
        ModelFiles files(allocator);
        Manifest manifest(allocator);
        Tokenizer tokenizer(allocator);
        Array<std::int32_t> ids(allocator);
        status = files.open(folder.source(), error);
        if (!is_error(status)) status = manifest.clear("folder", error);
        if (!is_error(status)) status = read_tokenizer_json(files, manifest, error);
        if (!is_error(status)) status = manifest.index_keys(error);
        if (!is_error(status)) status = load_tokenizer(manifest, allocator, tokenizer, error);
        if (!is_error(status)) status = tokenizer.encode("<s> the and\n", 3, ids, error);
      }
      CHECK(heap.clean());
      if (status == Status::ok) break;
      REQUIRE(status == Status::memory);
      ++failures;
    }
    CHECK(failures > 20);
  }
}

#if INLAY_WITH_PCRE2

TEST_CASE("published tokenizer.json files give the expected ids") {
  INLAY_NEEDS_TEST_DATA();
  std::map<std::string, std::vector<Expected>> by_folder;
  for (const Expected& e : expected_of(fixture("data.txt"), true)) by_folder[e.folder].push_back(e);
  CHECK(by_folder.size() == 10);
  for (const auto& [name, all] : by_folder) {
    FolderTokenizer t(path_source(data_path(name)));
    INFO(name << ": " << t.error.text);
    REQUIRE(t.status == Status::ok);
    CHECK(all.size() >= 50);
    for (const Expected& e : all) {
      INFO("text '" << e.text << "'");
      CHECK(t.encode(e.text) == e.ids);
    }
    const bool keeps_text =
        t.text("tokenizer.ggml.model") != "bert" && t.text("tokenizer.ggml.model") != "t5";
    for (const char* unit : {"_", " ", "ab ", "\xc3\xa9"}) {
      std::string text;
      for (int i = 0; i < 50000; ++i) text += unit;
      const Ids ids = t.encode(text, 0);
      const bool is_spelt = std::find(ids.begin(), ids.end(), t.tokenizer.unknown()) == ids.end();
      if (is_spelt && keeps_text) CHECK((t.decode(ids) == text));  // too long to be shown
    }
  }
}

#endif
