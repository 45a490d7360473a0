// safetensors.cpp - the header of a file, one tensor after the other.
#include "format/safetensors.h"

#include <algorithm>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "format/json.h"
#include "format/limits.h"
#include "format/name.h"

namespace inlay {
namespace {

constexpr std::uint64_t length_bytes = 8;          // the length of the header stands before it
constexpr std::uint64_t max_header = 100'000'000;  // the format's own limit
constexpr const char* single_file = "model.safetensors";
constexpr const char* index_file = "model.safetensors.index.json";

bool element_of(std::string_view name, Element& element) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Element::boolean); ++i) {
    if (name != element_name(static_cast<Element>(i))) continue;
    element = static_cast<Element>(i);
    return true;
  }
  return false;
}

// One file's header.
class Header {
 public:
  Header(const Source& source, std::uint32_t part, Allocator& allocator, ChunkStore& store,
         Array<StoredTensor>& tensors, Error& error)
      : source_(source),
        part_(part),
        allocator_(allocator),
        store_(store),
        tensors_(tensors),
        first_(tensors.size()),
        error_(error) {}

  Status read();

 private:
  struct Seen {
    bool type = false, shape = false, offsets = false;
  };

  std::string_view file() const { return last_component(source_.name()); }
  Status read_length();
  void read_metadata(JsonReader& json);
  Status read_tensor(JsonReader& json, std::string_view name);
  void read_field(JsonReader& json, std::string_view field, StoredTensor& tensor, Seen& seen);
  void read_type(JsonReader& json, StoredTensor& tensor);
  void read_shape(JsonReader& json, StoredTensor& tensor);
  void read_offsets(JsonReader& json, StoredTensor& tensor);
  void check(JsonReader& json, const StoredTensor& tensor, const Seen& seen);
  Status check_cover();

  const Source& source_;
  std::uint32_t part_;
  Allocator& allocator_;
  ChunkStore& store_;
  Array<StoredTensor>& tensors_;
  std::size_t first_;  // tensor of this file
  Error& error_;
  std::uint64_t data_ = 0;  // where the data begins
};

Status Header::read_length() {
  const std::uint64_t size = source_.size();
  if (size < length_bytes) {
    return fail(error_, Status::format,
                "{}: the file has {} bytes, the length of its header alone {}", Shown(file()), size,
                length_bytes);
  }
  unsigned char bytes[length_bytes];
  INLAY_TRY(source_.read(0, bytes, sizeof bytes, error_));
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | bytes[i];
  if (length > size - length_bytes) {
    return fail(error_, Status::format, "{}: header of {} bytes, the file has {} after its length",
                Shown(file()), length, size - length_bytes);
  }
  if (length > max_header) {
    return fail(error_, Status::limit, "{}: header of {} bytes, the limit is {}", Shown(file()),
                length, max_header);
  }
  char first = 0;
  if (length > 0) INLAY_TRY(source_.read(length_bytes, &first, 1, error_));
  if (first != '{') {
    return fail(error_, Status::format, "{}: the header of {} bytes does not begin with '{{'",
                Shown(file()), length);
  }
  data_ = length_bytes + length;
  return Status::ok;
}

Status Header::read() {
  INLAY_TRY(read_length());
  JsonReader json(source_, length_bytes, data_, allocator_, error_);
  std::string_view key;
  bool has_metadata = false;
  if (json.begin_object()) {
    while (json.next_key(key)) {
      if (key == "__metadata__") {
        if (has_metadata) json.refuse(Status::format, "is there twice");
        has_metadata = true;
        read_metadata(json);
      } else {
        INLAY_TRY(read_tensor(json, key));
      }
    }
  }
  INLAY_TRY(json.finish());
  return check_cover();
}

// Texts by name, of no meaning here.
void Header::read_metadata(JsonReader& json) {
  std::string_view key, ignored;
  if (!json.begin_object()) return;
  while (json.next_key(key)) json.text(ignored);
}

Status Header::read_tensor(JsonReader& json, std::string_view name) {
  StoredTensor tensor;
  Seen seen;
  if (tensors_.size() >= limits::tensors) {
    json.refuse_with(Status::limit, "more than {} tensors", limits::tensors);
    return json.status();
  }
  INLAY_TRY(check_name(file(), tensor_rule, tensors_.size() - first_, name, error_));
  if (is_error(store_.copy(name, tensor.name))) return fail_memory(error_, "tensor names");
  std::string_view field;
  if (json.begin_object()) {
    while (json.next_key(field)) read_field(json, field, tensor, seen);
  }
  check(json, tensor, seen);
  INLAY_TRY(json.status());
  tensor.range.part = part_;
  tensor.range.offset += data_;
  return is_error(tensors_.push(tensor)) ? fail_memory(error_, "tensors") : Status::ok;
}

void Header::read_field(JsonReader& json, std::string_view field, StoredTensor& tensor,
                        Seen& seen) {
  bool* flag = field == "dtype"          ? &seen.type
               : field == "shape"        ? &seen.shape
               : field == "data_offsets" ? &seen.offsets
                                         : nullptr;
  if (!flag) {
    json.skip();
    return;
  }
  if (*flag) json.refuse(Status::format, "is there twice");
  *flag = true;
  if (flag == &seen.type) read_type(json, tensor);
  if (flag == &seen.shape) read_shape(json, tensor);
  if (flag == &seen.offsets) read_offsets(json, tensor);
}

void Header::read_type(JsonReader& json, StoredTensor& tensor) {
  std::string_view name;
  if (!json.text(name) || element_of(name, tensor.element)) return;
  json.refuse_with(Status::unsupported, "number format {} is not known here", Shown(name));
}

void Header::read_shape(JsonReader& json, StoredTensor& tensor) {
  if (!json.begin_array()) return;
  while (json.next_item()) {
    if (tensor.rank == limits::rank) {
      json.refuse_with(Status::limit, "more than {} dimensions", limits::rank);
      return;
    }
    json.integer(tensor.shape[tensor.rank++]);
  }
}

// Both from the begin of the data; the range becomes [offset, offset + bytes).
void Header::read_offsets(JsonReader& json, StoredTensor& tensor) {
  std::uint64_t offsets[2] = {0, 0};
  std::size_t count = 0;
  if (!json.begin_array()) return;
  while (json.next_item()) {
    if (count == 2) {
      json.refuse(Status::format, "expected 2 offsets, file has more");
      return;
    }
    json.integer(offsets[count++]);
  }
  if (count < 2) {
    json.refuse_with(Status::format, "expected 2 offsets, file has {}", count);
    return;
  }
  const std::uint64_t available = source_.size() - data_;
  if (offsets[0] > offsets[1] || offsets[1] > available) {
    json.refuse_with(Status::format, "bytes {} to {}, the file has {} bytes of data", offsets[0],
                     offsets[1], available);
    return;
  }
  tensor.range.offset = offsets[0];
  tensor.range.bytes = offsets[1] - offsets[0];
}

void Header::check(JsonReader& json, const StoredTensor& tensor, const Seen& seen) {
  if (is_error(json.status())) return;
  const char* missing = !seen.type      ? "dtype"
                        : !seen.shape   ? "shape"
                        : !seen.offsets ? "data_offsets"
                                        : nullptr;
  if (missing) {
    json.refuse_with(Status::format, "{} is missing", missing);
    return;
  }
  std::uint64_t bytes = element_bytes(tensor.element);
  for (std::uint32_t i = 0; i < tensor.rank; ++i) {
    if (checked_mul(bytes, tensor.shape[i], bytes)) continue;
    json.refuse_with(Status::format, "dimensions up to {} do not fit 64 bits", tensor.shape[i]);
    return;
  }
  if (bytes != tensor.range.bytes) {
    json.refuse_with(Status::format, "shape and {} need {} bytes, the offsets give {}",
                     element_name(tensor.element), bytes, tensor.range.bytes);
  }
}

// The tensors of a file lie side by side and fill its data, as the format demands.
Status Header::check_cover() {
  const std::span<const StoredTensor> mine = tensors_.span().subspan(first_);
  Array<std::uint32_t> order(allocator_);
  if (is_error(order.resize(mine.size()))) return fail_memory(error_, "order of tensors");
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const FileRange &x = mine[a].range, &y = mine[b].range;
    return x.offset != y.offset ? x.offset < y.offset
           : x.bytes != y.bytes ? x.bytes < y.bytes
                                : a < b;
  });
  std::uint64_t covered = data_;
  for (const std::uint32_t i : order) {
    const StoredTensor& tensor = mine[i];
    if (tensor.range.offset != covered) {
      return fail(error_, Status::format,
                  "{}: {} begins at byte {} of the data, the one before ends at {}", Shown(file()),
                  Shown(tensor.name), tensor.range.offset - data_, covered - data_);
    }
    covered += tensor.range.bytes;
  }
  if (covered == source_.size()) return Status::ok;
  return fail(error_, Status::format,
              "{}: the tensors have {} bytes, the file has {} bytes of data", Shown(file()),
              covered - data_, source_.size() - data_);
}

}  // namespace

StoredTensors::StoredTensors(Allocator& allocator)
    : store_(allocator), tensors_(allocator), index_(allocator) {}

const StoredTensor* StoredTensors::find(std::string_view name) const {
  return index_.find(tensors_, name);
}

Status StoredTensors::read_file(const Source& source, std::uint32_t part, Error& error) {
  return Header(source, part, *tensors_.allocator(), store_, tensors_, error).read();
}

Status StoredTensors::index_names(const ModelFiles* files, Error& error) {
  if (is_error(index_.build(tensors_))) return fail_memory(error, "index of tensors");
  const std::uint32_t* twice = index_.duplicate(tensors_);
  if (!twice) return Status::ok;
  const StoredTensor &a = tensors_[twice[0]], &b = tensors_[twice[1]];
  const auto file = [&](const StoredTensor& t) {
    return Shown(files ? last_component((*files)[t.range.part].name()) : "the file");
  };
  return fail(error, Status::format, "{}: tensor {} is there twice, also in {}", file(b),
              Shown(a.name), file(a));
}

Status StoredTensors::read(ModelFiles& files, Error& error) {
  index_.reset();
  tensors_.reset();
  store_.reset();
  bool present = false;
  std::uint32_t part = 0;
  INLAY_TRY(files.find(single_file, &present, &part, error));
  if (present) {
    INLAY_TRY(read_file(files[part], part, error));
    return index_names(&files, error);
  }
  INLAY_TRY(files.find(index_file, &present, &part, error));
  if (present) return read_shards(files, part, error);
  return fail(error, Status::io, "{}: the folder has neither {} nor {}", Shown(files.name()),
              single_file, index_file);
}

}  // namespace inlay
