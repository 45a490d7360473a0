// model.h - an opened model: its files, tokenizer, program and weights; immutable once open.
#pragma once

#include <atomic>

#include "base/allocator.h"
#include "engine/weights.h"
#include "format/model_reader.h"
#include "graph/program.h"
#include "text/vocab.h"

namespace inlay {

struct ModelOptions {
  std::uint32_t depth = INLAY_OPEN_WEIGHTS;
  inlay_host host{};
  const char* isa = nullptr;      // nullptr: the best
  const char* weights = nullptr;  // nullptr, "stored", "auto" or the name of a mix
  std::uint64_t weight_budget = 0;
  std::uint32_t memory = INLAY_MEMORY_MAPPED;
  bool observed = false;  // sessions can collect importance
  Weights::Loading loading;
};

namespace grammar {
class TokenTrie;
}
struct KernelTable;
struct Mix;

class Model {
 public:
  // On success *model has one reference.
  static Status open(const inlay_source& source, const ModelOptions& options, Model** model,
                     Error& error);
  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release();

  Allocator& allocator() const { return allocator_; }
  const inlay_host& host() const { return host_; }
  const Manifest& manifest() const { return manifest_; }
  const ModelFiles& files() const { return files_; }
  const Tokenizer* tokenizer() const { return has_tokenizer_ ? &tokenizer_ : nullptr; }
  // The tokenizer's texts as a tree; built when a grammar first asks for it. Thread-safe.
  Status token_trie(const grammar::TokenTrie** trie, Error& error) const;
  const char* architecture() const { return architecture_text_; }  // zero-terminated
  const char* name() const { return name_; }                       // zero-terminated, may be ""
  std::uint32_t depth() const { return depth_; }
  const Program& program() const { return program_; }
  const KernelTable& kernels() const { return *kernels_; }
  const char* isa() const;  // zero-terminated; "" before the program is recorded
  const WeightData* weights() const { return weights_.data(); }  // by WeightId

  // The number under <architecture>.<key>; 0 when there is none that fits.
  std::uint32_t stated(std::string_view key) const;
  std::uint64_t metadata_bytes() const { return metadata_bytes_; }
  std::uint64_t weight_bytes() const { return weights_.bytes(); }
  std::uint64_t borrowed_bytes() const { return weights_.borrowed(); }  // used where they lie
  std::uint64_t token_bytes() const { return token_bytes_; }  // weight bytes read for one token
  // The program as text, appended. Only fails for memory.
  Status explain(Array<char>& text) const;
  bool all_f32() const;  // every matrix is F32

 private:
  explicit Model(const inlay_host& host);
  ~Model();

  Status load(const inlay_source& source, const ModelOptions& options, Error& error);
  const char* copy_text(std::string_view text);
  Status load_tokenizer(std::uint32_t depth, Error& error);
  std::uint64_t count_token_bytes() const;
  Status load_program(const ModelOptions& options, Error& error);
  Status record(std::span<const Type> types, const ModelOptions& options, Error& error);
  Status record_as(const Mix& mix, const inlay_log& log, const ModelOptions& options, Error& error);
  Status fit_budget(const ModelOptions& options, Error& error);

  mutable Allocator allocator_;
  inlay_host host_;
  std::atomic<std::uint32_t> references_{1};
  std::uint32_t depth_ = 0;
  ModelFiles files_;
  Manifest manifest_;
  Tokenizer tokenizer_;
  bool has_tokenizer_ = false;
  mutable std::atomic<grammar::TokenTrie*> trie_{nullptr};
  std::string_view architecture_;
  const char* architecture_text_ = "";
  const char* name_ = "";
  Program program_;
  const KernelTable* kernels_ = nullptr;
  std::uint64_t metadata_bytes_ = 0;
  std::uint64_t token_bytes_ = 0;
  Weights weights_;
};

}  // namespace inlay
