/// model.hpp - a model file: what it says about itself, what it will cost, and how to open it.
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

/// Where the bytes of a model come from.
class Source {
 public:
  /// A file, mapped into memory; it must not shrink while the model lives. `path` is borrowed until
  /// Model::open returns.
  static Source path(std::string_view path) noexcept {
    Source source;
    inlay_source_path(&source.raw_, path.data(), path.size());
    return source;
  }
  /// A block that holds the whole file; used in place, so it must outlive the model.
  static Source memory(std::span<const std::byte> bytes) noexcept {
    Source source;
    inlay_source_memory(&source.raw_, bytes.data(), bytes.size());
    return source;
  }
  /// Bytes through an object with
  ///     bool read(std::uint64_t offset, std::span<std::byte> destination);  // false: failed
  /// borrowed until Model::open returns. Weights are copied into the host's memory.
  template <class Reader>
  static Source callback(std::uint64_t size, Reader& reader) noexcept {
    Source source;
    inlay_source_callback(&source.raw_, size, &reader,
                          [](void* user, std::uint64_t offset, void* destination,
                             std::size_t count) noexcept -> inlay_status {
                            const std::span bytes(static_cast<std::byte*>(destination), count);
                            return static_cast<Reader*>(user)->read(offset, bytes) ? INLAY_OK
                                                                                   : INLAY_ERROR_IO;
                          });
    return source;
  }

  const inlay_source* raw() const noexcept { return &raw_; }

 private:
  Source() = default;
  inlay_source raw_{};
};

struct ModelOptions {
  Depth depth = Depth::weights;
  const Host* host = nullptr;  ///< copied; nullptr: the library's own heap, threads and clock
  const char* isa = nullptr;   ///< an instruction set by name; nullptr: the best one here
};

struct SessionOptions {
  std::uint32_t context = 0;      ///< tokens a sequence can hold; 0: as trained, at most 4096
  std::uint32_t sequences = 1;    ///< how many at once
  std::uint32_t chunk = 256;      ///< most tokens computed in one pass over the weights
  std::uint32_t logits_rows = 0;  ///< most rows of logits in one pass; 0: one for each sequence
  std::uint32_t kv_type = INLAY_KV_AUTO;  ///< INLAY_KV_...: type of the key/value cache
  std::uint32_t threads = 0;  ///< with the caller's; 0: physical cores. Unused with host jobs

  inlay_session_options raw() const noexcept {
    inlay_session_options raw;
    inlay_session_options_defaults(&raw);
    raw.context = context;
    raw.sequences = sequences;
    raw.chunk = chunk;
    raw.logits_rows = logits_rows;
    raw.kv_type = kv_type;
    raw.threads = threads;
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

  /// Opens a file, or any other source.
  /// Errors: io, format, unsupported (architecture, tensor type, instruction set), memory.
  static Result<Model> open(std::string_view path, const ModelOptions& options = {}) {
    return open(Source::path(path), options);
  }
  static Result<Model> open(const Source& source, const ModelOptions& options = {}) {
    inlay_model_options raw;
    inlay_model_options_defaults(&raw);
    raw.depth = static_cast<std::uint32_t>(options.depth);
    raw.host = options.host ? options.host->raw() : nullptr;
    raw.isa = options.isa;
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

  /// Text that continues `prompt`, piece by piece; see generate.hpp, which must be included.
  Generation generate(std::string_view prompt, const GenerateOptions& options) const;
  Generation generate(std::string_view prompt) const;
  template <class Callback>
  Result<Summary> generate(std::string_view prompt, const GenerateOptions& options,
                           Callback&& callback) const;

 private:
  inlay_model* raw_ = nullptr;
};

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
