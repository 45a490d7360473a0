// cpu.h - runs one tile of one instruction with an instruction set unit's kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/program.h"
#include "kernels/kernel_table.h"

namespace inlay {

inline constexpr std::uint32_t page_tokens = 64;  // of the key/value cache; also attention's block

// The tokens of one pass. Row t is token ids[t] of sequence slot sequences[t] at positions[t].
struct Batch {
  std::uint32_t tokens = 0;                    // T
  std::uint32_t wanted = 0;                    // R
  const std::int32_t* ids = nullptr;           // (T)
  const std::uint32_t* positions = nullptr;    // (T)
  const std::uint32_t* sequences = nullptr;    // (T)
  const std::uint32_t* wanted_rows = nullptr;  // (R) rows in [0, T)
  // (T) 0: the row's keys and values are in its page already; nullptr: none are.
  const std::uint8_t* stores = nullptr;
};

// What the cells of the cache are made of.
struct KvTypes {
  CellType keys = CellType::f32;
  CellType values = CellType::f32;
};

// Where one layer's keys and values lie inside a page: [kv head][token of the page][row].
struct KvPlace {
  std::uint64_t keys, values;        // bytes from the start of the page
  std::uint32_t key_row, value_row;  // bytes of a cell's row
  std::uint32_t kv_heads;
};

struct KvPages {
  KvTypes types;
  std::byte* pool = nullptr;
  std::uint64_t page_bytes = 0;
  const KvPlace* places = nullptr;        // (slots)
  const std::uint32_t* tables = nullptr;  // (sequences, table_stride): page numbers in order
  std::uint32_t table_stride = 0;         // pages of a full context
};

// Places of all slots of a program and the bytes of a page.
std::uint64_t kv_layout(const Program& program, KvTypes types, KvPlace* places);

// A weight in memory.
struct WeightData {
  const void* data = nullptr;
  float scale = 1.0f;        // of a matrix: what its products are multiplied with
  bool interleaved = false;  // a matrix as LinearTask::interleaved says
};

// Everything a pass touches; the pointed-to memory is the session's.
struct CpuPass {
  const Program* program = nullptr;
  const KernelTable* kernels = nullptr;
  const WeightData* weights = nullptr;  // by WeightId
  std::byte* arena = nullptr;
  const std::uint64_t* offsets = nullptr;  // in the arena, by storage
  Batch batch;
  KvPages kv;
  const double* sums_before = nullptr;  // (program.observed_columns()): of the passes before
  double* sums = nullptr;               // those and this pass's
  std::byte* worker_scratch = nullptr;  // (workers, worker_bytes)
  std::size_t worker_bytes = 0;
};

// Scratch one worker needs.
std::size_t worker_scratch_bytes(const Program& program, std::uint32_t table_stride);

// Tiles begin to end - 1 of an instruction.
struct TileRange {
  std::uint32_t begin, end;
};

// How many tiles the instruction has for this batch: by bytes touched, never by worker count.
std::uint32_t tile_count(const CpuPass& pass, std::uint32_t pc);

// How many tiles in a row one worker had better compute, if there are enough for all.
std::uint32_t run_length(const CpuPass& pass, std::uint32_t pc);

// Computes some tiles. Tiles of one instruction are independent of each other.
void run_tiles(const CpuPass& pass, std::uint32_t pc, TileRange tiles, std::uint32_t worker);

}  // namespace inlay
