// model.cpp - opening a model, level by level: metadata, program, weights.
#include "engine/model.h"

#include <new>

#include "backend/cpu/units.h"
#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "base/threads.h"
#include "engine/file_view.h"
#include "engine/record.h"
#include "engine/vocab_view.h"
#include "format/gguf.h"
#include "graph/explain.h"
#include "quant/dequantize.h"

namespace inlay {
namespace {

constexpr std::size_t model_alignment = 64;

}  // namespace

Model::Model(const inlay_host& host)
    : allocator_(host.allocator),
      host_(host),
      manifest_(allocator_),
      tokenizer_(allocator_),
      program_(allocator_),
      weights_(allocator_),
      blocks_(allocator_) {
  host_.allocator = allocator_.host();
}

Model::~Model() {
  for (const Block& block : blocks_) allocator_.release(block.data, block.bytes);
}

Status Model::open(const inlay_source& source, const ModelOptions& options, Model** model,
                   Error& error) {
  const inlay_jobs& jobs = options.host.jobs;
  if (jobs.run && (jobs.workers == 0 || jobs.workers > max_workers)) {
    return fail(error, Status::argument, "host: jobs.workers is {}, expected 1 to {}", jobs.workers,
                max_workers);
  }
  const Allocator host(options.host.allocator);
  void* block = host.host().allocate(host.host().user, sizeof(Model), model_alignment);
  if (!block) return fail_memory(error, "model");
  auto* opened = new (block) Model(options.host);
  if (const Status s = opened->load(source, options, error); is_error(s)) {
    opened->release();
    return s;
  }
  *model = opened;
  return Status::ok;
}

void Model::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const inlay_allocator host = host_.allocator;
  this->~Model();
  host.release(host.user, this, sizeof(Model), model_alignment);
}

Status Model::load(const inlay_source& source, const ModelOptions& options, Error& error) {
  const FlushDenormals mode;  // numbers do not depend on the host's floating-point mode
  INLAY_TRY(source_.open(allocator_, source, error));
  INLAY_TRY(read_gguf(source_, manifest_, error));
  INLAY_TRY(manifest_.get("general.architecture", architecture_, error));
  std::string_view name;
  INLAY_TRY(manifest_.get_or("general.name", name, {}, error));
  name_ = copy_text(name);
  architecture_text_ = copy_text(architecture_);
  if (!name_ || !architecture_text_) return fail_memory(error, "model name");
  depth_ = INLAY_OPEN_METADATA;
  INLAY_TRY(load_tokenizer(options.depth, error));
  if (options.depth >= INLAY_OPEN_PROGRAM) INLAY_TRY(load_program(options.isa, error));
  metadata_bytes_ = sizeof(Model) + allocator_.live_bytes();
  if (options.depth >= INLAY_OPEN_WEIGHTS) INLAY_TRY(load_weights(error));
  depth_ = options.depth;
  return Status::ok;
}

// Zero-terminated, kept with the manifest; nullptr when memory is out.
const char* Model::copy_text(std::string_view text) {
  char* copy = manifest_.store().allocate<char>(text.size() + 1);
  if (!copy) return nullptr;
  text.copy(copy, text.size());
  copy[text.size()] = 0;
  return copy;
}

std::uint32_t Model::stated(std::string_view key) const {
  char text[160];
  print(text, sizeof text, "{}.{}", architecture_, key);
  Error ignored{};
  std::uint32_t value = 0;
  if (is_error(manifest_.get_or(text, value, 0u, ignored))) return 0;
  return value;
}

// Looking at a file works for vocabularies that cannot be used yet; the log says why they cannot.
Status Model::load_tokenizer(std::uint32_t depth, Error& error) {
  if (!manifest_.find("tokenizer.ggml.model")) return Status::ok;
  Error reason{};
  const Status status = inlay::load_tokenizer(manifest_, allocator_, tokenizer_, reason);
  has_tokenizer_ = !is_error(status);
  if (has_tokenizer_) return Status::ok;
  if (status != Status::unsupported || depth > INLAY_OPEN_METADATA) {
    error = reason;
    return status;
  }
  if (host_.log.write) {
    const std::string_view text = reason.text;
    host_.log.write(host_.log.user, INLAY_LOG_WARNING, text.data(), text.size());
  }
  return Status::ok;
}

Status Model::load_program(const char* isa, Error& error) {
  kernels_ = cpu_unit(isa);
  if (!kernels_) {
    return fail(error, Status::unsupported, "isa: no unit \"{}\" that this processor can run",
                Shown(isa ? isa : "best"));
  }
  INLAY_TRY(record_program(view_of(manifest_, architecture_), program_, error));
  token_bytes_ = count_token_bytes();
  const std::size_t count = program_.weights.size();
  // Taken here, so that it counts as metadata and loading adds weights only.
  if (is_error(weights_.resize(count)) || is_error(blocks_.reserve(count))) {
    return fail_memory(error, "weight list");
  }
  return Status::ok;
}

Status Model::load_weights(Error& error) {
  for (std::size_t i = 0; i < program_.weights.size(); ++i) {
    INLAY_TRY(load_weight(program_.weights[i], &weights_[i], error));
  }
  return Status::ok;
}

// A matrix stays where it is when the source is in memory; a vector is always ours, as F32.
Status Model::load_weight(const WeightInfo& weight, const void** data, Error& error) {
  const TensorInfo& tensor = manifest_.tensors()[weight.tensor];
  if (weight.matrix && source_.map()) {
    *data = source_.map() + tensor.offset;
    return Status::ok;
  }
  void* block = allocator_.allocate(weight.bytes);
  if (!block) return fail_memory(error, Shown(tensor.name).view());
  const bool as_stored = weight.matrix || weight.type == Type::F32;
  Status status = blocks_.push({block, weight.bytes});  // room was reserved
  if (as_stored) {
    status = source_.read(tensor.offset, block, weight.bytes, error);
  } else {
    Array<std::byte> stored(allocator_);
    status = stored.resize(tensor.bytes);
    if (is_error(status)) return fail_memory(error, Shown(tensor.name).view());
    status = source_.read(tensor.offset, stored.data(), tensor.bytes, error);
    if (!is_error(status)) {
      dequantize_row(weight.type, stored.data(), weight.columns, static_cast<float*>(block));
    }
  }
  *data = block;
  return status;
}

std::uint64_t Model::weight_bytes() const {
  std::uint64_t bytes = 0;
  for (const WeightInfo& w : program_.weights) bytes += w.bytes;
  return bytes;
}

std::uint64_t Model::borrowed_bytes() const {
  std::uint64_t bytes = 0;
  for (const WeightInfo& w : program_.weights) bytes += w.matrix && source_.map() ? w.bytes : 0;
  return bytes;
}

// Every weight once, of an embedding that is no output matrix one row only.
std::uint64_t Model::count_token_bytes() const {
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < program_.weights.size(); ++i) {
    bool whole = false, row = false;
    for (const Instruction& c : program_.code) {
      if (c.weight != i && c.bias != i) continue;
      (c.op == Op::embed ? row : whole) = true;
    }
    const WeightInfo& w = program_.weights[i];
    bytes += whole ? w.bytes : row ? w.row_bytes : 0;
  }
  return bytes;
}

const char* Model::isa() const { return kernels_ ? cpu_unit_name(*kernels_) : ""; }

Status Model::explain(Array<char>& text) const {
  const auto name = [](const void* manifest, std::uint32_t tensor) {
    return static_cast<const Manifest*>(manifest)->tensors()[tensor].name;
  };
  return inlay::explain(program_, &manifest_, name, text);
}

bool Model::all_f32() const {
  for (const WeightInfo& w : program_.weights) {
    if (w.matrix && w.type != Type::F32) return false;
  }
  return true;
}

}  // namespace inlay
