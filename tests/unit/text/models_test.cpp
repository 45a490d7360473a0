// models_test.cpp - unigram, WordPiece, RWKV and UTF-8 BPE vocabularies; where tokens are from.
#include <random>

#include "inlay/config.h"
#include "text/encode_batch.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;

namespace {

VocabData small_unigram() {
  VocabData v;
  v.model = "t5";
  v.add("<pad>", TokenKind::control);
  v.add("</s>", TokenKind::control);
  v.add("<unk>", TokenKind::unknown);
  const std::pair<const char*, float> words[] = {{"▁", -3},  {"a", -4},   {"b", -4},
                                                 {"ab", -5}, {"▁ab", -8}, {"▁a", -6}};
  for (const auto& [word, score] : words) v.add(word, TokenKind::normal, score);
  v.options.add_eos = VocabSource::Flag::no;
  return v;
}

VocabData small_wordpiece() {
  VocabData v;
  v.model = "bert";
  for (const char* name : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) v.add(name, TokenKind::control);
  for (const char* piece : {"▁un", "aff", "able", "▁a", "▁,", "▁日"}) v.add(piece);
  v.scores.clear();
  v.options.unknown = 1;
  v.options.classifier = 2;
  v.options.separator = 3;
  return v;
}

struct Ranged {
  Ids ids;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
};

Ranged encode_ranges(Loaded& t, std::string_view text, std::uint32_t flags) {
  Array<std::int32_t> ids(t.allocator);
  Array<TextRange> ranges(t.allocator);
  REQUIRE(t.tokenizer.encode(text, flags, ids, t.error, &ranges) == Status::ok);
  REQUIRE(ids.size() == ranges.size());
  Ranged result{Ids(ids.begin(), ids.end()), {}};
  for (const TextRange& range : ranges) result.ranges.emplace_back(range.begin, range.end);
  return result;
}

}  // namespace

TEST_CASE("unigram takes the way with the best sum of scores") {
  VocabData v = small_unigram();
  Loaded t(v);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.pieces(t.encode("ab")) == std::vector<std::string>{" ab"});  // -8 and -3 - 5: the first
  CHECK(t.pieces(t.encode("ba")) == std::vector<std::string>{" ", "b", "a"});
  CHECK(t.encode("axxb") == Ids{v.id("▁a"), 2, v.id("b")});  // one for a run
  CHECK(t.encode("").empty());
  CHECK(t.decode(t.encode("ab ab")) == "ab ab");
  v.options.remove_spaces = VocabSource::Flag::yes;
  Loaded squeezed(v);
  REQUIRE(squeezed.status == Status::ok);
  CHECK(squeezed.encode("  ab   ab ") == squeezed.encode("ab ab"));
  CHECK(squeezed.encode("   ").empty());
  // As SentencePiece decodes where it leaves out spaces: each token before text loses one.
  const std::int32_t space = v.id("▁"), a = v.id("▁a");
  CHECK(squeezed.decode({space, space, a, space, a}) == "a  a");
  CHECK(t.decode({space, space, a}) == "  a");
}

TEST_CASE("unigram scores must be numbers, and tokens of a sensible length") {
  VocabData v = small_unigram();
  v.scores[4] = std::numeric_limits<float>::infinity();
  CHECK(Loaded(v).status == Status::format);
  v = small_unigram();
  v.add(std::string(Trie::longest + 1, 'x'));
  CHECK(Loaded(v).status == Status::limit);
}

#if INLAY_WITH_UTF8PROC

TEST_CASE("WordPiece takes the longest piece first, or the word is unknown") {
  VocabData v = small_wordpiece();
  Loaded t(v);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode("unaffable") == Ids{4, 5, 6});
  CHECK(t.encode("UN\xc3\x81"
                 "FFABLE, a") == Ids{4, 5, 6, 8, 7});
  CHECK(t.encode("unaffablex a") == Ids{1, 7});
  CHECK(t.encode("a日a") == Ids{7, 9, 7});
  CHECK(t.encode("a", INLAY_ENCODE_ADD_SPECIAL) == Ids{2, 7, 3});
  CHECK(t.decode({4, 5, 6, 8, 7}) == "unaffable, a");
  CHECK(t.encode(std::string(101, 'a')) == Ids{1});
  v.options.lowercase = VocabSource::Flag::no;
  Loaded cased(v);
  CHECK(cased.encode("A a") == Ids{1, 7});
}

#endif

TEST_CASE("RWKV takes the longest token first; its texts are escaped") {
  VocabData v;
  v.model = "rwkv";
  for (const char* token : {"<s>", "\\n", "a", "ab", "abc", "\\xe6\\x97", "\\\\", "b"})
    v.add(token);
  v.scores.clear();
  Loaded t(v);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.encode("abcab\nb") == Ids{4, 3, 1, 7});
  CHECK(t.encode("\xe6\x97\\") == Ids{5, 6});
  CHECK(t.encode("?a").size() == 1);  // no unknown token: left out
  v.tokens[1] = "\\x0";
  CHECK(Loaded(v).status == Status::format);
}

TEST_CASE("BPE over UTF-8: spaces are marked, lines are apart, bytes stand for the rest") {
  VocabData v = small_llama();
  v.model = GENERATE("gemma4", "gpt2");
  if (v.model == "gpt2") v.pre = GENERATE("gemma4", "granite-embed-multi-311m", "sarvam-moe");
  v.scores.clear();
  v.options.add_bos = VocabSource::Flag::no;
  v.merges = {"a b", "▁ a", "日 本"};
  Loaded t(v);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.pieces(t.encode("ab a")) == std::vector<std::string>{"ab", " a"});
  CHECK(t.pieces(t.encode("日本\nab")) == std::vector<std::string>{"日本", "\n", "ab"});
  CHECK(t.decode(t.encode("x 日é\n")) == "x 日é\n");
}

TEST_CASE("tokens say where in the text they are from") {
  Loaded t(small_llama());
  const Ranged r = encode_ranges(t, "ab 日x<|end|>c", 3);
  CHECK(r.ids.size() == r.ranges.size());
  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  CHECK(r.ranges == Ranges{{0, 0}, {0, 2}, {2, 3}, {3, 6}, {6, 7}, {7, 14}, {14, 14}, {14, 15}});
}

TEST_CASE("ranges and remembered words change no ids; ranges stay inside the text") {
  std::mt19937 random(5);
  const char* parts[] = {"a", "b", "abc", " ", "  ", "é", "日本", "\xff", "\n", "<tool>", "x"};
  VocabData all[] = {small_llama(), small_unigram()};
  for (VocabData& v : all) {
    Loaded t(v);
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (unsigned n = random() % 200; n > 0; --n) text += parts[random() % std::size(parts)];
      const Ranged r = encode_ranges(t, text, 0);
      REQUIRE(r.ids == t.encode(text));
      for (const auto& [begin, end] : r.ranges) {
        REQUIRE(begin <= end);
        REQUIRE(end <= text.size());
      }
    }
  }
}

TEST_CASE("a batch gives what its texts give one by one") {
  Loaded t(small_llama());
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i)
    texts.push_back(std::string(std::size_t(i), 'a') + " bc é" + std::to_string(i));
  texts.emplace_back();
  std::vector<inlay_text> views;
  for (const std::string& text : texts) views.push_back({text.data(), text.size()});
  for (const std::uint32_t threads : {1u, 3u}) {
    Array<std::int32_t> ids(t.allocator);
    Array<std::uint64_t> ends(t.allocator);
    REQUIRE(encode_batch(t.tokenizer, views, 1, {}, threads, t.allocator, ids, ends, t.error) ==
            Status::ok);
    REQUIRE(ends.size() == texts.size());
    std::size_t begin = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      REQUIRE(Ids(ids.begin() + begin, ids.begin() + ends[i]) == t.encode(texts[i], 1));
      begin = ends[i];
    }
  }
}

TEST_CASE("every allocation of the new models may fail") {
  std::vector<VocabData> all = {small_unigram()};
#if INLAY_WITH_UTF8PROC
  all.push_back(small_wordpiece());
#endif
  for (VocabData& v : all) {
    int failures = 0;
    for (std::uint64_t n = 1; n < 500; ++n) {
      CountingAllocator heap;
      heap.fail_at = n;
      Status status = Status::ok;
      {
        Allocator allocator(heap.host());
        Tokenizer tokenizer(allocator);
        Error error{};
        Array<std::int32_t> ids(allocator);
        Array<TextRange> ranges(allocator);
        status = tokenizer.load(v.source(), error);
        if (!is_error(status))
          status = tokenizer.encode("ab \xc3\x81 x, a", 3, ids, error, &ranges);
      }
      CHECK(heap.clean());
      if (status == Status::ok) break;
      REQUIRE(status == Status::memory);
      ++failures;
    }
    CHECK(failures > 10);
  }
}

TEST_CASE("a million characters without a break are quick for every model") {
  VocabData all[] = {small_llama(), small_unigram()};
  for (VocabData& v : all) {
    Loaded t(v);
    for (const std::string& text : {std::string(1000000, 'a'), std::string(1000000, '_')}) {
      CHECK(!t.encode(text).empty());
    }
  }
}
