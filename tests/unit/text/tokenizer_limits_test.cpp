// tokenizer_limits_test.cpp - what a small tokenizer.json may ask for is bounded, and parts of it
// that only seem to be simple give the ids of the reference implementation or are refused.
#include "inlay/config.h"
#include "unit/text/tokenizer_folder.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// A file of these parts; words have the ids 0, 1, 2 ...
std::string json_of(const std::string& words, const std::string& parts) {
  std::string vocabulary;
  int id = 0;
  std::istringstream list(words);
  for (std::string word; list >> word; ++id) {
    vocabulary += (id ? ",\"" : "\"") + word + "\":" + std::to_string(id);
  }
  return R"({"model":{"type":"WordLevel","unk_token":"u","vocab":{)" + vocabulary + "}}," + parts +
         "}";
}

std::string sequence(const std::string& kind, const std::string& part, int count) {
  std::string all = part;
  while (--count > 0) all += "," + part;
  return R"({"type":"Sequence",")" + kind + "\":[" + all + "]}";
}

std::string replace(const std::string& from, const std::string& to) {
  return R"({"type":"Replace","pattern":{"String":")" + from + R"("},"content":")" + to + "\"}";
}

void check_refused(const std::string& json, const std::string& reason) {
  Folder folder;
  folder["tokenizer.json"] = json;
  FolderTokenizer t(folder);
  INFO(t.error.text);
  CHECK(is_error(t.status));
  CHECK(t.says(reason));
}

}  // namespace

TEST_CASE("decoders that would make much of little are refused") {
  const std::string x32(32, 'x');
  const auto decoders = [](const std::string& part, int count) {
    return json_of("u x", R"("decoder":)" + sequence("decoders", part, count));
  };
  check_refused(decoders(replace("x", x32), 7), "at most 32");
  check_refused(decoders(R"({"type":"ByteFallback"})", 33), "33 decoders");

  Folder folder;
  folder["tokenizer.json"] = decoders(replace("x", x32), 1);
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  CHECK(t.decode({1}) == x32);
}

TEST_CASE("normalizers together make at most 32 bytes of one") {
  const std::string added =
      R"("added_tokens":[{"id":2,"content":"x2","normalized":true,"special":false,)"
      R"("single_word":false,"lstrip":false,"rstrip":false}],)";
  const auto doubled = [&](int count) {
    return json_of("u x", R"("normalizer":)" + sequence("normalizers", replace("x", "xx"), count));
  };
  Folder folder;
  folder["tokenizer.json"] = doubled(5);
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode(std::string(2000, 'x')) == Ids{0});

  Folder more;
  more["tokenizer.json"] = doubled(6);
  FolderTokenizer grown(more);
  REQUIRE(grown.status == Status::ok);
  Array<std::int32_t> ids(grown.allocator);
  for (const bool aligned : {false, true}) {
    Array<TextRange> ranges(grown.allocator);
    CHECK(grown.tokenizer.encode(std::string(2000, 'x'), 0, ids, grown.error,
                                 aligned ? &ranges : nullptr) == Status::limit);
    CHECK(grown.says("2000 bytes"));
  }
  CHECK(grown.encode("x") == Ids{0});  // a short text has room

  const std::string x32(32, 'x');
  const std::string steps = sequence("normalizers", replace("x", x32), 9);
  Folder huge;
  huge["tokenizer.json"] = json_of("u x", added + R"("normalizer":)" + steps);
  FolderTokenizer named(huge);
  CHECK(named.status == Status::ok);  // such a name is never looked for
}

TEST_CASE("added tokens that take white space are found in time") {
  Folder folder;
  folder["tokenizer.json"] =
      json_of("u", R"("added_tokens":[{"id":1,"content":" ","special":false,)"
                   R"("single_word":false,"lstrip":false,"rstrip":true,)"
                   R"("normalized":false}])");
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode(std::string(400000, ' ')).size() == 400000);  // minutes, if each looked at all
}

TEST_CASE("white space alone is stripped from either side") {
  for (const std::string sides :
       {R"("strip_left":false,"strip_right":true)", R"("strip_left":true,"strip_right":false)",
        R"("strip_left":true,"strip_right":true)"}) {
    Folder folder;
    folder["tokenizer.json"] = json_of("u a", R"("normalizer":{"type":"Strip",)" + sides + "}");
    FolderTokenizer t(folder);
    REQUIRE(t.status == Status::ok);
    CHECK(t.encode("   ").empty());
    CHECK(t.encode("\xc2\x85").empty());
    CHECK(t.encode("a") == Ids{1});
  }
}

TEST_CASE("patterns that may match nothing replace nothing and are refused") {
  if (!INLAY_WITH_PCRE2) return;
  for (const char* pattern : {"x*", "^", "$", "(?=b)", "a|"}) {
    const std::string part =
        std::string(R"({"type":"Replace","pattern":{"Regex":")") + pattern + R"("},"content":"-"})";
    check_refused(json_of("u", R"("normalizer":)" + part), "may be empty");
  }
}

TEST_CASE("a letter at the end of a word has the mark of the end") {
  if (!INLAY_WITH_PCRE2) return;
  Folder folder;
  folder["tokenizer.json"] =
      R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,)"
      R"("use_regex":true},"model":{"type":"BPE","end_of_word_suffix":"</w>",)"
      R"("vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4},"merges":["a b</w>"]},)"
      R"("decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,)"
      R"("use_regex":true}})";
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode("a") == Ids{2});
  CHECK(t.encode("ab") == Ids{4});
  CHECK(t.encode("aab") == Ids{0, 4});
  CHECK(t.encode("ba") == Ids{1, 2});
}
