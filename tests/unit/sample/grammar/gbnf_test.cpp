// gbnf_test.cpp - the grammar language of llama.cpp: what it takes, what it refuses and where.
#include "format/json.h"
#include "unit/sample/grammar/texts.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Example {
  const char* grammar;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

const Example examples[] = {
    {"root ::= \"a\" | \"b\" \"c\"", {"a", "bc"}, {"", "b", "ab", "bcc"}},
    {"root ::= [a-c]+ [^x-z]", {"aq", "abc!"}, {"x", "ax", "a"}},
    {"root ::= .",
     {"a", "\xc3\xa9", "\xf0\x9f\x98\x80"},
     {"", "ab", "\xc3", "\x80", "\xed\xa0\x80"}},
    {"root ::= \"\\x41\\u00e9\\U0001F600\\n\\\"\"", {"A\xc3\xa9\xf0\x9f\x98\x80\n\""}, {"A"}},
    {"root ::= x{2} y{1,2} z{0,1} w{2,}\nx ::= \"x\"\ny ::= \"y\" z ::= \"z\"\nw ::= \"w\"",
     {"xxyww", "xxyyzwwww"},
     {"xyww", "xxyyyww", "xxyw"}},
    {"root ::= (\n  \"a\" | # a comment\n  \"b\"\n)* # the end", {"", "abba"}, {"c"}},
    {"root ::= \"a\" |\n  \"b\"\n", {"a", "b"}, {""}},
    {"root ::= ( [x]* )*", {"", "xxx"}, {"y"}},
    {"root ::= (x? y?){3} \"e\"\nx ::= \"x\"\ny ::= \"y\"",
     {"e", "xyxye", "xxxe"},
     {"xxxxe", "yxyxyxye"}},
    {"root ::= \"(\" root? \")\"", {"()", "((()))"}, {"(", "(()", "())"}},
    {"root ::= [\\u00e0-\\u024f\\]]*", {"\xc3\xa9]", ""}, {"a"}},
    {"root ::= [^\\n]*", {"\xe6\x97\xa5 x"}, {"a\n"}},
    {"root ::= \"a\"{0,100000} \"b\"", {std::string(5000, 'a') + "b"}, {std::string(5000, 'a')}},
    {"root ::= [ab]{3,100000}",
     {"aba", std::string(100000, 'b')},
     {"ab", std::string(100001, 'b')}},
};

// Fills `texts` from an array of strings.
void read_texts(JsonReader& json, std::vector<std::string>& texts) {
  REQUIRE(json.begin_array());
  while (json.next_item()) {
    std::string_view text;
    REQUIRE(json.text(text));
    texts.emplace_back(text);
  }
}

struct Case {
  std::string name, kind, grammar;
  std::vector<std::string> accept, reject;
};

void read_case(JsonReader& json, Case& c) {
  REQUIRE(json.begin_object());
  std::string_view key, text;
  while (json.next_key(key)) {
    std::string* field = key == "name"      ? &c.name
                         : key == "kind"    ? &c.kind
                         : key == "grammar" ? &c.grammar
                                            : nullptr;
    if (field) {
      REQUIRE(json.text(text));
      *field = text;
    } else if (key == "accept") {
      read_texts(json, c.accept);
    } else if (key == "reject") {
      read_texts(json, c.reject);
    } else {
      json.skip();
    }
  }
}

}  // namespace

TEST_CASE("grammars take the texts they say", "[grammar]") {
  for (const Example& e : examples) {
    INFO(e.grammar);
    Compiled compiled(e.grammar);
    INFO(compiled.error.text);
    REQUIRE(compiled.status == Status::ok);
    Matching m(compiled);
    for (const std::string& text : e.good) CHECK(m.taken(text) == static_cast<int>(text.size()));
    for (const std::string& text : e.bad) CHECK_FALSE(m.accepts(text));
  }
}

TEST_CASE("bad grammars are refused with place and reason", "[grammar]") {
  const struct {
    const char* grammar;
    const char* says;
    Status status;
  } bad[] = {
      {"", "no rule 'root'", Status::format},
      {"rot ::= \"a\"", "no rule 'root'", Status::format},
      {"root ::= x\n", "line 1, column 10: rule 'x' is not defined", Status::format},
      {"root ::= \"a", "line 1, column 10: this text has no end", Status::format},
      {"root ::= \"a\"\nx ::= [a", "line 2, column 7: this class has no end", Status::format},
      {"root ::= [z-a]", "column 11: the range is empty", Status::format},
      {"root ::= \"\\q\"", "unknown escape", Status::format},
      {"root ::= \"\\xZZ\"", "hexadecimal", Status::format},
      {"root ::= \"\\U00110000\"", "U+10FFFF", Status::format},
      {"root ::= \"\\ud800\"", "surrogate", Status::format},
      {"root ::= *", "nothing stands before", Status::format},
      {"root ::= \"a\"{3,2}", "wrong order", Status::format},
      {"root ::= \"a\"{99999999999}", "count is too large", Status::format},
      {"root ::= (\"a\"", "this group has no end", Status::format},
      {"root ::= \"a\" )", "cannot stand here", Status::format},
      {"root = \"a\"", "expected ::=", Status::format},
      {"root ::= \"a\" | root \"b\"", "left recursion (root -> root)", Status::format},
      {"root ::= a\na ::= b? a \"x\" | \"y\"\nb ::= \"b\"", "rule 'a' (line 2, column 1): left",
       Status::format},
      {"root ::= \"a\" root", "'root' (line 1, column 1) can never end", Status::format},
      {"root ::= <[12", "expected <[id]>", Status::format},
      {"root ::= \"\xff\"", "not UTF-8", Status::format},
  };
  for (const auto& b : bad) {
    INFO(b.grammar);
    const Compiled compiled(b.grammar);
    INFO(compiled.error.text);
    CHECK(compiled.status == b.status);
    CHECK(compiled.says(b.says));
  }
  const Compiled deep("root ::= " + std::string(300, '(') + "\"a\"" + std::string(300, ')'));
  CHECK(deep.status == Status::limit);
  CHECK(deep.says("nested groups"));
}

TEST_CASE("rules that cannot end are left out", "[grammar]") {
  Compiled compiled("root ::= \"a\" | \"b\" dead | dead*\ndead ::= \"x\" dead");
  REQUIRE(compiled.status == Status::ok);
  Matching m(compiled);
  CHECK(m.accepts("a"));
  CHECK(m.accepts(""));
  CHECK(m.taken("b") == 0);
  CHECK(m.taken("x") == 0);
}

TEST_CASE("ambiguity and depth cost memory that is bounded", "[grammar]") {
  Compiled doubling("root ::= \"x\" root | \"x\" root | \"\"");
  REQUIRE(doubling.status == Status::ok);
  CHECK(Matching(doubling).accepts(std::string(20000, 'x')));
  Compiled nested("root ::= \"(\" root \")\" | \"\"");
  REQUIRE(nested.status == Status::ok);
  Matching m(nested);
  CHECK(m.accepts(std::string(5000, '(') + std::string(5000, ')')));
  m->reset();
  std::size_t taken = 0;
  REQUIRE(m->accept(std::string(10000, '('), &taken, m.error) == Status::ok);
  // What fails leaves the matcher as it was, also where cells were collected on the way.
  CHECK(m->accept(std::string(1000000, '('), &taken, m.error) == Status::limit);
  CHECK(std::string(m.error.text).find("nested too deeply") != std::string::npos);
  CHECK(taken == 0);
  CHECK(m->position() == 10000);
  REQUIRE(m->accept(std::string(10000, ')'), &taken, m.error) == Status::ok);
  CHECK(m->can_end());
  // Far more brackets than cells, but never many at once.
  Compiled flat("root ::= (\"(\" pair* \")\")*\npair ::= \"[\" pair? \"]\"");
  REQUIRE(flat.status == Status::ok);
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "([[]])";
  CHECK(Matching(flat).accepts(text));
}

TEST_CASE("what must follow is told", "[grammar]") {
  Compiled compiled("root ::= \"yes\" | \"no, never\" [ab] \"end\"");
  REQUIRE(compiled.status == Status::ok);
  Matching m(compiled);
  char text[64];
  CHECK(m->forced(text) == 0);
  std::size_t taken = 0;
  REQUIRE(m->accept("n", &taken, m.error) == Status::ok);
  CHECK(std::string(text, m->forced(text)) == "o, never");
  CHECK(m->forced({text, 2}) == 2);
  REQUIRE(m->accept("o, nevera", &taken, m.error) == Status::ok);
  CHECK(std::string(text, m->forced(text)) == "end");
}

TEST_CASE("llama.cpp's own cases", "[grammar]") {
  INLAY_NEEDS_TEST_DATA();
  const std::string text = read_text(data_path("grammars/llamacpp-grammar-cases.json"));
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Error error{};
  JsonReader json(text, "cases", allocator, error);
  std::size_t accepted = 0, rejected = 0, refused = 0;
  std::string_view key;
  REQUIRE(json.begin_object());
  while (json.next_key(key)) {
    const bool valid = key == "cases";
    if (!valid && key != "invalid") {
      json.skip();
      continue;
    }
    REQUIRE(json.begin_array());
    while (json.next_item()) {
      Case c;
      read_case(json, c);
      if (valid && c.kind != "gbnf") continue;
      INFO(c.name << c.grammar);
      Compiled compiled(c.grammar);
      if (!valid) {
        CHECK(compiled.status == Status::format);
        ++refused;
        continue;
      }
      REQUIRE(compiled.status == Status::ok);
      Matching m(compiled);
      for (const std::string& good : c.accept) CHECK(m.accepts(good));
      for (const std::string& bad : c.reject) CHECK_FALSE(m.accepts(bad));
      accepted += c.accept.size();
      rejected += c.reject.size();
    }
  }
  CHECK(json.finish() == Status::ok);
  CHECK(accepted == 60);
  CHECK(rejected == 59);
  CHECK(refused == 6);
}

TEST_CASE("grammars in use compile", "[grammar]") {
  INLAY_NEEDS_TEST_DATA();
  for (const char* name : {"arithmetic", "c", "chess", "english", "japanese", "json", "json_arr",
                           "list", "vllm-sql"}) {
    INFO(name);
    const Compiled compiled(read_text(data_path(std::string("grammars/") + name + ".gbnf")));
    INFO(compiled.error.text);
    CHECK(compiled.status == Status::ok);
  }
}
