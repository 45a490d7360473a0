// damaged_vocabulary_test.cpp - tokenizer files with random damage give a status or a tokenizer
// that works: no bad access, no memory that stays, no id outside the vocabulary.
#include <random>

#include "format/gguf_writer.h"
#include "inlay/config.h"
#include "support/small_model.h"
#include "unit/text/tokenizer_folder.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Damage of all kinds, 1 to 4 times: bytes changed, left out, put in, moved, numbers made other.
void damage(std::string& bytes, std::mt19937& random) {
  const auto place = [&] { return random() % bytes.size(); };
  for (auto count = 1 + random() % 4; count > 0 && bytes.size() > 16; --count) {
    const std::size_t at = place(), length = std::min(random() % 12 + 1, bytes.size() - at);
    switch (random() % 7) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] ^= static_cast<char>(1 << random() % 8); break;
      case 2: bytes.erase(at, length); break;
      case 3: bytes.insert(at, length, static_cast<char>(random())); break;
      case 4: bytes.insert(at, bytes.substr(place(), length)); break;
      case 5: bytes.replace(at, length, bytes.substr(place(), length)); break;
      default: {
        const std::size_t digit = bytes.find_first_of("0123456789", at);
        if (digit != std::string::npos) bytes.replace(digit, 1, random() % 2 ? "99999999" : "-1");
      }
    }
  }
}

struct Counts {
  int opened = 0, refused = 0;
};

// What a tokenizer is asked for while text of all kinds goes through it.
void use(const Tokenizer& tokenizer, Allocator& allocator) {
  const std::string texts[] = {"", " the  and\n of<s>the", "caf\u00e9 \u65e5\u672c\u8a9e 1234567",
                               "\xff\xe6\x97the\xc0", std::string(300, 'a') + std::string(99, ' ')};
  Array<std::int32_t> ids(allocator);
  Array<TextRange> ranges(allocator);
  Array<char> decoded(allocator);
  Error error{};
  for (const std::string& text : texts) {
    const Status status = tokenizer.encode(text, 3, ids, error, &ranges);
    if (is_error(status)) continue;
    REQUIRE(ids.size() == ranges.size());
    for (const std::int32_t id : ids) REQUIRE(tokenizer.contains(id));
    for (const TextRange& range : ranges) {
      REQUIRE(range.begin <= range.end);
      REQUIRE(range.end <= text.size());
    }
    REQUIRE(tokenizer.decode(ids, INLAY_DECODE_SPECIAL, decoded, error) == Status::ok);
    REQUIRE(tokenizer.decode(ids, 0, decoded, error) == Status::ok);
  }
}

void open_folder(Folder& folder, Counts& counts) {
  CountingAllocator heap;
  {
    Allocator allocator(heap.host());
    Error error{};
    ModelFiles files(allocator);
    Manifest manifest(allocator);
    Tokenizer tokenizer(allocator);
    Status status = files.open(folder.source(), error);
    if (!is_error(status)) status = manifest.clear("folder", error);
    if (!is_error(status)) status = read_tokenizer_json(files, manifest, error);
    if (!is_error(status)) status = manifest.index_keys(error);
    if (!is_error(status)) status = load_tokenizer(manifest, allocator, tokenizer, error);
    if (is_error(status)) REQUIRE(error.text[0] != 0);
    if (!is_error(status)) use(tokenizer, allocator);
    ++(is_error(status) ? counts.refused : counts.opened);
  }
  REQUIRE(heap.clean());
}

[[maybe_unused]] void open_gguf(const std::string& bytes, Counts& counts) {
  Opened file({bytes.begin(), bytes.end()});
  Status status = file.status;
  Tokenizer tokenizer(file.allocator);
  if (!is_error(status)) {
    status = load_tokenizer(file.manifest, file.allocator, tokenizer, file.error);
  }
  if (!is_error(status)) use(tokenizer, file.allocator);
  ++(is_error(status) ? counts.refused : counts.opened);
}

// The keys of a folder's tokenizer in a GGUF file of their own.
[[maybe_unused]] std::string gguf_of(Folder& folder) {
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  std::vector<unsigned char> bytes;
  const inlay_sink description = sink_to(bytes);
  Sink sink;
  REQUIRE(sink.open(t.allocator, description, t.error) == Status::ok);
  GgufWriter writer(sink, t.allocator);
  for (const Entry& e : t.manifest.entries()) {
    REQUIRE(writer.add_key(e.key, e.value, t.error) == Status::ok);
  }
  REQUIRE(writer.begin_data(t.error) == Status::ok);
  REQUIRE(writer.finish(t.error) == Status::ok);
  return {bytes.begin(), bytes.end()};
}

// More of them, and others, where the environment asks for it: INLAY_DAMAGE_ROUNDS, _SEED.
int rounds(int usual) {
  const char* asked = std::getenv("INLAY_DAMAGE_ROUNDS");
  return asked ? std::atoi(asked) : usual;
}
std::mt19937 random_of() {
  const char* seed = std::getenv("INLAY_DAMAGE_SEED");
  return std::mt19937(seed ? static_cast<unsigned>(std::atoi(seed)) : 3u);
}

// Kinds that the fixtures do not have.
const char* const unigram = R"({"version":"1.0","added_tokens":[{"id":0,"content":"<pad>",
"special":true,"normalized":false,"lstrip":false,"rstrip":false,"single_word":false}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"Nmt"},{"type":"NFKC"},{"type":"Replace",
"pattern":{"Regex":" {2,}"},"content":" "}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[
{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always",
"split":true}]},"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A",
"type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[],"special_tokens":{"</s>":{
"id":"</s>","ids":[1],"tokens":["</s>"]}}},"decoder":{"type":"Metaspace","replacement":"\u2581",
"prepend_scheme":"always","split":true},"model":{"type":"Unigram","unk_id":2,"vocab":[["<pad>",0.0],
["</s>",0.0],["<unk>",0.0],["\u2581",-2.5],["\u2581the",-3.25],["a",-4.5],["n",-4.75],["an",-6.0],
["and",-7.5],["d",-5.0],["o",-5.5],["f",-6.5],["1",-7.0]],"byte_fallback":false}})";
const char* const wordpiece = R"({"version":"1.0","added_tokens":[{"id":0,"content":"[UNK]",
"special":true,"normalized":false},{"id":1,"content":"[CLS]","special":true,"normalized":false,
"lstrip":true},{"id":2,"content":"[SEP]","special":true,"normalized":false}],"normalizer":{"type":
"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["[SEP]",
2],"cls":["[CLS]",1]},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":
"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"the":3,"a":4,"##a":5,"##nd":6,"of":7,"cafe":8,"1":9,"##2":10,
"##34":11}}})";

std::string file_of(const std::string& name) {
  if (name == "unigram") return unigram;
  if (name == "wordpiece") return wordpiece;
  return read_text(fixture_path("tokenizers/" + name + ".json"));
}

const char* const fixtures[] = {
    "prepend",         "replace",          "bytes-nfc",      "bytes-around", "bytes-many",
    "metaspace-first", "metaspace-always", "replace-digits", "unigram",      "wordpiece"};

}  // namespace

TEST_CASE("damaged tokenizer.json files are refused or work") {
  std::mt19937 random = random_of();
  Counts counts;
  for (const char* name : fixtures) {
    const std::string whole = file_of(name);
    for (int i = rounds(150); i > 0; --i) {
      Folder folder;
      folder["tokenizer.json"] = whole;
      damage(folder["tokenizer.json"], random);
      open_folder(folder, counts);
    }
  }
  CHECK(counts.opened > 0);
  CHECK(counts.refused > 0);
}

#if INLAY_WITH_PCRE2 && INLAY_WITH_UTF8PROC

TEST_CASE("damaged GGUF vocabularies are refused or work") {
  std::mt19937 random = random_of();
  Counts counts;
  for (const char* name : fixtures) {
    Folder folder;
    folder["tokenizer.json"] = file_of(name);
    const std::string whole = gguf_of(folder);
    for (int i = rounds(150); i > 0; --i) {
      std::string bytes = whole;
      damage(bytes, random);
      open_gguf(bytes, counts);
    }
  }
  CHECK(counts.opened > 0);
  CHECK(counts.refused > 0);
}

#endif

TEST_CASE("damaged SentencePiece models are refused or work") {
  INLAY_NEEDS_TEST_DATA();
  std::mt19937 random = random_of();
  const std::string model = read_text(data_path("tokenizers/sentencepiece-test/test_model.model"));
  Counts counts;
  for (int i = rounds(150); i > 0; --i) {
    // Of most pieces only the beginning and the end stay, with the settings.
    std::string bytes = i % 8 ? model.substr(0, 4096) + model.substr(model.size() - 2048) : model;
    damage(bytes, random);
    Folder folder;
    folder["tokenizer.model"] = bytes;
    open_folder(folder, counts);
  }
  CHECK(counts.opened > 0);
  CHECK(counts.refused > 0);
}
