// gguf_split.cpp - the files of a split GGUF model as one Manifest.
#include "base/diagnostics.h"
#include "format/gguf.h"
#include "format/limits.h"

namespace inlay {
namespace {

class SplitReader {
 public:
  SplitReader(ModelFiles& files, Manifest& manifest, Error& error)
      : files_(files),
        manifest_(manifest),
        error_(error),
        order_(manifest.allocator()),
        other_(manifest.allocator()) {}

  Status read() {
    INLAY_TRY(read_gguf_part(files_[0], manifest_, &model_, error_));
    if (model_.count <= 1) return check_single();
    INLAY_TRY(check_count());
    INLAY_TRY(find_parts());
    INLAY_TRY(read_first());
    for (std::uint32_t no = 1; no < order_.size(); ++no) INLAY_TRY(append_part(no));
    INLAY_TRY(check_twice());
    INLAY_TRY(check_total());
    return manifest_.index_tensors(error_);
  }

 private:
  Status check_single();
  Status check_count();
  Status find_parts();
  Status read_first();
  Status read_number(std::uint32_t part, std::uint64_t* no);
  Status check_split(std::uint32_t part, const Split& split);
  Status append_part(std::uint32_t no);
  Status append_tensor(TensorInfo tensor, std::uint32_t part);
  Status check_twice();
  Status check_total();
  Shown file(std::uint32_t part) const { return Shown(short_path(files_[part].name())); }

  ModelFiles& files_;
  Manifest& manifest_;
  Error& error_;
  Split model_;                 // as the first opened file says
  Array<std::uint32_t> order_;  // by split.no: which of the files
  Manifest other_;              // the part being read, when it is not the first
};

Status SplitReader::check_single() {
  if (model_.no != 0) {
    return fail(error_, Status::format, "{}: split.no is {}, split.count is {}", file(0), model_.no,
                model_.count);
  }
  if (files_.listed() <= 1) return Status::ok;
  return fail(error_, Status::argument, "{}: the model has 1 part, {} are given", file(0),
              files_.listed());
}

// Before any other file is looked for.
Status SplitReader::check_count() {
  if (model_.count > limits::files) {
    return fail(error_, Status::limit, "{}: split.count is {}, the limit is {}", file(0),
                model_.count, limits::files);
  }
  if (model_.no < model_.count) return Status::ok;
  return fail(error_, Status::format, "{}: split.no is {}, split.count is {}", file(0), model_.no,
              model_.count);
}

// Paths say which part they are; listed files are asked, for they may come in any order.
Status SplitReader::find_parts() {
  constexpr std::uint32_t none = 0xffffffffu;
  const auto count = static_cast<std::uint32_t>(model_.count);
  if (is_error(order_.resize(count))) return fail_memory(error_, "list of parts");
  for (std::uint32_t& part : order_) part = none;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t part = 0;
    std::uint64_t no = i;
    INLAY_TRY(files_.open_part(i, count, &part, error_));
    if (files_.listed()) INLAY_TRY(read_number(part, &no));
    if (order_[no] != none) {
      return fail(error_, Status::format, "{}: split.no is {}, as in {}", file(part), no,
                  file(order_[no]));
    }
    order_[no] = part;
  }
  return Status::ok;
}

Status SplitReader::read_number(std::uint32_t part, std::uint64_t* no) {
  Split split = model_;
  if (part != 0) INLAY_TRY(read_gguf_part(files_[part], other_, &split, error_));
  *no = split.no;
  return check_split(part, split);
}

// Every part says of the model what the others say.
Status SplitReader::check_split(std::uint32_t part, const Split& split) {
  if (split.count != model_.count) {
    return fail(error_, Status::format, "{}: split.count is {}, {} has {}", file(part), split.count,
                file(0), model_.count);
  }
  if (split.no >= model_.count) {
    return fail(error_, Status::format, "{}: split.no is {}, split.count is {}", file(part),
                split.no, split.count);
  }
  if (split.tensors == Split::unknown) return Status::ok;
  if (model_.tensors == Split::unknown) model_.tensors = split.tensors;
  if (split.tensors == model_.tensors) return Status::ok;
  return fail(error_, Status::format, "{}: split.tensors.count is {}, {} has {}", file(part),
              split.tensors, file(0), model_.tensors);
}

Status SplitReader::read_first() {
  Split split = model_;
  const std::uint32_t part = order_[0];
  if (part != 0) INLAY_TRY(read_gguf_part(files_[part], manifest_, &split, error_));
  INLAY_TRY(check_split(part, split));
  if (split.no != 0) {
    return fail(error_, Status::format, "{}: split.no is {}, expected 0", file(part), split.no);
  }
  for (TensorInfo& tensor : manifest_.mutable_tensors()) tensor.part = part;
  return Status::ok;
}

Status SplitReader::append_part(std::uint32_t no) {
  Split split;
  const std::uint32_t part = order_[no];
  INLAY_TRY(read_gguf_part(files_[part], other_, &split, error_));
  INLAY_TRY(check_split(part, split));
  if (split.no != no) {
    return fail(error_, Status::format, "{}: split.no is {}, expected {}", file(part), split.no,
                no);
  }
  for (const TensorInfo& tensor : other_.tensors()) INLAY_TRY(append_tensor(tensor, part));
  return Status::ok;
}

Status SplitReader::append_tensor(TensorInfo tensor, std::uint32_t part) {
  std::string_view name;
  if (is_error(manifest_.store().copy(tensor.name, name))) return fail_memory(error_, "tensors");
  tensor.name = name;
  tensor.part = part;
  return manifest_.add_tensor(tensor, error_);
}

// Within a part the reader has looked already; here both files are named.
Status SplitReader::check_twice() {
  NameIndex<TensorInfo, &TensorInfo::name> index(manifest_.allocator());
  const auto tensors = manifest_.tensors();
  if (is_error(index.build(tensors))) return fail_memory(error_, "index of tensors");
  const std::uint32_t* twice = index.duplicate(tensors);
  if (!twice) return Status::ok;
  const TensorInfo& first = tensors[twice[0]];
  return fail(error_, Status::format, "{}: tensor {} is in {} too", file(tensors[twice[1]].part),
              Shown(first.name), file(first.part));
}

Status SplitReader::check_total() {
  const std::uint64_t count = manifest_.tensors().size();
  if (model_.tensors == Split::unknown || model_.tensors == count) return Status::ok;
  return fail(error_, Status::format, "{}: split.tensors.count is {}, the {} parts have {}",
              file(order_[0]), model_.tensors, model_.count, count);
}

}  // namespace

Status read_gguf(ModelFiles& files, Manifest& manifest, Error& error) {
  const Status status = SplitReader(files, manifest, error).read();
  if (is_error(status)) manifest.clear();
  return status;
}

}  // namespace inlay
