// protobuf.h - reads the fields of a protocol buffer message: untrusted bytes, nothing allocated.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace inlay {

// One field after the other; the first malformed one ends the message and sticks.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : left_(bytes) {}

  // The next field; false at the end and after an error.
  bool next() {
    std::uint64_t key = 0;
    if (left_.empty() || is_bad_ || !varint(key)) return false;
    field_ = key >> 3;
    switch (key & 7) {
      case 0: return varint(number_);
      case 1: return fixed(8);
      case 2: return block();
      case 5: return fixed(4);
      default: return bad();
    }
  }
  bool is_bad() const { return is_bad_; }

  std::uint64_t field() const { return field_; }
  // The value of the field; of another kind: 0, "".
  std::uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }
  float real() const { return std::bit_cast<float>(static_cast<std::uint32_t>(number_)); }

 private:
  bool bad() {
    is_bad_ = true;
    return false;
  }
  bool varint(std::uint64_t& value) {
    value = 0;
    bytes_ = {};
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_[0]);
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return bad();
  }
  bool fixed(std::size_t size) {
    if (left_.size() < size) return bad();
    number_ = 0;
    bytes_ = {};
    for (std::size_t i = 0; i < size; ++i) {
      number_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(left_[i])) << (8 * i);
    }
    left_.remove_prefix(size);
    return true;
  }
  bool block() {
    std::uint64_t size = 0;
    if (!varint(size) || size > left_.size()) return bad();
    number_ = 0;
    bytes_ = left_.substr(0, static_cast<std::size_t>(size));
    left_.remove_prefix(static_cast<std::size_t>(size));
    return true;
  }

  std::string_view left_;
  std::uint64_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
  bool is_bad_ = false;
};

}  // namespace inlay
