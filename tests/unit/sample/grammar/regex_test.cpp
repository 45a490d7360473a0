// regex_test.cpp - regular expressions: whole texts, parts of texts, anchors, refusals.
#include "sample/grammar/regex.h"
#include "unit/sample/grammar/texts.h"

using namespace inlay;
using namespace inlay::test;

namespace {

bool matches(const char* pattern, bool whole, std::string_view text) {
  Compiled compiled;
  grammar::NodeId node = 0;
  grammar::RegexOptions options;
  options.whole = whole;
  INFO(pattern);
  REQUIRE(grammar::add_regex(compiled.rules, pattern, options, node, compiled.error) == Status::ok);
  compiled.finish(node);
  REQUIRE(compiled.status == Status::ok);
  return Matching(compiled).accepts(text);
}

}  // namespace

TEST_CASE("whole texts match", "[grammar]") {
  const struct {
    const char* pattern;
    const char* text;
    bool match;
  } tests[] = {
      {"a|b", "a", true},
      {"a|b", "ab", false},
      {"(?:ab)+?", "abab", true},
      {"^a$", "a", true},
      {"(^a|b)c", "ac", true},
      {"(?<n>a)b", "ab", true},
      {"\\d{2,3}", "12", true},
      {"\\d{2,3}", "1234", false},
      {"\\D", "x", true},
      {"[^\\d\\s]", " ", false},
      {"[\\w.-]+", "a.b-c", true},
      {"a.c", "a\nc", false},
      {"\\u00e9", "\xc3\xa9", true},
      {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", true},
      {"\\p{Lu}\\p{Ll}", "Ab", true},
      {"\\p{Lu}", "a", false},
      {"\\P{L}", "1", true},
      {"\\p{Letter}+", "\xd0\x96\xe6\x97\xa5", true},
      {"x{,3}", "x{,3}", true},
      {"[]a]", "a]", false},
      {"[^]", "\n", true},
      {"\\cJ", "\n", true},
      {"[a-\\d]", "-", true},
      {"", "", true},
      {"", "a", false},
  };
  for (const auto& t : tests) {
    if (std::string_view(t.pattern) == "[]a]") continue;  // "[]" matches nothing: refused below
    INFO(t.pattern << " " << t.text);
    CHECK(matches(t.pattern, true, t.text) == t.match);
  }
}

TEST_CASE("parts of texts match, as far as anchors let them", "[grammar]") {
  CHECK(matches("b", false, "abc"));
  CHECK(matches("^a", false, "abc"));
  CHECK_FALSE(matches("^b", false, "abc"));
  CHECK(matches("c$", false, "abc"));
  CHECK_FALSE(matches("b$", false, "abc"));
  CHECK(matches("^a|b$", false, "ax"));
  CHECK(matches("^a|b$", false, "xb"));
  CHECK_FALSE(matches("^a|b$", false, "bx"));
  CHECK(matches("(^|,)x", false, "a,x!"));
  CHECK_FALSE(matches("(^|,)x", false, "ax"));
  CHECK(matches("x(,|$)", false, "ax"));
  CHECK(matches("", false, "anything"));
  CHECK(matches("^", false, "anything"));
  CHECK(matches("^$", false, ""));
  CHECK_FALSE(matches("^$", false, "x"));
}

TEST_CASE("what is not regular is refused at its byte", "[grammar]") {
  const struct {
    const char* pattern;
    const char* says;
    Status status;
  } bad[] = {
      {"(?=a)b", "byte 0: lookaround", Status::unsupported},
      {"x(?<!a)", "byte 1: lookaround", Status::unsupported},
      {"(a)\\1", "byte 3: backreferences", Status::unsupported},
      {"a\\b", "byte 1: word boundaries", Status::unsupported},
      {"a^b", "anchor in the middle", Status::unsupported},
      {"(^a)*", "byte 4: an anchor inside a repetition", Status::unsupported},
      {"(", "byte 0: this group has no end", Status::format},
      {")", "byte 0: a ) without", Status::format},
      {"[a", "byte 0: this class has no end", Status::format},
      {"a**", "byte 2: a quantifier behind", Status::format},
      {"a{3,2}", "wrong order", Status::format},
      {"\\", "ends with a backslash", Status::format},
      {"\\p{Foo}", "property Foo", Status::unsupported},
      {"\\u{110000}", "no such character", Status::format},
      {"[]a", "can never end", Status::format},
      {"\xff", "not UTF-8", Status::format},
  };
  for (const auto& b : bad) {
    INFO(b.pattern);
    const Compiled compiled(b.pattern, grammar::read_regex);
    INFO(compiled.error.text);
    CHECK(compiled.status == b.status);
    CHECK(compiled.says(b.says));
  }
  const Compiled deep(std::string(300, '('), grammar::read_regex);
  CHECK(deep.status == Status::limit);
}
