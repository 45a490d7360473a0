// pattern_test.cpp - patterns of tokenizer.json in PCRE2's words, and what becomes of matches.
#include "text/pattern.h"

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "text/pretokenize.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Translated {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Array<char> to{allocator};
  Error error{};
  Status status;
  explicit Translated(std::string_view from) { status = translate_pattern(from, to, error); }
  std::string text() const { return std::string(to.data(), to.size()); }
};

}  // namespace

TEST_CASE("what two languages of patterns share is copied, the rest spelt out") {
  const std::string space = INLAY_SPACE_CLASS;
  const std::pair<std::string, std::string> cases[] = {
      {"a|b", "a|b"},
      {R"(\p{L}+|\P{^Lu})", R"(\p{L}+|\p{Lu})"},
      {R"(\p{Han})", R"(\p{sc:Han})"},
      {R"(\s)", "[" + space + "]"},
      {R"(\S+)", "[^" + space + "]+"},
      {R"([^\s\p{N}])", "[^" + space + R"(\p{N}])"},
      {R"([\s-x])", "[" + space + R"(\-x])"},
      {R"([\s-])", "[" + space + "-]"},
      {R"(^a$)", "(?m:^)a(?m:$)"},
      {R"([$^.])", "[$^.]"},
      {R"([]a])", "[]a]"},
      {R"([^]a])", "[^]a]"},
      {".", "[^\\n]"},
      {R"(\d\D)", R"(\p{Nd}\P{Nd})"},
      {R"(\u4e00\x{9FA5}\x41)", R"(\x{4e00}\x{9FA5}\x41)"},
      {R"((?i:'s)(?:a)(?=b)(?!c)(?<=d)(?<!e)(?>f)(g))",
       R"((?i:'s)(?:a)(?=b)(?!c)(?<=d)(?<!e)(?>f)(g))"},
      {R"(a{2}b{2,}c{2,3}d++e?+f*+g??)", R"(a{2}b{2,}c{2,3}d++e?+f*+g??)"},
      {R"(\.\-\/\ \_)", R"(\.\-\/\ \_)"},
      {R"(\v)", R"(\x{0B})"},
      {"(?i)a|b", "(?i)a|b"},
  };
  for (const auto& [from, to] : cases) {
    Translated t(from);
    INFO(from << ": " << t.error.text);
    CHECK(t.status == Status::ok);
    CHECK(t.text() == to);
  }
}

TEST_CASE("what they read differently is refused by name") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "empty"},
      {R"(\w+)", "\\w"},
      {R"(a\b)", "byte 1"},
      {R"([\w])", "\\w"},
      {R"([\S])", "\\S"},
      {R"((a)\1)", "\\1"},
      {"[a[b]]", "set"},
      {"[a&&b]", "&&"},
      {"[[:alpha:]]", "set"},
      {"a{,2}", "brace"},
      {"a{2}+", "quantifier"},
      {"a{2", "brace"},
      {"a(?i)b", "(?i)"},
      {"(?m:a)", "(?m:"},
      {"(?<n>a)", "(?<n"},
      {"(*UTF)", "(*"},
      {R"(\p{Nowhere})", "Nowhere"},
      {R"(\pL)", "\\p"},
      {R"(\x{})", "\\x"},
      {R"(\xe9)", "\\x"},
      {R"(\u12)", "\\u"},
      {R"(a\)", "backslash"},
      {"[a", "class"},
      {R"(\h)", "\\h"},
      {R"(\R)", "\\R"},
      {R"([\z])", "\\z"},
      {std::string("a\0b", 3), "zero"},
  };
  for (const auto& [from, part] : cases) {
    Translated t(from);
    INFO(from << ": " << t.error.text);
    CHECK(t.status == Status::unsupported);
    CHECK(std::string(t.error.text).find(part) != std::string::npos);
  }
}

#if INLAY_WITH_PCRE2

namespace {

using Pieces = std::vector<std::string>;

// Pieces that are kept.
Pieces pieces_of(const std::vector<std::string_view>& steps, const std::string& text) {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Pretokenizer pretokenizer(allocator);
  Array<std::uint32_t> ends(allocator);
  Error error{};
  if (pretokenizer.compile(steps, error) != Status::ok) FAIL(error.text);
  if (pretokenizer.split(text, ends, error) != Status::ok) FAIL(error.text);
  Pieces pieces;
  std::size_t begin = 0;
  for (const std::uint32_t closed : ends) {
    const std::size_t end = closed & ~Pretokenizer::left_out;
    REQUIRE(end > begin);
    if (end == closed) pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  CHECK(begin == text.size());
  return pieces;
}

}  // namespace

TEST_CASE("matches become pieces in six ways") {
  const std::string text = "--the-final--countdown-";
  CHECK(pieces_of({"isolated -"}, text) ==
        Pieces{"-", "-", "the", "-", "final", "-", "-", "countdown", "-"});
  CHECK(pieces_of({"contiguous -"}, text) ==
        Pieces{"--", "the", "-", "final", "--", "countdown", "-"});
  CHECK(pieces_of({"merged_with_previous -"}, text) ==
        Pieces{"-", "-", "the-", "final-", "-", "countdown-"});
  CHECK(pieces_of({"merged_with_next -"}, text) ==
        Pieces{"-", "-the", "-final", "-", "-countdown", "-"});
  CHECK(pieces_of({"removed -"}, text) == Pieces{"the", "final", "countdown"});
  CHECK(pieces_of({"kept -"}, text) == Pieces{"-", "-", "-", "-", "-", "-"});
}

TEST_CASE("steps cut what the steps before left, and see bytes after bytes") {
  CHECK(pieces_of({"removed \\s", "isolated [0-9]"}, "a1 b 22") == Pieces{"a", "1", "b", "2", "2"});
  CHECK(pieces_of({"isolated [0-9]", "removed b"}, "ab1b") == Pieces{"a", "1"});
  // U+00E9 is C3 A9: two characters of the alphabet, of which the first is U+00C3.
  CHECK(pieces_of({"bytes", "isolated \\u00c3"}, "a\xc3\xa9 b") == Pieces{"a", "\xc3", "\xa9 b"});
  CHECK(pieces_of({"merged_with_next  ", "bytes", "isolated \\u0120"}, "a b") ==
        Pieces{"a", " ", "b"});
  CHECK(pieces_of({"isolated a", "bytes"}, "ba\xff") == Pieces{"b", "a", "\xff"});
  CHECK(pieces_of({"bytes"}, "") == Pieces{});
}

TEST_CASE("steps that are none are refused") {
  const std::vector<std::string_view> too_many(max_steps + 1, "isolated a");
  const std::pair<std::vector<std::string_view>, Status> cases[] = {
      {{"isolated"}, Status::format},
      {{"Isolated a"}, Status::format},
      {{""}, Status::format},
      {{"isolated "}, Status::unsupported},
      {{"isolated a*"}, Status::unsupported},
      {{"isolated (a"}, Status::unsupported},
      {{"isolated \\w"}, Status::unsupported},
      {too_many, Status::limit},
  };
  for (const auto& [steps, status] : cases) {
    CountingAllocator heap;
    {
      Allocator allocator(heap.host());
      Pretokenizer pretokenizer(allocator);
      Error error{};
      CHECK(pretokenizer.compile(steps, error) == status);
      INFO(error.text);
      CHECK(error.text[0] != 0);
    }
    CHECK(heap.clean());
  }
}

#endif
