/// model.hpp - a model: what it says about itself, what it will cost, how to open and to shrink it.
///
///     auto model = inlay::Model::open("model.gguf");
///     if (!model) return complain(model.error().text());
///     std::printf("%s, %llu parameters\n", model->info().architecture, ...);
///
/// A model is immutable: any number of threads and sessions may use it at once.
#ifndef INLAY_MODEL_HPP
#define INLAY_MODEL_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "inlay/files.hpp"
#include "inlay/host.hpp"
#include "inlay/result.hpp"
#include "inlay/tokenizer.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

struct GenerateOptions;  // generate.hpp
struct Summary;
class Generation;

/// How far to open a model.
enum class Depth : std::uint32_t {
  metadata = INLAY_OPEN_METADATA,  ///< keys, tensor list, tokenizer; any architecture
  program = INLAY_OPEN_PROGRAM,  ///< and what it computes: plan and explain; no weight byte is read
  weights = INLAY_OPEN_WEIGHTS,  ///< and the weights: sessions can be opened
};

/// Where the weights of a model lie.
enum class Memory : std::uint32_t {
  mapped = INLAY_MEMORY_MAPPED,  ///< what a mapped file or the host's block holds as it is used
                                 ///< stays there
  copied = INLAY_MEMORY_COPIED,  ///< in host memory, rows side by side: faster steps
  huge_pages = INLAY_MEMORY_HUGE_PAGES,  ///< as copied, in huge pages where the system has them
};

struct ModelOptions {
  Depth depth = Depth::weights;
  const Host* host = nullptr;  ///< copied; nullptr: the library's own heap, threads and clock
  const char* isa = nullptr;   ///< an instruction set by name; nullptr: the best one here
  /// Type of the matrices in memory: nullptr or "stored": as the file has them; a name that
  /// quantize takes ("Q8_0", "Q4_K_M" ...): encoded while loading, to the bits that quantize would
  /// write; "auto": as stored if the planned weights fit weight_budget, else the best type that
  /// does.
  const char* weights = nullptr;
  std::uint64_t weight_budget = 0;  ///< bytes, for "auto"
  Memory memory = Memory::mapped;
  bool check_weights = false;  ///< read all weights; Status::format where one is NaN or infinite
  bool importance = false;     ///< sessions can write an importance matrix
  std::uint32_t threads = 0;   ///< that load weights; 0: physical cores. Unused with host jobs
  Progress progress{};         ///< of loading weights, in bytes
};

/// Overrides the type of tensors: `pattern` matches the whole name, * any text, ? one character.
/// Both zero-terminated. See inlay.h.
using Keep = inlay_keep;

struct QuantizeOptions {
  const char* type = nullptr;  ///< "Q8_0", "IQ4_XS" ... or a mix, "Q4_K_M" ...: see quantize_type
  const Source* importance = nullptr;  ///< a file that Session::write_importance wrote
  std::span<const Keep> keep{};        ///< the first that matches a name wins
  std::uint32_t threads = 0;           ///< 0: physical cores. Unused with host jobs
  Progress progress{};                 ///< in bytes of weights
};

/// What keys and values are kept as.
enum class KvType : std::uint32_t {
  automatic = INLAY_KV_AUTO,  ///< keys: f32 for a model of F32 weights, else f16; values: as keys
  f32 = INLAY_KV_F32,
  f16 = INLAY_KV_F16,
  bf16 = INLAY_KV_BF16,
  q8_0 = INLAY_KV_Q8_0,  ///< 8.5 bits a number
  q4_0 = INLAY_KV_Q4_0,  ///< 4.5 bits a number
};
/// With a number of inlay.h.
constexpr bool operator==(KvType type, std::uint32_t number) {
  return static_cast<std::uint32_t>(type) == number;
}

///     model.plan({.context = 8192, .sequences = 30, .kv_type = KvType::q8_0})
struct SessionOptions {
  std::uint32_t context = 0;      ///< tokens a sequence can hold; 0: as trained, at most 4096
  std::uint32_t sequences = 1;    ///< how many at once
  std::uint32_t chunk = 256;      ///< most tokens computed in one pass over the weights
  std::uint32_t logits_rows = 0;  ///< most rows of logits in one pass; 0: one for each sequence
  KvType kv_type = KvType::automatic;  ///< of the key/value cache
  /// With the caller's; 0: physical cores, as far as affinity and a container's quota allow. Unused
  /// with host jobs.
  std::uint32_t threads = 0;
  KvType value_type = KvType::automatic;  ///< of the values; kv_type is then of the keys
  /// What is computed is found again by its tokens and not computed twice. Without it every
  /// sequence computes its own; the bits are the same.
  bool reuse = true;
  /// Tokens whose keys and values the session can hold, rounded up to pages of 64. 0: a full
  /// context for every sequence. Less: sequences compete for it; more: prefixes are remembered for
  /// longer.
  std::uint64_t kv_tokens = 0;
  std::uint32_t trace_events = 0;  ///< entries a worker keeps for Session::write_trace; 0: no trace

  inlay_session_options raw() const noexcept {
    inlay_session_options raw;
    inlay_session_options_defaults(&raw);
    raw.context = context;
    raw.sequences = sequences;
    raw.chunk = chunk;
    raw.logits_rows = logits_rows;
    raw.kv_type = static_cast<std::uint32_t>(kv_type);
    raw.threads = threads;
    raw.value_type = static_cast<std::uint32_t>(value_type);
    raw.reuse = reuse;
    raw.kv_tokens = kv_tokens;
    raw.trace_events = trace_events;
    return raw;
  }
};

/// Architecture, name, sizes; texts live as long as the model. See inlay.h.
using ModelInfo = inlay_model_info;
/// Bytes: metadata, weights, state, scratch, total. Exact. See inlay.h.
using Plan = inlay_plan;

/// One key of the file; views live as long as the model.
struct Metadata {
  std::string_view key;
  std::string_view type;  ///< "u32", "string", "f32" ...; of the elements for an array
  bool is_array = false;
  std::uint64_t count = 0;  ///< elements of an array, else 1
  bool is_text = false;
  std::string_view text;  ///< the value of a string
  double number = 0;      ///< the value of a number or a bool
};

/// One tensor of the file; views live as long as the model.
struct Tensor {
  std::string_view name;
  std::string_view type;  ///< "F32", "Q4_K" ...
  std::uint32_t rank = 0;
  std::uint64_t shape[4] = {};  ///< innermost first
  std::uint64_t offset = 0;     ///< of the data, from the start of the source
  std::uint64_t bytes = 0;
};

/// One reference to an open model. An empty one fails every call with Status::argument.
class Model {
 public:
  Model() = default;
  Model(Model&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Model& operator=(Model&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Model() { inlay_model_release(raw_); }

  /// Opens a file, a folder, or any other source.
  /// Errors: io, format, unsupported (architecture, tensor type, instruction set), limit, memory,
  /// argument, cancelled.
  static Result<Model> open(std::string_view path, const ModelOptions& options = {}) {
    return open(Source::path(path), options);
  }
  static Result<Model> open(const Source& source, const ModelOptions& options = {}) {
    inlay_model_options raw;
    inlay_model_options_defaults(&raw);
    raw.depth = static_cast<std::uint32_t>(options.depth);
    raw.host = options.host ? options.host->raw() : nullptr;
    raw.isa = options.isa;
    raw.weights = options.weights;
    raw.weight_budget = options.weight_budget;
    raw.memory = static_cast<std::uint32_t>(options.memory);
    raw.check_weights = options.check_weights;
    raw.importance = options.importance;
    raw.threads = options.threads;
    raw.progress = *options.progress.raw();
    Model model;
    Error error;
    if (error.set(inlay_model_open(source.raw(), &raw, &model.raw_, error.raw()))) return error;
    return model;
  }

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  inlay_model* raw() const noexcept { return raw_; }
  /// Another reference to the same model. Thread-safe.
  Model share() const noexcept {
    if (raw_) inlay_model_retain(raw_);
    Model other;
    other.raw_ = raw_;
    return other;
  }

  /// All zero for an empty model; its texts are "" then.
  ModelInfo info() const noexcept {
    ModelInfo info{};
    info.struct_size = sizeof info;
    if (inlay_model_get_info(raw_, &info) != INLAY_OK) {
      info = {};
      info.architecture = info.name = info.isa = "";
    }
    return info;
  }

  /// The index-th key in file order, index under info().metadata_count.
  Result<Metadata> metadata(std::uint64_t index) const {
    inlay_metadata raw{};
    raw.struct_size = sizeof raw;
    Error error;
    if (error.set(inlay_model_get_metadata(raw_, index, &raw))) return error;
    return Metadata{{raw.key, raw.key_length},
                    raw.type,
                    raw.is_array != 0,
                    raw.count,
                    raw.text != nullptr,
                    raw.text ? std::string_view(raw.text, raw.text_length) : std::string_view(),
                    raw.number};
  }
  /// The key with this name; searches from the front.
  std::optional<Metadata> find_metadata(std::string_view key) const {
    const std::uint64_t count = info().metadata_count;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const auto found = metadata(i); found && found->key == key) return *found;
    }
    return std::nullopt;
  }

  /// The index-th tensor in file order, index under info().tensor_count.
  Result<Tensor> tensor(std::uint64_t index) const {
    inlay_tensor raw{};
    raw.struct_size = sizeof raw;
    Error error;
    if (error.set(inlay_model_get_tensor(raw_, index, &raw))) return error;
    return Tensor{{raw.name, raw.name_length},
                  raw.type,
                  raw.rank,
                  {raw.shape[0], raw.shape[1], raw.shape[2], raw.shape[3]},
                  raw.offset,
                  raw.bytes};
  }

  /// Empty when the file has no vocabulary.
  Tokenizer tokenizer() const noexcept { return Tokenizer(inlay_model_get_tokenizer(raw_)); }

  /// What a session with these options takes, before anything of it is allocated. Needs
  /// Depth::program. Errors: argument, limit, state.
  Result<Plan> plan(const SessionOptions& options = {}) const {
    const inlay_session_options raw = options.raw();
    Plan plan{};
    plan.struct_size = sizeof plan;
    Error error;
    if (error.set(inlay_model_plan(raw_, &raw, &plan, error.raw()))) return error;
    return plan;
  }

  /// What the model computes, one instruction a line. Needs Depth::program.
  Result<std::string> explain(const SessionOptions& options = {}) const {
    const inlay_session_options raw = options.raw();
    std::string text(16384, '\0');
    std::size_t length = 0;
    const auto call = [&](Error& error) {
      return inlay_model_explain(raw_, &raw, text.data(), text.size(), &length, error.raw());
    };
    Error error;
    if (call(error) == INLAY_ERROR_LIMIT && length > text.size()) {
      text.resize(length);
      error = {};
      error.set(call(error));
    }
    if (is_error(error.status())) return error;
    text.resize(length);
    return text;
  }

  /// Writes the model as one GGUF file with its matrices encoded as options.type. Depth::metadata
  /// is enough. Takes a few rows of memory a thread; the same bytes for any number of threads.
  /// Errors: argument (unknown type), unsupported, io, memory, limit, cancelled, format.
  Result<void> quantize(std::string_view path, const QuantizeOptions& options) const {
    return quantize(Sink::path(path), options);
  }
  Result<void> quantize(const Sink& sink, const QuantizeOptions& options) const {
    inlay_quantize_options raw;
    inlay_quantize_options_defaults(&raw);
    raw.threads = options.threads;
    raw.type = options.type;
    raw.importance = options.importance ? options.importance->raw() : nullptr;
    raw.keep = options.keep.data();
    raw.keep_count = options.keep.size();
    raw.progress = *options.progress.raw();
    Error error;
    error.set(inlay_model_quantize(raw_, sink.raw(), &raw, error.raw()));
    return error;
  }

  /// Text that continues `prompt`, piece by piece; see generate.hpp, which must be included.
  Generation generate(std::string_view prompt, const GenerateOptions& options) const;
  Generation generate(std::string_view prompt) const;
  template <class Callback>
  Result<Summary> generate(std::string_view prompt, const GenerateOptions& options,
                           Callback&& callback) const;

 private:
  inlay_model* raw_ = nullptr;
};

/// The names that QuantizeOptions::type takes, one after the other; nullptr past the end.
inline const char* quantize_type(std::uint32_t index) noexcept {
  return inlay_quantize_type_name(index);
}

/// The instruction set units of this library, slowest first. All give the same bits.
struct Isa {
  const char* name;
  bool usable;  ///< this processor can run it
};
inline std::uint32_t isa_count() noexcept { return inlay_isa_count(); }
inline Isa isa(std::uint32_t index) noexcept {
  return {inlay_isa_name(index), inlay_isa_usable(index) == 1};
}

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_MODEL_HPP
