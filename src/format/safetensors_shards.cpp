// safetensors_shards.cpp - the index of a model in several files.
#include "base/diagnostics.h"
#include "format/json.h"
#include "format/limits.h"
#include "format/name.h"
#include "format/safetensors.h"

namespace inlay {
namespace {

// A line of the index: this tensor is to be in that file.
struct Listed {
  std::string_view name;
  std::uint32_t part;
};

// The shards that were opened, by name.
struct Shard {
  std::string_view file;
  std::uint32_t part;
};

// Reads the index, opens each shard and reads its header when it is named first.
class ShardList {
 public:
  ShardList(ModelFiles& files, StoredTensors& tensors, ChunkStore& store, Allocator& allocator,
            Error& error)
      : files_(files),
        tensors_(tensors),
        store_(store),
        allocator_(allocator),
        error_(error),
        shards_(allocator),
        listed_(allocator) {}

  Status read(std::uint32_t index_part);

 private:
  Status read_line(JsonReader& json, std::string_view name);
  Status shard(JsonReader& json, std::string_view file, std::uint32_t& part);
  Status check_listed();

  ModelFiles& files_;
  StoredTensors& tensors_;
  ChunkStore& store_;
  Allocator& allocator_;
  Error& error_;
  std::string_view index_name_;
  Array<Shard> shards_;
  Array<Listed> listed_;
};

Status ShardList::read(std::uint32_t index_part) {
  JsonReader json(files_[index_part], allocator_, error_);
  std::string_view key;
  bool has_map = false;
  index_name_ = json.file();
  if (json.begin_object()) {
    while (json.next_key(key)) {
      if (key != "weight_map") {
        json.skip();
        continue;
      }
      has_map = true;
      if (!json.begin_object()) break;
      while (json.next_key(key)) INLAY_TRY(read_line(json, key));
    }
  }
  INLAY_TRY(json.finish());
  if (!has_map) {
    return fail(error_, Status::format, "{}: weight_map is missing", Shown(index_name_));
  }
  for (const Shard& s : shards_) INLAY_TRY(tensors_.read_file(files_[s.part], s.part, error_));
  INLAY_TRY(tensors_.index_names(&files_, error_));
  return check_listed();
}

Status ShardList::read_line(JsonReader& json, std::string_view name) {
  Listed line{{}, 0};
  std::string_view file;
  if (listed_.size() >= limits::tensors) {
    json.refuse_with(Status::limit, "more than {} tensors", limits::tensors);
    return json.status();
  }
  INLAY_TRY(check_name(json.file(), tensor_rule, listed_.size(), name, error_));
  if (is_error(store_.copy(name, line.name))) return fail_memory(error_, "tensor names");
  if (!json.text(file)) return json.status();
  INLAY_TRY(shard(json, file, line.part));
  return is_error(listed_.push(line)) ? fail_memory(error_, "list of tensors") : Status::ok;
}

Status ShardList::shard(JsonReader& json, std::string_view file, std::uint32_t& part) {
  for (std::size_t i = shards_.size(); i-- > 0;) {  // the last one is the likely one
    if (shards_[i].file != file) continue;
    part = shards_[i].part;
    return Status::ok;
  }
  if (shards_.size() == limits::files) {
    json.refuse_with(Status::limit, "more than {} files", limits::files);
    return json.status();
  }
  Shard added{{}, 0};
  if (is_error(store_.copy(file, added.file))) return fail_memory(error_, "file names");
  bool present = false;
  INLAY_TRY(files_.find(added.file, &present, &added.part, error_));
  if (!present) {
    json.refuse_with(Status::io, "the folder has no file {}", Shown(added.file));
    return json.status();
  }
  part = added.part;
  return is_error(shards_.push(added)) ? fail_memory(error_, "list of files") : Status::ok;
}

Status ShardList::check_listed() {
  for (const Listed& line : listed_) {
    const StoredTensor* tensor = tensors_.find(line.name);
    if (tensor && tensor->range.part == line.part) continue;
    return fail(error_, Status::format, "{}: tensor {} is listed for {}, which does not have it",
                Shown(index_name_), Shown(line.name),
                Shown(last_component(files_[line.part].name())));
  }
  return Status::ok;
}

}  // namespace

Status StoredTensors::read_shards(ModelFiles& files, std::uint32_t index_part, Error& error) {
  return ShardList(files, *this, store_, *tensors_.allocator(), error).read(index_part);
}

}  // namespace inlay
