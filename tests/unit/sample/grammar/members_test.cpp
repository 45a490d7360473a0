// members_test.cpp - objects whose members come in any order, each once.
#include "unit/sample/grammar/texts.h"

using namespace inlay;
using namespace inlay::test;
using namespace inlay::grammar;

namespace {

// {k:v,k:v}; named members a (required), b, bc (required); extra keys of letters that are none of
// these.
struct Objects : Compiled {
  std::vector<Member> named;
  std::vector<Extra> extra;
  Members members;

  Objects() {
    ByteSet letters;
    letters.add('a', 'z');
    ByteSet digits;
    digits.add('0', '9');
    const NodeId number = rules.repeat(rules.bytes(digits), 1, unbounded);
    const NodeId word = rules.repeat(rules.bytes(letters), 1, unbounded);
    const NodeId keys[] = {rules.literal("a"), rules.literal("b"), rules.literal("bc")};
    named = {{keys[0], number, true}, {keys[1], number, false}, {keys[2], number, true}};
    extra = {{rules.but_not(word, rules.choice(keys)), rules.literal("x")}};
    members.named = named;
    members.between = rules.literal(":");
    members.separator = rules.literal(",");
  }
  void build() {
    const NodeId parts[] = {rules.literal("{"), rules.members(members), rules.literal("}")};
    finish(rules.sequence(parts));
    INFO(error.text);
    REQUIRE(status == Status::ok);
  }
};

}  // namespace

TEST_CASE("members in any order", "[grammar]") {
  Objects o;
  o.build();
  Matching m(o);
  CHECK(m.accepts("{a:1,bc:2}"));
  CHECK(m.accepts("{bc:22,a:1}"));
  CHECK(m.accepts("{bc:2,b:7,a:1}"));
  CHECK_FALSE(m.accepts("{}"));
  CHECK_FALSE(m.accepts("{a:1}"));
  CHECK(m.taken("{a:1,a") == 5);   // a second time
  CHECK(m.taken("{b:1,b:") == 6);  // b is there, bc may come
  CHECK(m.taken("{a:1,bc:2,b:3,") == 13);
  CHECK(m.taken("{c") == 1);
}

TEST_CASE("members in their order", "[grammar]") {
  Objects o;
  o.members.ordered = true;
  o.build();
  Matching m(o);
  CHECK(m.accepts("{a:1,bc:2}"));
  CHECK(m.accepts("{a:1,b:0,bc:2}"));
  CHECK(m.taken("{b") == 1);
  CHECK_FALSE(m.accepts("{bc:2,a:1}"));
}

TEST_CASE("extra members, each key once", "[grammar]") {
  Objects o;
  o.members.extra = o.extra;
  o.build();
  Matching m(o);
  CHECK(m.accepts("{a:1,zz:x,bc:2,z:x}"));
  CHECK(m.accepts("{ab:x,a:1,bcd:x,bc:1}"));
  CHECK(m.taken("{z:x,z:") == 6);
  CHECK(m.accepts("{z:x,zz:x,a:1,bc:2}"));
  CHECK(m.taken("{a:x") == 3);  // a is no extra key
  CHECK(m.taken("{a:1,a:") == 6);
  CHECK(m.accepts("{a:1,aa:x,bc:3}"));
}

TEST_CASE("the number of members", "[grammar]") {
  Objects o;
  o.members.extra = o.extra;
  o.members.min = 3;
  o.members.max = 3;
  o.build();
  Matching m(o);
  CHECK(m.accepts("{a:1,b:2,bc:3}"));
  CHECK(m.accepts("{z:x,bc:3,a:1}"));
  CHECK_FALSE(m.accepts("{a:1,bc:3}"));
  CHECK(m.taken("{z:x,y") == 5);        // only the required ones still fit
  CHECK(m.taken("{a:1,b:2,b:") == 10);  // bc has to come
  CHECK(m.taken("{a:1,bc:3,z:x,") == 13);
}

TEST_CASE("thousands of members are no trouble", "[grammar]") {
  Compiled c;
  std::vector<Member> named;
  std::string text = "{", reversed = "}";
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "key" + std::to_string(i);
    named.push_back({c.rules.literal(key), c.rules.literal("1"), i % 2 == 0});
    text += (i ? "," : "") + key + "1";
    reversed = (i ? "," : "") + key + "1" + reversed;
  }
  Members members;
  members.named = named;
  members.separator = c.rules.literal(",");
  const NodeId parts[] = {c.rules.literal("{"), c.rules.members(members), c.rules.literal("}")};
  c.finish(c.rules.sequence(parts));
  INFO(c.error.text);
  REQUIRE(c.status == Status::ok);
  Matching m(c);
  CHECK(m.accepts(text + "}"));
  CHECK(m.taken(text + ",") == static_cast<int>(text.size()));
}

TEST_CASE("keys that cannot be told apart are refused", "[grammar]") {
  Compiled c;
  const Member named[] = {{c.rules.literal("a"), c.rules.literal("1"), false},
                          {c.rules.literal("a"), c.rules.literal("2"), false}};
  Members members;
  members.named = named;
  c.finish(c.rules.members(members));
  CHECK(c.status == Status::format);
  CHECK(c.says("the same key"));
}

TEST_CASE("regular texts: both, and one without the other", "[grammar]") {
  Compiled c;
  ByteSet ab;
  ab.add('a', 'b');
  const NodeId word = c.rules.repeat(c.rules.bytes(ab), 0, unbounded);
  const NodeId short_word = c.rules.repeat(c.rules.bytes(ab), 2, 3);
  const NodeId with_a = c.rules.sequence(c.rules.literal("a"), word);
  const NodeId both = c.rules.all_of(with_a, short_word);
  c.finish(c.rules.but_not(both, c.rules.literal("ab")));
  REQUIRE(c.status == Status::ok);
  Matching m(c);
  CHECK(m.accepts("aa"));
  CHECK(m.accepts("aba"));
  CHECK_FALSE(m.accepts("ab"));
  CHECK_FALSE(m.accepts("ba"));
  CHECK_FALSE(m.accepts("aaaa"));
  Compiled recursive;
  const RuleId rule = recursive.rules.declare("r");
  recursive.rules.define(rule, recursive.rules.optional(recursive.rules.sequence(
                                   recursive.rules.literal("("), recursive.rules.rule(rule))));
  recursive.finish(recursive.rules.all_of(recursive.rules.rule(rule), recursive.rules.empty()));
  CHECK(recursive.status == Status::format);
  CHECK(recursive.says("not regular"));
}
