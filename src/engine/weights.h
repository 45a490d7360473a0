// weights.h - the weights of a program in memory: where each lies, and how they get there.
#pragma once

#include "backend/cpu/cpu.h"
#include "format/model_reader.h"
#include "graph/program.h"

namespace inlay {

class Progress;
class RowWorkers;

// A matrix lies in the mapped file (or the host's memory) if that is wished and the file has it as
// it is used; all else lies in one block of the host's allocator. Where, and how many bytes,
// follows from the metadata alone.
class Weights {
 public:
  struct Loading {
    std::uint32_t threads = 0;  // without host jobs: with the caller's; 0: physical cores
    bool check = false;         // refuse weights that are not finite
    inlay_progress progress{};
  };

  explicit Weights(Allocator& allocator)
      : allocator_(allocator), places_(allocator), data_(allocator) {}
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;
  ~Weights();

  // `memory`: INLAY_MEMORY_... No weight byte is read. Everything but the block is allocated here.
  // `interleave`: matrices in the block are put as the kernels like to read them.
  Status place(const ModelFiles& files, const Manifest& manifest, const Program& program,
               std::uint32_t memory, bool interleave, Error& error);
  // To be called once, after place() with the same. Errors: IO, MEMORY, CANCELLED, FORMAT (a weight
  // that is encoded or checked is not finite).
  Status load(const ModelFiles& files, const Manifest& manifest, const Program& program,
              const inlay_host& host, const Loading& loading, Error& error);

  const WeightData* data() const { return data_.data(); }  // by WeightId
  std::uint64_t bytes() const { return borrowed_ + block_bytes_; }
  std::uint64_t borrowed() const { return borrowed_; }  // bytes used where they lie

 private:
  struct Place {
    const std::byte* lying;  // used there; nullptr: in the block, at
    std::uint64_t offset;
  };
  Status load_one(RowWorkers& workers, Progress& progress, const TensorInfo& tensor,
                  const WeightInfo& weight, std::size_t index, bool check, Error& error);

  Status load_scales(RowWorkers& workers, const Manifest& manifest, const Program& program,
                     Error& error);

  Allocator& allocator_;
  Array<Place> places_;
  Array<WeightData> data_;
  std::byte* block_ = nullptr;
  std::uint64_t block_bytes_ = 0;
  std::uint64_t borrowed_ = 0;
  bool huge_ = false;
};

}  // namespace inlay
