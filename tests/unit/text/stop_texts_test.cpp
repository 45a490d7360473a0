// stop_texts_test.cpp - stop texts against a plain search, their limits, and their time.
#include "text/stop_texts.h"

#include <chrono>
#include <random>
#include <string>

#include "support/catch.h"
#include "support/counting_allocator.h"

using namespace inlay;
using namespace inlay::test;

namespace {

using Texts = std::vector<std::string>;

std::vector<inlay_text_view> views(const Texts& texts) {
  std::vector<inlay_text_view> list;
  for (const std::string& t : texts) list.push_back({t.data(), t.size()});
  return list;
}

// What is let go byte by byte, until a text is complete: its index.
struct Run {
  std::string given;
  std::string held;
  int stopped = -1;
};

Run run(const StopTexts& stops, const std::string& text) {
  Run result;
  std::uint32_t state = StopTexts::start;
  for (const char c : text) {
    const std::string before(stops.held(state));
    state = stops.next(state, static_cast<unsigned char>(c));
    result.stopped = stops.match(state);
    std::size_t kept = stops.held(state).size();
    if (result.stopped >= 0) kept = stops.text(static_cast<std::size_t>(result.stopped)).size();
    result.given += (before + c).substr(0, before.size() + 1 - kept);
    if (result.stopped >= 0) return result;
  }
  result.held = stops.held(state);
  return result;
}

// The earliest end decides, then the longest text.
Run plain(const Texts& stops, const std::string& text) {
  Run result;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < stops.size(); ++i) {
      const std::string& s = stops[i];
      if (s.size() > end || s.size() <= longest || text.compare(end - s.size(), s.size(), s))
        continue;
      longest = s.size();
      result.stopped = static_cast<int>(i);
    }
    if (longest == 0) continue;
    result.given = text.substr(0, end - longest);
    return result;
  }
  for (std::size_t n = 0; n <= text.size(); ++n) {  // the longest end that begins a text
    const std::string end = text.substr(n);
    for (const std::string& s : stops) {
      if (s.compare(0, end.size(), end) != 0) continue;
      result.held = end;
      result.given = text.substr(0, n);
      return result;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("stop texts equal a plain search", "[text]") {
  std::mt19937 random(5);
  const auto letters = [&](std::size_t most) {
    std::string s(1 + random() % most, 'a');
    for (char& c : s) c = static_cast<char>('a' + random() % 3);
    return s;
  };
  Allocator allocator(system_allocator());
  int stopped = 0, held = 0;
  for (int round = 0; round < 3000; ++round) {
    Texts texts;
    for (std::size_t i = 0, n = 1 + random() % 6; i < n; ++i) texts.push_back(letters(6));
    const std::string text = letters(25);
    StopTexts stops(allocator);
    Error error{};
    REQUIRE(stops.build(views(texts), error) == Status::ok);
    const Run found = run(stops, text), expected = plain(texts, text);
    INFO(text);
    REQUIRE(found.stopped == expected.stopped);
    REQUIRE(found.given == expected.given);
    REQUIRE(found.held == expected.held);
    stopped += found.stopped >= 0;
    held += !found.held.empty();
  }
  CHECK(stopped > 500);
  CHECK(held > 100);
}

TEST_CASE("stop texts: limits name both values", "[text]") {
  Allocator allocator(system_allocator());
  const auto refused = [&](const Texts& texts, Status status, const char* part) {
    StopTextsRef ref;
    Error error{};
    CHECK(ref.assign(allocator, views(texts), error) == status);
    INFO(error.text);
    CHECK(std::string(error.text).find(part) != std::string::npos);
  };
  refused({"a", ""}, Status::argument, "stop texts[1]: 0 bytes, expected 1 to 256");
  refused({std::string(257, 'a')}, Status::limit, "stop texts[0]: 257 bytes, at most 256");
  refused({"ab\xff"}, Status::argument, "stop texts[0]: no UTF-8 at byte 2 of 3");
  refused(Texts(65537, "a"), Status::limit, "stop texts: 65537, at most 65536");
  refused(Texts(5000, std::string(250, 'a')), Status::limit, "stop texts: 1250000 bytes");
}

TEST_CASE("ten thousand stop texts take no longer than one", "[text]") {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Texts many;
  for (int i = 0; i < 10000; ++i) many.push_back("stop " + std::to_string(i * 7919) + " here");
  many.push_back(std::string(255, 'a') + "b");
  const std::string text(200000, 'a');  // fails at every byte, as late as can be
  StopTexts stops(allocator);
  Error error{};
  REQUIRE(stops.build(views(many), error) == Status::ok);
  CHECK(heap.live_bytes < 64 * 10001 * 8);
  const std::uint64_t calls = heap.calls;
  const auto begin = std::chrono::steady_clock::now();
  std::uint32_t state = StopTexts::start;
  for (const char c : text) state = stops.next(state, static_cast<unsigned char>(c));
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  CHECK(stops.held(state).size() == 255);
  CHECK(time.count() < 1);  // quadratic would be minutes
  CHECK(heap.calls == calls);
  CHECK(run(stops, "xx stop 79190000 here").stopped < 0);
  CHECK(run(stops, "xx stop stop 7919 here").given == "xx stop ");
}

TEST_CASE("stop texts: every allocation may fail", "[text]") {
  const Texts texts = {"abc", "abd", "b", "xyz"};
  for (std::uint64_t n = 1;; ++n) {
    CountingAllocator heap;
    heap.fail_at = n;
    {
      Allocator allocator(heap.host());
      StopTextsRef ref;
      Error error{};
      const Status status = ref.assign(allocator, views(texts), error);
      StopTextsRef copy = ref;
      ref = StopTextsRef();
      if (status == Status::ok) {
        REQUIRE(n > 3);
        REQUIRE(run(*copy.get(), "aab").given == "aa");
        break;
      }
      REQUIRE(status == Status::memory);
      REQUIRE(copy.get() == nullptr);
    }
    REQUIRE(heap.clean());
  }
}
