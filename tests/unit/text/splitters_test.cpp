// splitters_test.cpp - patterns written by hand cut as PCRE2 does.
#include "text/splitters.h"

#include <random>
#include <string>

#include "inlay/config.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "text/matcher.h"
#include "text/pre_patterns.h"
#include "text/utf8.h"

using namespace inlay;
using namespace inlay::test;

#if INLAY_WITH_PCRE2

namespace {

// Characters of every class that a pattern tells apart; old ones, that all versions know alike.
std::string random_text(std::mt19937& random) {
  static const char* parts[] = {
      "a",  "b",    "S",       "T",      "'",      "'s",     "'S",  "'ll", "'RE", "'ſ",
      "ſ",  "1",    "23",      "४",      "½",      "Ⅷ",      " ",   "  ",  "\t",  "\n",
      "\r", "\r\n", "\u00a0",  "\u3000", "\u2028", ".",      "!?",  "/",   "_",   "-",
      "é",  "É",    "e\u0301", "\u0301", "ǅ",      "ʰ",      "日",  "本",  "я",   "Я",
      "א",  "ا",    "\u0903",  "😀",      "\u200b", "\u0085", "x/y", "İ"};
  std::string text;
  for (unsigned n = random() % 24; n > 0; --n) text += parts[random() % std::size(parts)];
  return text;
}

}  // namespace

TEST_CASE("splitters cut as their patterns do") {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Error error{};
  for (const char* pattern :
       {INLAY_PRE_GPT2, INLAY_PRE_LLAMA3, INLAY_PRE_QWEN2, INLAY_PRE_O200K, INLAY_PRE_TEKKEN}) {
    const Splitter splitter = find_splitter(pattern);
    REQUIRE(splitter);
    Matcher matcher;
    REQUIRE(matcher.compile(pattern, allocator, error) == Status::ok);
    std::mt19937 random(11);
    for (int i = 0; i < 6000; ++i) {
      const std::string text = random_text(random);
      Search search;
      for (std::size_t at = 0; at < text.size();) {
        bool found = false;
        std::size_t begin = 0, end = 0;
        REQUIRE(search.find(matcher, text, at, found, begin, end, error) == Status::ok);
        INFO(pattern << "\n'" << text << "' from " << at);
        REQUIRE(found);
        REQUIRE(begin == at);
        REQUIRE(splitter(text, at) == end);
        at = end;
      }
    }
  }
}

#endif

TEST_CASE("other patterns have no splitter") { CHECK(find_splitter("\\p{L}+") == nullptr); }
