// manifest.cpp - look-up by name, typed getters, and the errors that name file and key.
#include "format/manifest.h"

#include <cfloat>
#include <cmath>
#include <limits>

#include "base/diagnostics.h"
#include "format/limits.h"
#include "format/name.h"

namespace inlay {
namespace {

const char* array_word(const Value& value) { return value.is_array() ? "array of " : ""; }

}  // namespace

Manifest::Manifest(Allocator& allocator)
    : store_(allocator),
      entries_(allocator),
      tensors_(allocator),
      packings_(allocator),
      key_index_(allocator),
      tensor_index_(allocator) {}

const Value* Manifest::find(std::string_view key) const {
  const Entry* entry = key_index_.find(entries_, key);
  return entry ? &entry->value : nullptr;
}

const TensorInfo* Manifest::tensor(std::string_view name) const {
  return tensor_index_.find(tensors_, name);
}

Status Manifest::expect(std::string_view key, const char* expected, const Value*& value,
                        Error& error) const {
  value = find(key);
  if (value) return Status::ok;
  return fail(error, Status::format, "{}: key {} is missing, expected {}", Shown(file_), Shown(key),
              expected);
}

Status Manifest::wrong_type(std::string_view key, const char* expected, const Value& value,
                            Error& error) const {
  return fail(error, Status::format, "{}: key {}: expected {}, file has {}{}", Shown(file_),
              Shown(key), expected, array_word(value), value_type_name(value.type()));
}

template <class T>
Status Manifest::get_integer(std::string_view key, const char* expected, T& out,
                             Error& error) const {
  const Value* value = nullptr;
  INLAY_TRY(expect(key, expected, value, error));
  constexpr T low = std::numeric_limits<T>::min();
  constexpr T high = std::numeric_limits<T>::max();
  std::int64_t number = 0;
  std::uint64_t large = 0;
  if (!value->is_array() && value->integer(0, large)) {
    if (large <= static_cast<std::uint64_t>(high)) {
      out = static_cast<T>(large);
      return Status::ok;
    }
    return fail(error, Status::format, "{}: key {}: expected {} from {} to {}, file has {}",
                Shown(file_), Shown(key), expected, low, high, large);
  }
  if (value->is_array() || !value->integer(0, number)) {
    return wrong_type(key, expected, *value, error);
  }
  if (std::is_signed_v<T> && number >= static_cast<std::int64_t>(low)) {  // number is negative
    out = static_cast<T>(number);
    return Status::ok;
  }
  return fail(error, Status::format, "{}: key {}: expected {} from {} to {}, file has {}",
              Shown(file_), Shown(key), expected, low, high, number);
}

Status Manifest::get(std::string_view key, std::uint32_t& out, Error& error) const {
  return get_integer(key, "u32", out, error);
}
Status Manifest::get(std::string_view key, std::uint64_t& out, Error& error) const {
  return get_integer(key, "u64", out, error);
}
Status Manifest::get(std::string_view key, std::int32_t& out, Error& error) const {
  return get_integer(key, "i32", out, error);
}
Status Manifest::get(std::string_view key, std::int64_t& out, Error& error) const {
  return get_integer(key, "i64", out, error);
}

Status Manifest::get(std::string_view key, float& out, Error& error) const {
  const Value* value = nullptr;
  INLAY_TRY(expect(key, "f32", value, error));
  const bool is_float = value->type() == ValueType::f32 || value->type() == ValueType::f64;
  double number = 0;
  if (value->is_array() || !is_float || !value->number(0, number)) {
    return wrong_type(key, "f32", *value, error);
  }
  if (std::isfinite(number) && std::fabs(number) > static_cast<double>(FLT_MAX)) {
    return fail(error, Status::format, "{}: key {}: expected f32 up to {}, file has {}",
                Shown(file_), Shown(key), FLT_MAX, number);
  }
  out = static_cast<float>(number);
  return Status::ok;
}

Status Manifest::get(std::string_view key, bool& out, Error& error) const {
  const Value* value = nullptr;
  INLAY_TRY(expect(key, "bool", value, error));
  if (!value->is_array() && value->boolean(0, out)) return Status::ok;
  return wrong_type(key, "bool", *value, error);
}

Status Manifest::get(std::string_view key, std::string_view& out, Error& error) const {
  const Value* value = nullptr;
  INLAY_TRY(expect(key, "string", value, error));
  if (!value->is_array() && value->text(0, out)) return Status::ok;
  return wrong_type(key, "string", *value, error);
}

Status Manifest::get_array(std::string_view key, const Value*& out, Error& error) const {
  const Value* value = nullptr;
  INLAY_TRY(expect(key, "an array", value, error));
  if (!value->is_array()) return wrong_type(key, "an array", *value, error);
  out = value;
  return Status::ok;
}

// ---- Filling
// --------------------------------------------------------------------------------------

void Manifest::clear() {
  tensor_index_.reset();
  key_index_.reset();
  tensors_.reset();
  packings_.reset();
  entries_.reset();
  store_.reset();
  file_ = {};
}

Status Manifest::clear(std::string_view file, Error& error) {
  clear();
  return is_error(store_.copy(file, file_)) ? fail_memory(error, "file name") : Status::ok;
}

Status Manifest::reserve(std::size_t keys, std::size_t tensors, Error& error) {
  if (is_error(entries_.reserve(keys))) return fail_memory(error, "keys");
  return is_error(tensors_.reserve(tensors)) ? fail_memory(error, "tensors") : Status::ok;
}

Status Manifest::add_key(std::string_view key, const Value& value, Error& error) {
  if (entries_.size() >= limits::keys) {
    return fail(error, Status::limit, "{}: more than {} keys", Shown(file_), limits::keys);
  }
  INLAY_TRY(check_name(file_, key_rule, entries_.size(), key, error));
  return is_error(entries_.push({key, value})) ? fail_memory(error, "keys") : Status::ok;
}

Status Manifest::add_tensor(const TensorInfo& tensor, Error& error) {
  if (tensors_.size() >= limits::tensors) {
    return fail(error, Status::limit, "{}: more than {} tensors", Shown(file_), limits::tensors);
  }
  INLAY_TRY(check_name(file_, tensor_rule, tensors_.size(), tensor.name, error));
  return is_error(tensors_.push(tensor)) ? fail_memory(error, "tensors") : Status::ok;
}

Status Manifest::add_packing(const Packing& packing, std::uint32_t& index, Error& error) {
  index = static_cast<std::uint32_t>(packings_.size());
  return is_error(packings_.push(packing)) ? fail_memory(error, "packings") : Status::ok;
}

Status Manifest::index_keys(Error& error) {
  if (is_error(key_index_.build(entries_))) return fail_memory(error, "index of keys");
  const std::uint32_t* twice = key_index_.duplicate(entries_);
  if (!twice) return Status::ok;
  return fail(error, Status::format, "{}: key {} is there twice, as number {} and {}", Shown(file_),
              Shown(entries_[twice[0]].key), twice[0], twice[1]);
}

Status Manifest::index_tensors(Error& error) {
  if (is_error(tensor_index_.build(tensors_))) return fail_memory(error, "index of tensors");
  const std::uint32_t* twice = tensor_index_.duplicate(tensors_);
  if (!twice) return Status::ok;
  return fail(error, Status::format, "{}: tensor {} is there twice, as number {} and {}",
              Shown(file_), Shown(tensors_[twice[0]].name), twice[0], twice[1]);
}

}  // namespace inlay
