// counted_program.h - a program whose tiles only count themselves, and hosts that run workers in
// several ways.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/allocator.h"
#include "engine/executor.h"

namespace inlay::test {

// Matrices that are never read: instruction i has tiles[i] tiles. One exists at a time.
class CountedProgram {
 public:
  explicit CountedProgram(std::vector<std::uint32_t> tiles)
      : tiles_(std::move(tiles)), done_(tiles_.size()), weights_(tiles_.size()) {
    for (const std::uint32_t count : tiles_) runs_.emplace_back(count);
    for (std::size_t i = 0; i < tiles_.size(); ++i) weights_[i].data = &done_[i];
    add_value(columns, Rows::tokens);
    for (std::size_t i = 0; i < tiles_.size(); ++i) add_linear(i);
    kernels_.linear[type_index(Type::F32)] = count;
    current() = this;
  }
  CountedProgram(const CountedProgram&) = delete;
  CountedProgram& operator=(const CountedProgram&) = delete;

  const Program& program() const { return program_; }

  void begin(Executor& executor, Trace* trace = nullptr, std::uint64_t pass_number = 0) {
    CpuPass pass;
    pass.program = &program_;
    pass.kernels = &kernels_;
    pass.weights = weights_.data();
    pass.arena = reinterpret_cast<std::byte*>(arena_);  // nothing is read or written there
    pass.offsets = offsets_.data();
    pass.batch.tokens = 1;
    for (auto& runs : runs_) {
      for (auto& n : runs) n = 0;
    }
    for (auto& n : done_) n = 0;
    calls = 0;
    out_of_order = 0;
    executor.begin(pass, counts_.data(), trace, pass_number);
  }

  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint32_t n : tiles_) sum += n;
    return sum;
  }
  // The first `n` tiles ran once, no other did.
  bool ran_first(std::uint64_t n) const {
    for (const auto& runs : runs_) {
      for (const auto& times : runs) {
        if (times != (n > 0 ? 1u : 0u)) return false;
        n -= n > 0;
      }
    }
    return n == 0;
  }

  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> out_of_order{0};  // tiles that began before those they need had ended
  // Runs inside a tile.
  std::function<void(std::uint32_t instruction, std::uint32_t tile)> inside;

 private:
  static constexpr std::uint32_t columns = 16384;  // a tile is 16 rows of 64 KiB
  static constexpr std::uint32_t tile_rows = 16;

  static CountedProgram*& current() {
    static CountedProgram* program = nullptr;
    return program;
  }

  static void count(const LinearTask& task) {
    CountedProgram& self = *current();
    const auto* at = static_cast<const std::atomic<std::uint32_t>*>(task.weights);
    const auto i = static_cast<std::size_t>(at - self.done_.data());
    const std::uint32_t tile = task.row_begin / tile_rows;
    if (i > 0 && self.done_[i - 1] != self.tiles_[i - 1]) ++self.out_of_order;
    if (self.inside) self.inside(static_cast<std::uint32_t>(i), tile);
    ++self.runs_[i][tile];
    ++self.done_[i];
    ++self.calls;
  }

  ValueId add_value(std::uint32_t width, Rows rows) {
    const auto id = static_cast<std::uint16_t>(program_.values.size());
    static_cast<void>(program_.storages.push({width * 4, rows, 0, 0}));
    static_cast<void>(program_.values.push({id, Activation::f32, 0, width}));
    offsets_.push_back(0);
    return id;
  }

  void add_linear(std::size_t i) {
    const std::uint32_t rows = tile_rows * tiles_[i];
    WeightInfo weight{};
    weight.tensor = static_cast<std::uint32_t>(i);
    weight.type = Type::F32;
    weight.matrix = true;
    weight.rows = rows;
    weight.columns = columns;
    weight.row_bytes = columns * 4;
    weight.bytes = rows * weight.row_bytes;
    static_cast<void>(program_.weights.push(weight));
    Instruction code{};
    code.op = Op::linear;
    code.layer = no_layer;
    code.a = 0;
    code.b = no_value;
    // Rows whose logits are wanted: none, so that there is nothing to do.
    code.out = add_value(rows, tiles_[i] ? Rows::tokens : Rows::wanted);
    code.weight = static_cast<WeightId>(i);
    code.bias = no_weight;
    static_cast<void>(program_.code.push(code));
    counts_.push_back(0);
  }

  Allocator allocator_{system_allocator()};
  Program program_{allocator_};
  FloatKernels floats_{};
  KernelTable kernels_{"counted", false, 64, {}, {}, floats_};
  std::vector<std::uint32_t> tiles_;
  std::vector<std::vector<std::atomic<std::uint32_t>>> runs_;  // of each tile
  std::vector<std::atomic<std::uint32_t>> done_;               // tiles of each instruction
  std::vector<WeightData> weights_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> counts_;
  alignas(64) std::uint64_t arena_[8] = {};
};

// The calls one after the other, last first: late and absent workers.
inline void run_backwards(void*, std::uint32_t count, WorkerPool::Task task, void* argument) {
  for (std::uint32_t i = count; i-- > 0;) task(argument, i);
}

inline void run_on_threads(void*, std::uint32_t count, WorkerPool::Task task, void* argument) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < count; ++i) threads.emplace_back(task, argument, i);
  for (std::thread& thread : threads) thread.join();
}

// Built-in threads when `run` is nullptr.
struct Host {
  Allocator allocator{system_allocator()};
  WorkerPool pool;
  Workers workers;

  Host(decltype(inlay_jobs::run) run, std::uint32_t count) {
    Error error{};
    if (!run && pool.start(allocator, count, error) != Status::ok) {
      throw std::runtime_error(error.text);
    }
    workers = {{nullptr, count, run}, &pool, count};
  }
};

}  // namespace inlay::test
