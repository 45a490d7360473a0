// graph_test.cpp - recording, fusing, placing: on programs small enough to check by hand.
#include <set>

#include "base/allocator.h"
#include "engine/file_view.h"
#include "engine/record.h"
#include "format/gguf.h"
#include "graph/explain.h"
#include "graph/plan.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"
#include "support/gguf_builder.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Opened {
  Allocator allocator{system_allocator()};
  Source source;
  Manifest manifest{allocator};
  Program program{allocator};
  Error error{};
  Status status = Status::ok;

  explicit Opened(const std::string& path) {
    inlay_source description;
    inlay_source_path(&description, path.data(), path.size());
    open(description);
  }
  explicit Opened(const std::vector<unsigned char>& bytes) {
    inlay_source description;
    inlay_source_memory(&description, bytes.data(), bytes.size());
    open(description);
  }

 private:
  void open(const inlay_source& description) {
    status = source.open(allocator, description, error);
    if (!is_error(status)) status = read_gguf(source, manifest, error);
    std::string_view architecture;
    if (!is_error(status)) status = manifest.get("general.architecture", architecture, error);
    if (!is_error(status)) status = record_program(view_of(manifest, architecture), program, error);
  }
};

std::string fixture(const char* name) {
  return fixture_path(std::string("models/") + name + ".gguf");
}

std::size_t count(const Program& program, Op op) {
  std::size_t n = 0;
  for (const Instruction& i : program.code) n += i.op == op;
  return n;
}

// A llama of one layer whose pieces can be spoilt one by one.
struct TinyLlama {
  std::uint32_t width = 8, heads = 2, inner = 16, layers = 1, rope = 4;
  float base = 10000.0f;
  std::string without;  // a tensor to leave out
  std::string wide;     // a tensor to give one column more
  std::string architecture = "llama";

  std::vector<unsigned char> build() const {
    GgufBuilder b;
    const std::string a = architecture + ".";
    b.key("general.architecture", architecture).key(a + "embedding_length", width);
    b.key(a + "block_count", layers).key(a + "attention.head_count", heads);
    b.key(a + "feed_forward_length", inner).key(a + "rope.dimension_count", rope);
    b.key(a + "rope.freq_base", base);
    add(b, "token_embd.weight", {8, 11});
    add(b, "output_norm.weight", {8});
    for (const char* norm : {"attn_norm", "ffn_norm"}) {
      add(b, std::string("blk.0.") + norm + ".weight", {8});
    }
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      add(b, std::string("blk.0.") + name + ".weight", {8, 8});
    }
    add(b, "blk.0.ffn_gate.weight", {8, 16});
    add(b, "blk.0.ffn_up.weight", {8, 16});
    add(b, "blk.0.ffn_down.weight", {16, 8});
    return b.build();
  }

 private:
  void add(GgufBuilder& b, const std::string& name, std::vector<std::uint64_t> shape) const {
    if (name == without) return;
    if (name == wide) ++shape[0];
    std::uint64_t elements = 1;
    for (const std::uint64_t size : shape) elements *= size;
    b.tensor(name, shape, std::vector<float>(elements, 0.5f));
  }
};

void check_refused(const TinyLlama& model, Status status, const std::vector<std::string>& says) {
  const auto bytes = model.build();
  const Opened opened(bytes);
  INFO(opened.error.text);
  CHECK(opened.status == status);
  for (const std::string& part : says) {
    CHECK(std::string(opened.error.text).find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("additions join the products before them", "[unit][graph]") {
  const Opened llama(fixture("llama-gqa"));
  REQUIRE(llama.status == Status::ok);
  CHECK(count(llama.program, Op::add) == 0);
  const Opened neox(fixture("gptneox-parallel"));
  REQUIRE(neox.status == Status::ok);
  CHECK(count(neox.program, Op::add) == 0);
}

TEST_CASE("storages that live together do not overlap", "[unit][graph]") {
  for (const char* name :
       {"llama-gqa", "qwen2", "gptneox-parallel", "gptneox-sequential", "bloom"}) {
    INFO(name);
    Opened model(fixture(name));
    REQUIRE(model.status == Status::ok);
    const auto& storages = model.program.storages;
    std::vector<std::uint64_t> offsets(storages.size());
    std::uint64_t bytes = 0, all = 0;
    REQUIRE(place(model.program, model.allocator, 37, 3, offsets.data(), &bytes) == Status::ok);
    const auto size = [&](std::size_t i) {
      return std::uint64_t{storages[i].row_bytes} * (storages[i].rows == Rows::tokens ? 37 : 3);
    };
    for (std::size_t i = 0; i < storages.size(); ++i) {
      if (storages[i].first == never_used) continue;
      all += size(i);
      CHECK(offsets[i] % 64 == 0);
      CHECK(offsets[i] + size(i) <= bytes);
      for (std::size_t j = 0; j < i; ++j) {
        if (storages[j].first == never_used) continue;
        const bool together =
            storages[i].first <= storages[j].last && storages[j].first <= storages[i].last;
        const bool apart = offsets[i] + size(i) <= offsets[j] || offsets[j] + size(j) <= offsets[i];
        if (together) CHECK(apart);
      }
    }
    CHECK(bytes < all / 2);  // memory is shared
  }
}

TEST_CASE("explain has one line for each instruction", "[unit][graph]") {
  Opened model(fixture("bloom"));
  REQUIRE(model.status == Status::ok);
  Array<char> text(model.allocator);
  const auto name = [](const void* file, std::uint32_t tensor) {
    return static_cast<const Manifest*>(file)->tensors()[tensor].name;
  };
  REQUIRE(explain(model.program, &model.manifest, name, text) == Status::ok);
  CHECK(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) ==
        model.program.code.size());
  const std::string whole(text.begin(), text.end());
  for (const char* word : {"embed", "layer_norm", "attention", "token_embd.weight", "take"}) {
    CHECK(whole.find(word) != std::string::npos);
  }
}

TEST_CASE("a model without a tensor, or with a wrong shape, is refused by name", "[unit][graph]") {
  check_refused({}, Status::ok, {});
  for (const char* name :
       {"token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight",
        "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_output.weight",
        "blk.0.ffn_norm.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
        "blk.0.ffn_down.weight"}) {
    TinyLlama without, wide;
    without.without = name;
    check_refused(without, Status::format, {name, "missing"});
    wide.wide = name;
    const bool down = std::string(name) == "blk.0.ffn_down.weight";
    check_refused(wide, Status::format, {name, down ? "16" : "8", down ? "17" : "9"});
  }
}

TEST_CASE("hyper-parameters outside their range are refused by key", "[unit][graph]") {
  const auto refuse = [](auto set, const std::vector<std::string>& says) {
    TinyLlama model;
    set(model);
    check_refused(model, Status::format, says);
  };
  refuse([](auto& m) { m.layers = 0; }, {"llama.block_count", "0"});
  refuse([](auto& m) { m.layers = 513; }, {"llama.block_count", "512", "513"});
  refuse([](auto& m) { m.layers = 0xffffffff; }, {"llama.block_count", "4294967295"});
  refuse([](auto& m) { m.heads = 0; }, {"llama.attention.head_count", "0"});
  refuse([](auto& m) { m.heads = 3; }, {"llama.attention.head_count", "3", "8"});
  refuse([](auto& m) { m.width = 0; }, {"llama.embedding_length", "0"});
  refuse([](auto& m) { m.width = 0xffffffff; }, {"llama.embedding_length"});
  refuse([](auto& m) { m.inner = 0; }, {"llama.feed_forward_length", "0"});
  refuse([](auto& m) { m.rope = 6; }, {"llama.rope.dimension_count", "6"});
  refuse([](auto& m) { m.rope = 3; }, {"llama.rope.dimension_count", "3"});
  refuse([](auto& m) { m.base = 0; }, {"llama.rope.freq_base", "0"});
  refuse([](auto& m) { m.base = std::nanf(""); }, {"llama.rope.freq_base", "nan"});
}

TEST_CASE("an architecture that is not built in is named", "[unit][graph]") {
  TinyLlama model;
  model.architecture = "starship";
  check_refused(model, Status::unsupported, {"general.architecture", "starship"});
}
