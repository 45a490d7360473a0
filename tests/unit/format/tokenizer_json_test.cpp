// tokenizer_json_test.cpp - which keys a folder's tokenizer files become, and what is refused.
#include "format/pretokenizer_names.h"
#include "text/pattern.h"
#include "unit/text/tokenizer_folder.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// U+2581 for spaces; "a", "b", "ab", bytes 0A and 0D.
const char* const spaced = R"({
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 9, "content": "<tool>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": true, "special": false}],
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
  "pre_tokenizer": null,
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
  "decoder": {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
    "end_of_word_suffix": "", "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
    "vocab": {"<unk>": 0, "<s>": 1, "<0x0A>": 2, "<0x0D>": 3, "▁": 4, "a": 5, "b": 6, "ab": 7},
    "merges": ["a b"]}})";

Folder folder_of(const std::string& tokenizer) {
  Folder folder;
  folder["tokenizer.json"] = tokenizer;
  return folder;
}

// tiny_tokenizer() or the one above with one change.
std::string changed(std::string text, const std::string& from, const std::string& to) {
  replace_once(text, from, to);
  return text;
}

std::int64_t element(const FolderTokenizer& t, const std::string& key, std::uint64_t i) {
  std::int64_t value = -1;
  const Value* found = t.manifest.find(key);
  return found && found->integer(i, value) ? value : -1;
}

void check_refused(const std::string& text, Status status, std::initializer_list<const char*> parts,
                   const std::string& config = "") {
  Folder folder = folder_of(text);
  if (!config.empty()) folder["tokenizer_config.json"] = config;
  FolderTokenizer t(folder);
  INFO(t.error.text);
  CHECK(t.status == status);
  for (const char* part : parts) {
    INFO("wanted: " << part);
    CHECK(t.says(part));
  }
}

void check_split_refused(const std::string& pre, const char* part) {
  check_refused(changed(spaced, "\"pre_tokenizer\": null", "\"pre_tokenizer\": " + pre),
                Status::unsupported, {"tokenizer.json", "pre_tokenizer", part});
}

}  // namespace

TEST_CASE("a folder without tokenizer.json adds no keys") {
  Folder folder;
  folder["config.json"] = "{}";
  CountingAllocator heap;
  Allocator allocator(heap.host());
  ModelFiles files(allocator);
  Manifest manifest(allocator);
  Error error{};
  REQUIRE(files.open(folder.source(), error) == Status::ok);
  REQUIRE(read_tokenizer_json(files, manifest, error) == Status::ok);
  CHECK(manifest.entries().empty());
}

TEST_CASE("U+2581 for spaces becomes a llama vocabulary with rules") {
  Folder folder = folder_of(spaced);
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.text("tokenizer.ggml.model") == "llama");
  CHECK(t.text("tokenizer.ggml.pre") == "(none)");
  CHECK(t.texts("tokenizer.ggml.tokens") == std::vector<std::string>{"<unk>", "<s>", "<0x0A>",
                                                                     "<0x0D>", "▁", "a", "b", "ab",
                                                                     "[PAD8]", "<tool>"});
  const std::int64_t types[] = {2, 3, 6, 6, 1, 1, 1, 1, 5, 4};
  for (std::uint64_t i = 0; i < 10; ++i) {
    INFO(i);
    CHECK(element(t, "tokenizer.ggml.token_type", i) == types[i]);
    CHECK(element(t, "tokenizer.inlay.token_flags", i) == (i == 9 ? 3 : 0));
  }
  CHECK(t.texts("tokenizer.ggml.merges") == std::vector<std::string>{"a b"});
  CHECK(t.number("tokenizer.ggml.bos_token_id") == 1);
  CHECK(t.number("tokenizer.ggml.eos_token_id") == -1);
  CHECK(t.number("tokenizer.ggml.unknown_token_id") == 0);
  CHECK(t.flag("tokenizer.ggml.add_bos_token"));
  CHECK_FALSE(t.flag("tokenizer.ggml.add_eos_token"));
  CHECK(t.flag("tokenizer.ggml.add_space_prefix"));
  CHECK(t.number("tokenizer.inlay.rules") == 2);
  CHECK(t.texts("tokenizer.inlay.normalizers") ==
        std::vector<std::string>{"prepend ▁", "replace 1  ▁"});
  CHECK(t.texts("tokenizer.inlay.decoders") ==
        std::vector<std::string>{"replace 3 ▁ ", "byte_fallback", "fuse", "strip_text"});
  CHECK(t.flag("tokenizer.inlay.fuse_unknown"));
  CHECK_FALSE(t.flag("tokenizer.inlay.ignore_merges"));
  CHECK_FALSE(t.manifest.find("tokenizer.inlay.pre_steps"));
  CHECK(t.encode("ab\nxx a") == Ids{1, 4, 7, 2, 0, 4, 5});
}

TEST_CASE("merges may be pairs, and the rank is that of the file") {
  Folder folder = folder_of(changed(spaced, R"(["a b"])", R"([["▁", "a"], ["a", "b"]])"));
  folder["tokenizer.json"] = changed(folder["tokenizer.json"], R"("ab": 7)", R"("ab": 7, "▁a": 8)");
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.texts("tokenizer.ggml.merges") == std::vector<std::string>{"▁ a", "a b"});
  CHECK(t.encode("ab") == Ids{1, 8, 6});
}

TEST_CASE("tokenizer_config.json names tokens and says what goes around text") {
  Folder folder = folder_of(spaced);
  folder["tokenizer_config.json"] = R"({
    "add_bos_token": false, "add_eos_token": true, "bos_token": {"content": "<s>", "lstrip": false},
    "eos_token": "<tool>", "pad_token": "<nowhere>", "unk_token": null,
    "model_max_length": 1000000000000000019884624838656,
    "added_tokens_decoder": {"0": {"content": "<unk>"}},
    "chat_template": "{{ messages }}"})";
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK_FALSE(t.flag("tokenizer.ggml.add_bos_token"));
  CHECK(t.flag("tokenizer.ggml.add_eos_token"));
  CHECK(t.number("tokenizer.ggml.bos_token_id") == 1);
  CHECK(t.number("tokenizer.ggml.eos_token_id") == 9);
  CHECK(t.number("tokenizer.ggml.padding_token_id") == -1);
  CHECK(t.text("tokenizer.chat_template") == "{{ messages }}");
  CHECK(t.encode("a") == Ids{4, 5, 9});
  CHECK(t.tokenizer.is_end(9));
  check_refused(spaced, Status::format, {"tokenizer_config.json", "eos_token", "</s>"},
                R"({"eos_token": "</s>"})");
  check_refused(spaced, Status::format, {"tokenizer_config.json", "add_bos_token", "yes"},
                R"({"add_bos_token": "yes"})");
}

TEST_CASE("chat templates come from a list, and before it from a file") {
  Folder folder = folder_of(spaced);
  folder["tokenizer_config.json"] = R"({"chat_template": [
    {"name": "default", "template": "one"}, {"name": "tool_use", "template": "two"}]})";
  {
    FolderTokenizer t(folder);
    INFO(t.error.text);
    REQUIRE(t.status == Status::ok);
    CHECK(t.text("tokenizer.chat_template") == "one");
    CHECK(t.text("tokenizer.chat_template.tool_use") == "two");
  }
  folder["chat_template.jinja"] = "three\n";
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.text("tokenizer.chat_template") == "three\n");
  CHECK(t.text("tokenizer.chat_template.tool_use") == "two");
}

TEST_CASE("what is no JSON or no tokenizer is refused by file, path and value") {
  check_refused("", Status::format, {"tokenizer.json"});
  check_refused("{", Status::format, {"tokenizer.json"});
  check_refused("[]", Status::format, {"tokenizer.json", "object"});
  check_refused("{}", Status::format, {"tokenizer.json", "model.vocab"});
  const std::string s = spaced;
  check_refused(s.substr(0, s.size() - 20), Status::format, {"tokenizer.json", "model"});
  check_refused(changed(s, R"("a": 5)", R"("a": "5")"), Status::format,
                {"tokenizer.json", "model.vocab.a"});
  check_refused(changed(s, R"("a": 5)", R"("a": -5)"), Status::format, {"model.vocab.a"});
  check_refused(changed(s, R"("a": 5)", R"("a": 6)"), Status::format,
                {"tokenizer.json", "6", "'a'", "'b'"});
  check_refused(changed(s, R"("a": 5)", R"("b": 5)"), Status::format, {"'b'", "5", "6"});
  check_refused(changed(s, R"("a": 5)", R"("a": 4000000)"), Status::limit, {"4000000"});
  check_refused(changed(s, R"(["a b"])", R"(["ab"])"), Status::format, {"model.merges[0]"});
  check_refused(changed(s, R"(["a b"])", R"([["a"]])"), Status::format, {"model.merges[0]"});
  check_refused(changed(s, R"(["a b"])", R"([["a", "b", "a"]])"), Status::format,
                {"model.merges[0]"});
  check_refused(changed(s, R"(["a b"])", R"(["b a"])"), Status::format, {"merges[0]", "b a"});
  check_refused(changed(s, R"("unk_token": "<unk>")", R"("unk_token": "?")"), Status::format,
                {"model.unk_token", "'?'"});
  check_refused(changed(s, R"("ids": [1])", R"("ids": [11])"), Status::format,
                {"post_processor", "<s>", "11"});
  check_refused(changed(s, R"("ids": [1])", R"("ids": [])"), Status::format,
                {"post_processor", "<s>"});
  std::string ids = "1", names;
  for (int i = 0; i < 4096; ++i) ids += ",1";
  for (int i = 0; i < 64; ++i) names += R"({"SpecialToken": {"id": "<s>"}},)";
  check_refused(changed(s, R"("ids": [1])", R"("ids": [)" + ids + "]"), Status::limit,
                {"post_processor", "<s>.ids[4096]", "more than 4096 ids"});
  check_refused(changed(s, R"("single": [)", R"("single": [)" + names), Status::limit,
                {"post_processor.single[64]", "more than 64 tokens"});
  check_refused(changed(s, R"({"id": 9, "content": "<tool>")", R"({"id": 7, "content": "<tool>")"),
                Status::format, {"7", "'ab'", "'<tool>'"});
  check_refused(changed(s, R"({"id": 9, "content")", R"({"id": 9, "text")"), Status::format,
                {"added_tokens[2]", "content"});
}

TEST_CASE("what cannot be honoured exactly is refused by name") {
  const std::string s = spaced;
  const auto refused = [&](const char* from, const char* to, std::initializer_list<const char*> p) {
    check_refused(changed(s, from, to), Status::unsupported, p);
  };
  refused(R"("type": "BPE")", R"("type": "Other")", {"model.type", "Other"});
  check_refused(changed(s, R"("type": "BPE")", R"("type": "Unigram")"), Status::format,
                {"Unigram"});
  check_refused(changed(s, R"("vocab": {)", R"("vocab": [["a", 0]], "other": {)"), Status::format,
                {"vocab or merges"});
  check_refused(changed(s, R"("merges": ["a b"])", R"("other": 1)"), Status::format, {"merges"});
  refused(R"("dropout": null)", R"("dropout": 0.1)", {"model.dropout"});
  refused(R"({"type": "Prepend", "prepend": "▁"})", R"({"type": "ByteLevel"})",
          {"normalizer.normalizers[0]", "ByteLevel"});
  refused(R"({"String": " "}, "content": "▁")", R"({"Regex": "\\b"}, "content": "▁")", {"\\b"});
  refused(R"({"type": "ByteFallback"})", R"({"type": "CTC"})", {"decoder.decoders[1]", "CTC"});
  refused(R"({"type": "ByteFallback"}, {"type": "Fuse"})",
          R"({"type": "Fuse"}, {"type": "WordPiece"})", {"decoder.decoders[2]", "WordPiece"});
  refused(R"("start": 1)", R"("start": 2)", {"decoder.decoders[3]", "Strip"});
  refused(R"("type": "TemplateProcessing")", R"("type": "Other")", {"post_processor", "Other"});
  refused(R"("Sequence": {"id": "A")", R"("Sequence": {"id": "B")",
          {"post_processor", "Sequence A"});
  refused(R"({"id": 9, "content": "<tool>")", R"({"id": 2, "content": "<0x0A>")",
          {"added_tokens", "<0x0A>"});
  refused(R"({"type": "Sequence", "normalizers": [)", R"({"type": "Strip", "normalizers": [)",
          {"normalizer", "Strip"});
  check_split_refused(R"({"type": "UnicodeScripts"})", "UnicodeScripts");
  check_split_refused(
      R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Nowhere", "invert": false})",
      "Nowhere");
  check_split_refused(R"({"type": "Metaspace", "replacement": "_"})", "'_'");
}

TEST_CASE("names of GGUF for patterns mean the patterns of their rules") {
  for (const NamedPretokenizer& named : named_pretokenizers()) {
    INFO(named.name);
    const PretokenizerRule* rule = find_pretokenizer(named.name);
    REQUIRE(rule);
    std::vector<std::string_view> steps;
    for (const char* step : named.steps) {
      if (step) steps.emplace_back(step);
    }
    CHECK(pretokenizer_name(steps) == named.name);
    REQUIRE(steps.back() == "bytes");
    CountingAllocator heap;
    Allocator allocator(heap.host());
    Array<char> pattern(allocator);
    Error error{};
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      if (steps[i] == "set isolated digit") {  // the same set, but of a newer Unicode
        CHECK(std::string("\\p{N}") == rule->patterns[i]);
        continue;
      }
      REQUIRE(steps[i].starts_with("isolated "));
      REQUIRE(translate_pattern(steps[i].substr(9), pattern, error) == Status::ok);
      REQUIRE(rule->patterns[i]);
      CHECK(std::string(pattern.data(), pattern.size()) == rule->patterns[i]);
    }
    CHECK((steps.size() - 1 == max_patterns || !rule->patterns[steps.size() - 1]));
  }
  CHECK(pretokenizer_name({}).empty());
}

#if INLAY_WITH_PCRE2

TEST_CASE("a byte-level vocabulary keeps the name of its patterns, or the patterns") {
  Folder folder = folder_of(tiny_tokenizer());
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(t.text("tokenizer.ggml.model") == "gpt2");
  CHECK(t.text("tokenizer.ggml.pre") == "gpt-2");
  CHECK_FALSE(t.manifest.find("tokenizer.inlay.pre_steps"));
  CHECK_FALSE(t.manifest.find("tokenizer.inlay.token_flags"));
  CHECK_FALSE(t.flag("tokenizer.ggml.add_bos_token"));
  CHECK(t.encode("AB<s>") == Ids{47, 0});

  Folder other =
      folder_of(changed(tiny_tokenizer(), R"({"type": "ByteLevel", "add_prefix_space": false)",
                        R"({"type": "Sequence", "pretokenizers": [{"type": "Split",
                  "pattern": {"String": "B."}, "behavior": "MergedWithNext", "invert": false},
                  {"type": "ByteLevel", "add_prefix_space": false)"));
  other["tokenizer.json"] =
      changed(other["tokenizer.json"], R"("use_regex": true})", R"("use_regex": false}]})");
  FolderTokenizer u(other);
  INFO(u.error.text);
  REQUIRE(u.status == Status::ok);
  CHECK(u.text("tokenizer.ggml.pre") == "inlay");
  CHECK(u.texts("tokenizer.inlay.pre_steps") ==
        std::vector<std::string>{"merged_with_next B\\.", "bytes"});
  check_refused(changed(other["tokenizer.json"], R"({"String": "B."})", R"({"Regex": "\\bB"})"),
                Status::unsupported, {"\\b"});
}

TEST_CASE("several tokens around text are kept as lists") {
  const std::string post = R"("post_processor": {"type": "Sequence", "processors": [
      {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
      {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "two", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
        "pair": [], "special_tokens": {"two": {"id": "two", "ids": [0, 1], "tokens": ["x", "y"]},
        "</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}}]})";
  Folder folder = folder_of(changed(tiny_tokenizer(), R"("post_processor": null)", post));
  FolderTokenizer t(folder);
  INFO(t.error.text);
  REQUIRE(t.status == Status::ok);
  CHECK(element(t, "tokenizer.inlay.begin_tokens", 0) == 0);
  CHECK(element(t, "tokenizer.inlay.begin_tokens", 1) == 1);
  CHECK_FALSE(t.manifest.find("tokenizer.inlay.end_tokens"));
  CHECK_FALSE(t.flag("tokenizer.ggml.add_bos_token"));
  CHECK(t.flag("tokenizer.ggml.add_eos_token"));
  CHECK(t.encode("AB") == Ids{0, 1, 47, 1});
  CHECK(t.encode("AB", 0) == Ids{47});

  Folder roberta = folder_of(changed(tiny_tokenizer(), R"("post_processor": null)",
                                     R"("post_processor": {"type": "RobertaProcessing",
      "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": true, "add_prefix_space": false})"));
  FolderTokenizer u(roberta);
  INFO(u.error.text);
  REQUIRE(u.status == Status::ok);
  CHECK(u.encode("AB") == Ids{0, 47, 1});
}

#endif

TEST_CASE("hostile keys of our own are refused") {
  Folder folder = folder_of(spaced);
  FolderTokenizer t(folder);
  REQUIRE(t.status == Status::ok);
  const std::string_view tokens[] = {"<unk>", "▁", "a"};
  const std::int32_t types[] = {2, 1, 1};
  const std::byte flags[] = {std::byte{0}, std::byte{0}, std::byte{32}};
  const std::int32_t outside[] = {3};
  VocabSource v;
  v.model = "llama";
  v.tokens = tokens;
  v.types = types;
  v.rules.present = true;
  const auto check = [&](const VocabSource& source, Status status, const char* part) {
    CountingAllocator heap;
    Allocator allocator(heap.host());
    Tokenizer tokenizer(allocator);
    Error error{};
    CHECK(tokenizer.load(source, error) == status);
    INFO(error.text);
    CHECK(std::string(error.text).find(part) != std::string::npos);
  };
  check(v, Status::ok, "");
  VocabSource w = v;
  w.rules.flags = flags;
  check(w, Status::unsupported, "token_flags[2]");
  w.rules.flags = std::span(flags).first(2);
  check(w, Status::format, "token_flags: 2 values for 3");
  w = v;
  w.rules.begin_tokens = outside;
  check(w, Status::format, "begin_tokens: 3, with 3");
  w = v;
  w.rules.end_tokens = outside;
  check(w, Status::format, "end_tokens: 3, with 3");
  w = v;
  w.ends = outside;
  check(w, Status::format, "end_token_ids: 3, with 3");
  w = v;
  for (const std::string_view step :
       {"sometimes", "charsmap", "replace 1", "replace 9 ab", "pattern 1 ("}) {
    w = v;
    w.rules.normalizers = {&step, 1};
    check(w, step == "sometimes" || step == "pattern 1 (" ? Status::unsupported : Status::format,
          step == "pattern 1 (" ? "pattern" : "normalizer");
  }
  for (const std::string_view step :
       {"sometimes", "strip_text", "replace 0 ", "metaspace", "wordpiece 1"}) {
    w = v;
    w.rules.decoders = {&step, 1};
    check(w, Status::unsupported, "decoder");
  }
  w = v;
  w.model = "gpt2";
  w.pre = "inlay";
  check(w, Status::unsupported, "inlay");
#if INLAY_WITH_PCRE2
  for (const char* step : {"isolated", "sideways a", "isolated (", "isolated a*"}) {
    const std::string_view steps[] = {step};
    w = v;
    w.rules.has_steps = true;
    w.rules.steps = steps;
    INFO(step);
    CountingAllocator heap;
    Allocator allocator(heap.host());
    Tokenizer tokenizer(allocator);
    Error error{};
    CHECK(is_error(tokenizer.load(w, error)));
    CHECK(error.text[0] != 0);
  }
#endif
}
