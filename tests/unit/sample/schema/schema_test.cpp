// schema_test.cpp - schemas and their instances: the official test suite, schemas from the wild,
// llama.cpp's cases, hostile ones, and memory that runs out.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "sample/grammar/compile.h"
#include "sample/grammar/matcher.h"
#include "sample/schema/pattern.h"
#include "sample/schema/read.h"
#include "sample/schema/references.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;
using schema::Document;

namespace {

using Read = Status (*)(std::string_view, grammar::Rules&, Error&);

// A value as text again; numbers as they stand.
std::string dump(const Document& d, schema::ValueId v) {
  switch (d.kind(v)) {
    case Document::Kind::null: return "null";
    case Document::Kind::boolean: return d[v].truth ? "true" : "false";
    case Document::Kind::number: return std::string(d.text(v));
    default: break;
  }
  const auto quote = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c) & 0xffu);
      const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
      out += plain ? std::string(1, c) : escape;
    }
    return out + "\"";
  };
  if (d.kind(v) == Document::Kind::string) return quote(d.text(v));
  const bool object = d.kind(v) == Document::Kind::object;
  std::string out(1, object ? '{' : '[');
  for (auto c = d[v].first; c != schema::no_value; c = d[c].next) {
    if (out.size() > 1) out += ", ";
    if (object) out += quote(d.key(c)) + ": ";
    out += dump(d, c);
  }
  return out + (object ? '}' : ']');
}

// A schema as a grammar; `why` is the reason where it is refused.
class Checker {
 public:
  Checker(const std::string& text, Read read) : grammar_(allocator_) {
    grammar::Rules rules(allocator_);
    Error error{};
    status = read(text, rules, error);
    if (!is_error(status)) status = grammar::compile(rules, grammar_, error);
    why = error.text;
    nothing = is_error(status) && why.find("no value is valid") != std::string::npos;
    if (is_error(status)) return;
    REQUIRE(grammar::Matcher::create(allocator_, grammar_, nullptr, &matcher_, error) ==
            Status::ok);
  }
  ~Checker() {
    if (matcher_) matcher_->release();
  }

  bool refused() const { return is_error(status) && !nothing; }
  bool accepts(const std::string& text) {
    return !nothing && taken(text) == text.size() && matcher_->can_end();
  }
  std::size_t taken(const std::string& text) {
    Error error{};
    std::size_t count = 0;
    matcher_->reset();
    REQUIRE(matcher_->accept(text, &count, error) == Status::ok);
    return count;
  }

  Status status;
  std::string why;
  bool nothing = false;

 private:
  Allocator allocator_{inlay_allocator{}};
  grammar::Grammar grammar_;
  grammar::Matcher* matcher_ = nullptr;
};

struct Score {
  int schemas = 0, refused = 0, right = 0, cases = 0;
  int passed_over = 0;  // cases of refused schemas
  std::vector<std::string> wrong;

  void count(const Document& d, schema::ValueId schema, schema::ValueId tests,
             const std::string& name, Read read) {
    Checker checker(dump(d, schema), read);
    ++schemas;
    if (checker.refused()) {
      passed_over += static_cast<int>(d[tests].children);
      ++refused;
      INFO(name << ": " << checker.why);
      CHECK(!checker.why.empty());
      std::printf("refused: %s: %s\n", name.c_str(), checker.why.c_str());
      return;
    }
    cases += static_cast<int>(d[tests].children);
    for (auto t = d[tests].first; t != schema::no_value; t = d[t].next) {
      const std::string instance = dump(d, d.member(t, "data"));
      const bool valid = d[d.member(t, "valid")].truth;
      if (checker.accepts(instance) == valid) {
        ++right;
      } else {
        wrong.push_back(name + ": " + instance);
      }
    }
  }
};

std::vector<std::string> json_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& f : std::filesystem::recursive_directory_iterator(data_path(folder))) {
    if (f.path().extension() == ".json") files.push_back(f.path().string());
  }
  return files;
}

Document read_tree(const std::string& path, Allocator& allocator) {
  Document d(allocator);
  Error error{};
  const std::string text = read_text(path);
  if (schema::read_document(text, d, error) != Status::ok) FAIL(path << ": " << error.text);
  return d;
}

// Formats as annotations, as the draft has them unless a vocabulary says otherwise.
Status read_annotating(std::string_view text, grammar::Rules& rules, Error& error) {
  schema::CompileOptions options;
  options.spelling = schema::Spelling::any;
  options.space = schema::Space::any;
  options.check_formats = false;
  return schema::read(text, options, rules, error);
}

}  // namespace

TEST_CASE("the official test suite of draft 2020-12") {
  INLAY_NEEDS_TEST_DATA();
  Allocator allocator{inlay_allocator{}};
  Score score;
  for (const std::string& path : json_files("json-schema/test-suite/draft2020-12")) {
    const Document d = read_tree(path, allocator);
    const std::string file = std::filesystem::path(path).filename().string();
    const bool annotates = file == "format.json";
    for (auto g = d[0].first; g != schema::no_value; g = d[g].next) {
      const std::string name = file + ": " + std::string(d.text(d.member(g, "description")));
      score.count(d, d.member(g, "schema"), d.member(g, "tests"), name,
                  annotates ? read_annotating : grammar::read_schema_text);
    }
  }
  for (const std::string& wrong : score.wrong) FAIL_CHECK(wrong);
  std::printf("%d of %d cases right; %d schemas with %d cases refused\n", score.right, score.cases,
              score.refused, score.passed_over);
  CHECK(score.passed_over * 100 <= (score.cases + score.passed_over) * 8);
}

TEST_CASE("schemas from the wild") {
  INLAY_NEEDS_TEST_DATA();
  Allocator allocator{inlay_allocator{}};
  Score text, generation;
  for (const std::string& path : json_files("json-schema/bench")) {
    const Document d = read_tree(path, allocator);
    const std::string file = std::filesystem::path(path).filename().string();
    text.count(d, d.member(0, "schema"), d.member(0, "tests"), file, grammar::read_schema_text);
    generation.count(d, d.member(0, "schema"), d.member(0, "tests"), file, grammar::read_schema);
  }
  for (const std::string& wrong : text.wrong) FAIL_CHECK(wrong);
  CHECK(text.refused <= 4);
  CHECK(generation.refused <= 2);
}

TEST_CASE("llama.cpp's cases by its own conventions") {
  INLAY_NEEDS_TEST_DATA();
  Allocator allocator{inlay_allocator{}};
  const Document d = read_tree(data_path("grammars/llamacpp-grammar-cases.json"), allocator);
  const auto cases = d.member(0, "cases");
  for (auto c = d[cases].first; c != schema::no_value; c = d[c].next) {
    if (d.text(d.member(c, "kind")) != "json-schema") continue;
    Checker checker(dump(d, d.member(c, "schema")), grammar::read_schema_ordered);
    INFO(d.text(d.member(c, "name")) << ": " << checker.why);
    REQUIRE(!checker.refused());
    for (const bool accept : {true, false}) {
      const auto list = d.member(c, accept ? "accept" : "reject");
      for (auto t = d[list].first; t != schema::no_value; t = d[t].next) {
        INFO(d.text(t));
        CHECK(checker.accepts(std::string(d.text(t))) == accept);
      }
    }
  }
}

TEST_CASE("what schemas say is held") {
  struct Case {
    const char* schema;
    std::vector<const char*> valid, invalid;
  };
  const Case cases[] = {
      {R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},
           "required":["a"],"additionalProperties":false})",
       {R"({"a":1})", R"({"b":"x","a":1})", R"({ "\u0061" : 1 })"},
       {R"({})", R"({"b":"x"})", R"({"a":1,"c":2})", R"({"a":1,"a":2})"}},
      {R"({"oneOf":[{"required":["a"]},{"required":["b"]}],"type":"object"})",
       {R"({"a":1})", R"({"x":0,"b":1})"},
       {R"({"a":1,"b":2})", R"({})"}},
      {R"({"type":"number","minimum":-1.5,"exclusiveMaximum":2,"multipleOf":0.25})",
       {"-1.5", "1.75", "0", "-0.250"},
       {"2", "-1.75", "0.3"}},
      {R"({"type":"string","minLength":2,"maxLength":3,"pattern":"^(?!ab)[a-c]+$"})",
       {R"("ac")", R"("bab")", R"("\u0061\u0063")"},
       {R"("ab")", R"("a")", R"("aaaa")"}},
      {R"({"type":"array","items":{"enum":["x","y"]},"uniqueItems":true})",
       {R"([])", R"(["y","x"])"},
       {R"(["x","x"])", R"(["z"])"}},
      {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"}}}})",
       {"[]", "[[],[[]]]"},
       {"[1]", "[[]"}},
      {R"({"unevaluatedProperties":false,"allOf":[{"properties":{"a":true}}]})",
       {R"({"a":1})", "3"},
       {R"({"b":1})"}},
      {R"({"contains":{"const":1},"maxContains":1,"type":"array"})",
       {"[1]", "[2,1,3]"},
       {"[]", "[1,1]", "[2]"}},
      {R"({"contains":{"type":"number"},"unevaluatedItems":true,"type":"array"})",
       {"[1]", R"([1,"a"])"},
       {"[]", R"(["a"])"}},
      {R"({"properties":{"unevaluatedItems":{"type":"null"}},"type":"object",
           "anyOf":[{"required":["a"]},{"required":["b"]}]})",
       {R"({"a":1,"b":2})", R"({"b":0,"unevaluatedItems":null})"},
       {"{}", R"({"a":1,"unevaluatedItems":2})"}},
      {R"({"not":{"patternProperties":{"b":false}},"type":"object","maxProperties":3})",
       {R"({"b":1})", R"({"a":1,"xb":2})", R"({"b":1,"bb":{},"c":3})"},
       {"{}", R"({"a":1})", R"({"a":1,"c":2,"d":"b"})", R"({"a":1,"b":1,"c":1,"d":1})"}},
      {R"({"not":{"propertyNames":{"maxLength":2}},"patternProperties":{"^x":{"const":1}},
           "type":"object","additionalProperties":{"const":2},"properties":{"long":{}}})",
       {R"({"xyz":1})", R"({"abc":2,"x":1})", R"({"long":3,"a":2})", R"({"xyz":1,"abc":2})"},
       {"{}", R"({"x":1,"a":2})", R"({"xyz":2})", R"({"abc":1})", R"({"abc":2,"a":1})"}},
      {R"({"type":"number","minimum":0})", {"1e2", "0E0", "5e-3", "1e999"}, {"-1e-2", "-1E+2"}},
      {R"({"type":"number","maximum":1e3})",
       {"1E+2", "1e3", "0.01e5", "12e1", "1e-300", "-1e+400", "1000.0E-00"},
       {"1.1e3", "1e400", "2E3", "0.011e5", "11e+02"}},
      {R"({"type":"integer","minimum":-20,"maximum":150})",
       {"1.5e1", "1e2", "100e-1", "0.15e3", "-2e1", "15E00"},
       {"1.55e1", "1e3", "15e-1", "-2.1e1", "1e-2", "1e20"}},
      {R"({"type":"number","multipleOf":0.25})",
       {"1e2", "2.5e-1", "0.5E0", "1.25e30"},
       {"1e-1", "2.6e-1"}},
      {R"({"type":"number","exclusiveMinimum":1e16})",
       {"1.5e16", "1e+17", "1e300"},
       {"1e16", "1e5", "-1e300", "9.9e15"}},
      {R"({"enum":[100,-0.5]})",
       {"1e2", "10e1", "0.1e3", "-5e-1", "-50E-2", "1.00e+2"},
       {"1e3", "5e-1", "-5e1"}},
  };
  for (const Case& c : cases) {
    Checker checker(c.schema, grammar::read_schema_text);
    INFO(c.schema << ": " << checker.why);
    REQUIRE(checker.status == Status::ok);
    for (const char* text : c.valid) {
      INFO(text);
      CHECK(checker.accepts(text));
    }
    for (const char* text : c.invalid) {
      INFO(text);
      CHECK_FALSE(checker.accepts(text));
    }
  }
}

TEST_CASE("where values or keys are too few, nothing begins") {
  const std::string nothing[] = {
      R"({"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":3})",
      R"({"type":"array","items":{"enum":["x","y",1.0,1]},"uniqueItems":true,"minItems":4})",
      R"({"type":"array","items":{"type":"integer","minimum":-4,"maximum":5},"uniqueItems":true,
          "minItems":11})",
      R"({"type":"object","patternProperties":{"^[ab]$":{}},"additionalProperties":false,
          "minProperties":3})",
      R"({"type":"object","propertyNames":{"pattern":"^[ab]$"},"minProperties":3})",
      R"({"type":"object","properties":{"c":{}},"patternProperties":{"^[ab]$":{}},
          "additionalProperties":false,"minProperties":4})",
      R"({"type":"object","patternProperties":{"^[ab]$":{},"^c$":{"not":{}}},
          "additionalProperties":false,"minProperties":3})",
  };
  for (const std::string& schema : nothing) {
    Checker whole(schema, grammar::read_schema);
    INFO(schema << ": " << whole.why);
    CHECK(whole.status == Status::format);
    CHECK(whole.why.find("can never end") != std::string::npos);
    Checker one(R"({"anyOf":[{"const":0},)" + schema + "]}", grammar::read_schema);
    REQUIRE(one.status == Status::ok);
    CHECK(one.accepts("0"));
    CHECK(one.taken("[") + one.taken("{") == 0);
  }
  Checker endless(R"({"type":"object","patternProperties":{"^[ab]$":{},"^c$":{"$ref":"#"}},
                      "additionalProperties":false,"minProperties":3})",
                  grammar::read_schema);
  CHECK(endless.status == Status::format);
  const std::pair<const char*, const char*> enough[] = {
      {R"({"type":"array","items":{"type":"boolean"},"uniqueItems":true,"minItems":2})",
       "[true,false]"},
      {R"({"type":"array","items":{"type":["boolean","string"]},"uniqueItems":true,"minItems":9})",
       R"(["a",true,"b","c","d","e","f","g",false])"},
      {R"({"type":"object","patternProperties":{"^[ab]$":{}},"additionalProperties":false,
          "properties":{"c":{}},"minProperties":3})",
       R"({"b":1,"c":2,"a":3})"},
  };
  for (const auto& [schema, text] : enough) {
    Checker checker(schema, grammar::read_schema);
    INFO(schema << ": " << checker.why);
    REQUIRE(checker.status == Status::ok);
    CHECK(checker.accepts(text));
  }
  Checker ordered(R"({"type":"object","properties":{"a":{},"b":{}},"minProperties":3,
                      "patternProperties":{"^[xy]$":{}},"additionalProperties":false})",
                  grammar::read_schema_ordered);
  REQUIRE(ordered.status == Status::ok);
  CHECK(ordered.accepts(R"({"b":1,"x":2,"y":3})"));
  CHECK(ordered.taken(R"({"x)") == 2);
}

TEST_CASE("a member that fails additionalProperties matches none of its patterns") {
  for (const Read read : {grammar::read_schema, grammar::read_schema_text}) {
    Checker checker(R"({"type":"object","not":{"properties":{"b":{}},"patternProperties":{"^a":{}},
                        "additionalProperties":false}})",
                    read);
    INFO(checker.why);
    REQUIRE(checker.status == Status::ok);
    CHECK(checker.accepts(R"({"c":1})"));
    CHECK(checker.accepts(R"({"b":1,"c":1})"));
    CHECK_FALSE(checker.accepts(R"({"ab":1})"));
    CHECK_FALSE(checker.accepts(R"({"b":1})"));
  }
}

TEST_CASE("whole numbers beyond a bound of many digits") {
  const char* schemas[] = {
      R"({"type":"integer","exclusiveMinimum":9999999999999999})",
      R"({"type":"integer","exclusiveMaximum":-99999999999999999})",
      R"({"type":"integer","exclusiveMinimum":999999999999999,"multipleOf":7})",
  };
  const char* texts[] = {"10000000000000000", "-100000000000000000", "1000000000000001"};
  for (std::size_t i = 0; i < 3; ++i) {
    Checker checker(schemas[i], grammar::read_schema);
    INFO(schemas[i] << ": " << checker.why);
    REQUIRE(checker.status == Status::ok);
    CHECK(checker.accepts(texts[i]));
    CHECK_FALSE(checker.accepts("0"));
  }
}

TEST_CASE("what cannot be held is refused with its path") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties":{"a":{"$ref":"http://x/y"}}})", "/properties/a/$ref"},
      {R"({"items":{"pattern":"(a)\\1"}})", "/items/pattern"},
      {R"({"uniqueItems":true})", "/uniqueItems"},
      {R"({"type":"text"})", "/type"},
      {R"({"minLength":-1})", "/minLength"},
      {R"({"multipleOf":0})", "/multipleOf"},
      {R"({"format":"iri"})", "/format"},
      {R"({"items":{"format":"regex"}})", "/items/format"},
      {R"({"allOf":3})", "/allOf"},
      {R"({"$ref":"#"})", "schema"},
      {R"(false)", "no value is valid"},
      {R"({"a":1,"a":2})", "twice"},
      {R"({"type":)", "byte"},
  };
  const std::string long_reference =
      R"({"properties":{"a":{"$ref":")" + std::string(3000, 'x') + R"("}}})";
  const auto check = [](const std::string& text, const char* part) {
    Checker checker(text, grammar::read_schema);
    INFO(text << ": " << checker.why);
    CHECK(is_error(checker.status));
    CHECK(checker.why.find(part) != std::string::npos);
  };
  for (const auto& [text, part] : cases) check(text, part);
  check(long_reference, "/properties/a/$ref");
  check(R"({"type":"array","allOf":[{"contains":{"type":"number"}},{"contains":{"type":"string"}}],
            "unevaluatedItems":false})",
        "/unevaluatedItems");
}

TEST_CASE("hostile schemas end soon") {
  std::string deep = "{}", any = "[", ands, dependents, chain = "{\"$defs\":{", numbers;
  for (int i = 0; i < 40; ++i) deep = R"({"not":)" + deep + "}";
  for (int i = 0; i < 12; ++i) {
    const std::string a = "\"a" + std::to_string(i) + "\"", b = "\"b" + std::to_string(i) + "\"";
    ands += std::string(i ? "," : "") + R"({"anyOf":[{"required":[)" + a + R"(]},{"required":[)" +
            b + "]}]}";
    dependents += std::string(i ? "," : "") + a + ":[" + b + "]";
  }
  for (int i = 0; i < 20000; ++i) any += (i ? ",\"v" : "\"v") + std::to_string(i) + "\"";
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i + 1);
    numbers += (i ? ",\"n" : "\"n") + n + R"(":{"type":"number","multipleOf":89,"minimum":)" + n +
               ".123456789012345678901234567890123456789e150}";
  }
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
    chain += "\"d" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  const std::string texts[] = {
      deep,
      R"({"allOf":[)" + ands + "]}",
      R"({"dependentRequired":{)" + dependents + "}}",
      R"({"enum":)" + any + "]}",
      chain + R"("d40":{}},"$ref":"#/$defs/d0"})",
      R"({"pattern":"(a{1,100}){1,100}"})",
      R"({"pattern":"(x|y)*x(x|y){20}"})",
      R"({"minItems":2000000000,"items":{"type":"null"}})",
      R"({"minLength":2000000000})",
      R"({"contains":{"type":"null"},"minContains":1999,"type":"array"})",
      R"({"multipleOf":19997,"not":{"multipleOf":19993},"type":"number"})",
      R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
      R"({"properties":{"a":{"$ref":"#"}},"required":["a"],"type":"object"})",
      "{\"properties\":{" + numbers + "}}",
  };
  for (const std::string& text : texts) {
    for (const Read read : {grammar::read_schema, grammar::read_schema_text}) {
      Checker checker(text, read);
      INFO(text.substr(0, 100) << ": " << checker.why);
      if (is_error(checker.status)) CHECK(!checker.why.empty());
      CHECK(checker.status != Status::internal);
    }
  }
}

TEST_CASE("names of schemas are looked up") {
  Allocator allocator{inlay_allocator{}};
  Document d(allocator);
  Error error{};
  std::string text = "{\"$defs\":{";
  const int count = 20000;
  for (int i = 0; i < count; ++i) {
    const std::string name = std::string(80, 'n') + std::to_string(100000 + i);
    text += std::string(i ? "," : "") + "\"a" + std::to_string(i) + R"(":{"$anchor":")" + name +
            R"(","$ref":"#)" + name + "\"}";
  }
  REQUIRE(schema::read_document(text + "}}", d, error) == Status::ok);
  schema::References references(d);
  REQUIRE(references.read(error) == Status::ok);
  const auto begin = std::chrono::steady_clock::now();
  for (auto v = d[d[0].first].first; v != schema::no_value; v = d[v].next) {
    schema::ValueId target = 0;
    REQUIRE(references.resolve(d.member(v, "$ref"), false, target, error) == Status::ok);
    CHECK(target == v);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  CHECK(seconds.count() < 0.8);
}

TEST_CASE("what a pattern repeats is read once") {
  CountingAllocator heap;  // the arrays of a class of 2000 bytes, times 5000, would be millions
  {
    Allocator counting(heap.host());
    std::string pattern = "^(?:[";
    for (int i = 0; i < 1000; ++i) pattern += i % 2 ? "\\d" : "xy";
    schema::Automaton texts(counting);
    char why[256];
    REQUIRE(schema::parse_pattern(pattern + "]){5000}$", texts, why) == Status::ok);
    CHECK(texts.states() == 5001);
  }
  CHECK(heap.calls < 20000);
}

TEST_CASE("every allocation of a schema's compilation may fail") {
  const std::string text = R"({"type":"object","properties":{"a":{"type":"integer","minimum":3},
      "b":{"pattern":"^x+$"}},"patternProperties":{"^q":{"type":"null"}},"oneOf":[
      {"required":["a"]},{"required":["b"]}],"propertyNames":{"maxLength":9}})";
  for (std::uint64_t n = 1;; n += n < 200 ? 1 : 37) {
    CountingAllocator heap;
    heap.fail_at = n;
    Status status = Status::ok;
    {
      Allocator allocator(heap.host());
      grammar::Rules rules(allocator);
      Error error{};
      status = grammar::read_schema(text, rules, error);
      if (is_error(status)) CHECK(error.text[0] != 0);
    }
    CHECK(heap.clean());
    if (heap.calls < n) {
      CHECK(status == Status::ok);
      break;
    }
    CHECK(status == Status::memory);
  }
}
