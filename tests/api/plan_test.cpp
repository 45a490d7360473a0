// plan_test.cpp - the plan equals what is really allocated; errors leave nothing behind.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

inlay_plan plan_of(const TestModel& model, const inlay_session_options& options) {
  inlay_plan plan{};
  plan.struct_size = sizeof plan;
  inlay_error error{};
  expect_ok(inlay_model_plan(model.handle, &options, &plan, &error), error);
  return plan;
}

std::vector<std::uint8_t> callback_file;
inlay_status read_back(void*, std::uint64_t offset, void* destination, std::size_t size) {
  std::memcpy(destination, callback_file.data() + offset, size);
  return INLAY_OK;
}

}  // namespace

TEST_CASE("the plan, made before a weight is read, equals the bytes allocated", "[api]") {
  for (const bool mixed : {false, true}) {
    for (const std::uint32_t threads : {1u, 3u}) {
      for (const std::uint32_t sequences : {1u, 4u}) {
        CountingAllocator memory;
        inlay_host host;
        inlay_host_defaults(&host);
        host.allocator = memory.host();
        auto options = TestSession::options();
        options.threads = threads;
        options.sequences = sequences;
        options.context = 100;
        options.chunk = 33;
        const auto file = mixed
                              ? quantize(read_bytes(demo_path()), quantize_options("Q4_K_M")).bytes
                              : read_bytes(demo_path());
        {
          inlay_plan plan{};
          {
            inlay_source source;
            inlay_source_memory(&source, file.data(), file.size());
            inlay_model_options open;
            inlay_model_options_defaults(&open);
            open.depth = INLAY_OPEN_PROGRAM;
            open.host = &host;
            inlay_error error{};
            inlay_model* header = nullptr;
            expect_ok(inlay_model_open(&source, &open, &header, &error), error);
            plan.struct_size = sizeof plan;
            expect_ok(inlay_model_plan(header, &options, &plan, &error), error);
            inlay_model_release(header);
          }
          REQUIRE(memory.live_bytes == 0);
          CHECK(plan.total == plan.metadata + plan.weights + plan.state + plan.scratch);
          const TestModel model(file, nullptr, &host);
          CHECK(memory.live_bytes == plan.metadata + plan.weights - plan.borrowed);
          const std::uint64_t before = memory.live_bytes;
          const TestSession session(model, options);
          CHECK(memory.live_bytes - before == plan.state + plan.scratch);
          CHECK(memory.live_bytes == plan.total - plan.borrowed);
          CHECK(plan_of(model, options).total == plan.total);
        }
        CHECK(memory.clean());
      }
    }
  }
}

TEST_CASE("a callback source takes its weights from the allocator, as planned", "[api]") {
  callback_file = read_bytes(demo_path());
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  inlay_source source;
  inlay_source_callback(&source, callback_file.size(), nullptr, read_back);
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.host = &host;
  inlay_model* model = nullptr;
  inlay_error error{};
  expect_ok(inlay_model_open(&source, &options, &model, &error), error);
  inlay_plan plan{};
  plan.struct_size = sizeof plan;
  expect_ok(inlay_model_plan(model, nullptr, &plan, &error), error);
  CHECK(plan.borrowed == 0);
  CHECK(memory.live_bytes == plan.metadata + plan.weights);
  inlay_model_release(model);
  CHECK(memory.clean());
}

TEST_CASE("path, memory at any alignment and callback give the same logits", "[api]") {
  callback_file = read_bytes(demo_path());
  const auto ids = some_ids(20);
  const std::uint64_t expected = hash_of(all_logits(TestModel(demo_path()), ids));
  std::vector<std::uint8_t> shifted(callback_file.size() + 3);
  std::copy(callback_file.begin(), callback_file.end(), shifted.begin() + 3);
  for (const int kind : {0, 1}) {
    inlay_source source;
    if (kind == 0) {
      inlay_source_memory(&source, shifted.data() + 3, callback_file.size());
    } else {
      inlay_source_callback(&source, callback_file.size(), nullptr, read_back);
    }
    TestModel model(demo_path());  // its handle is replaced
    inlay_model_release(model.handle);
    inlay_error error{};
    expect_ok(inlay_model_open(&source, nullptr, &model.handle, &error), error);
    CHECK(hash_of(all_logits(model, ids)) == expected);
  }
}
