// tokenizer_parts.cpp - tokenizer.json: normalizer, pre_tokenizer, post_processor and decoder.
#include "base/diagnostics.h"
#include "format/tokenizer_file.h"

namespace inlay {
namespace {

constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581

// What ByteLevel splits by (GPT-2).
constexpr std::string_view byte_level_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::string_view number = R"(\p{N})";

// Each name is looked for among all ids.
constexpr std::size_t most_named = 4096, most_around = 64;

// Punctuation is that of Unicode 8: without what came later, with two that were taken out.
constexpr std::string_view punctuation_mark =
    R"((?![)"
    R"(\x{61D}\x{9FD}\x{A76}\x{C77}\x{C84}\x{1B4E}-\x{1B4F}\x{1B7D}-\x{1B7F})"
    R"(\x{2E43}-\x{2E4F}\x{2E52}-\x{2E5D}\x{10D6E}\x{10EAD}\x{10F55}-\x{10F59})"
    R"(\x{10F86}-\x{10F89}\x{113D4}-\x{113D5}\x{113D7}-\x{113D8}\x{1144B}-\x{1144F})"
    R"(\x{1145A}-\x{1145B}\x{1145D}\x{11660}-\x{1166C}\x{116B9}\x{1183B}\x{11944}-\x{11946})"
    R"(\x{119E2}\x{11A3F}-\x{11A46}\x{11A9A}-\x{11A9C}\x{11A9E}-\x{11AA2})"
    R"(\x{11B00}-\x{11B09}\x{11BE1}\x{11C41}-\x{11C45}\x{11C70}-\x{11C71})"
    R"(\x{11EF7}-\x{11EF8}\x{11F43}-\x{11F4F}\x{11FFF}\x{12FF1}-\x{12FF2})"
    R"(\x{16D6D}-\x{16D6F}\x{16E97}-\x{16E9A}\x{16FE2}\x{1E5FF}\x{1E95E}-\x{1E95F})"
    R"(])[\p{P}\x{166D}\x{111C9}$+<=>\^`|~])";

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
      {"prepend_scheme", &c.prepend_scheme}};
  const std::pair<std::string_view, bool*> flags[] = {{"invert", &c.invert},
                                                      {"add_prefix_space", &c.add_prefix_space},
                                                      {"use_regex", &c.use_regex},
                                                      {"individual_digits", &c.individual_digits},
                                                      {"split", &c.split}};
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

Status TokenizerFile::normalizer(const Component& c) {
  if (c.type == "NFC") {
    nfc = true;
    return Status::ok;
  }
  if (c.type == "Prepend") {
    if (c.prepend != space_mark || prepends_) return refuse(c, "Prepend", c.prepend);
    prepends_ = true;
    return Status::ok;
  }
  if (c.type == "Replace") {
    const bool is_spaces = !c.is_regex && c.pattern == " " && c.content == space_mark;
    if (!is_spaces) return refuse(c, "Replace", c.pattern);
    replaces_spaces_ = true;
    return Status::ok;
  }
  return refuse(c, "type", c.type);
}

Status TokenizerFile::pre_tokenizer(const Component& c) {
  if (c.type == "ByteLevel") return byte_level_step(c);
  if (c.type == "Split") return split(c);
  if (c.type == "Punctuation") return punctuation(c);
  if (c.type == "Digits") return add_step(c.individual_digits ? "isolated" : "contiguous", number);
  if (c.type == "WhitespaceSplit") {
    text_splits_ = true;
    return add_step("removed", R"(\s)");
  }
  if (c.type == "Metaspace") return metaspace(c);
  return refuse(c, "type", c.type);
}

Status TokenizerFile::add_step(std::string_view cut, std::string_view pattern) {
  auto* step = store_.allocate<char>(cut.size() + 1 + pattern.size());
  if (!step) return out_of_memory();
  std::memcpy(step, cut.data(), cut.size());
  step[cut.size()] = ' ';
  if (!pattern.empty()) std::memcpy(step + cut.size() + 1, pattern.data(), pattern.size());
  const std::string_view text(step, cut.size() + 1 + pattern.size());
  return is_error(steps.push(text)) ? out_of_memory() : Status::ok;
}

Status TokenizerFile::split(const Component& c) {
  const std::string_view cut = cut_name(c.behavior, c.invert);
  if (cut.empty()) return refuse(c, c.invert ? "inverted behavior" : "behavior", c.behavior);
  if (c.pattern.empty()) return refuse(c, "pattern", c.pattern);
  if (!c.is_regex && c.pattern == " ") {
    ++space_splits_;
  } else {
    text_splits_ = true;
  }
  if (c.is_regex) return add_step(cut, c.pattern);
  auto* escaped = store_.allocate<char>(2 * c.pattern.size());
  if (!escaped) return out_of_memory();
  std::size_t size = 0;
  for (const char byte : c.pattern) {
    const bool is_mark = (byte >= '!' && byte <= '/') || (byte >= ':' && byte <= '@') ||
                         (byte >= '[' && byte <= '`') || (byte >= '{' && byte <= '~');
    if (is_mark) escaped[size++] = '\\';
    escaped[size++] = byte;
  }
  return add_step(cut, {escaped, size});
}

Status TokenizerFile::punctuation(const Component& c) {
  const std::string_view behavior = c.behavior.empty() ? "Isolated" : c.behavior;
  const std::string_view cut = cut_name(behavior, false);
  return cut.empty() ? refuse(c, "behavior", behavior) : add_step(cut, punctuation_mark);
}

Status TokenizerFile::byte_level_step(const Component& c) {
  if (byte_level) return refuse(c, "a second pre-tokenizer of type", c.type);
  if (c.add_prefix_space) {
    // The space goes before the whole text only if nothing has cut it yet.
    if (!steps.empty()) return refuse(c, "add_prefix_space after another", "pre_tokenizer");
    space_prefix = "always";
  }
  byte_level = true;
  if (c.use_regex) INLAY_TRY(add_step("isolated", byte_level_pattern));
  return is_error(steps.push("bytes")) ? out_of_memory() : Status::ok;
}

Status TokenizerFile::metaspace(const Component& c) {
  if (c.replacement != space_mark) return refuse(c, "replacement", c.replacement);
  if (is_metaspace_ || !steps.empty()) return refuse(c, "after another pre_tokenizer type", c.type);
  is_metaspace_ = true;
  const std::string_view scheme =
      c.prepend_scheme.empty() ? (c.add_prefix_space ? "always" : "never") : c.prepend_scheme;
  if (scheme == "always" || scheme == "first") {
    space_prefix = scheme;
  } else if (scheme != "never") {
    return refuse(c, "prepend_scheme", scheme);
  }
  return c.split ? add_step("merged_with_next", " ") : Status::ok;
}

Status TokenizerFile::post_processor(const Component& c) {
  if (c.type == "ByteLevel") return Status::ok;  // only moves offsets
  const bool is_template = c.type == "TemplateProcessing" && c.sequences == 1;
  const bool is_bert = c.type == "RobertaProcessing" || c.type == "BertProcessing";
  if ((!is_template && !is_bert) || ++adders_ > 1) return refuse(c, "type", c.type);
  return Status::ok;
}

// Added tokens are the only ones that the order of these could matter to.
Status TokenizerFile::decoder(const Component& c) {
  if (c.type == "ByteLevel") {
    decodes_bytes_ = true;
    return Status::ok;
  }
  if (c.type == "Fuse") return Status::ok;
  decodes_spaces_ = true;
  if (c.type == "ByteFallback") return Status::ok;
  if (c.type == "Replace") {
    const bool is_spaces = !c.is_regex && c.pattern == space_mark && c.content == " ";
    return is_spaces ? Status::ok : refuse(c, "Replace", c.pattern);
  }
  if (c.type == "Strip") {
    const bool is_one = c.content == " " && c.start == 1 && c.stop <= 0;
    if (!is_one || strip_space) return refuse(c, "Strip", c.content);
    strip_space = true;
    return Status::ok;
  }
  return refuse(c, "type", c.type);
}

}  // namespace inlay
