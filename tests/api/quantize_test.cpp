// quantize_test.cpp - models written in every type: what is in the file, and what can go wrong.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/scratch_folder.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; inlay_quantize_type_name(i); ++i) {
    names.emplace_back(inlay_quantize_type_name(i));
  }
  return names;
}

double squared_error(const std::vector<float>& a, const std::vector<float>& b,
                     const std::vector<float>& weight = {}) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += (weight.empty() ? 1.0 : weight[i % weight.size()]) * std::pow(double{a[i]} - b[i], 2);
  }
  return sum;
}

double number_of(const TestModel& model, const std::string& key) {
  inlay_metadata metadata{};
  metadata.struct_size = sizeof metadata;
  for (std::uint64_t i = 0; inlay_model_get_metadata(model.handle, i, &metadata) == 0; ++i) {
    if (std::string(metadata.key, metadata.key_length) == key) return metadata.number;
  }
  return -1;
}

// Host jobs: all calls on threads of their own, the last one first.
void run_backwards(void*, std::uint32_t count, void (*task)(void*, std::uint32_t), void* argument) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = count; i-- > 0;) threads.emplace_back(task, argument, i);
  for (std::thread& thread : threads) thread.join();
}

struct Cancel {
  int at;
  int reports = 0;
  std::uint64_t done = 0, total = 0;
  static int report(void* user, std::uint64_t done, std::uint64_t total) {
    auto& self = *static_cast<Cancel*>(user);
    if (done < self.done || done > total) std::abort();
    self.done = done;
    self.total = total;
    return ++self.reports == self.at;
  }
};

// in_sum2 and counts for one tensor, the values given as means.
GgufBuilder& add_importance(GgufBuilder& file, const std::string& name, std::vector<float> means,
                            float count = 5) {
  for (float& mean : means) mean *= count;
  file.tensor(name + ".in_sum2", {means.size()}, means);
  return file.tensor(name + ".counts", {1}, std::vector<float>{count});
}

std::vector<float> column_weights() {
  std::vector<float> weights(256);
  for (std::size_t i = 0; i < 256; ++i) weights[i] = i % 7 == 0 ? 50.0f : 0.1f;
  return weights;
}

Quantized with_importance(const std::vector<std::uint8_t>& model,
                          const std::vector<std::uint8_t>& file, const char* type) {
  const inlay_source source = block_source(file);
  inlay_quantize_options options = quantize_options(type);
  options.importance = &source;
  return quantize(model, options);
}

}  // namespace

TEST_CASE("every type and mix gives a file that opens and runs, near to the original", "[api]") {
  const auto original = SmallModel{}.build();
  const auto ids = std::vector<std::int32_t>{1, 17, 3, 40, 9};
  const auto names = all_names();
  CHECK(names.size() >= 14);
  for (const std::string& name : names) {
    INFO(name);
    const Quantized result = quantize(original, quantize_options(name.c_str()));
    INFO(result.error.text);
    REQUIRE(result.status == INLAY_OK);
    const TestModel model(result.bytes);
    CHECK(number_of(model, "general.quantization_version") == 2);
    CHECK(number_of(model, "general.file_type") >= 0);
    CHECK(number_of(model, "llama.attention.head_count") == 4);
    const auto types = types_of(model);
    CHECK(types.at("blk.0.attn_norm.weight") == "F32");
    CHECK(types.size() == types_of(TestModel(original)).size());
    for (const float logit : all_logits(model, ids)) REQUIRE(std::isfinite(logit));
    // Even the coarsest keeps more than half of the energy, F16 nearly all.
    const auto before = values_of(original, "blk.0.ffn_up.weight");
    const auto after = values_of(result.bytes, "blk.0.ffn_up.weight");
    const double left =
        squared_error(before, after) / squared_error(before, std::vector<float>(before.size()));
    CHECK(left < 0.5);
    if (name == "F32") CHECK(left == 0);
    if (name == "F16" || name == "BF16") CHECK(left < 1e-5);
    if (name == "Q8_0") CHECK(left < 1e-4);
    if (name == "Q4_K_M") CHECK(left < 0.01);
    if (name == "Q4_0") CHECK(left < 0.02);
  }
}

TEST_CASE("any number of threads, and host jobs, write the same bytes", "[api]") {
  const auto original = SmallModel{}.build();
  for (const char* name : {"Q4_K_M", "Q8_0", "F16"}) {
    INFO(name);
    const TestModel model(original);
    const Quantized one = quantize(model, quantize_options(name));
    REQUIRE(one.status == INLAY_OK);
    for (const std::uint32_t threads : {2u, 5u}) {
      CHECK(quantize(model, quantize_options(name, threads)).bytes == one.bytes);
    }
    inlay_host host;
    inlay_host_defaults(&host);
    host.jobs.workers = 4;
    host.jobs.run = run_backwards;
    CHECK(quantize(TestModel(original, nullptr, &host), quantize_options(name)).bytes == one.bytes);
  }
}

TEST_CASE("a mix spreads its types over the layers as files in circulation have them", "[api]") {
  SmallModel shape;
  shape.layers = 32;
  shape.rows = 4;  // 1024 weights in a matrix: just enough to be encoded
  shape.kv_heads = 4;
  const auto original = shape.build();
  const inlay_model_options options = depth_options(INLAY_OPEN_METADATA);
  const TestModel model(block_source(original), options);
  const auto count = [&](const char* mix, const std::string& part, const std::string& type) {
    const Quantized result = quantize(model, quantize_options(mix));
    REQUIRE(result.status == INLAY_OK);
    const TestModel reread(block_source(result.bytes), options);
    int found = 0;
    for (const auto& [name, has] : types_of(reread)) {
      if (name.find(part) != std::string::npos && has == type) ++found;
    }
    return found;
  };
  CHECK(count("Q4_K_M", "ffn_down", "Q6_K") == 16);
  CHECK(count("Q4_K_M", "ffn_down", "Q4_K") == 16);
  CHECK(count("Q4_K_M", "attn_v", "Q6_K") == 16);
  CHECK(count("Q4_K_M", "attn_q", "Q4_K") == 32);
  CHECK(count("Q4_K_M", "output.weight", "Q6_K") == 1);
  CHECK(count("Q4_K_M", "token_embd", "Q4_K") == 1);
  CHECK(count("Q4_K", "output.weight", "Q4_K") == 33);  // and 32 of attn_output
  CHECK(count("Q4_K_S", "ffn_down", "Q5_K") == 4);
  CHECK(count("q3_k_m", "ffn_down", "Q5_K") == 2);
  CHECK(count("Q3_K_M", "ffn_down", "Q4_K") == 30);
  CHECK(count("Q2_K", "attn_v", "Q3_K") == 32);
}

TEST_CASE("a tied embedding has the type of an output", "[api]") {
  SmallModel shape;
  shape.tied = true;
  const Quantized result = quantize(shape.build(), quantize_options("Q4_K_M"));
  REQUIRE(result.status == INLAY_OK);
  CHECK(types_of(TestModel(result.bytes)).at("token_embd.weight") == "Q6_K");
}

TEST_CASE("keep: the first pattern that matches the whole name wins", "[api]") {
  const auto original = SmallModel{}.build();
  inlay_quantize_options options = quantize_options("Q4_K");
  const inlay_keep keep[] = {
      {"blk.?.attn_q.weight", "F16"}, {"*attn_*.weight", "Q8_0"}, {"ffn_up", "F32"}};
  options.keep = keep;
  options.keep_count = 3;
  const Quantized result = quantize(original, options);
  REQUIRE(result.status == INLAY_OK);
  const auto types = types_of(TestModel(result.bytes));
  CHECK(types.at("blk.0.attn_q.weight") == "F16");
  CHECK(types.at("blk.0.attn_k.weight") == "Q8_0");
  CHECK(types.at("blk.0.ffn_up.weight") == "Q4_K");
  CHECK(types.at("blk.0.attn_norm.weight") == "F32");  // no matrix
  const inlay_keep wrong[] = {{"*", "Q4_K_M"}};
  options.keep = wrong;
  options.keep_count = 1;
  const Quantized refused = quantize(original, options);
  CHECK(refused.status == INLAY_ERROR_ARGUMENT);
  CHECK(std::string(refused.error.text).find("Q4_K_M") != std::string::npos);
}

TEST_CASE("rows that fit no block get another type, and the log says so", "[api]") {
  static std::string log;
  log.clear();
  inlay_host host;
  inlay_host_defaults(&host);
  host.log.write = [](void*, int, const char* text, size_t length) {
    log.append(text, length).append("\n");
  };
  const std::string path = fixture_path("models/llama-gqa.gguf");  // rows of 32
  const TestModel model(path, nullptr, INLAY_OPEN_METADATA, &host);
  const Quantized result = quantize(model, quantize_options("Q4_K"));
  REQUIRE(result.status == INLAY_OK);
  CHECK(types_of(TestModel(result.bytes)).at("blk.0.attn_q.weight") == "Q5_0");
  INFO(log);
  CHECK(log.find("blk.0.attn_q.weight: rows of 32 do not fit blocks of 256 (Q4_K): Q5_0 instead") !=
        std::string::npos);
}

TEST_CASE("an importance file moves the error to where it matters less", "[api]") {
  const auto original = SmallModel{}.build();
  const auto weights = column_weights();
  GgufBuilder builder;
  builder.key("general.type", "imatrix");
  add_importance(builder, "blk.0.ffn_up.weight", weights);
  const auto file = builder.build();
  const auto before = values_of(original, "blk.0.ffn_up.weight");
  for (const char* type : {"Q4_K", "Q4_0", "IQ4_NL"}) {
    INFO(type);
    const Quantized plain = quantize(original, quantize_options(type));
    if (plain.status == INLAY_ERROR_UNSUPPORTED) continue;  // a build without it
    const Quantized moved = with_importance(original, file, type);
    INFO(moved.error.text);
    REQUIRE(moved.status == INLAY_OK);
    const double without =
        squared_error(before, values_of(plain.bytes, "blk.0.ffn_up.weight"), weights);
    const double with =
        squared_error(before, values_of(moved.bytes, "blk.0.ffn_up.weight"), weights);
    CHECK(with < 0.9 * without);
    CHECK(values_of(plain.bytes, "blk.0.ffn_gate.weight") ==
          values_of(moved.bytes, "blk.0.ffn_gate.weight"));
  }
}

TEST_CASE("what a session saw makes the error of what it saw smaller", "[api]") {
  const auto original = SmallModel{}.build();
  std::vector<std::uint8_t> file;
  {
    inlay_model_options options = depth_options(INLAY_OPEN_WEIGHTS);
    options.importance = 1;
    const TestModel model(block_source(original), options);
    TestSession session(model, TestSession::options());
    session.feed(session.add(), {1, 17, 3, 40, 9, 9, 22, 5, 6, 7, 8, 31, 30, 29});
    inlay_event event{};
    while (session.step(event) != INLAY_DONE) {
    }
    const inlay_sink sink = sink_to(file);
    expect_ok(inlay_session_write_importance(session.handle, &sink, &session.error), session.error);
  }
  const Quantized plain = quantize(original, quantize_options("Q3_K"));
  const Quantized moved = with_importance(original, file, "Q3_K");
  INFO(moved.error.text);
  REQUIRE(moved.status == INLAY_OK);
  for (const std::string name :
       {"blk.0.attn_q.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight", "output.weight"}) {
    INFO(name);
    const auto seen = values_of(file, name + ".in_sum2");
    const auto before = values_of(original, name);
    CHECK(squared_error(before, values_of(moved.bytes, name), seen) <
          squared_error(before, values_of(plain.bytes, name), seen));
  }
}

TEST_CASE("a folder is written as a GGUF file that gives the same bits", "[api]") {
  INLAY_NEEDS_TEST_DATA();
  const auto ids = std::vector<std::int32_t>{1, 17, 3, 40, 9};
  for (const char* name : {"models/tinystories-656k", "models/tinystories-656k-bf16"}) {
    INFO(name);
    const std::string path = data_path(name);
    inlay_source source;
    inlay_source_path(&source, path.data(), path.size());
    const TestModel folder(source, depth_options(INLAY_OPEN_WEIGHTS));
    for (const char* type : {"stored", "Q8_0", "Q4_0"}) {
      INFO(type);
      auto options = depth_options(INLAY_OPEN_WEIGHTS);
      options.weights = type;
      options.threads = 3;
      const bool stored = std::string(type) == "stored";
      const char* same = path.ends_with("bf16") ? "BF16" : "F32";
      const Quantized result = quantize(folder, quantize_options(stored ? same : type, 2));
      INFO(result.error.text);
      REQUIRE(result.status == INLAY_OK);
      const TestModel converted(source, options);
      CHECK(hash_of(all_logits(TestModel(result.bytes), ids)) ==
            hash_of(all_logits(converted, ids)));
      options.threads = 1;
      options.memory = INLAY_MEMORY_COPIED;
      const TestModel copied(source, options);
      CHECK(hash_of(all_logits(copied, ids)) == hash_of(all_logits(converted, ids)));
    }
  }
}

TEST_CASE("importance that says nothing changes nothing", "[api]") {
  const auto original = SmallModel{}.build();
  const Quantized plain = quantize(original, quantize_options("Q4_K"));
  for (const float count : {0.0f, 3.0f}) {
    GgufBuilder builder;
    builder.key("general.type", "imatrix");
    add_importance(builder, "blk.0.ffn_up.weight", std::vector<float>(256, 0.0f), count);
    CHECK(with_importance(original, builder.build(), "Q4_K").bytes == plain.bytes);
  }
}

TEST_CASE("an importance file that does not fit is refused", "[api]") {
  const auto original = SmallModel{}.build();
  const std::string name = "blk.0.ffn_up.weight";
  const auto refused = [&](const std::vector<std::uint8_t>& file, const char* word) {
    const Quantized result = with_importance(original, file, "Q4_K");
    INFO(result.error.text);
    CHECK(result.status == INLAY_ERROR_FORMAT);
    CHECK(std::string(result.error.text).find(word) != std::string::npos);
  };
  refused(original, "imatrix");
  refused({'n', 'o', 't', ' ', 'i', 't'}, "");
  const auto with = [&](const std::function<void(GgufBuilder&)>& add) {
    GgufBuilder builder;
    builder.key("general.type", "imatrix");
    add(builder);
    return builder.build();
  };
  refused(with([&](GgufBuilder& b) { add_importance(b, "nobody.weight", column_weights()); }),
          "none");
  refused(with([&](GgufBuilder& b) { add_importance(b, name, std::vector<float>(255, 1.0f)); }),
          "255");
  refused(with([&](GgufBuilder& b) { add_importance(b, name, std::vector<float>(256, -1.0f)); }),
          "negative");
  refused(with([&](GgufBuilder& b) { add_importance(b, name, std::vector<float>(256, NAN)); }),
          "number");
  refused(with([&](GgufBuilder& b) {
            b.tensor(name + ".in_sum2", {256}, std::vector<float>(256, 3e38f));
            b.tensor(name + ".counts", {1}, std::vector<float>{1e-3f});
          }),
          "matrix 0, column 0");
  refused(with([&](GgufBuilder& b) { b.tensor(name + ".in_sum2", {256}, column_weights()); }),
          "counts");
  refused(with([&](GgufBuilder& b) {
            b.tensor_f16(name + ".in_sum2", {256}, column_weights());
            b.tensor(name + ".counts", {1}, std::vector<float>{1});
          }),
          "F32");
}

// A source that says how much of it was read; behind its bytes it has zeros.
struct ReadBytes {
  std::vector<std::uint8_t> bytes;
  std::uint64_t read = 0;
  inlay_source source(std::uint64_t size) {
    inlay_source result;
    inlay_source_callback(&result, size, this, [](void* user, uint64_t at, void* to, size_t count) {
      auto& self = *static_cast<ReadBytes*>(user);
      self.read += count;
      for (size_t i = 0; i < count; ++i) {
        static_cast<std::uint8_t*>(to)[i] =
            at + i < self.bytes.size() ? self.bytes[static_cast<size_t>(at) + i] : 0;
      }
      return inlay_status{INLAY_OK};
    });
    return result;
  }
};

TEST_CASE("an importance file of many matrices is read once", "[api]") {
  const std::string name = "blk.0.ffn_up_exps.weight";
  constexpr std::size_t experts = 512;
  GgufBuilder model, file;
  model.key("general.architecture", "llama");
  model.tensor(name, {32, 1, experts}, random_weights(32 * experts, 1));
  file.key("general.type", "imatrix");
  file.tensor(name + ".in_sum2", {32, experts}, std::vector<float>(32 * experts, 2.0f));
  file.tensor(name + ".counts", {1, experts}, std::vector<float>(experts, 2.0f));
  ReadBytes importance{file.build()};
  const inlay_source source = importance.source(importance.bytes.size());
  const auto bytes = model.build();
  auto options = quantize_options("Q4_0");
  options.importance = &source;
  const Quantized result =
      quantize(TestModel(block_source(bytes), depth_options(INLAY_OPEN_METADATA)), options);
  INFO(result.error.text);
  CHECK(result.status == INLAY_OK);
  CHECK(importance.read < 2 * importance.bytes.size());
}

TEST_CASE("rows that no encoder counts to are refused before they are read", "[api]") {
  GgufBuilder builder;
  builder.key("general.architecture", "llama");
  builder.tensor("x", {32}, random_weights(32, 1));
  ReadBytes file{builder.build()};
  const std::string before("x\1\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0", 17);
  const auto at = std::search(file.bytes.begin(), file.bytes.end(), before.begin(), before.end());
  REQUIRE(at != file.bytes.end());
  at[5] = 0;
  at[9] = 1;   // 2^32 elements
  at[13] = 8;  // of Q8_0
  const std::uint64_t size = file.bytes.size() + (std::uint64_t{1} << 32) / 32 * 34;
  const TestModel model(file.source(size), depth_options(INLAY_OPEN_METADATA));
  const std::uint64_t head = file.read;
  const Quantized result = quantize(model, quantize_options("Q8_0"));
  CHECK(result.status == INLAY_ERROR_LIMIT);
  CHECK(std::string(result.error.text) == "x: rows of 4294967296 elements, at most 4294967295");
  CHECK(file.read == head);
}

TEST_CASE("a weight beyond a type's scales is refused, naming the place", "[api]") {
  GgufBuilder file;
  file.key("general.architecture", "llama");
  auto values = random_weights(256 * 20, 1);
  values[256 * 13 + 7] = -2700.0f;
  file.tensor("blk.0.ffn_up.weight", {256, 20}, values);
  const auto bytes = file.build();
  const TestModel model(block_source(bytes), depth_options(INLAY_OPEN_METADATA));
  const Quantized result = quantize(model, quantize_options("NVFP4"));
  CHECK(result.status == INLAY_ERROR_FORMAT);
  CHECK(std::string(result.error.text) ==
        "blk.0.ffn_up.weight: row 13, column 7: the weight is -2700, too large for NVFP4");
  CHECK(quantize(model, quantize_options("IQ4_XS")).status == INLAY_OK);
}

TEST_CASE("weights that no file should have are refused, naming the place", "[api]") {
  for (const float bad : {NAN, INFINITY, 1e30f}) {
    GgufBuilder file;
    file.key("general.architecture", "llama");
    auto values = random_weights(256 * 20, 1);
    values[256 * 13 + 7] = bad;
    file.tensor("blk.0.ffn_up.weight", {256, 20}, values);
    const auto bytes = file.build();
    const TestModel model(block_source(bytes), depth_options(INLAY_OPEN_METADATA));
    for (const std::uint32_t threads : {1u, 3u}) {
      const Quantized result = quantize(model, quantize_options("Q8_0", threads));
      CHECK(result.status == INLAY_ERROR_FORMAT);
      CHECK(std::string(result.error.text).find("blk.0.ffn_up.weight: row 13, column") !=
            std::string::npos);
    }
  }
}

TEST_CASE("quantize: cancel at every report, sinks that fail at every write", "[api]") {
  const auto original = SmallModel{}.build();
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  {
    const TestModel model(original, nullptr, &host);
    const std::uint64_t live = memory.live_bytes;
    auto options = quantize_options("Q4_0", 2);
    Cancel all{0};
    options.progress = {&all, Cancel::report};
    REQUIRE(quantize(model, options).status == INLAY_OK);
    CHECK(all.done == all.total);
    CHECK(all.reports >= 5);
    CHECK(all.reports <= 110);
    CHECK(memory.live_bytes == live);
    for (int at = 1; at <= all.reports; ++at) {
      Cancel cancel{at};
      options.progress = {&cancel, Cancel::report};
      REQUIRE(quantize(model, options).status == INLAY_ERROR_CANCELLED);
      REQUIRE(cancel.reports == at);
      REQUIRE(memory.live_bytes == live);
    }
    options.progress = {};
    struct Failing {
      int at, calls;
      inlay_status status;
    };
    const auto write = [](void* user, const void*, size_t) {
      auto& self = *static_cast<Failing*>(user);
      return ++self.calls == self.at ? self.status : INLAY_OK;
    };
    Failing none{0, 0, INLAY_OK};
    inlay_sink sink;
    inlay_error error{};
    inlay_sink_callback(&sink, &none, write);
    REQUIRE(inlay_model_quantize(model.handle, &sink, &options, &error) == INLAY_OK);
    CHECK(none.calls >= 2);
    for (int at = 1; at <= none.calls; ++at) {
      for (const inlay_status status : {INLAY_ERROR_CANCELLED, INLAY_ERROR_STATE}) {
        Failing failing{at, 0, status};
        inlay_sink_callback(&sink, &failing, write);
        CHECK(inlay_model_quantize(model.handle, &sink, &options, &error) ==
              (status == INLAY_ERROR_STATE ? INLAY_ERROR_IO : status));
        REQUIRE(memory.live_bytes == live);
      }
    }
  }
  CHECK(memory.clean());
}

TEST_CASE("quantize to a path: whole or not there", "[api]") {
  const auto original = SmallModel{}.build();
  const ScratchFolder folder;
  const std::string path = folder / "model.gguf";
  inlay_sink sink;
  inlay_sink_path(&sink, path.data(), path.size());
  const TestModel model(original);
  inlay_error error{};
  auto options = quantize_options("Q8_0", 2);
  Cancel cancel{2};
  options.progress = {&cancel, Cancel::report};
  CHECK(inlay_model_quantize(model.handle, &sink, &options, &error) == INLAY_ERROR_CANCELLED);
  CHECK(folder.names().empty());
  options.progress = {};
  expect_ok(inlay_model_quantize(model.handle, &sink, &options, &error), error);
  CHECK(read_bytes(path) == quantize(model, options).bytes);
}

TEST_CASE("quantize: mistakes of the caller", "[api]") {
  const TestModel model(SmallModel{}.build());
  std::vector<std::uint8_t> bytes;
  const inlay_sink sink = sink_to(bytes);
  inlay_error error{};
  auto options = quantize_options("Q4_K");
  const auto refused = [&] {
    return inlay_model_quantize(model.handle, &sink, &options, &error) == INLAY_ERROR_ARGUMENT &&
           bytes.empty();
  };
  CHECK(inlay_model_quantize(nullptr, &sink, &options, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_quantize(model.handle, nullptr, &options, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_quantize(model.handle, &sink, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  for (const char* type : {"Q4_Z", "", "I32", "stored"}) {
    options.type = type;
    CHECK(refused());
  }
  options.type = nullptr;
  CHECK(refused());
  options = quantize_options("Q4_K", 257);
  CHECK(refused());
  options = quantize_options("Q4_K");
  options.keep_count = 1;
  CHECK(refused());
  options = quantize_options("Q4_K");
  options.struct_size = 4;
  CHECK(refused());
  CHECK(inlay_quantize_type_name(1000) == nullptr);
}
