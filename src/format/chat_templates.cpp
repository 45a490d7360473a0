// chat_templates.cpp - the places where a folder keeps chat templates.
#include "format/chat_templates.h"

#include "base/diagnostics.h"
#include "format/key_writer.h"
#include "format/limits.h"

namespace inlay {
namespace {

// The only one, or "default"; others as tokenizer.chat_template.<name>.
Status add_chat_template(KeyWriter& keys, std::string_view name, std::string_view text) {
  char key[96];
  const std::size_t size = print(key, sizeof key, "chat_template.{}", name);
  const bool is_default = name.empty() || name == "default";
  if (size >= sizeof key || (!is_default && keys.has({key, size}))) return keys.status();
  if (!is_default || !keys.has("chat_template")) {
    keys.text(is_default ? "chat_template" : std::string_view(key, size), text);
  }
  return keys.status();
}

// [{"name": "default", "template": "..."}, ...]
Status add_template_list(const ConfigFile& config, KeyWriter& keys) {
  for (std::uint32_t i = 0;; ++i) {
    char name[64], text[64];
    const std::size_t name_size = print(name, sizeof name, "chat_template[{}].name", i);
    const std::size_t text_size = print(text, sizeof text, "chat_template[{}].template", i);
    if (!config.has({text, text_size})) return Status::ok;
    INLAY_TRY(add_chat_template(keys, config.text_or({name, name_size}, {}),
                                config.text_or({text, text_size}, {})));
  }
}

// A file of its own comes before what tokenizer_config.json has.
Status add_template_file(const Source& file, Manifest& manifest, KeyWriter& keys, Error& error) {
  if (file.size() > limits::string_bytes) {
    return fail(error, Status::limit, "{}: {} bytes, at most {}", Shown(file.name()), file.size(),
                limits::string_bytes);
  }
  Array<char> text(manifest.allocator());
  if (is_error(text.resize(static_cast<std::size_t>(file.size())))) {
    return fail_memory(error, "chat template");
  }
  if (!text.empty()) INLAY_TRY(file.read(0, text.data(), text.size(), error));
  return add_chat_template(keys, {}, {text.data(), text.size()});
}

JsonReader::Kind kind_of(const ConfigFile& config, std::string_view path) {
  for (const ConfigValue& value : config.values()) {
    if (value.path == path) return value.kind;
  }
  return JsonReader::Kind::null;
}

}  // namespace

Status add_chat_templates(ModelFiles& files, const ConfigFile& config, Manifest& manifest,
                          Error& error) {
  KeyWriter keys(manifest, "tokenizer", error);
  bool present = false;
  std::uint32_t part = 0;
  INLAY_TRY(files.find("chat_template.jinja", &present, &part, error));
  if (present) INLAY_TRY(add_template_file(files[part], manifest, keys, error));
  const JsonReader::Kind kind = kind_of(config, "chat_template");
  if (kind == JsonReader::Kind::array) INLAY_TRY(add_template_list(config, keys));
  if (kind != JsonReader::Kind::array && kind != JsonReader::Kind::null) {
    INLAY_TRY(add_chat_template(keys, {}, config.text_or("chat_template", {})));
  }
  return config.status();
}

}  // namespace inlay
