// allocation_test.cpp - the N-th allocation fails, for every N: an error, no leak, and the next try
// works.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

// Open (with the weights encoded as `weights`, if that is given), feed, step, sample, close.
// Returns the first error, or INLAY_OK.
inlay_status whole_life(const std::string& path, const inlay_host& host, std::uint32_t threads,
                        const char* weights) {
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.host = &host;
  options.weights = weights;
  options.threads = threads;
  inlay_error error{};
  inlay_model* model = nullptr;
  inlay_status status = inlay_model_open(&source, &options, &model, &error);
  if (status < 0) {
    if (error.status != status || error.text[0] == 0) return INLAY_ERROR_INTERNAL;
    return status;
  }
  auto session_options = TestSession::options();
  session_options.context = 64;
  session_options.threads = threads;
  inlay_session* session = nullptr;
  status = inlay_session_open(model, &session_options, &session, &error);
  inlay_sequence sequence = 0;
  if (status == INLAY_OK) status = inlay_session_add(session, &sequence, &error);
  std::int32_t ids[32];
  std::size_t count = 0;
  if (status == INLAY_OK) {
    status = inlay_tokenizer_encode(inlay_model_get_tokenizer(model), "abc", 3, 0, ids, 32, &count,
                                    &error);
  }
  if (status == INLAY_OK) status = inlay_session_feed(session, sequence, ids, count, 0, &error);
  if (status == INLAY_OK) {
    inlay_sampler_options sampler;
    inlay_sampler_options_defaults(&sampler);
    status = inlay_session_generate(session, sequence, &sampler, 4, &error);
  }
  inlay_event event{};
  while (status >= 0 && status != INLAY_DONE) {
    event.struct_size = sizeof event;
    status = inlay_session_step(session, 0, &event, &error);
  }
  inlay_session_close(session);
  inlay_model_release(model);
  return status == INLAY_DONE ? INLAY_OK : status;
}

void sweep(const std::string& path, std::uint32_t threads, const char* weights = nullptr) {
  CountingAllocator counter;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = counter.host();
  REQUIRE(whole_life(path, host, threads, weights) == INLAY_OK);
  REQUIRE(counter.clean());
  const std::uint64_t calls = counter.calls;
  REQUIRE(calls > 20);
  for (const bool after : {false, true}) {
    for (std::uint64_t n = 1; n <= calls; ++n) {
      INFO("allocation " << n << " of " << calls << (after ? " and all after" : ""));
      CountingAllocator memory;
      memory.fail_at = n;
      memory.fail_after = after;
      host.allocator = memory.host();
      REQUIRE(whole_life(path, host, threads, weights) == INLAY_ERROR_MEMORY);
      REQUIRE(memory.clean());
      if (n % 16 == 1) {
        memory.fail_at = 0;
        REQUIRE(whole_life(path, host, threads, weights) == INLAY_OK);
      }
    }
  }
}

}  // namespace

TEST_CASE("every failing allocation is an error and leaks nothing", "[fault]") {
  for (const char* name : {"llama-gqa", "qwen2", "gptneox-parallel", "bloom"}) {
    sweep(fixture_path(std::string("models/") + name + ".gguf"), 1);
  }
  sweep(fixture_path("models/llama-gqa.gguf"), 3);
}

TEST_CASE("so it is when weights are encoded while loading", "[fault]") {
  sweep(fixture_path("models/llama-gqa.gguf"), 1, "Q8_0");
  sweep(fixture_path("models/qwen2.gguf"), 3, "Q4_0");
}

TEST_CASE("so it is when a model is quantized", "[fault]") {
  const std::string path = fixture_path("models/llama-gqa.gguf");
  inlay_quantize_options how;
  inlay_quantize_options_defaults(&how);
  how.type = "Q4_0";
  how.threads = 3;
  inlay_sink sink;
  inlay_sink_callback(&sink, nullptr, [](void*, const void*, size_t) { return inlay_status{0}; });
  inlay_error error{};
  CountingAllocator counter;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = counter.host();
  {
    const TestModel model(path, nullptr, INLAY_OPEN_METADATA, &host);
    const std::uint64_t before = counter.calls, live = counter.live_bytes;
    expect_ok(inlay_model_quantize(model.handle, &sink, &how, &error), error);
    const std::uint64_t calls = counter.calls - before;
    REQUIRE(calls > 5);
    for (std::uint64_t n = 1; n <= calls; ++n) {
      INFO("allocation " << n << " of " << calls);
      counter.fail_at = counter.calls + n;
      REQUIRE(inlay_model_quantize(model.handle, &sink, &how, &error) == INLAY_ERROR_MEMORY);
      REQUIRE(counter.live_bytes == live);
    }
    counter.fail_at = 0;
    expect_ok(inlay_model_quantize(model.handle, &sink, &how, &error), error);
  }
  CHECK(counter.clean());
}

TEST_CASE("so it is when an importance matrix is written, and used", "[fault]") {
  const std::string path = fixture_path("models/llama-gqa.gguf");
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  inlay_error error{};
  {
    inlay_source source;
    inlay_source_path(&source, path.data(), path.size());
    inlay_model_options options;
    inlay_model_options_defaults(&options);
    options.host = &host;
    options.importance = 1;
    const TestModel model(source, options);
    TestSession session(model, TestSession::options());
    session.feed(session.add(), {1, 2, 3});
    inlay_event event{};
    while (session.step(event) != INLAY_DONE) {
    }
    std::vector<std::uint8_t> file;
    inlay_sink sink;
    inlay_sink_callback(&sink, &file, [](void* user, const void* data, size_t size) {
      const auto* bytes = static_cast<const std::uint8_t*>(data);
      auto& to = *static_cast<std::vector<std::uint8_t>*>(user);
      to.insert(to.end(), bytes, bytes + size);
      return inlay_status{INLAY_OK};
    });
    // Fails at each of its allocations, then succeeds.
    const auto every_one = [&](auto call) {
      const std::uint64_t live = memory.live_bytes;
      inlay_status status = INLAY_ERROR_MEMORY;
      std::uint64_t n = 0;
      while (status == INLAY_ERROR_MEMORY && n < 10000) {
        file.clear();
        memory.fail_at = memory.calls + ++n;
        status = call();
        REQUIRE(memory.live_bytes == live);
      }
      memory.fail_at = 0;
      REQUIRE(status == INLAY_OK);
      CHECK(n > 5);
    };
    every_one([&] { return inlay_session_write_importance(session.handle, &sink, &error); });
    const std::vector<std::uint8_t> seen = file;
    inlay_source importance;
    inlay_source_memory(&importance, seen.data(), seen.size());
    inlay_quantize_options how;
    inlay_quantize_options_defaults(&how);
    how.type = "Q4_0";
    how.threads = 1;
    how.importance = &importance;
    every_one([&] { return inlay_model_quantize(model.handle, &sink, &how, &error); });
  }
  CHECK(memory.clean());
}
