// forms_test.cpp - text in Normalization Form C, by the examples of UAX #15 and by its laws.
#include "text/forms.h"

#include <random>
#include <string>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "text/utf8.h"

#if INLAY_WITH_UTF8PROC

using namespace inlay;
using namespace inlay::test;

namespace {

std::string nfc(const std::string& text) {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  AlignedText out(allocator);
  REQUIRE(append_form({text}, {false, true}, out) == Status::ok);
  return std::string(out.text());
}

std::string utf8(std::initializer_list<char32_t> points) {
  std::string text;
  for (const char32_t point : points) {
    char bytes[4];
    text.append(bytes, write_utf8(point, bytes));
  }
  return text;
}

}  // namespace

TEST_CASE("writing UTF-8 is the inverse of reading it") {
  for (char32_t point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 97) {
    if (point >= 0xd800 && point < 0xe000) continue;
    const std::string text = utf8({point});
    const Utf8Step step = utf8_step(text);
    REQUIRE(step.kind == Utf8::whole);
    REQUIRE(step.length == text.size());
    REQUIRE(step.point == point);
  }
}

TEST_CASE("characters compose, decompose and change places as the standard shows") {
  struct Case {
    std::string from, to;
  };
  const Case cases[] = {
      {"", ""},
      {"plain", "plain"},
      {utf8({'e', 0x301}), utf8({0xe9})},
      {utf8({0x212b}), utf8({0xc5})},                      // a singleton
      {utf8({0x1e0a, 0x323}), utf8({0x1e0c, 0x307})},      // figure 6 of the annex
      {utf8({'D', 0x307, 0x323}), utf8({0x1e0c, 0x307})},  // marks by class
      {utf8({0x1e9b, 0x323}), utf8({0x1e9b, 0x323})},      // a composed one stays
      {utf8({0x958}), utf8({0x915, 0x93c})},               // a composition exclusion
      {utf8({0xfb01}), utf8({0xfb01})},                    // compatibility only
      {utf8({0x1112, 0x1161, 0x11ab}), utf8({0xd55c})},    // Hangul
      {utf8({0xd558, 0x11ab}), utf8({0xd55c})},
      {utf8({0xd558, 0x11a7}), utf8({0xd558, 0x11a7})},                // no tail
      {utf8({0x1100, 0x300, 0x1161}), utf8({0x1100, 0x300, 0x1161})},  // blocked
      {utf8({'a', 0x300, 0x301}), utf8({0xe0, 0x301})},
      {utf8({'a', 0x31b, 0x300}), utf8({0xe0, 0x31b})},
      {utf8({0x1d15e}), utf8({0x1d157, 0x1d165})},
      {utf8({0x9c7, 0x9be}), utf8({0x9cb})},  // of two starters
      {utf8({0x301, 'e', 0x301}), utf8({0x301, 0xe9})},
      {"e\xcc\x81\xff\xcc", utf8({0xe9}) + "\xff\xcc"},  // bytes that are no UTF-8
  };
  for (const Case& c : cases) {
    INFO(c.from);
    CHECK(nfc(c.from) == c.to);
    CHECK(nfc(c.to) == c.to);
  }
}

TEST_CASE("composing twice changes nothing more") {
  std::mt19937 random(3);
  const char32_t pool[] = {'a',    'D',    0xe9,   0x301,  0x323, 0x307, 0x31b,
                           0x1100, 0x1161, 0x11ab, 0xac00, 0x958, 0x93c, 0x9c7,
                           0x9be,  0x212b, 0x345,  0x5b0,  0x3099};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int k = 0; k < 8; ++k) text += utf8({pool[random() % std::size(pool)]});
    const std::string once = nfc(text);
    REQUIRE(nfc(once) == once);
    if (surely_in_form(text, {false, true})) REQUIRE(once == text);
  }
}

TEST_CASE("a very long run of marks takes no longer for its length") {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += utf8({i % 2 ? char32_t{0x301} : char32_t{0x323}});
  const std::string composed = nfc(text);
  CHECK(composed.substr(0, 3) == utf8({0x1ea1}));
  CHECK(composed.size() == 3 + 2 * 199999);
}

TEST_CASE("composing without memory is a status") {
  int failures = 0;
  for (std::uint64_t n = 1; n < 20; ++n) {
    CountingAllocator heap;
    heap.fail_at = n;
    {
      Allocator allocator(heap.host());
      AlignedText out(allocator);
      const std::string text = utf8({'e', 0x301, 'D', 0x307, 0x323});
      const Status status = append_form({text}, {false, true}, out);
      if (status == Status::ok) break;
      CHECK(status == Status::memory);
      ++failures;
    }
    CHECK(heap.clean());
  }
  CHECK(failures >= 3);
}

#endif
