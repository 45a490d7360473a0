// gguf_builder.h - writes small GGUF files in memory: keys of every type, arrays, tensors with
// data.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "base/half.h"
#include "quant/type.h"

namespace inlay::test {

// Little-endian bytes, one after the other; enough to write a broken file by hand.
class ByteWriter {
 public:
  template <class T>
  ByteWriter& number(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  ByteWriter& u8(std::uint64_t value) { return number(static_cast<std::uint8_t>(value)); }
  ByteWriter& u32(std::uint64_t value) { return number(static_cast<std::uint32_t>(value)); }
  ByteWriter& u64(std::uint64_t value) { return number(value); }
  ByteWriter& raw(const std::string& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  ByteWriter& raw(const std::vector<unsigned char>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // Length, then the bytes.
  ByteWriter& string(const std::string& text) { return u64(text.size()).raw(text); }
  ByteWriter& pad(std::size_t alignment) {
    while (bytes_.size() % alignment != 0) bytes_.push_back(0);
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  const std::vector<unsigned char>& bytes() const { return bytes_; }

 private:
  std::vector<unsigned char> bytes_;
};

// Type numbers of values in the file.
template <class T>
constexpr std::uint32_t gguf_type() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return 0;
  if constexpr (std::is_same_v<T, std::int8_t>) return 1;
  if constexpr (std::is_same_v<T, std::uint16_t>) return 2;
  if constexpr (std::is_same_v<T, std::int16_t>) return 3;
  if constexpr (std::is_same_v<T, std::uint32_t>) return 4;
  if constexpr (std::is_same_v<T, std::int32_t>) return 5;
  if constexpr (std::is_same_v<T, float>) return 6;
  if constexpr (std::is_same_v<T, bool>) return 7;
  if constexpr (std::is_same_v<T, std::string>) return 8;
  if constexpr (std::is_same_v<T, std::uint64_t>) return 10;
  if constexpr (std::is_same_v<T, std::int64_t>) return 11;
  if constexpr (std::is_same_v<T, double>) return 12;
}
inline constexpr std::uint32_t gguf_array = 9;

// Collects keys and tensors, then build() lays them out. The value's C++ type is its type in the
// file:
//   GgufBuilder().key("general.architecture", "llama").key("llama.block_count", std::uint32_t{2})
//       .tensor("token_embd.weight", {8, 32}, floats).build()
class GgufBuilder {
 public:
  explicit GgufBuilder(std::uint32_t version = 3) : version_(version) {}

  template <class T>
  GgufBuilder& key(const std::string& name, const T& value) {
    if constexpr (std::is_convertible_v<T, std::string>) {
      ByteWriter bytes;
      bytes.string(value);
      return raw_key(name, gguf_type<std::string>(), bytes.bytes());
    } else {
      ByteWriter bytes;
      bytes.number(value);
      return raw_key(name, gguf_type<T>(), bytes.bytes());
    }
  }
  template <class T>
  GgufBuilder& array(const std::string& name, const std::vector<T>& values) {
    ByteWriter bytes;
    bytes.u32(gguf_type<T>()).u64(values.size());
    for (const T& value : values) {
      if constexpr (std::is_same_v<T, std::string>) {
        bytes.string(value);
      } else {
        bytes.number(value);
      }
    }
    return raw_key(name, gguf_array, bytes.bytes());
  }
  GgufBuilder& array(const std::string& name, const std::vector<bool>& values) {
    ByteWriter bytes;
    bytes.u32(gguf_type<bool>()).u64(values.size());
    for (const bool value : values) bytes.u8(value);
    return raw_key(name, gguf_array, bytes.bytes());
  }
  // Any type number and any bytes behind it.
  GgufBuilder& raw_key(const std::string& name, std::uint32_t type,
                       const std::vector<unsigned char>& value) {
    keys_.string(name).u32(type).raw(value);
    ++key_count_;
    return *this;
  }

  // Writes the key and pads tensors accordingly; the default is 32 and no key.
  GgufBuilder& alignment(std::uint32_t bytes) {
    alignment_ = bytes;
    return key("general.alignment", bytes);
  }

  // Shapes are innermost first, as in the file.
  GgufBuilder& tensor(const std::string& name, const std::vector<std::uint64_t>& shape,
                      const std::vector<float>& values) {
    ByteWriter bytes;
    for (const float value : values) bytes.number(value);
    return tensor(name, Type::F32, shape, bytes.bytes());
  }
  GgufBuilder& tensor_f16(const std::string& name, const std::vector<std::uint64_t>& shape,
                          const std::vector<float>& values) {
    ByteWriter bytes;
    for (const float value : values) bytes.number(float_to_half(value));
    return tensor(name, Type::F16, shape, bytes.bytes());
  }
  GgufBuilder& tensor_bf16(const std::string& name, const std::vector<std::uint64_t>& shape,
                           const std::vector<float>& values) {
    ByteWriter bytes;
    for (const float value : values) bytes.number(float_to_bfloat(value));
    return tensor(name, Type::BF16, shape, bytes.bytes());
  }
  // Any type and any bytes; the caller keeps them consistent (or not).
  GgufBuilder& tensor(const std::string& name, Type type, const std::vector<std::uint64_t>& shape,
                      const std::vector<unsigned char>& data) {
    data_.pad(alignment_ ? alignment_ : 1);
    return raw_tensor(name, static_cast<std::uint32_t>(type), shape, data_.size()).data(data);
  }
  // Only the entry of the table, with an offset of the caller's.
  GgufBuilder& raw_tensor(const std::string& name, std::uint32_t type,
                          const std::vector<std::uint64_t>& shape, std::uint64_t offset) {
    tensors_.string(name).u32(shape.size());
    for (const std::uint64_t size : shape) tensors_.u64(size);
    tensors_.u32(type).u64(offset);
    ++tensor_count_;
    return *this;
  }
  // Bytes at the end of the data section.
  GgufBuilder& data(const std::vector<unsigned char>& bytes) {
    data_.raw(bytes);
    return *this;
  }

  // What the header will say, whatever is there.
  GgufBuilder& claim_keys(std::uint64_t count) {
    key_count_ = count;
    return *this;
  }
  GgufBuilder& claim_tensors(std::uint64_t count) {
    tensor_count_ = count;
    return *this;
  }

  std::vector<unsigned char> build() const {
    ByteWriter file;
    file.raw("GGUF").u32(version_).u64(tensor_count_).u64(key_count_);
    file.raw(keys_.bytes()).raw(tensors_.bytes());
    if (data_.size() != 0) file.pad(alignment_ ? alignment_ : 1).raw(data_.bytes());
    return file.bytes();
  }

 private:
  std::uint32_t version_;
  std::uint64_t alignment_ = 32;
  std::uint64_t key_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  ByteWriter keys_, tensors_, data_;
};

}  // namespace inlay::test
