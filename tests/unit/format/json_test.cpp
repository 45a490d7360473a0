// json_test.cpp - the JSON reader: every value, every error with its path, and the files of the
// parsing test suite.
#include "format/json.h"

#include <cstring>
#include <filesystem>
#include <string>

#include "base/source.h"
#include "support/catch.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// A reader over text held in memory.
struct Reading {
  std::string text;
  Allocator allocator{system_allocator()};
  Error error{};
  JsonReader json;
  explicit Reading(std::string t)
      : text(std::move(t)), json(text, "folder/test.json", allocator, error) {}
  Status skip_all() {
    json.skip();
    return json.finish();
  }
};

Status status_of(const std::string& text) { return Reading(text).skip_all(); }

std::string error_of(const std::string& text) {
  Reading r(text);
  CHECK(is_error(r.skip_all()));
  return r.error.text;
}

// Reads all values, as a value writer would; the result is the same text without white space.
std::string canonical(JsonReader& json) {
  std::string_view text;
  switch (json.peek()) {
    case JsonReader::Kind::object: {
      std::string out = "{";
      json.begin_object();
      while (json.next_key(text)) {
        out += out.size() > 1 ? "," : "";
        out += "'" + std::string(text) + "':";
        out += canonical(json);
      }
      return out + "}";
    }
    case JsonReader::Kind::array: {
      std::string out = "[";
      json.begin_array();
      while (json.next_item()) out += (out.size() > 1 ? "," : "") + canonical(json);
      return out + "]";
    }
    case JsonReader::Kind::string: return json.text(text) ? "'" + std::string(text) + "'" : "?";
    case JsonReader::Kind::number: {
      double number = 0;
      if (!json.number(number)) return "?";
      char shown[40];
      std::snprintf(shown, sizeof shown, "%.17g", number);
      return shown;
    }
    case JsonReader::Kind::boolean: {
      bool flag = false;
      return json.boolean(flag) ? (flag ? "true" : "false") : "?";
    }
    case JsonReader::Kind::null: return json.null() ? "null" : "?";
    case JsonReader::Kind::none: break;
  }
  json.skip();  // says what is wrong
  return "?";
}

// The same text through a source that gives bytes only by reading them.
struct ReadingSource {
  std::string text;
  std::size_t largest = 0;
  Allocator allocator{system_allocator()};
  Error error{};
  Source source;
  explicit ReadingSource(std::string t) : text(std::move(t)) {
    inlay_source description;
    inlay_source_callback(&description, text.size(), this, &ReadingSource::read);
    REQUIRE(source.open(allocator, description, error) == Status::ok);
  }
  static inlay_status read(void* user, std::uint64_t offset, void* to, std::size_t size) {
    auto* self = static_cast<ReadingSource*>(user);
    self->largest = std::max(self->largest, size);
    std::memcpy(to, self->text.data() + offset, size);
    return INLAY_OK;
  }
};

}  // namespace

TEST_CASE("JSON values come as they are written", "[format]") {
  Reading r(R"( {"a" : [1, -2.5e1, true, false, null, "x"], "b":{}, "c":[ ], "":{"d":[[1],[]]}} )");
  CHECK(canonical(r.json) == "{'a':[1,-25,true,false,null,'x'],'b':{},'c':[],'':{'d':[[1],[]]}}");
  CHECK(r.json.finish() == Status::ok);
  CHECK(r.json.file() == "test.json");
}

TEST_CASE("JSON strings: escapes, surrogates, UTF-8", "[format]") {
  const auto text_of = [](const std::string& json) {
    Reading r(json);
    std::string_view text;
    const bool done = r.json.text(text);
    const std::string copy(text);
    CHECK(done == (r.json.finish() == Status::ok));
    return done ? copy : "error: " + std::string(r.error.text);
  };
  CHECK(text_of(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(text_of(R"("\u0041\u00e9\u20AC\uD83D\uDE00")") == "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(text_of(R"("a\u0000b")") == std::string("a\0b", 3));
  CHECK(text_of("\"\xf4\x8f\xbf\xbf\"") == "\xf4\x8f\xbf\xbf");
  CHECK(text_of(R"("\ud83d")").find("surrogate d83d") != std::string::npos);
  for (const char* bad : {R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")",
                          R"("\ud83d\ud83d")", R"("\u00g0")", R"("\x41")", R"("\u12)", "\"\\",
                          "\"a\tb\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
                          "\"\xe2\x82\"", "\"\x80\"", "\"\xc3\\u0080\"", "\"open"}) {
    INFO(bad);
    CHECK(status_of(bad) == Status::format);
  }
}

TEST_CASE("JSON numbers: grammar and ranges", "[format]") {
  const auto number = [](const std::string& text) {
    Reading r(text);
    double value = -77;
    r.json.number(value);
    return r.json.finish() == Status::ok ? value : -77;
  };
  CHECK(number("0") == 0);
  CHECK(number("-0") == 0);
  CHECK(std::signbit(number("-0.0")));
  CHECK(number("1e-06") == 1e-06);
  CHECK(number("500000.0") == 500000.0);
  CHECK(number("9007199254740993") == 9007199254740992.0);
  CHECK(number("1.7976931348623157e308") == 1.7976931348623157e308);
  CHECK(number("4.9406564584124654e-324") == 4.9406564584124654e-324);
  CHECK(number("1e-400") == 0);
  CHECK(number("0.00000001e-320") == 0);
  CHECK(number("0e99999999999999999999") == 0);
  CHECK(number("0.4e00669999999999999999999999999999") == -77);
  CHECK(number("1e400") == -77);
  CHECK(number("-1e400") == -77);
  CHECK(number("0." + std::string(400, '0') + "1") == 0);
  CHECK(number("1" + std::string(400, '0')) == -77);
  CHECK(status_of("1e400") == Status::ok);  // skipped: a number like any other
  CHECK(status_of(std::string(2000, '1')) == Status::limit);
  for (const char* bad : {"01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity",
                          "-Inf", "1 2", "1a", "--1", "1.e5"}) {
    INFO(bad);
    CHECK(status_of(bad) == Status::format);
  }
}

TEST_CASE("JSON integers: every form, no silent rounding", "[format]") {
  const auto whole = [](const std::string& text, auto value) {
    Reading r(text);
    const auto untouched = value;
    const bool done = r.json.integer(value);
    CHECK((done || value == untouched));
    return done ? std::to_string(value) : "refused";
  };
  const std::int64_t i64 = 5;
  const std::uint64_t u64 = 5;
  const std::uint32_t u32 = 5;
  CHECK(whole("9223372036854775807", i64) == "9223372036854775807");
  CHECK(whole("-9223372036854775808", i64) == "-9223372036854775808");
  CHECK(whole("9223372036854775808", i64) == "refused");
  CHECK(whole("-9223372036854775809", i64) == "refused");
  CHECK(whole("18446744073709551615", u64) == "18446744073709551615");
  CHECK(whole("18446744073709551616", u64) == "refused");
  CHECK(whole("-1", u64) == "refused");
  CHECK(whole("-0", u64) == "0");
  CHECK(whole("1e3", u64) == "1000");
  CHECK(whole("2.0", i64) == "2");
  CHECK(whole("-2.0", i64) == "-2");
  CHECK(whole("2.5", i64) == "refused");
  CHECK(whole("1e300", i64) == "refused");
  CHECK(whole("9007199254740992.0", u64) == "9007199254740992");
  CHECK(whole("9007199254740994.0", u64) == "refused");
  CHECK(whole("4294967295", u32) == "4294967295");
  CHECK(whole("4294967296", u32) == "refused");
  CHECK(whole("\"1\"", u32) == "refused");
}

TEST_CASE("JSON errors name file, path and both sides; the first one stays", "[format]") {
  Reading r(R"({"rope_scaling": {"factor": "8"}, "x": 1})");
  std::string_view key;
  double factor = 3;
  REQUIRE(r.json.begin_object());
  REQUIRE(r.json.next_key(key));
  CHECK(key == "rope_scaling");
  REQUIRE(r.json.begin_object());
  REQUIRE(r.json.next_key(key));
  CHECK(r.json.path() == "rope_scaling.factor");
  CHECK_FALSE(r.json.number(factor));
  CHECK(factor == 3);
  const std::string expected =
      "test.json: rope_scaling.factor: expected a number, file has a string";
  CHECK(r.error.text == expected);
  CHECK_FALSE(r.json.next_key(key));
  CHECK_FALSE(r.json.skip());
  CHECK(r.json.peek() == JsonReader::Kind::none);
  r.json.refuse(Status::unsupported, "later");
  CHECK(r.json.finish() == Status::format);
  CHECK(r.error.text == expected);

  CHECK(error_of(R"({"a": [1, [2, {"b": tru}]]})") ==
        "test.json: a[1][1].b: expected true, false or null at byte 23, file has '}'");
  CHECK(error_of(R"([1 2])") == "test.json: [0]: expected ',' or ']' at byte 3, file has '2'");
  CHECK(error_of(R"({"a":1,})") == "test.json: expected a key at byte 7, file has '}'");
  CHECK(error_of("") == "test.json: expected a value at byte 0, the text ends");
  CHECK(error_of("1 \x01") == "test.json: expected the end at byte 2, file has 0x01");

  Reading refused(R"({"hidden_act":"x"})");
  std::string_view text;
  refused.json.begin_object();
  refused.json.next_key(key);
  refused.json.text(text);
  refused.json.refuse(Status::unsupported, "expected silu, file has x");
  CHECK(refused.json.finish() == Status::unsupported);
  CHECK(std::string(refused.error.text) == "test.json: hidden_act: expected silu, file has x");
}

TEST_CASE("JSON calls in the wrong order are told, not obeyed", "[format]") {
  std::string_view key;
  Reading unread(R"({"a":1,"b":2})");
  unread.json.begin_object();
  CHECK(unread.json.next_key(key));
  CHECK_FALSE(unread.json.next_key(key));  // the value was not read
  CHECK(unread.json.finish() == Status::internal);
  Reading outside("1");
  CHECK_FALSE(outside.json.next_item());
  CHECK(outside.json.finish() == Status::internal);
  Reading early("[1]");
  CHECK(early.json.finish() == Status::internal);
}

TEST_CASE("JSON depth is bounded", "[format]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(status_of(nested(128)) == Status::ok);
  CHECK(status_of(nested(129)) == Status::limit);
  CHECK(status_of(std::string(100000, '[')) == Status::limit);
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += R"({"some long key":)";
  CHECK(status_of(objects) == Status::limit);
}

TEST_CASE("JSON values can be looked at again", "[format]") {
  std::string text = R"({"later": {"n": 5, "t": "x"}, "kind": "five"})";
  ReadingSource by_read(text);
  Reading memory(text);
  JsonReader reading(by_read.source, by_read.allocator, by_read.error);
  for (JsonReader* json : {&memory.json, &reading}) {
    std::string_view key;
    std::uint64_t place = 0;
    std::uint32_t n = 0;
    json->begin_object();
    json->next_key(key);
    place = json->position();
    json->skip();
    json->next_key(key);
    json->skip();
    CHECK_FALSE(json->next_key(key));
    REQUIRE(json->finish() == Status::ok);
    json->seek(place, "later");
    REQUIRE(json->begin_object());
    REQUIRE(json->next_key(key));
    CHECK(json->integer(n));
    CHECK(n == 5);
    CHECK(json->next_key(key));
    CHECK(json->path() == "later.t");
    CHECK(json->skip());
    CHECK_FALSE(json->next_key(key));
    CHECK(json->finish() == Status::ok);
  }
}

TEST_CASE("JSON is read in small pieces, whatever lies on their border", "[format]") {
  for (std::size_t pad = 4080; pad < 4100; ++pad) {
    const std::string text = R"({"k":")" + std::string(pad, 'x') +
                             R"(\ud83d\ude00\n)"
                             "\xe2\x82\xac"
                             R"(", "n":-1.5e2, "t": true})";
    ReadingSource from(text);
    JsonReader json(from.source, from.allocator, from.error);
    const std::string got = canonical(json);
    INFO(pad << " " << from.error.text);
    CHECK(json.finish() == Status::ok);
    CHECK(got ==
          "{'k':'" + std::string(pad, 'x') + "\xf0\x9f\x98\x80\n\xe2\x82\xac','n':-150,'t':true}");
    CHECK(from.largest <= 4096);
  }
}

TEST_CASE("JSON in a range of a file", "[format]") {
  const std::string text = "12345678{\"a\":1}  trailing";
  ReadingSource from(text);
  inlay_source description;
  inlay_source_memory(&description, text.data(), text.size());
  Source mapped;
  Error error{};
  REQUIRE(mapped.open(from.allocator, description, error) == Status::ok);
  for (const Source* source : {&from.source, &mapped}) {
    JsonReader json(*source, 8, 17, from.allocator, error);
    CHECK(canonical(json) == "{'a':1}");
    CHECK(json.finish() == Status::ok);
    JsonReader cut(*source, 8, 14, from.allocator, error);
    CHECK_FALSE(cut.skip());
    CHECK(std::string(error.text).find("at byte 14, the text ends") != std::string::npos);
  }
}

TEST_CASE("a read error of the host comes through JSON", "[format]") {
  Allocator allocator{system_allocator()};
  Error error{};
  Source source;
  inlay_source description;
  inlay_source_callback(&description, 100, nullptr, [](void*, std::uint64_t, void*, std::size_t) {
    return static_cast<inlay_status>(INLAY_ERROR_IO);
  });
  REQUIRE(source.open(allocator, description, error) == Status::ok);
  JsonReader json(source, allocator, error);
  CHECK_FALSE(json.skip());
  CHECK(json.finish() == Status::io);
}

TEST_CASE("the JSON parsing test suite", "[format]") {
  INLAY_NEEDS_TEST_DATA();
  std::size_t accepted = 0, refused = 0, open = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_path("malformed/json"))) {
    const std::string name = entry.path().filename().string();
    if (name.size() < 2 || name[1] != '_') continue;
    const std::string text = read_text(entry.path().string());
    INFO(name);
    Reading memory(text);
    ReadingSource from(text);
    JsonReader reading(from.source, from.allocator, from.error);
    const Status status = memory.skip_all();
    reading.skip();
    CHECK(reading.finish() == status);
    if (name[0] == 'y') CHECK(status == Status::ok);
    if (name[0] == 'n') CHECK((status == Status::format || status == Status::limit));
    if (is_error(status)) CHECK(std::strlen(memory.error.text) > 0);
    Reading values(text);  // reading the values may only refuse more: a number beyond double
    canonical(values.json);
    const Status read = values.json.finish();
    CHECK((read == status || name.rfind("i_number", 0) == 0));
    (name[0] == 'y' ? accepted : name[0] == 'n' ? refused : open) += 1;
    if (name.rfind("i_string", 0) == 0 || name.rfind("i_object", 0) == 0) {
      CHECK(status == Status::format);  // no UTF-8, lone surrogates
    }
  }
  CHECK(accepted >= 90);
  CHECK(refused >= 180);
  CHECK(open >= 30);
}
