// importance_test.cpp - importance matrices: what is summed, in which order, and the file it
// becomes.
#include <cmath>

#include "base/allocator.h"
#include "format/gguf.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/tiny_llama.h"

using namespace inlay::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

struct ObservedModel {
  inlay_model* handle = nullptr;
  explicit ObservedModel(const Bytes& bytes, bool importance = true, const char* isa = nullptr,
                         const inlay_host* host = nullptr) {
    inlay_source source;
    inlay_source_memory(&source, bytes.data(), bytes.size());
    inlay_model_options options;
    inlay_model_options_defaults(&options);
    options.importance = importance;
    options.isa = isa;
    options.host = host;
    inlay_error error{};
    expect_ok(inlay_model_open(&source, &options, &handle, &error), error);
  }
  explicit ObservedModel(Bytes&&, bool = true) = delete;  // they must outlive the model
  ObservedModel(const ObservedModel&) = delete;
  ~ObservedModel() { inlay_model_release(handle); }
};

struct ObservedSession {
  inlay_session* handle = nullptr;
  inlay_error error{};

  explicit ObservedSession(const ObservedModel& model, std::uint32_t chunk = 16,
                           std::uint32_t threads = 1, std::uint32_t sequences = 1) {
    inlay_session_options options = TestSession::options();
    options.context = 64;
    options.chunk = chunk;
    options.logits_rows = chunk;
    options.threads = threads;
    options.sequences = sequences;
    expect_ok(inlay_session_open(model.handle, &options, &handle, &error), error);
  }
  ObservedSession(const ObservedSession&) = delete;
  ~ObservedSession() { inlay_session_close(handle); }

  inlay_sequence feed(const std::vector<std::int32_t>& ids, bool all = true) {
    inlay_sequence sequence = 0;
    expect_ok(inlay_session_add(handle, &sequence, &error), error);
    expect_ok(inlay_session_feed(handle, sequence, ids.data(), ids.size(),
                                 all ? std::uint32_t{INLAY_FEED_ALL_LOGITS} : 0u, &error),
              error);
    return sequence;
  }
  inlay_status step(std::uint64_t budget = 0) {
    inlay_event event{};
    event.struct_size = sizeof event;
    const inlay_status status = inlay_session_step(handle, budget, &event, &error);
    expect_ok(status, error);
    return status;
  }
  void compute(std::uint64_t budget = 0) {
    while (step(budget) != INLAY_DONE) {
    }
  }
  inlay_sequence run(const std::vector<std::int32_t>& ids, bool all = true,
                     std::uint64_t budget = 0) {
    const inlay_sequence sequence = feed(ids, all);
    compute(budget);
    return sequence;
  }
  inlay_status write(Bytes& file) {
    inlay_sink sink;
    inlay_sink_callback(&sink, &file, [](void* user, const void* data, std::size_t size) {
      const auto* bytes = static_cast<const std::uint8_t*>(data);
      static_cast<Bytes*>(user)->insert(static_cast<Bytes*>(user)->end(), bytes, bytes + size);
      return inlay_status{INLAY_OK};
    });
    return inlay_session_write_importance(handle, &sink, &error);
  }
  Bytes file() {
    Bytes bytes;
    expect_ok(write(bytes), error);
    return bytes;
  }
};

// The file, read again.
struct Matrix {
  Bytes file;
  inlay::Allocator allocator{inlay::system_allocator()};
  inlay::Source source;
  inlay::Manifest manifest{allocator};
  explicit Matrix(Bytes bytes) : file(std::move(bytes)) {
    inlay_source description;
    inlay_source_memory(&description, file.data(), file.size());
    inlay_error error{};
    expect_ok(static_cast<inlay_status>(source.open(allocator, description, error)), error);
    expect_ok(static_cast<inlay_status>(inlay::read_gguf(source, manifest, error)), error);
  }
  std::vector<float> values(const std::string& name) const {
    const inlay::TensorInfo* tensor = manifest.tensor(name);
    if (!tensor) throw std::runtime_error(name + " is missing");
    std::vector<float> result(tensor->elements);
    std::memcpy(result.data(), source.map() + tensor->offset, tensor->bytes);
    return result;
  }
  std::string text(const char* key) const {
    std::string_view value;
    inlay_error error{};
    expect_ok(static_cast<inlay_status>(manifest.get(key, value, error)), error);
    return std::string(value);
  }
  std::uint32_t number(const char* key) const {
    std::uint32_t value = 0;
    inlay_error error{};
    expect_ok(static_cast<inlay_status>(manifest.get(key, value, error)), error);
    return value;
  }
};

std::vector<std::int32_t> ids_of(std::size_t count, std::uint32_t vocabulary) {
  std::vector<std::int32_t> ids = some_ids(count);
  for (std::int32_t& id : ids) id %= static_cast<std::int32_t>(vocabulary);
  return ids;
}

std::vector<std::int32_t> tiny_ids(std::size_t count) {
  return ids_of(count, TinyWeights::vocabulary);
}

// Sums of squares of RMSNorm(embedding) of the tokens, by column, computed in double.
std::vector<double> first_input(const TinyWeights& w, const std::vector<std::int32_t>& ids) {
  const std::size_t d = TinyWeights::width;
  const auto& norm = w.tensors.at("blk.0.attn_norm.weight");
  std::vector<double> sums(d);
  for (const std::int32_t id : ids) {
    const float* x = w.tensors.at("token_embd.weight").data() + static_cast<std::size_t>(id) * d;
    double mean = 0;
    for (std::size_t i = 0; i < d; ++i) mean += double{x[i]} * x[i] / static_cast<double>(d);
    for (std::size_t i = 0; i < d; ++i) {
      const double n = x[i] / std::sqrt(mean + double{TinyWeights::eps}) * norm[i];
      sums[i] += n * n;
    }
  }
  return sums;
}

}  // namespace

TEST_CASE("the sums are the squares of the inputs, column by column", "[api][importance]") {
  TinyWeights weights;
  const Bytes bytes = weights.build();
  const auto ids = tiny_ids(37);
  for (const std::string& isa : usable_isas()) {
    INFO(isa);
    const ObservedModel model(bytes, true, isa.c_str());
    ObservedSession session(model);
    session.run(ids, false);
    const Matrix m(session.file());
    CHECK(m.text("general.type") == "imatrix");
    CHECK(m.number("imatrix.chunk_size") == 64);
    CHECK(m.number("imatrix.chunk_count") == 1);
    const inlay::Value* datasets = m.manifest.find("imatrix.datasets");
    REQUIRE(datasets);
    CHECK(datasets->is_array());
    CHECK(datasets->type() == inlay::ValueType::string);
    // Two tensors for each matrix that multiplies, and nothing else.
    CHECK(m.manifest.tensors().size() == 2 * (7 * TinyWeights::layers + 1));
    const std::vector<double> expected = first_input(weights, ids);
    for (const char* name : {"attn_q", "attn_k", "attn_v"}) {
      const std::string base = std::string("blk.0.") + name + ".weight";
      const std::vector<float> sums = m.values(base + ".in_sum2");
      CHECK(m.values(base + ".counts") == std::vector<float>{37});
      REQUIRE(sums.size() == expected.size());
      // The norm takes some ten roundings of a float, which squaring doubles.
      for (std::size_t i = 0; i < sums.size(); ++i) {
        CHECK(std::fabs(sums[i] - expected[i]) <= 20 * 0x1p-24 * expected[i]);
      }
    }
    CHECK(m.values("blk.1.ffn_down.weight.in_sum2").size() == TinyWeights::inner);
    CHECK(m.values("blk.1.ffn_gate.weight.in_sum2") == m.values("blk.1.ffn_up.weight.in_sum2"));
    CHECK(m.values("blk.1.ffn_gate.weight.in_sum2") != m.values("blk.0.ffn_gate.weight.in_sum2"));
    CHECK(m.values("output.weight.counts") == std::vector<float>{1});  // one row of logits
    CHECK_THROWS(m.values("token_embd.weight.in_sum2"));
  }
}

TEST_CASE("an embedding that is the output matrix too has its sums", "[api][importance]") {
  TinyWeights weights;
  weights.tied = true;
  const Bytes bytes = weights.build();
  const ObservedModel model(bytes);
  ObservedSession session(model);
  session.run(tiny_ids(20));
  const Matrix m(session.file());
  CHECK(m.values("token_embd.weight.counts") == std::vector<float>{20});
  for (const float sum : m.values("token_embd.weight.in_sum2")) CHECK(sum > 0);
}

TEST_CASE("the same tokens in the same order give the same file", "[api][importance]") {
  TinyWeights weights;
  const Bytes bytes = weights.build();
  const auto first = tiny_ids(41), second = tiny_ids(17);
  const auto file_of = [&](std::uint32_t chunk, std::uint32_t threads, std::uint64_t budget,
                           const char* isa) {
    const ObservedModel model(bytes, true, isa);
    ObservedSession session(model, chunk, threads);
    const inlay_sequence one = session.run(first, true, budget);
    inlay_session_drop(session.handle, one);
    session.run(second, true, budget);
    return session.file();
  };
  const Bytes expected = file_of(16, 1, 0, nullptr);
  for (const std::string& isa : usable_isas()) CHECK(file_of(16, 1, 0, isa.c_str()) == expected);
  for (const std::uint32_t chunk : {1u, 7u, 64u}) CHECK(file_of(chunk, 1, 0, nullptr) == expected);
  for (const std::uint32_t threads : {2u, 3u}) CHECK(file_of(16, threads, 0, nullptr) == expected);
  CHECK(file_of(16, 2, 1, nullptr) == expected);  // a budget of 1 ns: tile by tile
  std::vector<float> counts = Matrix(expected).values("blk.0.attn_q.weight.counts");
  CHECK(counts == std::vector<float>{58});
}

TEST_CASE("a pass that is given up leaves no trace", "[api][importance]") {
  TinyWeights weights;
  const Bytes bytes = weights.build();
  const ObservedModel model(bytes);
  const auto ids = tiny_ids(30);
  ObservedSession plain(model);
  plain.run(ids);
  const Bytes expected = plain.file();
  std::uint32_t given_up = 0;
  for (std::uint32_t tiles = 1; tiles < 60; tiles += 7) {
    ObservedSession session(model);
    const inlay_sequence lost = session.feed(tiny_ids(16));
    for (std::uint32_t i = 0; i < tiles; ++i) session.step(1);
    if (Bytes early; session.write(early) == INLAY_OK) continue;  // the pass was already at its end
    inlay_session_drop(session.handle, lost);
    session.run(ids);
    CHECK(session.file() == expected);
    ++given_up;
  }
  CHECK(given_up > 3);
}

TEST_CASE("observing changes neither logits nor, without it, the plan", "[api][importance]") {
  const auto demo = read_bytes(demo_path());
  const auto ids = some_ids(60);
  const auto last_logits = [&](const ObservedModel& model) {
    ObservedSession session(model);
    const inlay_sequence sequence = session.feed(ids, false);
    while (session.step() != INLAY_LOGITS) {
    }
    const float* rows = nullptr;
    REQUIRE(inlay_session_logits(session.handle, sequence, &rows, nullptr, nullptr) == INLAY_OK);
    inlay_model_info info{};
    info.struct_size = sizeof info;
    inlay_model_get_info(model.handle, &info);
    return std::vector<float>(rows, rows + info.vocabulary);
  };
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  {
    const ObservedModel plain(demo, false), observed(demo, true, nullptr, &host);
    CHECK(hash_of(last_logits(plain)) == hash_of(last_logits(observed)));
    const auto options = TestSession::options();
    inlay_plan without{}, with{};
    without.struct_size = with.struct_size = sizeof with;
    REQUIRE(inlay_model_plan(plain.handle, &options, &without, nullptr) == INLAY_OK);
    REQUIRE(inlay_model_plan(observed.handle, &options, &with, nullptr) == INLAY_OK);
    CHECK(with.state > without.state);
    const std::uint64_t before = memory.live_bytes;
    inlay_session* session = nullptr;
    REQUIRE(inlay_session_open(observed.handle, &options, &session, nullptr) == INLAY_OK);
    CHECK(memory.live_bytes - before == with.state + with.scratch);
    inlay_session_close(session);
  }
  CHECK(memory.clean());
}

TEST_CASE("an importance matrix that cannot be had is refused", "[api][importance]") {
  TinyWeights weights;
  const Bytes bytes = weights.build();
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  {
    const ObservedModel plain(bytes, false), observed(bytes, true, nullptr, &host);
    ObservedSession unasked(plain), idle(observed), session(observed);
    unasked.run(tiny_ids(5));
    Bytes file;
    CHECK(unasked.write(file) == INLAY_ERROR_STATE);
    CHECK(std::string(unasked.error.text).find("opened without") != std::string::npos);
    CHECK(idle.write(file) == INLAY_ERROR_STATE);
    CHECK(inlay_session_write_importance(session.handle, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
    CHECK(inlay_session_write_importance(nullptr, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
    CHECK(file.empty());

    session.run(tiny_ids(5));
    inlay_sink sink;
    inlay_sink_callback(&sink, nullptr, [](void*, const void*, std::size_t) -> inlay_status {
      return INLAY_ERROR_CANCELLED;
    });
    CHECK(inlay_session_write_importance(session.handle, &sink, nullptr) == INLAY_ERROR_CANCELLED);
    const Bytes expected = session.file();
    const std::uint64_t calls = memory.calls;
    session.file();
    const std::uint64_t needed = memory.calls - calls;
    CHECK(needed > 0);
    for (std::uint64_t n = 1; n <= needed; ++n) {
      memory.fail_at = memory.calls + n;
      file.clear();
      CHECK(session.write(file) == INLAY_ERROR_MEMORY);
    }
    memory.fail_at = 0;
    CHECK(session.file() == expected);  // as it was before the failures
  }
  CHECK(memory.clean());
}

TEST_CASE("observing allocates when a session opens, and then no more", "[api][importance]") {
  TinyWeights weights;
  const Bytes bytes = weights.build();
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  const auto open_and_step = [&](std::uint64_t* calls) {
    const ObservedModel model(bytes, true, nullptr, &host);
    ObservedSession session(model);
    const std::uint64_t before = memory.calls;
    session.run(tiny_ids(30));
    *calls = memory.calls - before;
  };
  std::uint64_t in_steps = 1;
  open_and_step(&in_steps);
  CHECK(in_steps == 0);
  const std::uint64_t all = memory.calls;
  for (std::uint64_t n = 1; n <= all; ++n) {
    memory.fail_at = memory.calls + n;
    try {
      open_and_step(&in_steps);
      FAIL("allocation " << n << " failed and nobody noticed");
    } catch (const std::runtime_error& e) {
      if (std::string(e.what()).find("memory") != 0) FAIL(e.what());
    }
    if (!memory.clean()) FAIL("allocation " << n << " failed and something was left");
  }
  memory.fail_at = 0;
  open_and_step(&in_steps);
  CHECK(memory.clean());
}

TEST_CASE("quantize takes the file and encodes by it", "[api][importance]") {
  const auto demo = read_bytes(demo_path());
  const ObservedModel model(demo);
  ObservedSession session(model);
  session.run(some_ids(60));
  const Bytes matrix = session.file();
  const auto quantize = [&](const Bytes* importance) {
    inlay_source source;
    inlay_quantize_options options;
    inlay_quantize_options_defaults(&options);
    options.type = "Q4_0";
    if (importance) {
      inlay_source_memory(&source, importance->data(), importance->size());
      options.importance = &source;
    }
    Bytes out;
    inlay_sink sink;
    inlay_sink_callback(&sink, &out, [](void* user, const void* data, std::size_t size) {
      const auto* bytes = static_cast<const std::uint8_t*>(data);
      static_cast<Bytes*>(user)->insert(static_cast<Bytes*>(user)->end(), bytes, bytes + size);
      return inlay_status{INLAY_OK};
    });
    inlay_error error{};
    expect_ok(inlay_model_quantize(model.handle, &sink, &options, &error), error);
    return out;
  };
  const Bytes with = quantize(&matrix), without = quantize(nullptr);
  CHECK(with != without);
  const ObservedModel reopened(with, false);
}

TEST_CASE("scales multiply matrices and embedding rows", "[api]") {
  const auto logits_of = [](TinyWeights weights) {
    const Bytes bytes = weights.build();
    return all_logits(TestModel(bytes), tiny_ids(40));
  };
  for (const bool tied : {false, true}) {
    TinyWeights plain;
    plain.tied = tied;
    const std::vector<float> expected = logits_of(plain);
    // Powers of two are exact: halved weights with a scale of 2 give the same bits.
    for (const char* name : {"token_embd", "blk.0.attn_q", "blk.1.attn_output", "blk.1.ffn_down"}) {
      INFO(name);
      TinyWeights scaled = plain;
      scaled.factors[std::string(name) + ".weight"] = 0.25f;
      CHECK(hash_of(logits_of(scaled)) != hash_of(expected));
      scaled.scales[std::string(name) + ".scale"] = 4.0f;
      CHECK(hash_of(logits_of(scaled)) == hash_of(expected));
    }
    TinyWeights third = plain;
    third.factors["blk.0.ffn_up.weight"] = 1.0f / 3;
    third.scales["blk.0.ffn_up.scale"] = 3.0f;
    const std::vector<float> close = logits_of(third);
    CHECK(relative_error(close.data(), expected.data(), close.size()) < 1e-4);
    third.scales["blk.0.ffn_up.input_scale"] = 7.0f;  // activations are not rounded by it: ignored
    CHECK(hash_of(logits_of(third)) == hash_of(close));
  }
}
