// gguf_input.cpp - reading strings, numbers and arrays of a GGUF file.
#include "format/gguf_input.h"

#include <bit>

#include "format/limits.h"

namespace inlay {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers of the file are copied as they are");

constexpr std::uint32_t array_type = 9;

// Type numbers of the file; 9 is the array.
bool value_type(std::uint32_t number, ValueType& type) {
  constexpr auto first_after_array = static_cast<std::uint32_t>(ValueType::u64);
  if (number > 12 || number == array_type) return false;
  type = static_cast<ValueType>(number < array_type ? number : number - 10 + first_after_array);
  return true;
}

}  // namespace

ShownPlace::ShownPlace(const Place& place) {
  const auto add = [this]<class T>(fmt::format_string<detail::Printed<T>> format, const T& value) {
    length += print(text + length, sizeof text - length, format, value);
  };
  add("{}", place.what);
  if (!place.name.empty()) {
    add(" {}", Shown(place.name));
  } else if (place.index != Place::none) {
    add(" {}", place.index);
  }
  if (place.item != Place::none) add(", item {}", place.item);
}

Status GgufInput::refuse_text(Status status, std::string_view text) {
  return fail(error_, status, "{}: {}: {}", Shown(manifest_.file()), ShownPlace(place_).view(),
              text);
}

Status GgufInput::need(std::uint64_t size) {
  if (size > reader_.remaining()) {
    return refuse(Status::format, "needs {} bytes at {}, the file has {} left", size,
                  reader_.position(), reader_.remaining());
  }
  if (size > limits::metadata_bytes - reader_.position()) {
    return refuse(Status::limit, "needs {} bytes at {}, metadata may have {} in all", size,
                  reader_.position(), limits::metadata_bytes);
  }
  return Status::ok;
}

Status GgufInput::read_value(Value& value) {
  std::uint32_t number = 0;
  ValueType type{};
  INLAY_TRY(read_number(number));
  if (number == array_type) return read_array(value);
  if (!value_type(number, type)) {
    return refuse(Status::format, "value type {}, known are 0 to 12", number);
  }
  return type == ValueType::string ? read_strings(false, 1, value)
                                   : read_numbers(type, false, 1, value);
}

Status GgufInput::read_array(Value& value) {
  std::uint32_t number = 0;
  std::uint64_t count = 0;
  ValueType type{};
  INLAY_TRY(read_number(number));
  if (number == array_type) return refuse(Status::unsupported, "an array of arrays");
  if (!value_type(number, type)) {
    return refuse(Status::format, "array element type {}, known are 0 to 12", number);
  }
  INLAY_TRY(read_number(count));
  const std::uint64_t item_bytes =
      type == ValueType::string ? sizeof(std::uint64_t) : value_type_bytes(type);
  if (count > reader_.remaining() / item_bytes) {
    return refuse(Status::format, "array of {} {} items, the file has {} bytes left", count,
                  value_type_name(type), reader_.remaining());
  }
  if (count > limits::array_items) {
    return refuse(Status::limit, "array of {} items, the limit is {}", count, limits::array_items);
  }
  return type == ValueType::string ? read_strings(true, count, value)
                                   : read_numbers(type, true, count, value);
}

Status GgufInput::read_numbers(ValueType type, bool is_array, std::uint64_t count, Value& value) {
  const std::uint64_t bytes = count * value_type_bytes(type);  // small: count is under its limit
  INLAY_TRY(need(bytes));
  void* data = manifest_.store().allocate_bytes(bytes, alignof(std::uint64_t));
  if (!data && bytes) return out_of_memory();
  if (bytes) INLAY_TRY(reader_.read(data, bytes, place_.what));
  value = Value(type, is_array, count, data);
  if (type != ValueType::boolean) return Status::ok;
  const std::span<const std::byte> bools = value.bytes();
  for (std::size_t i = 0; i < bools.size(); ++i) {
    if (bools[i] > std::byte{1}) {
      return refuse(Status::format, "bool {} is {}, expected 0 or 1", i,
                    static_cast<unsigned>(bools[i]));
    }
  }
  return Status::ok;
}

Status GgufInput::read_strings(bool is_array, std::uint64_t count, Value& value) {
  auto* texts = manifest_.store().allocate<std::string_view>(count);
  if (!texts && count) return out_of_memory();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (is_array) place_.item = i;
    std::string_view text;
    INLAY_TRY(read_string(limits::string_bytes, text));
    new (texts + i) std::string_view(text);
  }
  value = Value(ValueType::string, is_array, count, texts);
  return Status::ok;
}

Status GgufInput::read_string(std::uint64_t limit, std::string_view& text) {
  std::uint64_t length = 0;
  INLAY_TRY(read_number(length));
  if (length > reader_.remaining()) {
    return refuse(Status::format, "string of {} bytes at {}, the file has {} left", length,
                  reader_.position(), reader_.remaining());
  }
  if (length > limit) {
    return refuse(Status::limit, "string of {} bytes, the limit is {}", length, limit);
  }
  INLAY_TRY(need(length));
  text = {"", 0};
  if (length == 0) return Status::ok;
  auto* bytes = manifest_.store().allocate<char>(length);
  if (!bytes) return out_of_memory();
  text = {bytes, static_cast<std::size_t>(length)};
  return reader_.read(bytes, length, place_.what);
}

}  // namespace inlay
