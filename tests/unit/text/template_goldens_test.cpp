// template_goldens_test.cpp - real templates and small cases, as Jinja2 itself rendered them.
#include "support/catch.h"
#include "support/data.h"
#include "unit/text/rendering.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// A file of cases as values, which keep living in its arena.
class Cases {
 public:
  explicit Cases(const std::string& name) : text_(read_text(data_path("templates/" + name))) {
    Error error{};
    INFO(name << ": " << error.text);
    REQUIRE(!is_error(read_template_value(text_, "cases", jinja::Origin::input, arena_, root_, error)));
  }
  const jinja::Vec<jinja::Value>& items() const { return root_.dict->find("cases")->value.list->items; }

 private:
  std::string text_;
  Allocator allocator_{inlay_allocator{}};
  jinja::Arena arena_{allocator_, std::size_t{256} << 20};
  jinja::Value root_;
};

std::string text_of(const jinja::Value& item, const char* name) {
  const jinja::Pair* pair = item.dict->find(name);
  return pair && pair->value.is_text() ? std::string(pair->value.view()) : std::string();
}

void check(const jinja::Value& item, const std::string& what, const char* expected, const Drawn& drawn) {
  INFO(what << ": " << drawn.text);
  if (item.dict->find("error")) {
    CHECK_FALSE(drawn.ok);
  } else {
    REQUIRE(drawn.ok);
    CHECK(drawn.text == text_of(item, expected));
  }
}

// The members of an object as variables.
Drawn draw_with(const std::string& text, const jinja::Dict& values, bool trims) {
  Allocator allocator{inlay_allocator{}};
  jinja::Variables variables(allocator, {});
  for (const jinja::Pair& pair : values.pairs) {
    REQUIRE(variables.dict.set(variables.arena, pair.key, pair.value));
  }
  return draw(text, variables, trims);
}

}  // namespace

TEST_CASE("Real templates render as Jinja2 renders them", "[template]") {
  INLAY_NEEDS_TEST_DATA();
  const Cases cases("goldens-jinja2.json");
  CHECK(cases.items().count == 148);
  for (const jinja::Value& item : cases.items()) {
    const std::string file = text_of(item, "template"), context = text_of(item, "context");
    const Drawn drawn = draw(read_text(data_path("templates/" + file)), read_text(data_path("templates/" + context)));
    check(item, file + " with " + context, "output", drawn);
  }
}

TEST_CASE("Templates of other projects' tests render as Jinja2 renders them", "[template]") {
  INLAY_NEEDS_TEST_DATA();
  for (const char* file : {"goldens-hfjs-e2e.json", "goldens-llamacpp-chat.json"}) {
    const Cases cases(file);
    CHECK(cases.items().count >= 36);
    for (const jinja::Value& item : cases.items()) {
      const jinja::Pair* data = item.dict->find("data");  // else the case itself holds the variables
      const jinja::Dict& values = data ? *data->value.dict : *item.dict;
      check(item, text_of(item, "name"), "expected", draw_with(text_of(item, "chat_template"), values, true));
    }
  }
}

TEST_CASE("Small cases of Jinja", "[template]") {
  INLAY_NEEDS_TEST_DATA();
  const Cases cases("jinja-micro-cases.json");
  CHECK(cases.items().count == 157);
  for (const jinja::Value& item : cases.items()) {
    const Drawn drawn = draw_with(text_of(item, "template"), *item.dict->find("context")->value.dict, false);
    check(item, text_of(item, "name"), "expected", drawn);
  }
}
