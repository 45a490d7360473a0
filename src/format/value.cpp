// value.cpp - the types of values and the checked access to their elements.
#include "format/value.h"

#include <limits>

namespace inlay {
namespace {

struct ValueTypeInfo {
  const char* name;
  std::size_t bytes;
};

constexpr ValueTypeInfo value_types[] = {
    {"u8", 1},  {"i8", 1},   {"u16", 2},    {"i16", 2}, {"u32", 4}, {"i32", 4},
    {"f32", 4}, {"bool", 1}, {"string", 0}, {"u64", 8}, {"i64", 8}, {"f64", 8},
};

}  // namespace

const char* value_type_name(ValueType type) {
  return value_types[static_cast<std::size_t>(type)].name;
}
std::size_t value_type_bytes(ValueType type) {
  return value_types[static_cast<std::size_t>(type)].bytes;
}

template <class T>
T Value::at(std::uint64_t index) const {
  return static_cast<const T*>(data_)[index];
}

bool Value::integer(std::uint64_t index, std::int64_t& out) const {
  if (index >= count_) return false;
  switch (type_) {
    case ValueType::u8: out = at<std::uint8_t>(index); return true;
    case ValueType::i8: out = at<std::int8_t>(index); return true;
    case ValueType::u16: out = at<std::uint16_t>(index); return true;
    case ValueType::i16: out = at<std::int16_t>(index); return true;
    case ValueType::u32: out = at<std::uint32_t>(index); return true;
    case ValueType::i32: out = at<std::int32_t>(index); return true;
    case ValueType::i64: out = at<std::int64_t>(index); return true;
    case ValueType::u64: {
      const auto value = at<std::uint64_t>(index);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return false;
      out = static_cast<std::int64_t>(value);
      return true;
    }
    default: return false;
  }
}

bool Value::integer(std::uint64_t index, std::uint64_t& out) const {
  if (index < count_ && type_ == ValueType::u64) {
    out = at<std::uint64_t>(index);
    return true;
  }
  std::int64_t value = 0;
  if (!integer(index, value) || value < 0) return false;
  out = static_cast<std::uint64_t>(value);
  return true;
}

bool Value::number(std::uint64_t index, double& out) const {
  if (index >= count_) return false;
  std::int64_t value = 0;
  switch (type_) {
    case ValueType::string: return false;
    case ValueType::f32: out = static_cast<double>(at<float>(index)); return true;
    case ValueType::f64: out = at<double>(index); return true;
    case ValueType::u64: out = static_cast<double>(at<std::uint64_t>(index)); return true;
    case ValueType::boolean: out = at<bool>(index) ? 1.0 : 0.0; return true;
    default:
      if (!integer(index, value)) return false;
      out = static_cast<double>(value);
      return true;
  }
}

bool Value::boolean(std::uint64_t index, bool& out) const {
  if (index >= count_ || type_ != ValueType::boolean) return false;
  out = at<bool>(index);
  return true;
}

bool Value::text(std::uint64_t index, std::string_view& out) const {
  if (index >= count_ || type_ != ValueType::string) return false;
  out = at<std::string_view>(index);
  return true;
}

std::span<const std::string_view> Value::texts() const {
  if (type_ != ValueType::string) return {};
  return {static_cast<const std::string_view*>(data_), static_cast<std::size_t>(count_)};
}

std::span<const float> Value::floats() const {
  if (type_ != ValueType::f32) return {};
  return {static_cast<const float*>(data_), static_cast<std::size_t>(count_)};
}

std::span<const std::byte> Value::bytes() const {
  if (value_type_bytes(type_) != 1) return {};
  return {static_cast<const std::byte*>(data_), static_cast<std::size_t>(count_)};
}

}  // namespace inlay
