// encode_test.cpp - text to ids and back with small vocabularies: merging, bytes, special tokens.
#include <random>

#include "text/utf8.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

using Pieces = std::vector<std::string>;

namespace {

constexpr std::uint32_t add_special = INLAY_ENCODE_ADD_SPECIAL;
constexpr std::uint32_t parse_special = INLAY_ENCODE_PARSE_SPECIAL;

// Text of all kinds, with bytes that are no UTF-8.
std::string random_text(std::mt19937& random) {
  const char* parts[] = {"a",       "b",  "c",        " ",        "  ",
                         "abc",     "\n", "é",        "日",       "本",
                         "😀",       "▁",  "<",        "<tool>s",  "|>",
                         "\xff",    "\t", "\xe6\x97", "\xc0\x80", "\xed\xa0\x80",
                         "<|end|>", "1",  "'s",       "<tool>",   "\xf4\x90\x80\x80"};
  std::string text;
  for (auto n = random() % 12; n; --n) text += parts[random() % std::size(parts)];
  return text;
}

// The definition of score merging, without any cleverness: the best pair, leftmost, until none is
// left.
Ids merge_by_definition(const VocabData& v, std::string text) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(std::string_view(text).substr(i));
    const std::string part = text.substr(i, n);
    parts.push_back(part == " " ? "▁" : part);
    i += n;
  }
  const auto token = [&](const std::string& part) {
    for (std::size_t i = 0; i < v.tokens.size(); ++i) {
      if (v.tokens[i] == part && v.types[i] == 1) return static_cast<std::int32_t>(i);
    }
    return -1;
  };
  for (;;) {
    int best = -1;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::int32_t id = token(parts[i] + parts[i + 1]);
      const auto score = [&](int t) { return v.scores[static_cast<std::size_t>(t)]; };
      if (id >= 0 && (best < 0 || score(id) > score(best))) best = id, at = i;
    }
    if (best < 0) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) {
    if (token(part) >= 0) {
      ids.push_back(token(part));
    } else {
      for (const char c : part) ids.push_back(v.id(byte_name(static_cast<unsigned char>(c))));
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("SentencePiece merges the best score first") {
  Loaded t(small_llama());
  CHECK(t.pieces(t.encode("abc")) == Pieces{" ab", "c"});
  CHECK(t.pieces(t.encode("bcc")) == Pieces{" ", "bc", "c"});
  CHECK(t.pieces(t.encode("     a")) == Pieces{"    ", "  ", "a"});
  CHECK(t.pieces(t.encode("日本")) == Pieces{" ", "日本"});
  CHECK(t.encode("").empty());
}

TEST_CASE("SentencePiece merging is what its definition says") {
  const VocabData v = small_llama();
  Loaded t(v);
  std::mt19937 random(7);
  const char* parts[] = {"a", "b", "c", " ", "é", "日", "本", "x", "\xff"};
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (auto n = random() % 60; n; --n) text += parts[random() % std::size(parts)];
    if (text.empty()) continue;
    INFO("text '" << text << "'");
    REQUIRE(t.encode(text) == merge_by_definition(v, " " + text));
  }
}

TEST_CASE("tokens with a space inside are found across words") {
  VocabData v = small_llama();
  v.add("b▁", TokenKind::normal, -0.5f);
  v.add("b▁c", TokenKind::normal, -0.25f);
  Loaded t(v);
  CHECK(t.pieces(t.encode("ab c")) == Pieces{" a", "b c"});
  CHECK(t.decode(t.encode("ab c b  c")) == "ab c b  c");
}

TEST_CASE("characters without a token are spelt as bytes") {
  Loaded t(small_llama());
  CHECK(t.pieces(t.encode("x")) == Pieces{" ", "x"});
  CHECK(t.tokenizer.kind(t.encode("x")[1]) == TokenKind::byte);
  CHECK(t.pieces(t.encode("😀")) == Pieces{" ", "\xf0", "\x9f", "\x98", "\x80"});
}

TEST_CASE("what no token spells becomes one unknown token, or nothing") {
  VocabData v = small_llama();
  const std::int32_t missing = v.id("<0x9F>");
  v.tokens[static_cast<std::size_t>(missing)] = "gone";
  v.types[static_cast<std::size_t>(missing)] = 1;
  Loaded with(v);
  CHECK(with.encode("a😀😀b") == Ids{v.id("▁a"), 0, v.id("b")});
  v.options.unknown = VocabSource::absent;
  v.types[0] = static_cast<std::int32_t>(TokenKind::control);
  Loaded without(v);
  CHECK(without.encode("a😀😀b") == Ids{v.id("▁a"), v.id("b")});
  v.options.unknown = 0;  // named, but a control token: text never becomes one
  Loaded control(v);
  CHECK(control.encode("a😀😀b") == Ids{v.id("▁a"), v.id("b")});
}

TEST_CASE("the space before text comes and goes") {
  VocabData v = small_llama();
  Loaded with(v);
  CHECK(with.pieces(with.encode(" a")) == Pieces{"  ", "a"});
  CHECK(with.decode(with.encode("  a")) == "  a");
  CHECK(with.tokenizer.adds_space());
  v.options.add_space_prefix = VocabSource::Flag::no;
  Loaded without(v);
  CHECK(without.pieces(without.encode(" a")) == Pieces{" a"});
  CHECK(without.decode(without.encode(" a")) == " a");
  CHECK(without.decode(without.encode("a")) == "a");
}

TEST_CASE("special tokens are added where the file asks for them") {
  VocabData v = small_llama();
  Loaded t(v);
  CHECK(t.encode("a", add_special) == Ids{1, v.id("▁a")});
  CHECK(t.encode("", add_special) == Ids{1});
  v.options.add_eos = VocabSource::Flag::yes;
  v.options.add_bos = VocabSource::Flag::no;
  Loaded eos(v);
  CHECK(eos.encode("a", add_special) == Ids{v.id("▁a"), 2});
  CHECK(eos.encode("a") == Ids{v.id("▁a")});
}

TEST_CASE("control tokens are only read from text when asked for") {
  const VocabData v = small_llama();
  Loaded t(v);
  const std::int32_t end = v.id("<|end|>");
  CHECK(t.encode("a<|end|>b</s>", parse_special) == Ids{v.id("▁a"), end, v.id("▁"), v.id("b"), 2});
  for (const std::int32_t id : t.encode("a<|end|>b</s><s><unk>")) {
    CHECK_FALSE(t.tokenizer.is_special(id));
  }
  CHECK(t.decode(t.encode("a<|end|>b</s>")) == "a<|end|>b</s>");
  CHECK(t.decode(t.encode("a<|end|>b</s>", parse_special)) == "ab");
  CHECK(t.decode(t.encode("a<|end|>b</s>", parse_special), INLAY_DECODE_SPECIAL) ==
        "a<|end|>b</s>");
}

TEST_CASE("the text of a byte token does not make that byte") {
  Loaded t(small_llama());
  CHECK(t.decode(t.encode("<0x41>")) == "<0x41>");
  CHECK(t.encode("<0x41>", parse_special).size() > 5);
}

TEST_CASE("user-defined tokens are always read, the longest first") {
  const VocabData v = small_llama();
  Loaded t(v);
  CHECK(t.encode("<tool>") == Ids{v.id("<tool>")});
  CHECK(t.encode("<tool>s") == Ids{v.id("<tool>s")});
  CHECK(t.encode("a<tool><tool>s") == Ids{v.id("▁a"), v.id("<tool>"), v.id("<tool>s")});
  CHECK(t.decode(t.encode(" a<tool> <tool>sa")) == " a<tool> <tool>sa");
}

TEST_CASE("white space after the tokens of the Phi-3 family is left out") {
  VocabData v = small_llama();
  v.add("<|placeholder1|>", TokenKind::control);
  Loaded t(v);
  CHECK(t.encode("<|end|> \n\xe3\x80\x80"
                 "a<s> ",
                 parse_special) == Ids{v.id("<|end|>"), v.id("▁a"), 1, v.id("▁▁")});
}

TEST_CASE("SentencePiece gives back every text, valid or not") {
  Loaded t(small_llama());
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(random);
    std::string expected = text;  // a mark in the text cannot be told from a space
    for (std::size_t at; (at = expected.find("▁")) != std::string::npos;)
      expected.replace(at, 3, " ");
    INFO("text '" << text << "'");
    REQUIRE(t.decode(t.encode(text)) == expected);
  }
}

TEST_CASE("decode refuses ids outside the vocabulary") {
  Loaded t(small_llama());
  Array<char> text(t.allocator);
  for (const std::int32_t id : {-1, static_cast<int>(t.tokenizer.size()), INT32_MAX, INT32_MIN}) {
    CHECK(t.tokenizer.decode({&id, 1}, 0, text, t.error) == Status::argument);
    CHECK(t.says(std::to_string(id)));
    CHECK(t.tokenizer.piece(id).empty());
    CHECK_FALSE(t.tokenizer.is_end(id));
  }
}

TEST_CASE("pieces are the bytes tokens stand for") {
  const VocabData v = small_llama();
  Loaded t(v);
  CHECK(t.tokenizer.piece(v.id("▁ab")) == " ab");
  CHECK(t.tokenizer.piece(v.id("<0x0A>")) == "\n");
  CHECK(t.tokenizer.piece(v.id("<0x00>")) == std::string_view("\0", 1));
  CHECK(t.tokenizer.piece(v.id("<|end|>")) == "<|end|>");
}

TEST_CASE("a long run without a break is quick") {
  Loaded t(small_llama());
  for (const char* unit : {"a", "_", "\n", " ", "ab", "日", "\xff", "<", "<tool"}) {
    std::string text;
    while (text.size() < 1000000) text += unit;
    INFO(unit);
    const Ids ids = t.encode(text);
    CHECK(ids.size() <= text.size() + 1);
    CHECK((t.decode(ids) == text));
  }
}

TEST_CASE("encoding leaves no memory behind") {
  Loaded t(small_llama());
  const std::uint64_t before = t.heap.live_bytes;
  t.encode("abc <tool> 日本");
  CHECK(t.heap.live_bytes == before);
}

#if INLAY_WITH_PCRE2

TEST_CASE("byte-level merges follow the ranks inside the pieces of the pattern") {
  Loaded t(small_gpt2());
  CHECK(t.pieces(t.encode("abc")) == Pieces{"abc"});
  CHECK(t.pieces(t.encode("a bc")) == Pieces{"a", " ", "bc"});
  CHECK(t.pieces(t.encode("x ab")) == Pieces{"x", " ab"});
  CHECK(t.pieces(t.encode("aaaaaaa")) == Pieces{"aaaa", "aa", "a"});
  CHECK(t.pieces(t.encode("é")) == Pieces{"é"});
  CHECK(t.pieces(t.encode("a\n\nb")) == Pieces{"a", "\n", "\n", "b"});
  CHECK(t.encode("").empty());
}

TEST_CASE("a piece that is a token is taken whole where the rule says so") {
  VocabData v = small_gpt2();
  Loaded merged(v);
  CHECK(merged.pieces(merged.encode("x abc")) == Pieces{"x", " ", "abc"});
  v.pre = "llama-bpe";
  Loaded whole(v);
  CHECK(whole.pieces(whole.encode("x abc")) == Pieces{"x", " abc"});
  CHECK(whole.tokenizer.adds_bos());
  CHECK_FALSE(merged.tokenizer.adds_bos());
}

TEST_CASE("byte-level special tokens") {
  const VocabData v = small_gpt2();
  Loaded t(v);
  CHECK(t.encode("a<|im_end|>b", parse_special) == Ids{v.id("a"), v.id("<|im_end|>"), v.id("b")});
  CHECK(t.encode("a<|im_end|>b").size() == 12);
  CHECK(t.encode("a   b") == Ids{v.id("a"), v.id("   "), v.id("b")});
  CHECK(t.decode(t.encode(" a   b")) == " a   b");
  CHECK_FALSE(t.tokenizer.adds_space());
}

TEST_CASE("byte-level gives back every text, valid or not") {
  Loaded t(small_gpt2());
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(random);
    INFO("text '" << text << "'");
    REQUIRE(t.decode(t.encode(text)) == text);
  }
}

TEST_CASE("a byte that byte-level has no token for is left out") {
  VocabData v = small_gpt2();
  v.tokens[static_cast<std::size_t>(v.id(byte_character(0xff)))] = "gone";
  v.tokens[static_cast<std::size_t>(v.id(byte_character(1)))] = "gone too";
  v.add("++");
  v.merges.push_back("+ +");
  v.scores.clear();
  Loaded t(v);
  CHECK(t.decode(t.encode("a\xff"
                          "b")) == "ab");
  CHECK(t.encode("+\x01+") == Ids{v.id("++")});  // and its neighbours merge
  CHECK(t.encode("(\xff)").size() == 2);
  CHECK(t.pieces(t.encode("é\x01")) == Pieces{"é"});
}

TEST_CASE("a long byte-level run without a break is quick") {
  Loaded t(small_gpt2());
  for (const char* unit : {"a", "A", "_", " ", "ab", "日", "\xff"}) {
    std::string text;
    while (text.size() < 1000000) text += unit;
    INFO(unit);
    CHECK((t.decode(t.encode(text)) == text));
  }
}

#endif
