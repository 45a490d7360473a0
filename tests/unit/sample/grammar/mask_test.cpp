// mask_test.cpp - masks equal the answer of every token fed byte by byte, on random states of
// random and real grammars, for small and real vocabularies; and no state is a dead end.
#include <memory>
#include <random>

#include "unit/sample/grammar/texts.h"
#include "unit/text/vocabulary.h"

using namespace inlay;
using namespace inlay::test;
using namespace inlay::grammar;

namespace {

struct Bound {
  TokenTrie trie;
  Constraint constraint;
  Error error{};
  Bound(Compiled& c, const Tokenizer& tokenizer)
      : trie(c.allocator), constraint(c.allocator, c.grammar, trie) {
    REQUIRE(trie.build(tokenizer, error) == Status::ok);
    REQUIRE(constraint.bind(error) == Status::ok);
  }
};

// The automaton alone, without tables and trees.
struct Walker {
  static constexpr std::uint32_t cells = 1u << 14, live = 1024;
  std::vector<std::uint64_t> memory;
  Machine machine;
  Item items[3][live];
  Items now{items[0], 0, live}, next{items[1], 0, live}, other{items[2], 0, live};

  explicit Walker(const Grammar& grammar) {
    Carver measure;
    Machine::lay_out(measure, cells, machine);
    memory.resize(measure.size() / 8 + 8);
    Carver carver(
        reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64));
    Machine::lay_out(carver, cells, machine);
    machine.init(grammar, nullptr);
    REQUIRE(machine.start(now));
  }
  // Whether every byte is taken behind what was taken before; `stays` keeps it.
  bool takes(std::string_view text, bool stays) {
    const std::uint32_t frames = machine.frames().size();
    std::copy_n(now.data, now.size, next.data);
    next.size = now.size;
    bool fits = true;
    for (std::size_t i = 0; fits && i < text.size(); ++i) {
      REQUIRE(machine.advance(next.view(), static_cast<std::uint8_t>(text[i]), other));
      fits = other.size > 0;
      std::swap(next, other);
    }
    if (stays) {
      std::swap(now, next);
    } else {
      machine.frames().roll_back(frames);
    }
    return fits;
  }
};

// Compares every token with a walk over its bytes, behind `text`.
void check_mask(Compiled& c, Matching& m, const Tokenizer& tokenizer, const std::string& text,
                std::span<const std::uint64_t> words) {
  const auto walker = std::make_unique<Walker>(c.grammar);
  REQUIRE(walker->takes(text, true));
  for (std::int32_t id = 0; tokenizer.contains(id); ++id) {
    const bool got = words[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1;
    const bool want = is_text_token(tokenizer, id) ? walker->takes(tokenizer.piece(id), false)
                                                   : tokenizer.is_end(id) && m->can_end();
    if (got != want) {
      FAIL("behind '" << text << "' token " << id << " '" << std::string(tokenizer.piece(id))
                      << "': " << got << ", expected " << want);
    }
  }
}

// Draws tokens at random until the text ends or is long; every `every`-th mask is checked.
void generate(Compiled& c, const Tokenizer& tokenizer, std::uint32_t seed, int steps, int every) {
  Bound bound(c, tokenizer);
  Matching m(c, &bound.constraint);
  std::mt19937 random(seed);
  std::vector<std::uint64_t> words(bound.constraint.mask_words());
  std::string text;
  for (int i = 0; i < steps && !m->is_over(); ++i) {
    REQUIRE(m->mask(words, grammar::Matcher::no_limit, m.error) == Status::ok);
    if (i % every == 0) check_mask(c, m, tokenizer, text, words);
    std::vector<std::int32_t> allowed;
    for (std::int32_t id = 0; tokenizer.contains(id); ++id) {
      if (words[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) allowed.push_back(id);
    }
    REQUIRE_FALSE(allowed.empty());
    const std::int32_t token = allowed[random() % allowed.size()];
    REQUIRE(m->accept_token(token, m.error) == Status::ok);
    if (tokenizer.is_end(token)) break;
    text += tokenizer.piece(token);
  }
}

// Draws tokens at random; a text that `tokens` cut off is whole where there was room for the
// shortest. Its bytes; 0 when there was no room.
int generate_to_end(Compiled& c, const Bound& bound, std::mt19937& random, std::uint64_t tokens) {
  const Tokenizer& tokenizer = bound.trie.tokenizer();
  Matching m(c, &bound.constraint);
  std::vector<std::uint64_t> words(bound.constraint.mask_words());
  std::string text;
  const bool had_room = bound.constraint.distances().step(c.grammar.root()) <= tokens;
  for (std::uint64_t left = tokens; left > 0 && !m->is_over(); --left) {
    const Status status = m->mask(words, left, m.error);
    if (status == Status::limit) return 0;  // too ambiguous
    REQUIRE(status == Status::ok);
    std::vector<std::int32_t> allowed;
    for (std::int32_t id = 0; tokenizer.contains(id); ++id) {
      const bool bit = words[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1;
      if (bit && !tokenizer.is_end(id)) allowed.push_back(id);
    }
    if (allowed.empty()) break;
    const std::int32_t token = allowed[random() % allowed.size()];
    text += tokenizer.piece(token);
    const Status accepted = m->accept_token(token, m.error);
    if (accepted == Status::limit) return 0;
    REQUIRE(accepted == Status::ok);
  }
  INFO(tokens << " tokens: " << text);
  if (had_room) CHECK(m->can_end());
  return had_room ? static_cast<int>(text.size()) : 0;
}

// A grammar of a few rules; rule i refers to later ones, or to any behind a letter.
std::string random_grammar(std::mt19937& random) {
  const auto pick = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  std::string text;
  const int rules = 2 + pick(4);
  for (int r = 0; r < rules; ++r) {
    text += r ? "r" + std::to_string(r) + " ::= " : "root ::= ";
    for (int alternatives = 1 + pick(3), a = 0; a < alternatives; ++a) {
      if (a) text += "| ";
      for (int parts = 1 + pick(3), p = 0; p < parts; ++p) {
        const char* letters[] = {"\"a\"", "\"ab\"", "\"abc\"",      "[a-c]",
                                 "[^ab]", "\" \"",  "\"\xc3\xa9\"", "."};
        const char* counts[] = {"", "", "", "*", "?", "+", "{2,3}", "{0,40}"};
        if (pick(3) == 0 && r + 1 < rules) {
          text += "r" + std::to_string(r + 1 + pick(static_cast<std::uint32_t>(rules - r - 1)));
        } else if (pick(6) == 0 && r > 0) {
          text += "\"c\" r" + std::to_string(1 + pick(static_cast<std::uint32_t>(rules - 1)));
          text += pick(2) ? "?" : "*";
          text += ' ';
          continue;
        } else {
          text += letters[pick(8)];
        }
        text += std::string(counts[pick(8)]) + " ";
      }
    }
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("masks of random grammars are exact", "[grammar]") {
  Loaded llama(small_llama()), gpt2(small_gpt2());
  REQUIRE(llama.status == Status::ok);
  std::mt19937 random(11);
  int compiled = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string text = random_grammar(random);
    INFO(text);
    Compiled c(text);
    if (c.status != Status::ok) continue;
    ++compiled;
    const bool first = i % 2 == 0 || gpt2.status != Status::ok;
    generate(c, first ? llama.tokenizer : gpt2.tokenizer, static_cast<std::uint32_t>(i), 12, 3);
  }
  CHECK(compiled > 30);
}

TEST_CASE("a text that is cut off is whole", "[grammar]") {
  Loaded llama(small_llama()), gpt2(small_gpt2());
  REQUIRE(llama.status == Status::ok);
  std::mt19937 random(5);
  int whole = 0;
  const auto check = [&](Compiled& c, bool other) {
    const Bound bound(c, other && gpt2.status == Status::ok ? gpt2.tokenizer : llama.tokenizer);
    for (const std::uint64_t tokens : {3u, 9u, 20u, 60u}) {
      whole += generate_to_end(c, bound, random, tokens) > 0;
    }
  };
  for (int i = 0; i < 60; ++i) {
    const std::string text = random_grammar(random);
    INFO(text);
    Compiled c(text);
    if (c.status == Status::ok) check(c, i % 2 != 0);
  }
  CHECK(whole > 100);
  const char* schemas[] = {
      "{}",
      R"({"type":"object"})",
      R"({"type":"object","additionalProperties":{"$ref":"#"}})",
      R"({"type":"array","items":{"$ref":"#"},"maxItems":3})",
      R"({"type":"array","minItems":5,"items":{"type":"integer"},"uniqueItems":true})",
      R"({"properties":{"name":{"type":"string","minLength":4},"ready":{"type":"boolean"},
          "next":{"$ref":"#"}},"required":["ready","name"],"additionalProperties":false,
          "type":"object"})",
      R"({"type":"object","minProperties":3,"patternProperties":{"^a+$":{"enum":[1,22,333]}},
          "properties":{"b":{"const":"q"}},"additionalProperties":{"type":"null"}})",
      R"({"type":"object","properties":{"a":{"type":"number","minimum":100},"ab":{"type":"string",
          "format":"date-time"},"abc":{"type":"array","items":{"type":"string"}}},
          "required":["ab","abc"],"minProperties":3})",
      R"({"type":"array","items":{"enum":["no","nor",null,7,77]},"uniqueItems":true})",
  };
  whole = 0;
  for (const char* schema : schemas) {
    INFO(schema);
    Compiled c(schema, read_schema);
    REQUIRE(c.status == Status::ok);
    for (int i = 0; i < 20; ++i) check(c, i % 2 != 0);
  }
  CHECK(whole > 200);
}

TEST_CASE("masks of real vocabularies are exact", "[grammar]") {
  INLAY_NEEDS_TEST_DATA();
  for (const char* name : {"gpt-2", "llama-spm", "falcon"}) {
    const Loaded vocabulary(
        vocabulary_of(data_path(std::string("vocab/ggml-vocab-") + name + ".gguf")));
    if (vocabulary.status == Status::unsupported) continue;  // without PCRE2
    INFO(name);
    REQUIRE(vocabulary.status == Status::ok);
    for (const char* file : {"json", "arithmetic", "c"}) {
      INFO(file);
      Compiled c(read_text(data_path(std::string("grammars/") + file + ".gbnf")));
      generate(c, vocabulary.tokenizer, 3, 17, 16);
    }
    Compiled counted("root ::= \"\\\"\" ([^\"\\\\] | \"\\\\\" [nt\"]){3,40} \"\\\"\" [,}]");
    generate(counted, vocabulary.tokenizer, 5, 9, 8);
    // Tables of keys that begin as named ones do, which are told by what differs.
    Compiled keys(R"({"type":"object","properties":{"the":{"type":"null"},"there":{"const":1},
                     "that":{"type":"boolean"}},"additionalProperties":{"type":"null"}})",
                  read_schema);
    for (const std::uint32_t seed : {1u, 2u}) {
      generate(keys, vocabulary.tokenizer, seed, 16, 4);
    }
    const Bound bound(keys, vocabulary.tokenizer);
    Matching m(keys, &bound.constraint);
    std::vector<std::uint64_t> words(bound.constraint.mask_words());
    for (const char* text : {"{\"", "{\"t", "{\"th", "{\"the", "{\"x"}) {
      std::size_t taken = 0;
      m->reset();
      REQUIRE(m->accept(text, &taken, m.error) == Status::ok);
      REQUIRE(m->mask(words, grammar::Matcher::no_limit, m.error) == Status::ok);
      check_mask(keys, m, vocabulary.tokenizer, text, words);
    }
  }
}

TEST_CASE("tokens by id and by text", "[grammar]") {
  Loaded llama(small_llama());
  REQUIRE(llama.status == Status::ok);
  const std::int32_t end = small_llama().id("<|end|>");
  Compiled c("root ::= <|end|> \"a\" !<[2]> <[" + std::to_string(end) + "]>");
  REQUIRE(c.status == Status::ok);
  Bound bound(c, llama.tokenizer);
  Matching m(c, &bound.constraint);
  std::vector<std::uint64_t> words(bound.constraint.mask_words());
  REQUIRE(m->mask(words, grammar::Matcher::no_limit, m.error) == Status::ok);
  for (std::int32_t id = 0; llama.tokenizer.contains(id); ++id) {
    CHECK((words[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) == (id == end ? 1u : 0u));
  }
  CHECK(m->accept_token(3, m.error) == Status::state);
  REQUIRE(m->accept_token(end, m.error) == Status::ok);
  REQUIRE(m->accept_token(small_llama().id("a"), m.error) == Status::ok);
  REQUIRE(m->accept_token(1, m.error) == Status::ok);
  REQUIRE(m->accept_token(end, m.error) == Status::ok);
  CHECK(m->is_over());
  Compiled unknown("root ::= <nothing>");
  TokenTrie trie(unknown.allocator);
  REQUIRE(trie.build(llama.tokenizer, unknown.error) == Status::ok);
  for (std::int32_t id = 0; llama.tokenizer.contains(id); ++id) {
    const std::string_view text = llama.tokenizer.piece(id);
    std::int32_t first = 0;
    while (llama.tokenizer.piece(first) != text) ++first;
    CHECK(trie.find(text) == first);
  }
  Constraint constraint(unknown.allocator, unknown.grammar, trie);
  CHECK(constraint.bind(unknown.error) == Status::format);
  CHECK(unknown.says("no token <nothing>"));
}

TEST_CASE("compiling and binding survive every failed allocation", "[grammar]") {
  Loaded llama(small_llama());
  const char* text = "root ::= (\"a\" x){2,9} [^b]* | <tool>\nx ::= \"(\" x \")\" | \"d\"";
  const auto live = [&](CountingAllocator& heap) {
    Allocator allocator(heap.host());
    Error error{};
    Rules rules(allocator);
    Status status = read_gbnf(text, rules, error);
    Grammar grammar(allocator);
    TokenTrie trie(allocator);
    Constraint constraint(allocator, grammar, trie);
    if (!is_error(status)) status = compile(rules, grammar, error);
    if (!is_error(status)) status = trie.build(llama.tokenizer, error);
    if (!is_error(status)) status = constraint.bind(error);
    grammar::Matcher* matcher = nullptr;
    if (!is_error(status))
      status = grammar::Matcher::create(allocator, grammar, &constraint, &matcher, error);
    if (matcher) matcher->release();
    return status;
  };
  CountingAllocator heap;
  REQUIRE(live(heap) == Status::ok);
  REQUIRE(heap.clean());
  const std::uint64_t calls = heap.calls;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    CountingAllocator failing;
    failing.fail_at = n;
    INFO("allocation " << n << " of " << calls);
    CHECK(live(failing) == Status::memory);
    CHECK(failing.clean());
  }
}
