// config_file.h - a small JSON file of settings (config.json), read whole: values by the path of
// their keys, in any order.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "base/source.h"
#include "format/chunk_store.h"
#include "format/json.h"
#include "format/name_index.h"

namespace inlay {

struct ConfigValue {
  std::string_view path;  // "rope_scaling.factor", "eos_token_id[0]"
  JsonReader::Kind kind = JsonReader::Kind::null;
  bool flag = false;
  double number = 0;
  std::string_view text;
};

// Getters take paths of keys without dots and brackets. null counts as absent, as the reference
// implementation has it. The first error sticks: after it every getter gives its fallback.
class ConfigFile {
 public:
  ConfigFile(Allocator& allocator, Error& error);
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;

  // The value of the key `aside` of the outermost object is only checked, not kept:
  // aside_position() says where it begins (0: it is absent or null).
  Status read(const Source& source, std::string_view aside);

  Status status() const { return status_; }
  std::string_view name() const { return name_; }  // "config.json"
  std::span<const ConfigValue> values() const { return values_.span(); }
  std::uint64_t aside_position() const { return aside_; }

  bool has(std::string_view path) const { return find(path) != nullptr; }
  bool is_null(std::string_view path) const;  // it is there and null
  // Whole numbers: a size from 1 to 2^32 - 1, which must be there; from 0 on.
  std::uint32_t number(std::string_view path) const;
  std::uint32_t number_or(std::string_view path, std::uint32_t fallback) const;
  double real_or(std::string_view path, double fallback) const;
  bool flag_or(std::string_view path, bool fallback) const;
  std::string_view text_or(std::string_view path, std::string_view fallback) const;

  // "<file>: <path>: expected <expected>, file has <the value>".
  void refuse(Status status, std::string_view path, std::string_view expected) const;
  // "<file>: <text>"
  template <class... Args>
  void refuse_with(Status status, fmt::format_string<detail::Printed<Args>...> format,
                   const Args&... args) const {
    if (is_error(status_)) return;
    char text[320];
    print<Args...>(text, sizeof text, format, args...);
    status_ = fail(error_, status, "{}: {}", Shown(name_), static_cast<const char*>(text));
  }

 private:
  void keep(JsonReader& json, std::string_view aside, std::uint32_t depth);
  void keep_members(JsonReader& json, bool object, std::string_view aside, std::uint32_t depth);
  const ConfigValue* find(std::string_view path) const;
  const ConfigValue* find(std::string_view path, JsonReader::Kind kind, const char* expected) const;

  Allocator& allocator_;
  Error& error_;
  mutable Status status_ = Status::ok;
  std::string_view name_;
  std::uint64_t aside_ = 0;
  ChunkStore store_;
  Array<ConfigValue> values_;
  NameIndex<ConfigValue, &ConfigValue::path> index_;
};

}  // namespace inlay
