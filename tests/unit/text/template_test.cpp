// template_test.cpp - what templates mean, where their bytes come from, and what bounds them.
#include <chrono>

#include "support/catch.h"
#include "unit/text/rendering.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr const char* values =
    R"({"n": 3, "f": 2.5, "s": "Hello, World", "l": [1, 2, 3], "d": {"k": "v", "z": [true, null]},)"
    R"( "m": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}], "u": "Größe"})";

std::string shown(std::string_view text, bool trims = true) {
  const Drawn drawn = draw(text, values, trims);
  return drawn.ok ? drawn.text : "ERROR " + drawn.text;
}

std::string repeated(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

// Statements a million times over.
std::string often(const std::string& statement) {
  return "{% for i in range(1000) %}{% for j in range(1000) %}" + statement +
         "{% endfor %}{% endfor %}";
}

std::string many_names(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += "{%set a" + std::to_string(i) + "=1%}";
  return all;
}

std::string named(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += "a" + std::to_string(i) + "=1,";
  return all;
}

}  // namespace

TEST_CASE("Expressions are Python's", "[template]") {
  // Every expected text is that of Jinja2 3.1.6.
  const std::pair<const char*, const char*> cases[] = {
      {"{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}",
       "3 -4 2 3.5 1024 0.5"},
      {"{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.0 }} {{ 100.0 * 1.1 }}",
       "1e+16 1000000000000000.0 0.0001 1e-05 1.0 110.00000000000001"},
      {"{{ l }} {{ d }} {{ (1,) }} {{ [] }} {{ {} }} {{ \"it's\" }} {{ [\"it's\", 'a\"b', 'x\\n'] "
       "}}",
       "[1, 2, 3] {'k': 'v', 'z': [True, None]} (1,) [] {} it's [\"it's\", 'a\"b', 'x\\n']"},
      {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in s }} {{ 'ell' in s }} {{ 4 not in l }}",
       "True False False True True"},
      {"{{ s[1:4] }} {{ s[::-1] }} {{ l[-2:] }} {{ u[2] }} {{ u|length }} {{ s[:-1:3] }}",
       "ell dlroW ,olleH [2, 3] ö 5 Hl r"},
      {"{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ [0] * 2 + [1] }} {{ true + 1 }}",
       "a1None abab [0, 0, 1] 2"},
      {"{{ x is defined }} {{ x }} {{ x|default('d') }} {{ (x or 'o') }} {{ none.a is defined }}",
       "False  d o False"},
      {"{{ '%05.2f|%d|%s|%r' % (f, n, l, 'q') }} {{ '{:>6}|{:<4}|{:,}'.format('a', n, 12345) }}",
       "02.50|3|[1, 2, 3]|'q'      a|3   |12,345"},
      {"{{ d.get('k') }} {{ d.get('q', 1) }} {{ d.items()|list }} {{ d.keys() }}",
       "v 1 [('k', 'v'), ('z', [True, None])] dict_keys(['k', 'z'])"},
      {"{{ d|tojson }} {{ [1, 2.0, 'é\"<']|tojson }}",
       "{\"k\": \"v\", \"z\": [true, null]} [1, 2.0, \"é\\\"<\"]"},
      {"{{ {'a': [1], 'b': {}}|tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}"},
      {"{{ s.split(', ') }} {{ ' a  b '.split() }} {{ 'a,b'.split(',', 1)[1] }} {{ "
       "'aXbX'.replace('X', '-', 1) }}",
       "['Hello', 'World'] ['a', 'b'] b a-bX"},
      {"{{ u.upper() }} {{ 'ß'.upper() }} {{ 'ǆ'.title() }} {{ 'ΣΑΣ'.lower() }}",
       "GRÖSSE SS ǅ σας"},
      {"{{ m|map(attribute='role')|join(',') }} {{ m|selectattr('role', 'eq', 'user')|list|length "
       "}}",
       "user,assistant 1"},
      {"{{ d[s[1:2:-1]] }}|{{ [1, 2]|slice(2, 'f')|list }}|{{ d|truncate(8) }}",
       "|[[1, 'f'], [2, 'f']]|{'k': 'v', 'z': [True, None]}"},
      {"{{ strftime_now('%d %b %Y') }} {{ strftime_now('%A %-d %H:%M') }}",
       "10 Jul 2025 Thursday 10 12:00"},
      {"{{ '<a>'|safe + '<b>' }} {{ '<a>' ~ ('<b>'|e) }}", "<a>&lt;b&gt; <a>&lt;b&gt;"},
  };
  for (const auto& [text, expected] : cases) CHECK(shown(text) == expected);
}

TEST_CASE("Dotted names of filters and tests are whole names", "[template]") {
  CHECK(shown("{{ 'x'|foo.upper }}").find("'foo.upper'") != std::string::npos);
  CHECK(shown("{{ 'x' is string.lower }}").find("'string.lower'") != std::string::npos);
}

TEST_CASE("Numbers at the ends of their range", "[template]") {
  CHECK(shown("{{ 1234567890123456789|round(-1) }} {{ 15|round(-1) }} {{ 25|round(-1) }} "
              "{{ -15|round(-1) }} {{ 5|round(-30) }}") == "1234567890123456790 20 20 -20 0");
  CHECK(shown("{{ 9223372036854775807|round(-1) }}").starts_with("ERROR"));
  CHECK(shown("{{ 9223372036854775807|round(-19) }}").starts_with("ERROR"));
  CHECK(shown("{{ 5000000000000000000|round(-19) }} {{ 9223372036854775807|round(-20) }}") ==
        "0 0");
  CHECK(shown("{{ (-1e300)|filesizeformat }}").starts_with("ERROR"));
  CHECK(shown("{{ {10000000000000000: 'a', 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8}"
              "[1e16] }}") == "a");
}

TEST_CASE("Statements and scopes", "[template]") {
  const std::pair<const char*, const char*> cases[] = {
      {"{% set x = 1 %}{% for i in l %}{{ x }}{% set x = 2 %}{% endfor %}{{ x }}", "1111"},
      {"{% set ns = namespace(a=0) %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a "
       "}}",
       "6"},
      {"{% for i in l %}{{ loop.index }}{{ loop.last }}{% if i == 2 %}{% break %}{% endif %}{% "
       "endfor %}",
       "1False2False"},
      {"{% for i in l if i != 2 %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}{% for i in "
       "[] %}{% else %}e{% endfor %}",
       "1/2 3/2 e"},
      {"{% for i in l %}{% continue %}{% else %}e{% endfor %}{% for i in l %}{% break %}{% else "
       "%}f{% "
       "endfor %}{% for i in l %}{% if i > 1 %}{% break %}{% endif %}{% else %}g{% endfor %}",
       "ef"},
      {"{% for i in [[1, [2]], 3] recursive %}{{ loop.depth }}{% if i is sequence %}{{ loop(i) "
       "}}{% endif %}{% endfor %}",
       "12231"},
      {"{% macro f(a, b='B') %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }}{{ "
       "f(1, 2, 3, k=4) }}",
       "1B(){}12(3,){'k': 4}"},
      {"{% macro f() %}<{{ caller('x') }}>{% endmacro %}{% call(v) f() %}{{ v }}!{% endcall %}",
       "<x!>"},
      {"{% set t %} a{{ n }} {% endset %}[{{ t }}]{% filter upper %}b{% endfilter %}", "[ a3 ]B"},
      {"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "3"},
      {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% set a, b = 'xy' %}{{ b }}",
       "k=v;z=[True, None];y"},
      {"{% generation %}g{% set q = 1 %}{% endgeneration %}{{ q }}", "g"},
      {"  {% if true %}\n  a\n  {% endif %}\n b {%- if true %} c {%+ endif -%}\n d", "  a\n b c d"},
      {"{# c #}\n{% raw %}{{ x }}{% endraw %}\n{{ 'x' }}\n\n", "{{ x }}x\n"},
  };
  for (const auto& [text, expected] : cases) CHECK(shown(text) == expected);
  CHECK(shown("  {% if true %}\n  a\n  {% endif %}\n", false) == "  \n  a\n  ");
}

TEST_CASE("Errors name the line and the tag", "[template]") {
  const std::pair<const char*, const char*> cases[] = {
      {"\n\n{{ x.y }}", "chat template: line 3, {{ ... }}: 'x' is undefined"},
      {"\n{% for i in 5 %}{% endfor %}",
       "chat template: line 2, {% for %}: 'int' object is not iterable"},
      {"{% if true %}\n\n",
       "chat template: line 2, {% if %}: expected endif, found the end of the template"},
      {"\n{% include 'other' %}",
       "chat template: line 2, {% include %}: no such tag in chat templates"},
      {"{{ s|frobnicate }}", "chat template: line 1, {{ ... }}: no filter named 'frobnicate'"},
      {"{{ 'a' + 1 }}",
       "chat template: line 1, {{ ... }}: '+' is not supported between 'str' and 'int'"},
      {"{{ raise_exception('roles must alternate') }}",
       "chat template: line 1, {{ ... }}: roles must alternate"},
      {"{{ 'abc", "chat template: line 1: a string has no end"},
      {"{{ (1]] }}", "chat template: line 1: a closing bracket that fits no open one"},
      {"{% break %}", "chat template: line 1, {% break %}: not inside a loop"},
  };
  for (const auto& [text, expected] : cases) {
    const Drawn drawn = draw(text, values);
    CHECK_FALSE(drawn.ok);
    CHECK(drawn.text == expected);
  }
  CHECK(draw("{{ raise_exception('no') }}").status == Status::argument);
  CHECK(draw("{{ x.y }}").status == Status::format);
  CHECK(draw("{{ 'a' * 10**9 }}").status == Status::limit);
  CHECK_FALSE(draw("\xff").ok);
}

TEST_CASE("Every byte of a prompt knows where it comes from", "[template]") {
  const auto origin = [](const char* text) {
    return draw(text, R"({"x": "ab", "l": ["c", "d"], "n": 5})").values;
  };
  CHECK(origin("<{{ x }}>") == "tvvt");
  CHECK(origin("{{ '<' + x + '>' }}") == "tvvt");
  CHECK(origin("{{ ('<' ~ x ~ '>').upper()[1:] }}") == "vvt");
  CHECK(origin("{{ l|join('-') }}{{ n }}") == "vtvt");
  CHECK(origin("{{ x.replace('a', 'zz') }}") == "ttv");
  CHECK(origin("{{ '%s!' % x }}{{ '{}?'.format(x) }}") == "vvtvvt");
  CHECK(origin("{{ [x]|tojson }}{{ [x] }}") == "ttvvttttvvtt");
  CHECK(origin("{% set t %}.{{ x }}{% endset %}{{ t|trim }}{{ (' ' + x + ' ').split()[0] }}") ==
        "tvvvv");
  CHECK(origin("{{ x|indent(1, true) }}{{ x|e }}{{ x|center(4) }}") == "tvvvvtvvt");
}

// Each ends soon, and none with a text.
TEST_CASE("Hostile templates end with an error", "[template][hostile]") {
  const std::pair<const char*, std::string> cases[] = {
      {"a macro that calls itself", "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}"},
      {"macros that call each other",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"},
      {"a long range", "{% for i in range(1000000000) %}x{% endfor %}"},
      {"loops in loops",
       "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"},
      {"brackets", "{{ " + repeated("(", 30000) + "1" + repeated(")", 30000) + " }}"},
      {"lists", "{{ " + repeated("[", 30000) + "1" + repeated("]", 30000) + " }}"},
      {"blocks", repeated("{% if true %}", 30000) + repeated("{% endif %}", 30000)},
      {"loops", repeated("{% for i in [1] %}", 30000) + repeated("{% endfor %}", 30000)},
      {"a chain of filters", "{{ 'a'" + repeated("|upper", 50000) + " }}"},
      {"a chain of attributes", "{{ n" + repeated(".n", 50000) + " }}"},
      {"a chain of sums", "{{ 1" + repeated("+1", 50000) + " }}"},
      {"signs", "{{ " + repeated("-", 50000) + "1 }}"},
      {"negations", "{{ " + repeated("not ", 50000) + "1 }}"},
      {"doubling",
       "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% "
       "endfor %}{{ ns.s }}"},
      {"a text of 100 MB",
       "{% set s = 'a' * 1000000 %}{% for i in range(100) %}{{ s }}{% endfor %}"},
      {"a long text", "{{ 'a' * 10**9 }}"},
      {"a long list", "{{ ([1] * 10**9)|length }}"},
      {"a namespace in itself", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}"},
      {"a deep list",
       "{% set ns = namespace(x=[]) %}{% for i in range(9000) %}{% set ns.x = [ns.x] %}{% endfor "
       "%}{{ ns.x }}"},
      {"deep lists compared",
       "{% set ns = namespace(x=[], y=[]) %}{% for i in range(9000) %}{% set ns.x = [ns.x] %}{% "
       "set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}"},
      {"a list of twice itself",
       "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% "
       "endfor %}{{ ns.x|tojson }}"},
      {"joins that grow",
       "{% set ns = namespace(s='') %}{% for i in range(99999) %}{% set ns.s = [ns.s, "
       "'abcdefghij']|join %}{% endfor %}{{ ns.s }}"},
      {"a slow search", "{% set s = ('a' * 2000 + 'b') * 2000 %}{{ s.count('a' * 1999 + 'c') }}"},
      {"a replacement that grows", "{{ ('a' * 1000000).replace('', 'b' * 1000)|length }}"},
      {"letters turned",
       "{% set s = 'é' * 500000 %}{% for i in range(99999) %}{% set x = s|upper %}{% endfor %}"},
      {"wide formats", "{% for i in range(99999) %}{% set x = '%100000d' % 1 %}{% endfor %}"},
      {"a recursive loop", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
      {"a power", "{{ 9 ** 9 ** 9 }}"},
      {"a letter that is not there", often("{% if 'q' in b %}{% endif %}")},
      {"classes of characters", often("{% if b.isascii() %}{% endif %}")},
      {"white space", often("{% if w.isspace() %}{% endif %}")},
      {"long keys", often("{% if d[b] %}{% endif %}")},
      {"many names", many_names(50000) + often("{{ zz }}")},
      {"many named arguments", "{% for i in range(300) %}{% set x = ('{a}' * 100000).format(" +
                                   named(10000) + "a=0) %}{% endfor %}"},
      {"many parameters", "{% macro m(" + named(8000) +
                              "a=0) %}{% endmacro %}{% for i in range(300) "
                              "%}{{ m(" +
                              named(8000) + "a=0) }}{% endfor %}"},
  };
  std::string long_values = R"({"n": 3, "b": ")";
  long_values += repeated("a", 1000000);
  long_values += R"(", "w": ")";
  long_values += repeated(" ", 1000000);
  long_values += R"(", "d": {"0":1,"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1}})";
  for (const auto& [what, text] : cases) {
    const auto begin = std::chrono::steady_clock::now();
    const Drawn drawn = draw(text, long_values);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    INFO(what << " took " << time.count() << " s: " << drawn.text);
    CHECK_FALSE(drawn.ok);
    CHECK(time.count() < 10);  // 1 s on an idle machine, without sanitizers
  }
}

TEST_CASE("Large values take their time", "[template][hostile]") {
  std::string halves = "[";
  for (int i = 0; i < 60000; ++i) halves += std::to_string(i) + ".5,";
  halves.back() = ']';
  std::string many = R"({"x": )";
  many += halves;
  many += R"(, "s": ")";
  many += repeated("ax", 300000);
  many += "\"}";
  // Each would take half a minute and more if it looked at all that it has.
  CHECK(draw("{{ x|unique|list|length }}", many).text == "60000");
  CHECK(draw("{% set t = s.replace('a', 'b') %}{{ t.split('b')|length }}", many).text == "300001");
  CHECK(draw("{% set t = s.replace('a', 'b') %}{{ t.replace('b', 'c')|length }}", many).text ==
        "600000");
}

TEST_CASE("Limits are the host's", "[template]") {
  jinja::Limits limits;
  limits.output_bytes = 8;
  CHECK(draw("12345678", "{}", true, limits).ok);
  CHECK(draw("123456789", "{}", true, limits).status == Status::limit);
  limits = {};
  limits.steps = 50;
  CHECK(draw("{% for i in range(100) %}{% endfor %}", "{}", true, limits).status == Status::limit);
  limits = {};
  limits.template_bytes = 4;
  CHECK(draw("12345", "{}", true, limits).status == Status::limit);
}

TEST_CASE("Every allocation of a rendering may fail", "[template][memory]") {
  constexpr const char* text =
      "{% macro f(a) %}{{ a|tojson(indent=2) }}{% endmacro %}{% for x in m %}{{ f(x) }}{% set t "
      "%}{{ x }}"
      "{% endset %}{{ t.upper().split('A')|sort|join('%s' % loop.index) }}{% endfor %}{{ ('a' * "
      "40000)|length }}";
  const auto attempt = [&](CountingAllocator& memory) {
    Allocator allocator(memory.host());
    Error error{};
    jinja::Variables variables(allocator, {});
    jinja::Template compiled(allocator);
    jinja::Rendered rendered(allocator);
    Status status = read_template_variables(values, "values", jinja::Origin::input, variables.arena,
                                            variables.dict, error);
    if (!is_error(status)) status = compiled.compile(text, {}, error);
    if (!is_error(status)) status = compiled.render(variables, noon, rendered, error);
    return status;
  };
  CountingAllocator all;
  REQUIRE(attempt(all) == Status::ok);
  CHECK(all.clean());
  for (std::uint64_t n = 1; n <= all.calls; ++n) {
    CountingAllocator memory;
    memory.fail_at = n;
    INFO("allocation " << n << " of " << all.calls);
    CHECK(attempt(memory) == Status::memory);
    CHECK(memory.clean());
  }
}
