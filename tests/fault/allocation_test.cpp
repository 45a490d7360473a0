// allocation_test.cpp - the N-th allocation fails, for every N: an error, no leak, and the next try
// works.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

// Open, feed, step, sample, close. Returns the first error, or INLAY_OK.
inlay_status whole_life(const std::string& path, const inlay_host& host, std::uint32_t threads) {
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.host = &host;
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

void sweep(const std::string& path, std::uint32_t threads) {
  CountingAllocator counter;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = counter.host();
  REQUIRE(whole_life(path, host, threads) == INLAY_OK);
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
      REQUIRE(whole_life(path, host, threads) == INLAY_ERROR_MEMORY);
      REQUIRE(memory.clean());
      if (n % 16 == 1) {
        memory.fail_at = 0;
        REQUIRE(whole_life(path, host, threads) == INLAY_OK);
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
