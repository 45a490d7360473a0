// no_heap_test.cpp - sampling allocates nothing: every form of the C++ heap is counted here.
#include <atomic>
#include <cstdlib>
#include <new>

#include "sample/sampler.h"
#include "support/catch.h"
#include "unit/sample/reference.h"

namespace {
std::atomic<long> heap_calls{0};

void* counted(std::size_t size) {
  ++heap_calls;
  return std::malloc(size ? size : 1);
}
}  // namespace

// These replace the heap of the whole test program; out of line, so that pairs stay recognisable.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* block = counted(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}

using namespace inlay;
using namespace inlay::test;

TEST_CASE("init and sample take nothing from the heap", "[sample]") {
  const long at_start = heap_calls;
  const std::vector<float> logits = bell_logits(20000, 55);
  const std::vector<std::int32_t> history = {1, 2, 3, 4, 5};
  std::vector<inlay_logit_bias> bias(Sampler::max_biases, {7, 0.01f});
  std::vector<std::byte> memory(Sampler::bytes(20000));
  inlay_sampler_options options = plain_options();
  options.repeat_penalty = 1.1f;
  options.top_k = 5000;
  options.top_p = 0.999f;
  options.min_p = 0.001f;
  options.bias = bias.data();
  options.bias_count = bias.size();

  Sampler sampler;
  Error error{};
  std::int32_t token = -1;
  Status status = Status::ok;
  const long before = heap_calls;
  for (const float temperature : {0.0f, 1.0f}) {
    options.temperature = temperature;
    if (status == Status::ok) status = sampler.init(options, 20000, memory, error);
    if (status == Status::ok) status = sampler.sample(logits, history, 9, token, error);
  }
  const Status failed = sampler.sample({}, history, 9, token, error);
  const long after = heap_calls;
  REQUIRE(status == Status::ok);
  REQUIRE(failed == Status::argument);
  REQUIRE(after == before);
  REQUIRE(before > at_start);  // the vectors above were counted
}
