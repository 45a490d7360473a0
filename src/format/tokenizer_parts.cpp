// tokenizer_parts.cpp - tokenizer.json: normalizer, pre_tokenizer, post_processor and decoder.
#include "base/diagnostics.h"
#include "format/tokenizer_file.h"

namespace inlay {
namespace {

constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581

// What ByteLevel splits by (GPT-2).
constexpr std::string_view byte_level_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Each name is looked for among all ids.
constexpr std::size_t most_named = 4096, most_around = 64;

// The words of files for Cut; empty: unknown. Inverted: text between matches is what the behavior
// speaks of.
std::string_view cut_name(std::string_view behavior, bool invert) {
  if (behavior == "Isolated") return "isolated";
  if (behavior == "Contiguous") return "contiguous";
  if (behavior == "Removed") return invert ? "kept" : "removed";
  if (behavior == "MergedWithPrevious" && !invert) return "merged_with_previous";
  if (behavior == "MergedWithNext" && !invert) return "merged_with_next";
  return {};
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

// ---- Reading

Status TokenizerFile::read_component(JsonReader& json, Apply apply) {
  if (json.peek() == JsonReader::Kind::null) {
    json.null();
    return json.status();
  }
  Component c;
  const std::string_view path = json.path();
  std::memcpy(c.path, path.data(), path.size() < sizeof c.path ? path.size() : sizeof c.path - 1);
  std::string_view key;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) INLAY_TRY(read_component_key(json, key, c, apply));
  INLAY_TRY(json.status());
  const bool is_sequence = c.type == "Sequence";
  if (is_sequence != c.has_parts) return refuse(c, "type", c.type);
  return is_sequence ? Status::ok : (this->*apply)(c);
}

Status TokenizerFile::read_component_key(JsonReader& json, std::string_view key, Component& c,
                                         Apply apply) {
  const std::pair<std::string_view, std::string_view*> texts[] = {
      {"type", &c.type},
      {"content", &c.content},
      {"prepend", &c.prepend},
      {"behavior", &c.behavior},
      {"replacement", &c.replacement},
      {"prepend_scheme", &c.prepend_scheme},
      {"prefix", &c.prefix},
      {"delimiter", &c.delimiter},
      {"precompiled_charsmap", &c.charsmap}};
  const std::pair<std::string_view, bool*> flags[] = {
      {"invert", &c.invert},
      {"add_prefix_space", &c.add_prefix_space},
      {"use_regex", &c.use_regex},
      {"individual_digits", &c.individual_digits},
      {"split", &c.split},
      {"strip_left", &c.strip_left},
      {"strip_right", &c.strip_right},
      {"clean_text", &c.clean_text},
      {"handle_chinese_chars", &c.handle_chinese_chars},
      {"lowercase", &c.lowercase},
      {"cleanup", &c.cleanup}};
  const std::pair<std::string_view, std::int64_t*> numbers[] = {{"start", &c.start},
                                                                {"stop", &c.stop}};
  for (const auto& [name, text] : texts) {
    if (key == name) return read_optional_text(json, *text);
  }
  for (const auto& [name, flag] : flags) {
    if (key != name) continue;
    json.boolean(*flag);
    return json.status();
  }
  for (const auto& [name, value] : numbers) {
    if (key != name) continue;
    json.integer(*value);
    return json.status();
  }
  if (key == "normalizers" || key == "pretokenizers" || key == "processors" || key == "decoders") {
    c.has_parts = true;
    return read_parts(json, apply);
  }
  if (key == "strip_accents") {
    bool strips = false;
    if (json.peek() == JsonReader::Kind::null) {
      json.null();
    } else if (json.boolean(strips)) {
      c.strip_accents = strips;
    }
    return json.status();
  }
  if (key == "pattern") return read_pattern(json, c);
  if (key == "single") return read_template(json, c);
  if (key == "special_tokens") return read_named_ids(json);
  if (key == "cls") return read_around(json, begin);
  if (key == "sep") return read_around(json, end);
  json.skip();
  return json.status();
}

Status TokenizerFile::read_parts(JsonReader& json, Apply apply) {
  if (!json.begin_array()) return json.status();
  while (json.next_item()) INLAY_TRY(read_component(json, apply));
  return json.status();
}

// {"String": "..."} or {"Regex": "..."}
Status TokenizerFile::read_pattern(JsonReader& json, Component& c) {
  std::string_view key;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    if (key != "String" && key != "Regex") {
      json.refuse(Status::format, "expected String or Regex");
      return json.status();
    }
    c.is_regex = key == "Regex";
    INLAY_TRY(read_optional_text(json, c.pattern));
  }
  return json.status();
}

Status TokenizerFile::read_template(JsonReader& json, Component& c) {
  if (!json.begin_array()) return json.status();
  while (json.next_item()) INLAY_TRY(read_template_item(json, c));
  return json.status();
}

// {"Sequence": {"id": "A"}} or {"SpecialToken": {"id": name}}
Status TokenizerFile::read_template_item(JsonReader& json, Component& c) {
  std::string_view key, text, id;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    const bool is_sequence = key == "Sequence";
    if (!is_sequence && key != "SpecialToken") {
      json.refuse(Status::format, "expected Sequence or SpecialToken");
    }
    if (!json.begin_object()) return json.status();
    while (json.next_key(key)) {
      if (key != "id") {
        json.skip();
        continue;
      }
      if (!json.text(text)) return json.status();
      if (is_sequence && (text != "A" || c.sequences)) {
        json.refuse(Status::unsupported, "other than one Sequence A is not supported");
        return json.status();
      }
      INLAY_TRY(keep(text, id));
    }
    INLAY_TRY(json.status());
    if (is_sequence) {
      ++c.sequences;
    } else {
      INLAY_TRY(add_name(json, id, c.sequences ? end : begin));
    }
  }
  return json.status();
}

// {name: {"id": name, "ids": [1], "tokens": [name]}}
Status TokenizerFile::read_named_ids(JsonReader& json) {
  std::string_view key, name;
  if (!json.begin_object()) return json.status();
  while (json.next_key(key)) {
    INLAY_TRY(keep(key, name));
    if (!json.begin_object()) return json.status();
    while (json.next_key(key)) {
      if (key != "ids") {
        json.skip();
        continue;
      }
      if (!json.begin_array()) return json.status();
      while (json.next_item()) {
        std::uint32_t id = 0;
        if (json.integer(id)) INLAY_TRY(add_named_id(json, name, id));
      }
    }
  }
  return json.status();
}

// ["</s>", 2]
Status TokenizerFile::read_around(JsonReader& json, Array<std::string_view>& names) {
  std::string_view text, name;
  std::uint32_t id = 0;
  if (!json.begin_array() || !json.next_item() || !json.text(text)) return json.status();
  INLAY_TRY(keep(text, name));
  if (!json.next_item() || !json.integer(id) || json.next_item()) {
    json.refuse(Status::format, "expected a text and an id");
    return json.status();
  }
  INLAY_TRY(add_named_id(json, name, id));
  return add_name(json, name, names);
}

Status TokenizerFile::add_named_id(JsonReader& json, std::string_view name, std::uint32_t id) {
  if (named_ids.size() >= most_named) {
    json.refuse_with(Status::limit, "more than {} ids", most_named);
    return json.status();
  }
  return is_error(named_ids.push({name, id})) ? out_of_memory() : Status::ok;
}

Status TokenizerFile::add_name(JsonReader& json, std::string_view name,
                               Array<std::string_view>& names) {
  if (names.size() >= most_around) {
    json.refuse_with(Status::limit, "more than {} tokens before or after text", most_around);
    return json.status();
  }
  return is_error(names.push(name)) ? out_of_memory() : Status::ok;
}

// ---- Understanding

Status TokenizerFile::refuse(const Component& c, std::string_view what, std::string_view value) {
  return fail(error_, Status::unsupported, "{}: {}: {} '{}' is not supported", Shown(file_),
              static_cast<const char*>(c.path), what, Shown(value));
}

// The word in lower case stands for a part that has nothing to say about itself.
Status TokenizerFile::normalizer(const Component& c) {
  constexpr std::pair<std::string_view, std::string_view> plain[] = {
      {"NFC", "nfc"},
      {"NFD", "nfd"},
      {"NFKC", "nfkc"},
      {"NFKD", "nfkd"},
      {"Nmt", "nmt"},
      {"Lowercase", "lowercase"},
      {"StripAccents", "strip_accents"}};
  for (const auto& [type, word] : plain) {
    if (c.type == type) return add_word(normalizers, word);
  }
  if (c.type == "Prepend") return add_words(normalizers, "prepend ", c.prepend);
  if (c.type == "Replace") return replace(c, normalizers);
  if (c.type == "BertNormalizer") return bert_normalizer(c);
  if (c.type == "Precompiled") return precompiled(c);
  if (c.type == "Strip") {
    if (!c.strip_left && !c.strip_right) return Status::ok;
    return add_word(normalizers, !c.strip_right  ? "strip_left"
                                 : !c.strip_left ? "strip_right"
                                                 : "strip");
  }
  return refuse(c, "type", c.type);
}

Status TokenizerFile::replace(const Component& c, Array<std::string_view>& list) {
  if (c.pattern.empty()) return refuse(c, "pattern", c.pattern);
  char head[32];
  const std::size_t size =
      print(head, sizeof head, "{} {} ", c.is_regex ? "pattern" : "replace", c.pattern.size());
  std::string_view words[] = {{head, size}, c.pattern, c.content};
  std::size_t length = 0;
  for (const std::string_view word : words) length += word.size();
  auto* text = store_.allocate<char>(length);
  if (!text) return out_of_memory();
  std::size_t at = 0;
  for (const std::string_view word : words) {
    if (!word.empty()) std::memcpy(text + at, word.data(), word.size());
    at += word.size();
  }
  return add_word(list, {text, length});
}

Status TokenizerFile::bert_normalizer(const Component& c) {
  const bool strips = c.strip_accents == Component::absent ? c.lowercase : c.strip_accents == 1;
  if (c.clean_text) INLAY_TRY(add_word(normalizers, "bert_clean"));
  if (c.handle_chinese_chars) INLAY_TRY(add_word(normalizers, "bert_ideographs"));
  if (strips) INLAY_TRY(add_word(normalizers, "nfd"));
  if (strips) INLAY_TRY(add_word(normalizers, "bert_accents"));
  return c.lowercase ? add_word(normalizers, "lowercase") : Status::ok;
}

Status TokenizerFile::precompiled(const Component& c) {
  if (c.charsmap.empty()) return Status::ok;  // maps nothing
  if (!charsmap.empty()) return refuse(c, "a second", c.type);
  auto* bytes = store_.allocate<std::byte>(c.charsmap.size() / 4 * 3 + 3);
  if (!bytes) return out_of_memory();
  std::size_t size = 0;
  std::uint32_t bits = 0, count = 0;
  for (const char byte : c.charsmap) {
    const int digit = base64_digit(byte);
    if (byte == '=') break;
    if (digit < 0) return refuse(c, "base 64", std::string_view(&byte, 1));
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((count += 6) >= 8) bytes[size++] = static_cast<std::byte>(bits >> (count -= 8) & 0xff);
  }
  charsmap = {bytes, size};
  return add_word(normalizers, "charsmap");
}

Status TokenizerFile::pre_tokenizer(const Component& c) {
  if (c.type == "ByteLevel") return byte_level_step(c);
  if (c.type == "Split") return split(c);
  if (c.type == "Punctuation") return punctuation(c);
  if (c.type == "Metaspace") return metaspace(c);
  if (c.type == "Whitespace") return add_word(steps, "words");
  if (c.type == "WhitespaceSplit") return add_word(steps, "set removed space");
  if (c.type == "Digits") {
    return add_word(steps, c.individual_digits ? "set isolated digit" : "set contiguous digit");
  }
  if (c.type == "BertPreTokenizer") {
    INLAY_TRY(add_word(steps, "set removed space"));
    return add_word(steps, "set isolated punctuation");
  }
  if (c.type == "CharDelimiterSplit") {
    std::string_view pattern;
    if (c.delimiter.empty()) return refuse(c, "delimiter", c.delimiter);
    INLAY_TRY(escape(c.delimiter, pattern));
    return add_step("removed", pattern);
  }
  return refuse(c, "type", c.type);
}

Status TokenizerFile::add_word(Array<std::string_view>& list, std::string_view word) {
  return is_error(list.push(word)) ? out_of_memory() : Status::ok;
}

// Both behind each other.
Status TokenizerFile::add_words(Array<std::string_view>& list, std::string_view first,
                                std::string_view second) {
  const std::size_t size = first.size() + second.size();
  auto* text = store_.allocate<char>(size);
  if (!text) return out_of_memory();
  std::memcpy(text, first.data(), first.size());
  if (!second.empty()) std::memcpy(text + first.size(), second.data(), second.size());
  return add_word(list, {text, size});
}

Status TokenizerFile::add_step(std::string_view cut, std::string_view pattern) {
  std::string_view head;
  auto* text = store_.allocate<char>(cut.size() + 1);
  if (!text) return out_of_memory();
  std::memcpy(text, cut.data(), cut.size());
  text[cut.size()] = ' ';
  head = {text, cut.size() + 1};
  return add_words(steps, head, pattern);
}

// Text as a pattern that matches it.
Status TokenizerFile::escape(std::string_view text, std::string_view& pattern) {
  auto* escaped = store_.allocate<char>(2 * text.size());
  if (!escaped) return out_of_memory();
  std::size_t size = 0;
  for (const char byte : text) {
    const bool is_mark = (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
                         (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
    if (is_mark) escaped[size++] = '\\';
    escaped[size++] = byte;
  }
  pattern = {escaped, size};
  return Status::ok;
}

Status TokenizerFile::split(const Component& c) {
  const std::string_view cut = cut_name(c.behavior, c.invert);
  if (cut.empty()) return refuse(c, c.invert ? "inverted behavior" : "behavior", c.behavior);
  if (c.pattern.empty()) return refuse(c, "pattern", c.pattern);
  if (c.is_regex) return add_step(cut, c.pattern);
  std::string_view pattern;
  INLAY_TRY(escape(c.pattern, pattern));
  return add_step(cut, pattern);
}

Status TokenizerFile::punctuation(const Component& c) {
  const std::string_view behavior = c.behavior.empty() ? "Isolated" : c.behavior;
  const std::string_view cut = cut_name(behavior, false);
  if (cut.empty()) return refuse(c, "behavior", behavior);
  char word[64];
  const std::size_t size = print(word, sizeof word, "set {} punctuation", cut);
  std::string_view kept;
  INLAY_TRY(keep({word, size}, kept));
  return add_word(steps, kept);
}

Status TokenizerFile::byte_level_step(const Component& c) {
  if (byte_level) return refuse(c, "a second pre-tokenizer of type", c.type);
  if (c.add_prefix_space) INLAY_TRY(add_word(steps, "prefix_space"));
  byte_level = true;
  if (c.use_regex) INLAY_TRY(add_step("isolated", byte_level_pattern));
  return add_word(steps, "bytes");
}

Status TokenizerFile::metaspace(const Component& c) {
  if (c.replacement != space_mark) return refuse(c, "replacement", c.replacement);
  const std::string_view scheme =
      c.prepend_scheme.empty() ? (c.add_prefix_space ? "always" : "never") : c.prepend_scheme;
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    return refuse(c, "prepend_scheme", scheme);
  }
  INLAY_TRY(add_words(steps, "metaspace ", scheme));
  return c.split ? add_word(steps, "set merged_with_next mark") : Status::ok;
}

Status TokenizerFile::post_processor(const Component& c) {
  if (c.type == "ByteLevel") return Status::ok;  // only moves offsets
  const bool is_template = c.type == "TemplateProcessing" && c.sequences == 1;
  const bool is_bert = c.type == "RobertaProcessing" || c.type == "BertProcessing";
  if ((!is_template && !is_bert) || ++adders_ > 1) return refuse(c, "type", c.type);
  return Status::ok;
}

Status TokenizerFile::decoder(const Component& c) {
  if (c.type == "ByteLevel") {
    decodes_bytes_ = true;
    return add_word(decoders, "bytes");
  }
  if (c.type == "Fuse") {
    fuses_ = true;
    return add_word(decoders, "fuse");
  }
  decodes_others_ = true;
  if (c.type == "ByteFallback") return add_word(decoders, "byte_fallback");
  if (c.type == "Strip") return strip_decoder(c);
  if (fuses_) return refuse(c, "after Fuse type", c.type);
  if (c.type == "Replace") {
    return c.is_regex ? refuse(c, "Regex", c.pattern) : replace(c, decoders);
  }
  if (c.type == "WordPiece") {
    return add_words(decoders, c.cleanup ? "wordpiece 1 " : "wordpiece 0 ", c.prefix);
  }
  if (c.type == "Metaspace") {
    if (c.replacement != space_mark) return refuse(c, "replacement", c.replacement);
    const bool never = c.prepend_scheme.empty() ? !c.add_prefix_space : c.prepend_scheme == "never";
    return add_word(decoders, never ? "metaspace never" : "metaspace always");
  }
  return refuse(c, "type", c.type);
}

// After Fuse there is one text; before it every token is one.
Status TokenizerFile::strip_decoder(const Component& c) {
  if (fuses_) {
    const bool is_one = c.content == " " && c.start == 1 && c.stop <= 0;
    return is_one ? add_word(decoders, "strip_text") : refuse(c, "Strip", c.content);
  }
  if (c.start < 0 || c.stop < 0 || c.start > 1000 || c.stop > 1000 || c.content.empty()) {
    return refuse(c, "Strip", c.content);
  }
  char word[64];
  const std::size_t size = print(word, sizeof word, "strip {} {} ", c.start, c.stop);
  std::string_view kept;
  INLAY_TRY(keep({word, size}, kept));
  return add_words(decoders, kept, c.content);
}

}  // namespace inlay
