// load_test.cpp - vocabularies as hostile files give them; ids, ends and errors.
#include <random>

#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Loading fails with this status and a text that names all of `parts`.
void check_fails(VocabData v, Status status, std::initializer_list<const char*> parts) {
  Loaded t(v);
  INFO(t.error.text);
  CHECK(t.status == status);
  CHECK(t.error.status == static_cast<inlay_status>(status));
  for (const char* part : parts) CHECK(t.says(part));
}

}  // namespace

TEST_CASE("what a loaded vocabulary says of itself") {
  VocabData v = small_llama();
  v.options.padding = 4294967295;
  Loaded t(v);
  REQUIRE(t.status == Status::ok);
  CHECK(t.tokenizer.size() == v.tokens.size());
  CHECK(std::string(t.tokenizer.model()) == "llama");
  CHECK(t.tokenizer.bos() == 1);
  CHECK(t.tokenizer.eos() == 2);
  CHECK(t.tokenizer.unknown() == 0);
  CHECK(t.tokenizer.padding() == -1);
  CHECK(t.tokenizer.adds_bos());
  CHECK_FALSE(t.tokenizer.adds_eos());
  CHECK(t.tokenizer.is_end(2));
  CHECK(t.tokenizer.is_end(v.id("<|end|>")));
  CHECK_FALSE(t.tokenizer.is_end(1));
  CHECK_FALSE(t.tokenizer.is_end(v.id("▁a")));
}

TEST_CASE("ids outside the vocabulary are refused by name") {
  using Field = std::int64_t VocabSource::*;
  const std::pair<Field, const char*> fields[] = {
      {&VocabSource::bos, "bos"},         {&VocabSource::eos, "eos"},
      {&VocabSource::eot, "eot"},         {&VocabSource::eom, "eom"},
      {&VocabSource::unknown, "unknown"}, {&VocabSource::padding, "padding"}};
  for (const auto& [field, name] : fields) {
    VocabData v = small_llama();
    const auto count = static_cast<std::int64_t>(v.tokens.size());
    for (const std::int64_t id : {count, std::int64_t{1} << 31, std::int64_t{-2}, INT64_MAX}) {
      v.options.*field = id;
      check_fails(
          v, Status::format,
          {"tokenizer.ggml.", name, std::to_string(id).c_str(), std::to_string(count).c_str()});
    }
    v.options.*field = count - 1;
    CHECK(Loaded(v).status == Status::ok);
  }
}

TEST_CASE("default ids count only where such tokens are") {
  VocabData v = small_llama();
  v.options.bos = v.options.eos = v.options.unknown = VocabSource::absent;
  Loaded found(v);
  CHECK(found.tokenizer.bos() == 1);
  CHECK(found.tokenizer.eos() == 2);
  CHECK(found.tokenizer.unknown() == 0);
  VocabData tiny;
  tiny.add("a");
  Loaded none(tiny);
  REQUIRE(none.status == Status::ok);
  CHECK(none.tokenizer.bos() == -1);
  CHECK(none.tokenizer.eos() == -1);
  CHECK(none.tokenizer.unknown() == -1);
  CHECK(none.encode("a b", INLAY_ENCODE_ADD_SPECIAL) == Ids{0});
}

TEST_CASE("the model must be known") {
  VocabData v = small_llama();
  v.model = "";
  check_fails(v, Status::format, {"tokenizer.ggml.model"});
  v.model = "plamo2";
  check_fails(v, Status::unsupported, {"tokenizer.ggml.model", "plamo2"});
}

TEST_CASE("arrays must be as long as the vocabulary") {
  VocabData v = small_llama();
  v.types.pop_back();
  check_fails(v, Status::format, {"tokenizer.ggml.token_type", "277", "278"});
  v = small_llama();
  v.scores.push_back(0);
  check_fails(v, Status::format, {"tokenizer.ggml.scores", "279", "278"});
  v.scores.clear();
  check_fails(v, Status::format, {"tokenizer.ggml.scores", "0", "278"});
  v = small_llama();
  v.tokens.clear();
  v.types.clear();
  v.scores.clear();
  v.options = {};
  check_fails(v, Status::format, {"tokenizer.ggml.tokens"});
}

TEST_CASE("types and scores are checked") {
  VocabData v = small_llama();
  for (const std::int32_t type : {-1, 7, INT32_MAX, INT32_MIN}) {
    v.types[5] = type;
    check_fails(v, Status::format, {"token_type[5]", std::to_string(type).c_str()});
  }
  v = small_llama();
  v.scores[7] = std::numeric_limits<float>::quiet_NaN();
  check_fails(v, Status::format, {"scores[7]"});
  v.scores[7] = -std::numeric_limits<float>::infinity();
  CHECK(Loaded(v).status == Status::ok);
}

TEST_CASE("byte tokens must name a byte") {
  for (const char* text :
       {"<0x-1>", "<0x-f>", "<0xZZ>", "<0x>", "", "<0x1>", "<0x100>", "a", "<0x0g>"}) {
    VocabData v = small_llama();
    v.tokens[3 + 0x20] = text;
    check_fails(v, Status::format, {"tokens[35]"});
  }
  VocabData v = small_llama();
  v.tokens[3 + 0xab] = "<0xab>";
  Loaded t(v);
  REQUIRE(t.status == Status::ok);
  CHECK(t.tokenizer.piece(3 + 0xab) == "\xab");
}

TEST_CASE("a vocabulary without types") {
  VocabData v = small_llama();
  v.types.clear();
  Loaded t(v);
  REQUIRE(t.status == Status::ok);
  CHECK(t.decode(t.encode("x<s>")) == "x<s>");
  CHECK(t.encode("<s>", INLAY_ENCODE_PARSE_SPECIAL) == Ids{1});
  CHECK(t.tokenizer.piece(3) == std::string_view("\0", 1));
}

TEST_CASE("empty, doubled and broken token texts do no harm") {
  VocabData v = small_llama();
  v.add("");
  v.add("ab");
  v.add("\xff\xfe");
  v.add("a\xff");
  v.add("a b");
  v.add("", TokenKind::control);
  v.add(std::string(100000, 'q'), TokenKind::user_defined);
  Loaded t(v);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode("cab") == Ids{v.id("▁"), v.id("c"), v.id("ab")});
  for (const char* text : {"ab\xff\xfe", "a\xff", "xa b", "qqq"}) {
    CHECK(t.decode(t.encode(text)) == text);
  }
}

TEST_CASE("the one token of a vocabulary can be anything") {
  for (const std::int32_t type : {0, 1, 2, 3, 4, 5}) {
    for (const char* model : {"llama", "gpt2"}) {
      VocabData v;
      v.model = model;
      v.tokens = {"a"};
      v.types = {type};
      v.scores = {0};
      Loaded t(v);
      if (INLAY_WITH_PCRE2 || v.model == "llama") REQUIRE(t.status == Status::ok);
      if (t.status == Status::ok) t.encode("a b", INLAY_ENCODE_PARSE_SPECIAL);
    }
  }
}

TEST_CASE("ends are guessed from names of markup only") {
  VocabData v = small_llama();
  v.add("<|im_end|>");
  v.add("<|eot_id|>", TokenKind::control);
  v.add("<end_of_turn>", TokenKind::user_defined);
  v.add(
      "<\xef\xbd\x9c"
      "end▁of▁sentence\xef\xbd\x9c>",
      TokenKind::control);
  v.options.eot = v.id("a");
  Loaded t(v);
  CHECK_FALSE(t.tokenizer.is_end(v.id("<|im_end|>")));
  CHECK(t.tokenizer.is_end(v.id("<|eot_id|>")));
  CHECK(t.tokenizer.is_end(v.id("<end_of_turn>")));
  CHECK(t.tokenizer.is_end(static_cast<std::int32_t>(v.tokens.size()) - 1));
  CHECK(t.tokenizer.is_end(v.id("a")));
  v.add("<|return|>", TokenKind::control);
  v.add("<|call|>", TokenKind::control);
  Loaded harmony(v);
  CHECK_FALSE(harmony.tokenizer.is_end(v.id("<|end|>")));
  CHECK(harmony.tokenizer.is_end(v.id("<|return|>")));
}

#if INLAY_WITH_PCRE2

TEST_CASE("byte-level: merges must be two tokens that make one") {
  for (const char* merge :
       {"", "a", "ab", " ab", "a ", " ", "a  b", "a x", "zz zz", "a \xff", "日 a"}) {
    VocabData v = small_gpt2();
    v.merges[3] = merge;
    check_fails(v, Status::format, {"tokenizer.ggml.merges[3]"});
  }
  VocabData v = small_gpt2();
  v.merges.push_back(v.merges[0]);
  CHECK(Loaded(v).status == Status::ok);
  v.merges.clear();
  Loaded none(v);
  CHECK(none.encode("abc").size() == 3);
}

TEST_CASE("byte-level: the pre-tokenizer must be known") {
  VocabData v = small_gpt2();
  v.pre = "no-such-rule";
  check_fails(v, Status::unsupported, {"tokenizer.ggml.pre", "no-such-rule"});
  v.options.file = "a.gguf";
  check_fails(v, Status::unsupported, {"a.gguf: tokenizer.ggml.pre", "no-such-rule"});
  v.pre = "gpt-2 phi-2";
  check_fails(v, Status::unsupported, {"tokenizer.ggml.pre"});
  v.pre = "";
  Loaded missing(v);
  REQUIRE(missing.status == Status::ok);
  CHECK(missing.tokenizer.pre_is_guessed());
  v.pre = "qwen2";
  CHECK_FALSE(Loaded(v).tokenizer.pre_is_guessed());
}

TEST_CASE("byte-level: texts outside the alphabet stand for themselves") {
  VocabData v = small_gpt2();
  v.add("日本");
  v.add("x y");
  v.add("\xff");
  v.scores.clear();
  Loaded t(v);
  REQUIRE(t.status == Status::ok);
  CHECK(t.tokenizer.piece(v.id("日本")) == "日本");
  CHECK(t.decode(t.encode("日本x y\xff")) == "日本x y\xff");
}

#else

TEST_CASE("byte-level needs PCRE2") { check_fails(small_gpt2(), Status::unsupported, {"PCRE2"}); }

#endif

TEST_CASE("vocabularies made at random load or fail, and what loads encodes") {
  std::mt19937 random(11);
  const char* parts[] = {"a", "b",    " ", "▁",  "<0x41>", "<",
                         ">", "\xff", "Ġ", "日", "<0xZ1>", "</s>"};
  const auto text = [&] {
    std::string made;
    for (auto n = random() % 4; n; --n) made += parts[random() % std::size(parts)];
    return made;
  };
  int loaded = 0;
  for (int i = 0; i < 3000; ++i) {
    VocabData v;
    v.model = INLAY_WITH_PCRE2 && i % 2 ? "gpt2" : "llama";
    const char* pres[] = {"", "qwen2", "llama3", "falcon"};
    v.pre = pres[random() % 4];
    for (auto n = random() % 12; n; --n) {
      const auto kind = random() % 8 ? 1 + random() % 5 : random() % 8;
      v.add(text(), static_cast<TokenKind>(kind), static_cast<float>(random() % 5));
    }
    for (auto n = random() % 3; n; --n)
      v.merges.push_back(random() % 4 ? "a b" : text() + " " + text());
    v.options.eos = static_cast<std::int64_t>(random() % 12) - 1;
    Loaded t(v);
    if (t.status != Status::ok) {
      CHECK(t.error.text[0] != 0);
      continue;
    }
    ++loaded;
    for (const std::int32_t id : t.encode(text() + text(), random() % 4)) {
      REQUIRE(t.tokenizer.contains(id));
    }
  }
  CHECK(loaded > 300);
}

TEST_CASE("every allocation of load, encode and decode may fail") {
  for (const bool byte_level : {false, true}) {
    if (byte_level && !INLAY_WITH_PCRE2) continue;
    VocabData v = byte_level ? small_gpt2() : small_llama();
    v.pre = byte_level ? "deepseek-llm" : "";
    const VocabSource& source = v.source();
    std::string text = "a <tool> abc\xff 日本 <|end|>";
    while (text.size() < 3000) text += text;
    std::uint64_t failures = 0;
    for (std::uint64_t n = 1;; ++n) {
      CountingAllocator heap;
      heap.fail_at = n;
      Status status = Status::ok;
      Error error{};
      {
        Allocator allocator(heap.host());
        Tokenizer tokenizer(allocator);
        Array<std::int32_t> ids(allocator);
        Array<char> back(allocator);
        status = tokenizer.load(source, error);
        if (status == Status::ok) {
          status = tokenizer.encode(text, INLAY_ENCODE_PARSE_SPECIAL, ids, error);
        }
        if (status == Status::ok) status = tokenizer.decode(ids, 0, back, error);
      }
      INFO("allocation " << n);
      REQUIRE(heap.clean());
      if (heap.calls < n) {
        REQUIRE(status == Status::ok);
        break;
      }
      ++failures;
      REQUIRE(status == Status::memory);
      REQUIRE(error.status == INLAY_ERROR_MEMORY);
    }
    CHECK(failures > 20);
  }
}
