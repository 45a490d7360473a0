// model.h - an opened model: its file, tokenizer, program and weights; immutable once open.
#pragma once

#include <atomic>

#include "base/allocator.h"
#include "base/source.h"
#include "format/manifest.h"
#include "graph/program.h"
#include "text/vocab.h"

namespace inlay {

struct ModelOptions {
  std::uint32_t depth = INLAY_OPEN_WEIGHTS;
  inlay_host host{};
  const char* isa = nullptr;  // nullptr: the best
};

struct KernelTable;

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
  const Tokenizer* tokenizer() const { return has_tokenizer_ ? &tokenizer_ : nullptr; }
  const char* architecture() const { return architecture_text_; }  // zero-terminated
  const char* name() const { return name_; }                       // zero-terminated, may be ""
  std::uint32_t depth() const { return depth_; }
  const Program& program() const { return program_; }
  const KernelTable& kernels() const { return *kernels_; }
  const char* isa() const;  // zero-terminated; "" before the program is recorded
  const void* const* weights() const { return weights_.data(); }

  // The number under <architecture>.<key>; 0 when there is none that fits.
  std::uint32_t stated(std::string_view key) const;
  std::uint64_t metadata_bytes() const { return metadata_bytes_; }
  std::uint64_t weight_bytes() const;    // as planned: matrices as stored, vectors as F32
  std::uint64_t borrowed_bytes() const;  // the part used where it lies
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
  Status load_program(const char* isa, Error& error);
  Status load_weights(Error& error);
  Status load_weight(const WeightInfo& weight, const void** data, Error& error);

  mutable Allocator allocator_;
  inlay_host host_;
  std::atomic<std::uint32_t> references_{1};
  std::uint32_t depth_ = 0;
  Source source_;
  Manifest manifest_;
  Tokenizer tokenizer_;
  bool has_tokenizer_ = false;
  std::string_view architecture_;
  const char* architecture_text_ = "";
  const char* name_ = "";
  Program program_;
  const KernelTable* kernels_ = nullptr;
  std::uint64_t metadata_bytes_ = 0;
  std::uint64_t token_bytes_ = 0;
  Array<const void*> weights_;  // by WeightId
  struct Block {
    void* data;
    std::uint64_t bytes;
  };
  Array<Block> blocks_;  // weights that are ours
};

}  // namespace inlay
