// fuse_test.cpp - the program as recorded and the fused one compute the same bits.
#include <cstring>

#include "arch/arch.h"
#include "backend/cpu/cpu.h"
#include "base/flush_denormals.h"
#include "engine/file_view.h"
#include "format/gguf.h"
#include "graph/plan.h"
#include "isa/isa.h"
#include "support/catch.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr std::uint32_t tokens = 40;

// One pass over F32 weights in place, without engine or threads; the logits of every token.
std::vector<float> run(const Source& source, const Manifest& manifest, Allocator& allocator,
                       std::string_view architecture, bool fused, std::size_t& length) {
  Program program(allocator);
  Error error{};
  const TypedManifest file{manifest, {}};
  const Meta meta(view_of(file, architecture), error);
  Graph graph(meta, program);
  find_architecture(architecture)(meta, graph);
  REQUIRE(graph.status() == Status::ok);
  if (fused) fuse(program);
  find_lifetimes(program);
  length = program.code.size();

  std::vector<std::uint64_t> offsets(program.storages.size());
  std::uint64_t bytes = 0;
  REQUIRE(place(program, allocator, tokens, tokens, offsets.data(), &bytes) == Status::ok);
  Array<std::byte> arena(allocator), pool(allocator), scratch(allocator);
  std::vector<KvPlace> places(program.kv_slots.size());
  const std::uint64_t page = kv_layout(program, KvTypes{}, places.data());
  REQUIRE(arena.resize(bytes) == Status::ok);
  REQUIRE(pool.resize(page) == Status::ok);
  REQUIRE(scratch.resize(worker_scratch_bytes(program, 1)) == Status::ok);

  std::vector<WeightData> weights;
  for (const WeightInfo& w : program.weights) {
    REQUIRE(w.type == Type::F32);
    weights.push_back({source.map() + manifest.tensors()[w.tensor].offset});
  }
  std::vector<std::int32_t> ids(tokens);
  std::vector<std::uint32_t> positions(tokens), sequences(tokens, 0), rows(tokens);
  for (std::uint32_t t = 0; t < tokens; ++t) {
    ids[t] = static_cast<std::int32_t>(t * 7 % program.vocabulary);
    positions[t] = rows[t] = t;
  }
  const std::uint32_t table[] = {0};
  CpuPass pass;
  pass.program = &program;
  pass.kernels = isa_best();
  pass.weights = weights.data();
  pass.arena = arena.data();
  pass.offsets = offsets.data();
  pass.batch = {tokens, tokens, ids.data(), positions.data(), sequences.data(), rows.data()};
  pass.kv = {KvTypes{}, pool.data(), page, places.data(), table, 1};
  pass.worker_scratch = scratch.data();
  pass.worker_bytes = scratch.size();
  const FlushDenormals flush;
  for (std::uint32_t pc = 0; pc < program.code.size(); ++pc) {
    for (std::uint32_t tile = tile_count(pass, pc); tile-- > 0;)
      run_tiles(pass, pc, {tile, tile + 1}, 0);
  }
  std::vector<float> logits(std::size_t{tokens} * program.vocabulary);
  std::memcpy(logits.data(), arena.data() + offsets[program.values[program.logits].storage],
              logits.size() * sizeof(float));
  return logits;
}

}  // namespace

TEST_CASE("fused and unfused programs give equal bits", "[unit][graph]") {
  for (const char* name :
       {"llama-gqa", "qwen2", "gptneox-parallel", "gptneox-sequential", "bloom"}) {
    INFO(name);
    Allocator allocator(system_allocator());
    Source source;
    Manifest manifest(allocator);
    Error error{};
    const std::string path = fixture_path(std::string("models/") + name + ".gguf");
    inlay_source description;
    inlay_source_path(&description, path.data(), path.size());
    REQUIRE(source.open(allocator, description, error) == Status::ok);
    REQUIRE(read_gguf(source, manifest, error) == Status::ok);
    std::string_view architecture;
    REQUIRE(manifest.get("general.architecture", architecture, error) == Status::ok);
    std::size_t plain_length = 0, fused_length = 0;
    const auto plain = run(source, manifest, allocator, architecture, false, plain_length);
    const auto fused = run(source, manifest, allocator, architecture, true, fused_length);
    CHECK(fused_length < plain_length);
    CHECK(std::memcmp(plain.data(), fused.data(), plain.size() * sizeof(float)) == 0);
  }
}
