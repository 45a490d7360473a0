// gguf_writer.cpp - the head of a GGUF file, and data behind it.
#include "format/gguf_writer.h"

#include <bit>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "format/limits.h"
#include "format/name.h"
#include "format/tensor_table.h"

namespace inlay {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are");

constexpr std::uint32_t version = 3;
constexpr std::uint64_t alignment = 32;  // what a file without the key has
constexpr std::uint32_t array_type = 9;

std::uint32_t type_number(ValueType type) {
  const auto number = static_cast<std::uint32_t>(type);
  return number < array_type ? number : number + 1;
}

bool describes_the_file(std::string_view key) {
  return key == "general.alignment" || key.starts_with("split.");
}

std::string_view short_name(const Sink& sink) { return short_path(sink.name()); }

}  // namespace

GgufWriter::GgufWriter(Sink& sink, Allocator& allocator)
    : sink_(sink), store_(allocator), keys_(allocator), tensors_(allocator) {}

Status GgufWriter::add_key(std::string_view key, const Value& value, Error& error) {
  if (describes_the_file(key)) return Status::ok;
  INLAY_TRY(check_name(short_name(sink_), key_rule, keys_.size(), key, error));
  if (keys_.size() >= limits::keys) {
    return fail(error, Status::limit, "{}: more than {} keys", Shown(short_name(sink_)),
                limits::keys);
  }
  return is_error(keys_.push({key, value})) ? fail_memory(error, "keys") : Status::ok;
}

Status GgufWriter::add_text(std::string_view key, std::string_view text, Error& error) {
  auto* kept = store_.allocate<std::string_view>(1);
  if (!kept) return fail_memory(error, "keys");
  new (kept) std::string_view(text);
  return add_key(key, Value(ValueType::string, false, 1, kept), error);
}

Status GgufWriter::add_number(std::string_view key, std::uint32_t number, Error& error) {
  auto* kept = store_.allocate<std::uint32_t>(1);
  if (!kept) return fail_memory(error, "keys");
  *kept = number;
  return add_key(key, Value(ValueType::u32, false, 1, kept), error);
}

Status GgufWriter::add_tensor(std::string_view name, Type type,
                              std::span<const std::uint64_t> shape, std::uint64_t bytes,
                              Error& error) {
  const std::string_view file = short_name(sink_);
  TensorInfo tensor;
  tensor.name = name;
  tensor.type = type;
  tensor.rank = static_cast<std::uint32_t>(shape.size());
  tensor.offset = data_bytes_;
  for (std::size_t i = 0; i < shape.size() && i < limits::rank; ++i) tensor.shape[i] = shape[i];
  INLAY_TRY(check_name(file, tensor_rule, tensors_.size(), name, error));
  INLAY_TRY(measure_tensor(file, tensor, error));
  if (bytes != tensor.bytes) {
    return fail(error, Status::argument, "{}: tensor {}: {} bytes, its type and shape have {}",
                Shown(file), Shown(name), bytes, tensor.bytes);
  }
  const bool fits = checked_add(data_bytes_, bytes, data_bytes_) &&
                    checked_align(data_bytes_, alignment, data_bytes_);
  if (!fits || tensors_.size() >= limits::tensors) {
    return fail(error, Status::limit, "{}: tensor {} is one too many", Shown(file), Shown(name));
  }
  return is_error(tensors_.push(tensor)) ? fail_memory(error, "tensors") : Status::ok;
}

// ---- The head

// The reader refuses names that are there twice, so does the writer.
Status GgufWriter::check_keys(Error& error) const {
  NameIndex<Entry, &Entry::key> keys(*keys_.allocator());
  NameIndex<TensorInfo, &TensorInfo::name> tensors(*keys_.allocator());
  if (is_error(keys.build(keys_)) || is_error(tensors.build(tensors_))) {
    return fail_memory(error, "index of names");
  }
  const std::uint32_t* key = keys.duplicate(keys_);
  const std::uint32_t* tensor = tensors.duplicate(tensors_);
  if (!key && !tensor) return Status::ok;
  return fail(error, Status::argument, "{}: {} {} is there twice", Shown(short_name(sink_)),
              key ? "key" : "tensor", Shown(key ? keys_[*key].key : tensors_[*tensor].name));
}

Status GgufWriter::begin_data(Error& error) {
  INLAY_TRY(check_keys(error));
  INLAY_TRY(sink_.write("GGUF", 4, error));
  INLAY_TRY(put(version, error));
  INLAY_TRY(put(std::uint64_t{tensors_.size()}, error));
  INLAY_TRY(put(std::uint64_t{keys_.size()}, error));
  for (const Entry& entry : keys_) INLAY_TRY(put_key(entry, error));
  for (const TensorInfo& tensor : tensors_) INLAY_TRY(put_tensor(tensor, error));
  INLAY_TRY(pad(error));
  has_head_ = true;
  if (!tensors_.empty()) left_ = tensors_[0].bytes;
  return Status::ok;
}

Status GgufWriter::put_text(std::string_view text, Error& error) {
  INLAY_TRY(put(std::uint64_t{text.size()}, error));
  return sink_.write(text.data(), text.size(), error);
}

Status GgufWriter::put_key(const Entry& entry, Error& error) {
  const Value& value = entry.value;
  INLAY_TRY(put_text(entry.key, error));
  if (value.is_array()) {
    INLAY_TRY(put(array_type, error));
    INLAY_TRY(put(type_number(value.type()), error));
    INLAY_TRY(put(value.count(), error));
  } else {
    INLAY_TRY(put(type_number(value.type()), error));
  }
  return put_elements(value, error);
}

Status GgufWriter::put_elements(const Value& value, Error& error) {
  const std::size_t size = value_type_bytes(value.type());
  for (const std::string_view text : value.texts()) INLAY_TRY(put_text(text, error));
  if (value.type() == ValueType::string) return Status::ok;
  if (value.type() == ValueType::f32) {
    return sink_.write(value.floats().data(), value.floats().size_bytes(), error);
  }
  if (size == 1) return sink_.write(value.bytes().data(), value.bytes().size(), error);
  for (std::uint64_t i = 0; i < value.count(); ++i) {
    double real = 0;
    std::uint64_t number = 0;
    std::int64_t negative = 0;
    if (value.type() == ValueType::f64 && value.number(i, real)) {
      number = std::bit_cast<std::uint64_t>(real);
    } else if (!value.integer(i, number) && value.integer(i, negative)) {
      number = static_cast<std::uint64_t>(negative);
    }
    INLAY_TRY(sink_.write(&number, size, error));  // its low bytes
  }
  return Status::ok;
}

Status GgufWriter::put_tensor(const TensorInfo& tensor, Error& error) {
  INLAY_TRY(put_text(tensor.name, error));
  INLAY_TRY(put(tensor.rank, error));
  for (std::uint32_t i = 0; i < tensor.rank; ++i) INLAY_TRY(put(tensor.shape[i], error));
  INLAY_TRY(put(static_cast<std::uint32_t>(tensor.type), error));
  return put(tensor.offset, error);
}

// ---- Data

Status GgufWriter::write(const void* data, std::size_t size, Error& error) {
  if (size > left_) {
    return fail(error, Status::internal, "{}: {} bytes too many for tensor {} of {}",
                Shown(short_name(sink_)), size - left_, current_, tensors_.size());
  }
  if (size == 0) return Status::ok;
  INLAY_TRY(sink_.write(data, size, error));
  left_ -= size;
  if (left_ > 0) return Status::ok;
  INLAY_TRY(pad(error));
  if (++current_ < tensors_.size()) left_ = tensors_[current_].bytes;
  return Status::ok;
}

Status GgufWriter::pad(Error& error) {
  static constexpr std::byte zeros[alignment] = {};
  const std::uint64_t over = sink_.written() % alignment;
  return over ? sink_.write(zeros, static_cast<std::size_t>(alignment - over), error) : Status::ok;
}

Status GgufWriter::finish(Error& error) {
  if (!has_head_ || current_ < tensors_.size()) {
    return fail(error, Status::internal, "{}: {} of {} tensors are written",
                Shown(short_name(sink_)), current_, tensors_.size());
  }
  return sink_.close(error);
}

}  // namespace inlay
