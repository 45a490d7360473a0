// gguf_reader.cpp - a GGUF file to a Manifest: header, keys, tensor table, places of the tensors.
#include <bit>

#include "base/checked.h"
#include "format/gguf.h"
#include "format/gguf_input.h"
#include "format/limits.h"
#include "format/name.h"
#include "format/tensor_table.h"

namespace inlay {
namespace {

constexpr std::string_view magic = "GGUF";
// The least that a key (length, type, a byte of value) and a tensor (length, rank, type, offset)
// take.
constexpr std::uint64_t min_key_bytes = 13;
constexpr std::uint64_t min_tensor_bytes = 24;

class GgufReader {
 public:
  GgufReader(const Source& source, Manifest& manifest, Split* split, Error& error)
      : manifest_(manifest),
        error_(error),
        split_(split),
        size_(source.size()),
        input_(source, manifest, error) {}

  Status read() {
    INLAY_TRY(read_header());
    INLAY_TRY(read_keys());
    INLAY_TRY(check_alignment());
    INLAY_TRY(read_split());
    INLAY_TRY(read_tensors());
    INLAY_TRY(place_tensors());
    return check_overlap(manifest_.file(), manifest_.tensors(), manifest_.allocator(), error_);
  }

 private:
  Status read_header();
  Status check_version(std::uint32_t version);
  Status check_counts();
  Status read_keys();
  Status read_key();
  Status check_alignment();
  Status read_split();
  Status read_tensors();
  Status read_tensor(TensorInfo& tensor);
  Status place_tensors();
  Shown file() const { return Shown(manifest_.file()); }

  Manifest& manifest_;
  Error& error_;
  Split* split_;
  std::uint64_t size_;
  GgufInput input_;
  std::uint64_t key_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t alignment_ = 32;  // when no key says otherwise
};

Status GgufReader::check_version(std::uint32_t version) {
  if (version == 2 || version == 3) return Status::ok;
  if (version != 0 && (version & 0xffffu) == 0) {
    return fail(error_, Status::unsupported, "{}: big-endian file, not supported", file());
  }
  return fail(error_, Status::unsupported, "{}: GGUF version {}, expected 2 or 3", file(), version);
}

Status GgufReader::read_header() {
  char first[4] = {};
  std::uint32_t version = 0;
  INLAY_TRY(input_.read_number(first));
  if (std::string_view(first, sizeof first) != magic) {
    const auto byte = [&](int i) { return static_cast<unsigned>(first[i]) & 0xffu; };
    return fail(error_, Status::format,
                "{}: no GGUF file: begins with {:02x} {:02x} {:02x} {:02x}, expected 47 47 55 46",
                file(), byte(0), byte(1), byte(2), byte(3));
  }
  INLAY_TRY(input_.read_number(version));
  INLAY_TRY(check_version(version));
  INLAY_TRY(input_.read_number(tensor_count_));
  INLAY_TRY(input_.read_number(key_count_));
  INLAY_TRY(check_counts());
  return manifest_.reserve(key_count_, tensor_count_, error_);
}

// Both counts must fit what is left of the file before anything is allocated for them.
Status GgufReader::check_counts() {
  const std::uint64_t keys_fit = input_.remaining() / min_key_bytes;
  if (key_count_ > keys_fit) {
    return fail(error_, Status::format, "{}: key count is {}, the file has room for {}", file(),
                key_count_, keys_fit);
  }
  const std::uint64_t tensors_fit =
      (input_.remaining() - key_count_ * min_key_bytes) / min_tensor_bytes;
  if (tensor_count_ > tensors_fit) {
    return fail(error_, Status::format, "{}: tensor count is {}, the file has room for {}", file(),
                tensor_count_, tensors_fit);
  }
  if (key_count_ > limits::keys) {
    return fail(error_, Status::limit, "{}: key count is {}, the limit is {}", file(), key_count_,
                limits::keys);
  }
  if (tensor_count_ > limits::tensors) {
    return fail(error_, Status::limit, "{}: tensor count is {}, the limit is {}", file(),
                tensor_count_, limits::tensors);
  }
  return Status::ok;
}

Status GgufReader::read_keys() {
  for (std::uint64_t i = 0; i < key_count_; ++i) {
    input_.place() = {"key", i, {}, Place::none};
    INLAY_TRY(read_key());
  }
  return manifest_.index_keys(error_);
}

Status GgufReader::read_key() {
  std::string_view key;
  Value value;
  INLAY_TRY(input_.read_string(limits::key_bytes, key));
  INLAY_TRY(check_name(manifest_.file(), key_rule, input_.place().index, key, error_));
  input_.place().name = key;
  INLAY_TRY(input_.read_value(value));
  return manifest_.add_key(key, value, error_);
}

Status GgufReader::check_alignment() {
  constexpr std::string_view key = "general.alignment";
  const Value* value = manifest_.find(key);
  if (!value) return Status::ok;
  input_.place() = {"key", Place::none, key, Place::none};
  if (value->type() != ValueType::u32 || value->is_array()) {
    return input_.refuse(Status::format, "expected u32, file has {}{}",
                         value->is_array() ? "array of " : "", value_type_name(value->type()));
  }
  INLAY_TRY(manifest_.get(key, alignment_, error_));
  if (std::has_single_bit(alignment_) && alignment_ >= limits::min_alignment &&
      alignment_ <= limits::max_alignment) {
    return Status::ok;
  }
  return input_.refuse(Status::format, "expected a power of two from {} to {}, file has {}",
                       limits::min_alignment, limits::max_alignment, alignment_);
}

Status GgufReader::read_split() {
  INLAY_TRY(manifest_.get_or("split.no", split_->no, 0, error_));
  INLAY_TRY(manifest_.get_or("split.count", split_->count, 1, error_));
  return manifest_.get_or("split.tensors.count", split_->tensors, Split::unknown, error_);
}

Status GgufReader::read_tensors() {
  for (std::uint64_t i = 0; i < tensor_count_; ++i) {
    input_.place() = {"tensor", i, {}, Place::none};
    TensorInfo tensor;
    INLAY_TRY(read_tensor(tensor));
    INLAY_TRY(manifest_.add_tensor(tensor, error_));
  }
  return manifest_.index_tensors(error_);
}

Status GgufReader::read_tensor(TensorInfo& tensor) {
  std::uint32_t type = 0;
  INLAY_TRY(input_.read_string(limits::tensor_name_bytes, tensor.name));
  INLAY_TRY(check_name(manifest_.file(), tensor_rule, input_.place().index, tensor.name, error_));
  input_.place().name = tensor.name;
  INLAY_TRY(input_.read_number(tensor.rank));
  if (tensor.rank < 1 || tensor.rank > limits::rank) {
    return input_.refuse(Status::format, "expected 1 to {} dimensions, file has {}", limits::rank,
                         tensor.rank);
  }
  for (std::uint32_t i = 0; i < tensor.rank; ++i) INLAY_TRY(input_.read_number(tensor.shape[i]));
  INLAY_TRY(input_.read_number(type));
  INLAY_TRY(input_.read_number(tensor.offset));
  tensor.type = static_cast<Type>(type);
  return measure_tensor(manifest_.file(), tensor, error_);
}

// Offsets become absolute, once they are known to lie in the data section.
Status GgufReader::place_tensors() {
  if (tensor_count_ == 0) return Status::ok;
  std::uint64_t begin = 0;
  if (!checked_align(input_.position(), alignment_, begin) || begin > size_) {
    return fail(error_, Status::format, "{}: tensor data begins at {}, the file has {} bytes",
                file(), begin, size_);
  }
  for (TensorInfo& tensor : manifest_.mutable_tensors()) {
    input_.place().name = tensor.name;
    if (tensor.offset % alignment_ != 0) {
      return input_.refuse(Status::format, "offset {} is no multiple of the alignment {}",
                           tensor.offset, alignment_);
    }
    const std::uint64_t available = size_ - begin;
    if (tensor.offset > available || tensor.bytes > available - tensor.offset) {
      return input_.refuse(Status::format, "{} bytes at offset {}, the file has {} bytes of data",
                           tensor.bytes, tensor.offset, available);
    }
    tensor.offset += begin;
  }
  return Status::ok;
}

}  // namespace

Status read_gguf_part(const Source& source, Manifest& manifest, Split* split, Error& error) {
  INLAY_TRY(manifest.clear(short_path(source.name()), error));
  const Status status = GgufReader(source, manifest, split, error).read();
  if (is_error(status)) manifest.clear();
  return status;
}

Status read_gguf(const Source& source, Manifest& manifest, Error& error) {
  Split split;
  INLAY_TRY(read_gguf_part(source, manifest, &split, error));
  if (split.count <= 1 && split.no == 0) return Status::ok;
  const Status status = fail(error, Status::unsupported,
                             "{}: split.no {} of split.count {}: one part of a split model",
                             Shown(manifest.file()), split.no, split.count);
  manifest.clear();
  return status;
}

}  // namespace inlay
