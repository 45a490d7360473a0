// pretokenize_test.cpp - how the rules cut text into pieces.
#include "text/pretokenize.h"

#include "text/byte_level.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

TEST_CASE("the byte-level alphabet is the inverse of its definition") {
  int characters = 0;
  for (char32_t point = 0; point < 0x400; ++point) characters += byte_of_character(point) >= 0;
  CHECK(characters == 256);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = byte_character(byte);
    char bytes[4];
    REQUIRE(bytes_of_text(text, bytes) == 1);
    REQUIRE(static_cast<unsigned char>(bytes[0]) == byte);
  }
}

TEST_CASE("rules are found by whole names") {
  CHECK(find_pretokenizer("gpt-2"));
  CHECK(find_pretokenizer("exaone4"));
  CHECK(find_pretokenizer("phi-2") == find_pretokenizer("gpt-2"));
  CHECK(find_pretokenizer("phi") == nullptr);
  CHECK(find_pretokenizer("") == nullptr);
  CHECK(find_pretokenizer("gpt-2 phi-2") == nullptr);
}

#if INLAY_WITH_PCRE2

namespace {

using Pieces = std::vector<std::string>;

struct RuleSplit {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Pretokenizer pretokenizer{allocator};
  Error error{};

  explicit RuleSplit(const char* name) {
    const PretokenizerRule* rule = find_pretokenizer(name);
    REQUIRE(rule);
    const Status status = pretokenizer.compile(*rule, error);
    if (status != Status::ok) FAIL(name << ": " << error.text);
  }
  Pieces operator()(std::string_view text) {
    Array<std::uint32_t> ends(allocator);
    const Status status = pretokenizer.split(text, ends, error);
    if (status != Status::ok) FAIL(error.text);
    Pieces pieces;
    std::size_t begin = 0;
    for (const std::uint32_t end : ends) {
      REQUIRE(end > begin);
      pieces.emplace_back(text.substr(begin, end - begin));
      begin = end;
    }
    REQUIRE(begin == text.size());
    return pieces;
  }
};

const char* all_rules[] = {"granite-embed-multi-97m",
                           "tiny_aya",
                           "kimi-k2",
                           "youtu",
                           "exaone-moe",
                           "bailingmoe",
                           "jais-2",
                           "minicpm5",
                           "laguna",
                           "chameleon",
                           "superbpe",
                           "default",
                           "gpt-2",
                           "llama-bpe",
                           "dbrx",
                           "qwen2",
                           "qwen35",
                           "gpt-4o",
                           "tekken",
                           "deepseek-v3",
                           "deepseek-llm",
                           "deepseek-coder",
                           "falcon",
                           "starcoder",
                           "bloom",
                           "viking",
                           "seed-coder"};

}  // namespace

TEST_CASE("pieces of the rules") {
  CHECK(RuleSplit("gpt-2")("I'll  go\n 123! ") ==
        Pieces{"I", "'ll", " ", " go", "\n", " 123", "!", " "});
  CHECK(RuleSplit("gpt-2")("'S  \n\nx") == Pieces{"'", "S", "  \n", "\n", "x"});
  CHECK(RuleSplit("llama-bpe")("I'LL 12345 a\n\n b  ") ==
        Pieces{"I", "'LL", " ", "123", "45", " a", "\n\n", " b", "  "});
  CHECK(RuleSplit("qwen2")("12 x.\n") == Pieces{"1", "2", " x", ".\n"});
  CHECK(RuleSplit("gpt-4o")("camelCaseÉtat's") == Pieces{"camel", "Case", "État's"});
  CHECK(RuleSplit("tekken")("aB12") == Pieces{"a", "B", "1", "2"});
  CHECK(RuleSplit("starcoder")("a 12") == Pieces{"a", " ", "1", "2"});
  CHECK(RuleSplit("falcon")("a,1234") == Pieces{"a", ",", "123", "4"});
  CHECK(RuleSplit("deepseek-v3")("日本ab 1234") == Pieces{"日本", "ab", " ", "123", "4"});
  CHECK(RuleSplit("deepseek-llm")("ab 日本 12  ") == Pieces{"ab", " ", "日本", " ", "12", "  "});
  CHECK(RuleSplit("deepseek-coder")("ab, 12\n") == Pieces{"ab", ",", " ", "1", "2", "\n"});
  CHECK(RuleSplit("bloom")("ab, c(d)") == Pieces{"ab", ",", " c", "(", "d", ")"});
  CHECK(RuleSplit("default")("a+b 12345") == Pieces{"a", "+", "b", " ", "123", "45"});
}

TEST_CASE("pieces of the rules of single vendors") {
  CHECK(RuleSplit("tiny_aya")("a 1234567, 12a 1234b 12") ==
        Pieces{"a", " ", "1", "234", "567", ",", " ", "12", "a", " ", "123", "4", "b", " ", "12"});
  CHECK(RuleSplit("tiny_aya")("1234½ 1234①") == Pieces{"123", "4½", " ", "1", "234", "①"});
  CHECK(RuleSplit("tiny_aya")("123456789") == Pieces{"123", "456", "789"});
  CHECK(RuleSplit("superbpe")("no cut here: 1234567 and") ==
        Pieces{"no cut here: ", "1", "234", "567", " and"});
  CHECK(RuleSplit("superbpe")("½123 12½") == Pieces{"½", "123", " ", "12½"});
  CHECK(RuleSplit("kimi-k2")("日本語ab camelCase's 1234 한국かな") ==
        Pieces{"日本語", "ab", " camel", "Case's", " ", "123", "4", " 한국かな"});
  CHECK(RuleSplit("kimi-k2")("a日b") == Pieces{"a", "日", "b"});
  CHECK(RuleSplit("youtu")("한국日本かな。12 aB") ==
        Pieces{"한국", "日本かな", "。", "1", "2", " a", "B"});
  CHECK(RuleSplit("exaone-moe")("it's one  two e\u0301 x\n\n 12") ==
        Pieces{"it", "'s", " one", " ", " two e\u0301 x", "\n\n", " ", "1", "2"});
  CHECK(RuleSplit("bailingmoe")("I'LL a\n\nb!! 12") ==
        Pieces{"I", "'LL", " a", "\n\n", "b", "!!", " ", "1", "2"});
  CHECK(RuleSplit("jais-2")("a       b") == Pieces{"a", "    ", "  ", " b"});
  CHECK(RuleSplit("jais-2")("a!\n  \n x    \n\n  y") ==
        Pieces{"a", "!\n", "  \n", " x", "    \n\n", " ", " y"});
  CHECK(RuleSplit("minicpm5")("a 1234!") == Pieces{"a", " ", "123", "4", "!"});
  CHECK(RuleSplit("laguna")("a \n\n b") == Pieces{"a", " ", "\n\n", " b"});
  CHECK(RuleSplit("chameleon")("<sentinel:12> IMGIMGABZ   a,12") ==
        Pieces{"<", "sentinel", ":", "1", "2", ">", " ", "IMGIMGABZ", "  ", " a", ",", "1", "2"});
}

TEST_CASE("U+180E is no space, U+0085 is one") {
  CHECK(RuleSplit("gpt-2")("a\xe1\xa0\x8e\xe1\xa0\x8e") == Pieces{"a", "\xe1\xa0\x8e\xe1\xa0\x8e"});
  CHECK(RuleSplit("gpt-2")("a\xc2\x85"
                           "b") == Pieces{"a", "\xc2\x85", "b"});
}

TEST_CASE("bytes that are no UTF-8 are pieces of their own") {
  for (const char* rule : all_rules) {
    INFO(rule);
    CHECK(RuleSplit(rule)("ab\xff\xfe"
                          "cd\xe6\x97") == Pieces{"ab", "\xff", "\xfe", "cd", "\xe6", "\x97"});
  }
}

TEST_CASE("long runs need no stack and few steps in every rule") {
  for (const char* rule : all_rules) {
    RuleSplit splitter(rule);
    for (const char* unit :
         {"A", "a", " ", "\n", " \n", "'", "1", "日", "\xcc\x81", "\xff", "a ", "1a", "aB"}) {
      std::string text;
      while (text.size() < 20000) text += unit;
      INFO(rule << ", " << unit);
      splitter(text);
      splitter(text + "日");
    }
  }
}

TEST_CASE("a pre-tokenizer gives its memory back") {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    Pretokenizer pretokenizer(allocator);
    Error error{};
    REQUIRE(pretokenizer.compile(*find_pretokenizer("deepseek-llm"), error) == Status::ok);
    const std::uint64_t compiled = heap.live_bytes;
    Array<std::uint32_t> ends(allocator);
    REQUIRE(pretokenizer.split("", ends, error) == Status::ok);
    CHECK(ends.empty());
    REQUIRE(pretokenizer.split("a b", ends, error) == Status::ok);
    ends.reset();
    CHECK(heap.live_bytes == compiled);
  }
  CHECK(heap.clean());
}

#endif
