// config_file.cpp - flattening of the JSON text, and typed values by path.
#include "format/config_file.h"

#include <algorithm>

#include "format/limits.h"

namespace inlay {
namespace {

constexpr std::size_t longest_path =
    156;  // a longer one may be cut by the reader; none is asked for

// Other keys, such as "a.b", would look like the path of another value; nobody asks for them.
bool is_plain(std::string_view key) {
  return !key.empty() && std::none_of(key.begin(), key.end(), [](char c) {
    return c == '.' || c == '[' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace

ConfigFile::ConfigFile(Allocator& allocator, Error& error)
    : allocator_(allocator),
      error_(error),
      store_(allocator),
      values_(allocator),
      index_(allocator) {}

Status ConfigFile::read(const Source& source, std::string_view aside) {
  name_ = last_component(source.name());
  JsonReader json(source, allocator_, error_);
  if (json.peek() != JsonReader::Kind::object) {
    json.begin_object();  // says what is there instead
  } else {
    keep(json, aside, 0);
  }
  status_ = is_error(status_) ? status_ : json.finish();
  INLAY_TRY(status_);
  if (is_error(index_.build(values_))) return status_ = fail_memory(error_, "settings");
  if (const std::uint32_t* twice = index_.duplicate(values_)) {
    refuse_with(Status::format, "{} is there twice", Shown(values_[twice[0]].path));
  }
  return status_;
}

// The value that comes next and all inside it.
void ConfigFile::keep(JsonReader& json, std::string_view aside, std::uint32_t depth) {
  ConfigValue value;
  const std::string_view path = json.path();
  if (depth == 1 && path == aside) {
    const std::uint64_t begin = json.position();
    if (json.peek() != JsonReader::Kind::null) aside_ = begin;
    json.skip();
    return;
  }
  bool stored = path.size() <= longest_path;
  if (stored && is_error(store_.copy(path, value.path))) {
    status_ = fail_memory(error_, "settings");
    return;
  }
  if (values_.size() >= limits::keys) {
    json.refuse(Status::limit, "too many settings");
    return;
  }
  const std::size_t place = values_.size();
  if (stored && is_error(values_.push(value))) status_ = fail_memory(error_, "settings");
  value.kind = json.peek();
  std::string_view text;
  switch (value.kind) {
    case JsonReader::Kind::object: keep_members(json, true, aside, depth); break;
    case JsonReader::Kind::array: keep_members(json, false, aside, depth); break;
    case JsonReader::Kind::string:
      if (json.text(text) && is_error(store_.copy(text, value.text))) {
        status_ = fail_memory(error_, "settings");
      }
      break;
    case JsonReader::Kind::number: json.number(value.number); break;
    case JsonReader::Kind::boolean: json.boolean(value.flag); break;
    case JsonReader::Kind::null:
    case JsonReader::Kind::none: json.skip(); break;
  }
  if (stored && place < values_.size()) values_[place] = value;
}

void ConfigFile::keep_members(JsonReader& json, bool object, std::string_view aside,
                              std::uint32_t depth) {
  std::string_view key;
  if (!(object ? json.begin_object() : json.begin_array())) return;
  while (!is_error(status_) && (object ? json.next_key(key) : json.next_item())) {
    if (!object || is_plain(key)) {
      keep(json, aside, depth + 1);
    } else {
      json.skip();
    }
  }
}

const ConfigValue* ConfigFile::find(std::string_view path) const {
  const ConfigValue* value = index_.find(values_, path);
  return value && value->kind != JsonReader::Kind::null ? value : nullptr;
}

bool ConfigFile::is_null(std::string_view path) const {
  const ConfigValue* value = index_.find(values_, path);
  return value && value->kind == JsonReader::Kind::null;
}

const ConfigValue* ConfigFile::find(std::string_view path, JsonReader::Kind kind,
                                    const char* expected) const {
  const ConfigValue* value = is_error(status_) ? nullptr : find(path);
  if (value && value->kind != kind) {
    refuse(Status::format, path, expected);
    return nullptr;
  }
  return value;
}

std::uint32_t ConfigFile::number(std::string_view path) const {
  if (!has(path)) refuse_with(Status::format, "{} is missing", path);
  const std::uint32_t value = number_or(path, 1);
  if (value > 0) return value;
  refuse(Status::format, path, "1 or more");
  return 1;
}

std::uint32_t ConfigFile::number_or(std::string_view path, std::uint32_t fallback) const {
  constexpr const char* expected = "a whole number from 0 to 4294967295";
  const ConfigValue* value = find(path, JsonReader::Kind::number, expected);
  if (!value) return fallback;
  const bool fits = value->number >= 0 && value->number <= 4294967295.0;
  const auto whole = fits ? static_cast<std::uint32_t>(value->number) : 0;
  if (fits && static_cast<double>(whole) == value->number) return whole;
  refuse(Status::format, path, expected);
  return fallback;
}

double ConfigFile::real_or(std::string_view path, double fallback) const {
  const ConfigValue* value = find(path, JsonReader::Kind::number, "a number");
  return value ? value->number : fallback;
}

bool ConfigFile::flag_or(std::string_view path, bool fallback) const {
  const ConfigValue* value = find(path, JsonReader::Kind::boolean, "true or false");
  return value ? value->flag : fallback;
}

std::string_view ConfigFile::text_or(std::string_view path, std::string_view fallback) const {
  const ConfigValue* value = find(path, JsonReader::Kind::string, "a string");
  return value ? value->text : fallback;
}

void ConfigFile::refuse(Status status, std::string_view path, std::string_view expected) const {
  const ConfigValue* value = find(path);
  if (!value) return refuse_with(status, "{}: expected {}, file has none", path, expected);
  switch (value->kind) {
    case JsonReader::Kind::string:
      return refuse_with(status, "{}: expected {}, file has \"{}\"", path, expected,
                         Shown(value->text));
    case JsonReader::Kind::number:
      return refuse_with(status, "{}: expected {}, file has {}", path, expected, value->number);
    case JsonReader::Kind::boolean:
      return refuse_with(status, "{}: expected {}, file has {}", path, expected, value->flag);
    case JsonReader::Kind::object:
      return refuse_with(status, "{}: expected {}, file has an object", path, expected);
    case JsonReader::Kind::array:
      return refuse_with(status, "{}: expected {}, file has an array", path, expected);
    case JsonReader::Kind::null:
    case JsonReader::Kind::none: break;
  }
}

}  // namespace inlay
