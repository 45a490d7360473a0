// model.cpp - opening a model, level by level: metadata, program, weights.
#include "engine/model.h"

#include <new>

#include "backend/cpu/units.h"
#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "base/threads.h"
#include "engine/file_view.h"
#include "engine/mix.h"
#include "engine/record.h"
#include "engine/vocab_view.h"
#include "graph/explain.h"
#include "sample/grammar/token_trie.h"

namespace inlay {
namespace {

constexpr std::size_t model_alignment = 64;

}  // namespace

Model::Model(const inlay_host& host)
    : allocator_(host.allocator),
      host_(host),
      files_(allocator_),
      manifest_(allocator_),
      tokenizer_(allocator_),
      program_(allocator_),
      weights_(allocator_) {
  host_.allocator = allocator_.host();
}

Model::~Model() { destroy(allocator_, trie_.load(std::memory_order_acquire)); }

Status Model::token_trie(const grammar::TokenTrie** trie, Error& error) const {
  grammar::TokenTrie* known = trie_.load(std::memory_order_acquire);
  if (!known) {
    auto* made = create<grammar::TokenTrie>(allocator_, allocator_);
    if (!made) return fail_memory(error, "grammar: the tree of tokens");
    if (const Status s = made->build(tokenizer_, error); is_error(s)) {
      destroy(allocator_, made);
      return s;
    }
    // Whoever comes second takes the first one's.
    if (trie_.compare_exchange_strong(known, made, std::memory_order_acq_rel)) {
      known = made;
    } else {
      destroy(allocator_, made);
    }
  }
  *trie = known;
  return Status::ok;
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
  // A file that is only copied from need not be mapped: if it shrinks, that is an error then.
  if (options.memory != INLAY_MEMORY_MAPPED) files_.set_access(Source::Access::read);
  INLAY_TRY(read_model(source, files_, manifest_, error));
  INLAY_TRY(manifest_.get("general.architecture", architecture_, error));
  std::string_view name;
  INLAY_TRY(manifest_.get_or("general.name", name, {}, error));
  name_ = copy_text(name);
  architecture_text_ = copy_text(architecture_);
  if (!name_ || !architecture_text_) return fail_memory(error, "model name");
  depth_ = INLAY_OPEN_METADATA;
  INLAY_TRY(load_tokenizer(options.depth, error));
  if (options.depth >= INLAY_OPEN_PROGRAM) INLAY_TRY(load_program(options, error));
  metadata_bytes_ = sizeof(Model) + allocator_.live_bytes();
  if (options.depth >= INLAY_OPEN_WEIGHTS) {
    INLAY_TRY(weights_.load(files_, manifest_, program_, host_, options.loading, error));
  }
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
  tell(host_.log, INLAY_LOG_WARNING, "{}", std::string_view(reason.text));
  return Status::ok;
}

Status Model::load_program(const ModelOptions& options, Error& error) {
  kernels_ = cpu_unit(options.isa);
  if (!kernels_) {
    return fail(error, Status::unsupported, "isa: no unit \"{}\" that this processor can run",
                Shown(options.isa ? options.isa : "best"));
  }
  INLAY_TRY(record({}, options, error));
  const std::string_view name = options.weights ? options.weights : "stored";
  if (name == "auto") INLAY_TRY(fit_budget(options, error));
  if (name != "auto" && name != "stored") {
    const Mix* mix = find_mix(name);
    if (!mix) {
      return fail(error, Status::argument, "model options: weights: \"{}\" is no type or mix",
                  Shown(name));
    }
    INLAY_TRY(record_as(*mix, host_.log, options, error));
  }
  token_bytes_ = count_token_bytes();
  return Status::ok;
}

// The program for tensors of these types (empty: as stored), and the places of its weights.
Status Model::record(std::span<const Type> types, const ModelOptions& options, Error& error) {
  const TypedManifest file{manifest_, types};
  program_ = Program(allocator_);
  INLAY_TRY(record_program(view_of(file, architecture_), program_, error, options.observed));
  return weights_.place(files_, manifest_, program_, options.memory, kernels_->takes_interleaved,
                        error);
}

Status Model::record_as(const Mix& mix, const inlay_log& log, const ModelOptions& options,
                        Error& error) {
  Array<Type> types(allocator_);
  if (is_error(types.resize(manifest_.tensors().size()))) return fail_memory(error, "types");
  INLAY_TRY(choose_types(manifest_, mix, {{}, false, log}, types.span(), error));
  return record(types.span(), options, error);
}

// As stored, else as the first rung that fits; the log is told of that one's tensors only.
Status Model::fit_budget(const ModelOptions& options, Error& error) {
  if (options.weight_budget == 0) {
    return fail(error, Status::argument, "model options: weights is auto, weight_budget is 0");
  }
  const Mix* rung = nullptr;
  for (std::uint32_t i = 0; weights_.bytes() > options.weight_budget; ++i) {
    const char* last = rung ? rung->name : "stored";
    rung = mix_rung(i);
    if (!rung) {
      return fail(error, Status::limit, "{}: weights as {} take {} bytes, weight_budget is {}",
                  Shown(files_.name()), last, weights_.bytes(), options.weight_budget);
    }
    INLAY_TRY(record_as(*rung, {}, options, error));
  }
  return rung ? record_as(*rung, host_.log, options, error) : Status::ok;
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
