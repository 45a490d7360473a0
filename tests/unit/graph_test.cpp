// graph_test.cpp - recording, fusing, placing: on programs small enough to check by hand.
#include <algorithm>
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

  explicit Opened(const std::string& path, bool observed = false) {
    inlay_source description;
    inlay_source_path(&description, path.data(), path.size());
    open(description, observed);
  }
  explicit Opened(const std::vector<unsigned char>& bytes) {
    inlay_source description;
    inlay_source_memory(&description, bytes.data(), bytes.size());
    open(description, false);
  }

 private:
  void open(const inlay_source& description, bool observed) {
    status = source.open(allocator, description, error);
    if (!is_error(status)) status = read_gguf(source, manifest, error);
    std::string_view architecture;
    if (!is_error(status)) status = manifest.get("general.architecture", architecture, error);
    if (is_error(status)) return;
    const TypedManifest file{manifest, {}};
    status = record_program(view_of(file, architecture), program, error, observed);
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
  std::string scaled;                // a tensor to add, <base>.scale
  std::uint64_t scale_elements = 1;  // of it

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
    if (!scaled.empty()) {
      b.tensor(scaled, {scale_elements}, std::vector<float>(scale_elements, 2.0f));
    }
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

TEST_CASE("every product's input is observed once, before it is rounded", "[unit][graph]") {
  const std::string demo = source_path("examples/demo_model/demo.gguf");
  for (const std::string& path : {fixture("llama-gqa"), fixture("llama-gqa-bf16"),
                                  fixture("gptneox-parallel"), fixture("bloom"), demo}) {
    INFO(path);
    const Opened plain(path), observed(path, true);
    REQUIRE(plain.status == Status::ok);
    REQUIRE(observed.status == Status::ok);
    CHECK(plain.program.observed.empty());
    CHECK(count(plain.program, Op::observe) == 0);
    const Program& p = observed.program;
    CHECK(count(p, Op::observe) == p.observed.size());
    std::size_t at = 0, columns = 0;
    std::vector<bool> used(p.observed.size());
    for (std::size_t i = 0; i < p.code.size(); ++i) {
      const Instruction& c = p.code[i];
      if (c.op == Op::observe) {
        CHECK(p.values[c.a].form == Activation::f32);
        CHECK(p.values[c.a].width == p.observed[c.slot].columns);
        CHECK(p.observed[c.slot].first == columns);
        columns += p.observed[c.slot].columns;
        continue;
      }
      // Without the observers it is the program as it was.
      REQUIRE(at < plain.program.code.size());
      const Instruction& before = plain.program.code[at++];
      CHECK(c.op == before.op);
      CHECK(c.out == before.out);
      CHECK(c.a == before.a);
      CHECK(c.b == before.b);
      CHECK(c.weight == before.weight);
      if (c.op != Op::linear) continue;
      // From the product back to its exact input, from there back to the observer.
      used.at(c.slot) = true;
      ValueId input = c.a;
      std::size_t j = i;
      while (p.values[input].form != Activation::f32 && j-- > 0) {
        if (p.code[j].out == input) input = p.code[j].a;
      }
      while (j-- > 0 && !(p.code[j].op == Op::observe && p.code[j].slot == c.slot)) {
        const ValueId out = p.code[j].out;
        CHECK((out == no_value || p.values[out].storage != p.values[input].storage));
      }
      REQUIRE(j < p.code.size());
      CHECK(p.code[j].a == input);
      CHECK(p.observed[c.slot].columns == p.weights[c.weight].columns);
    }
    CHECK(at == plain.program.code.size());
    CHECK(columns == p.observed_columns());
    CHECK(std::find(used.begin(), used.end(), false) == used.end());
  }
  // Four inputs in a block of llama (of q, k and v; of the heads' output; of gate and up; of down),
  // one at the end.
  const Opened llama(fixture("llama-gqa"), true);
  std::set<std::uint16_t> layers;
  for (const Instruction& i : llama.program.code) {
    if (i.layer != no_layer) layers.insert(i.layer);
  }
  CHECK(llama.program.observed.size() == 4 * layers.size() + 1);
  CHECK(llama.program.observed.back().rows == Rows::wanted);
}

TEST_CASE("a matrix has the scale beside it, which must be one F32", "[unit][graph]") {
  TinyLlama model;
  model.scaled = "blk.0.attn_k.scale";
  const auto bytes = model.build();
  const Opened opened(bytes);
  REQUIRE(opened.status == Status::ok);
  const auto tensors = opened.manifest.tensors();
  for (const WeightInfo& w : opened.program.weights) {
    INFO(tensors[w.tensor].name);
    const bool scaled = tensors[w.tensor].name == "blk.0.attn_k.weight";
    CHECK((w.scale_tensor != no_tensor) == scaled);
    if (scaled) CHECK(tensors[w.scale_tensor].name == model.scaled);
  }
  model.scale_elements = 2;
  check_refused(model, Status::format, {"blk.0.attn_k.scale", "F32", "2"});
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
