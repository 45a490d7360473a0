// value.h - the value of a metadata key: a number, a text or an array of them, read with checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace inlay {

// Type of a value; of its elements when the value is an array.
enum class ValueType : std::uint8_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  u64,
  i64,
  f64
};

// "u32", "bool", "string" ...
const char* value_type_name(ValueType type);
// Bytes of one element in memory and in the file; 0 for a string.
std::size_t value_type_bytes(ValueType type);

// The value of a key: one element, or an array of elements of one type. A view into its Manifest.
// Accessors return false (and leave `out` alone) for a wrong type, an index that is not under
// count(), or a number that does not fit.
class Value {
 public:
  Value() = default;
  // `data`: std::string_view[count] for strings, else `count` numbers in the type's own width.
  Value(ValueType type, bool is_array, std::uint64_t count, const void* data)
      : data_(data), count_(count), type_(type), is_array_(is_array) {}

  ValueType type() const { return type_; }
  bool is_array() const { return is_array_; }
  std::uint64_t count() const { return count_; }  // 1 when it is no array

  // Any integer type; the second one only when it is not negative.
  bool integer(std::uint64_t index, std::int64_t& out) const;
  bool integer(std::uint64_t index, std::uint64_t& out) const;
  // Any number or bool; 64-bit integers are rounded.
  bool number(std::uint64_t index, double& out) const;
  bool boolean(std::uint64_t index, bool& out) const;
  // The text of a file may be any bytes, valid UTF-8 or not.
  bool text(std::uint64_t index, std::string_view& out) const;

  // All strings; empty when the type is no string.
  std::span<const std::string_view> texts() const;
  // All floats in place; empty when the type is not f32.
  std::span<const float> floats() const;
  // All elements as bytes; empty when they are wider than one byte (a charsmap is u8 or i8).
  std::span<const std::byte> bytes() const;

 private:
  template <class T>
  T at(std::uint64_t index) const;

  const void* data_ = nullptr;
  std::uint64_t count_ = 0;
  ValueType type_ = ValueType::u8;
  bool is_array_ = false;
};

}  // namespace inlay
