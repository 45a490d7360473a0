// stream_test.cpp - decoding token by token: whole characters only, and all of them.
#include "text/stream.h"

#include <random>

#include "text/utf8.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// One stream and its text so far.
struct Reader {
  const Tokenizer& tokenizer;
  inlay_stream stream{};
  std::string text = {};

  std::string push(std::int32_t id) {
    char buffer[64];
    std::size_t length = 99;
    REQUIRE(stream_push(stream, tokenizer, id, buffer, length) == Status::ok);
    text.append(buffer, length);
    return std::string(buffer, length);
  }
  std::string finish() {
    char buffer[24];
    std::size_t length = 99;
    REQUIRE(stream_finish(stream, buffer, length) == Status::ok);
    text.append(buffer, length);
    return std::string(buffer, length);
  }
};

std::string utf8(char32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 63)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

// Text with every ill-formed part as U+FFFD, by the rule "longest well-formed start".
std::string cleaned(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    clean += step.kind == Utf8::whole ? text.substr(0, step.length) : replacement_character;
    text.remove_prefix(step.length);
  }
  return clean;
}

// Tokens of one byte each: id = byte.
VocabData bytes_only() {
  VocabData v;
  for (int b = 0; b < 256; ++b) v.add(byte_name(b), TokenKind::byte);
  v.options.add_space_prefix = VocabSource::Flag::no;
  return v;
}

}  // namespace

TEST_CASE("every character split at each byte comes out whole") {
  Loaded t(bytes_only());
  Reader reader{t.tokenizer};
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const std::string text = utf8(c);
    std::size_t length = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char out[8];
      const Status status =
          stream_push(reader.stream, t.tokenizer, static_cast<unsigned char>(text[i]), out, length);
      const bool last = i + 1 == text.size();
      if (status != Status::ok || length != (last ? text.size() : 0) ||
          text.compare(0, length, out, length) != 0) {
        FAIL("U+" << std::hex << static_cast<std::uint32_t>(c) << ", byte " << i);
      }
    }
  }
  CHECK(reader.finish().empty());
}

TEST_CASE("bytes that are no character come out as U+FFFD") {
  const std::pair<const char*, const char*> cases[] = {
      {"a\xff"
       "b",
       "a\xef\xbf\xbd"
       "b"},
      {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                  // overlong
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // surrogate
      {"\xe6\x97"
       "a",
       "\xef\xbf\xbd"
       "a"},                                                                     // cut
      {"\xe6\x97\xe6\x97\xa5", "\xef\xbf\xbd\xe6\x97\xa5"},                      // cut, then whole
      {"\xf0\x9f\x98", "\xef\xbf\xbd"},                                          // cut at the end
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // over U+10FFFF
      {"\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd"}};
  Loaded t(bytes_only());
  for (const auto& [bytes, expected] : cases) {
    Reader reader{t.tokenizer};
    for (const char c : std::string(bytes)) reader.push(static_cast<unsigned char>(c));
    reader.finish();
    CHECK(reader.text == expected);
    CHECK(reader.text == cleaned(bytes));
  }
}

TEST_CASE("a stream gives what decode gives") {
  const VocabData v = small_llama();
  Loaded t(v);
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    Ids ids;
    for (auto n = random() % 10; n; --n) {
      ids.push_back(static_cast<std::int32_t>(random() % v.tokens.size()));
    }
    Reader reader{t.tokenizer};
    for (const std::int32_t id : ids) {
      const std::string part = reader.push(id);
      REQUIRE(part == cleaned(part));
    }
    reader.finish();
    REQUIRE(reader.text == cleaned(t.decode(ids)));
  }
}

TEST_CASE("a small buffer consumes nothing") {
  const VocabData v = small_llama();
  Loaded t(v);
  inlay_stream stream{};
  std::size_t length = 0;
  REQUIRE(stream_push(stream, t.tokenizer, v.id("<0xE6>"), {}, length) == Status::ok);
  const inlay_stream before = stream;
  char text[8];
  CHECK(stream_push(stream, t.tokenizer, v.id("▁ab"), {text, 5}, length) == Status::limit);
  CHECK(length == 6);
  CHECK(std::memcmp(&stream, &before, sizeof stream) == 0);
  REQUIRE(stream_push(stream, t.tokenizer, v.id("▁ab"), {text, length}, length) == Status::ok);
  CHECK(std::string(text, length) == "\xef\xbf\xbd ab");

  stream = before;
  CHECK(stream_finish(stream, {text, 2}, length) == Status::limit);
  CHECK(length == 3);
  REQUIRE(stream_finish(stream, {text, 3}, length) == Status::ok);
  CHECK(std::string(text, length) == replacement_character);
}

TEST_CASE("control tokens are left out, the first space too") {
  const VocabData v = small_llama();
  Loaded t(v);
  Reader reader{t.tokenizer};
  CHECK(reader.push(1).empty());
  CHECK(reader.push(v.id("▁ab")) == "ab");
  CHECK(reader.push(v.id("▁ab")) == " ab");
  CHECK(reader.push(v.id("<|end|>")).empty());
  CHECK(reader.push(v.id("<tool>")) == "<tool>");
  CHECK(reader.push(v.id("▁")).empty());
  CHECK(reader.push(v.id("▁")) == " ");
}

TEST_CASE("a stream refuses nonsense") {
  Loaded t(small_llama());
  char text[64];
  std::size_t length = 5;
  inlay_stream stream{};
  CHECK(stream_push(stream, t.tokenizer, -1, text, length) == Status::argument);
  CHECK(length == 0);
  CHECK(stream_push(stream, t.tokenizer, INT32_MAX, text, length) == Status::argument);
  stream.held_length = 4;
  CHECK(stream_push(stream, t.tokenizer, 1, text, length) == Status::argument);
  CHECK(stream_finish(stream, text, length) == Status::argument);
  stream.held_length = UINT32_MAX;
  CHECK(stream_finish(stream, text, length) == Status::argument);
  stream.held_length = 3;  // whatever is in there, nothing is read beyond it
  std::memset(stream.held, 'a', sizeof stream.held);
  CHECK(stream_push(stream, t.tokenizer, 3, text, length) == Status::ok);
  CHECK(length == 4);
}
