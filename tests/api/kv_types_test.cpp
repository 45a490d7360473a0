// kv_types_test.cpp - how far the types of keys and values move the predictions of a real model.
#include <cmath>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

constexpr std::uint32_t length = 320, texts = 4;

// What the model itself tells at temperature 1: text as it expects it.
std::vector<std::int32_t> told(const TestModel& model, std::uint64_t seed) {
  auto options = TestSession::options();
  options.context = length;
  options.kv_type = INLAY_KV_F32;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, {static_cast<std::int32_t>(300 + seed)});
  REQUIRE(inlay_session_set_stop(session.handle, sequence, nullptr, 0, INLAY_STOP_IGNORE_END,
                                 nullptr) == INLAY_OK);
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 1;
  sampler.top_k = 0;
  sampler.top_p = 1;
  sampler.min_p = 0;
  sampler.seed = seed;
  REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 0, nullptr) == INLAY_OK);
  inlay_event event{};
  while (session.step(event) != INLAY_DONE) {
  }
  std::vector<std::int32_t> ids(length);
  std::size_t count = 0;
  REQUIRE(inlay_session_tokens(session.handle, sequence, ids.data(), length, &count) == INLAY_OK);
  REQUIRE(count == length);
  return ids;
}

std::vector<float> logits_with(const TestModel& model, const std::vector<std::int32_t>& ids,
                               std::uint32_t keys, std::uint32_t values) {
  auto options = TestSession::options();
  options.context = length;
  options.chunk = options.logits_rows = 64;
  options.kv_type = keys;
  options.value_type = values;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, ids, INLAY_FEED_ALL_LOGITS);
  std::vector<float> all;
  inlay_event event{};
  while (session.step(event) == INLAY_LOGITS) {
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    REQUIRE(inlay_session_logits(session.handle, sequence, &logits, &rows, &position) == 0);
    all.insert(all.end(), logits, logits + std::size_t{rows} * model.info().vocabulary);
  }
  REQUIRE(all.size() == std::size_t{length} * model.info().vocabulary);
  return all;
}

// sum p log(p / q) of two rows of logits.
double divergence(const float* p, const float* q, std::size_t n) {
  const auto log_total = [n](const float* x) {
    double top = x[0], total = 0;
    for (std::size_t i = 1; i < n; ++i) top = std::max(top, double{x[i]});
    for (std::size_t i = 0; i < n; ++i) total += std::exp(x[i] - top);
    return top + std::log(total);
  };
  const double of_p = log_total(p), of_q = log_total(q);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += std::exp(p[i] - of_p) * ((p[i] - of_p) - (q[i] - of_q));
  }
  return sum;
}

struct Pair {
  std::uint32_t keys, values;
  const char* name;
  double most;  // of the mean divergence from F16
};

}  // namespace

TEST_CASE("keys and values in few bits hardly move the predictions", "[api]") {
  const TestModel model(demo_path());
  const std::size_t vocabulary = model.info().vocabulary;
  const Pair pairs[] = {
      {INLAY_KV_F32, INLAY_KV_F32, "F32", 1e-3},
      {INLAY_KV_BF16, INLAY_KV_BF16, "BF16", 1e-3},
      {INLAY_KV_Q8_0, INLAY_KV_Q8_0, "Q8_0", 1e-3},
      {INLAY_KV_Q8_0, INLAY_KV_Q4_0, "Q8_0 keys, Q4_0 values", 0.05},
      {INLAY_KV_Q4_0, INLAY_KV_Q8_0, "Q4_0 keys, Q8_0 values", 0.05},
      {INLAY_KV_Q4_0, INLAY_KV_Q4_0, "Q4_0", 0.1},
  };
  double means[std::size(pairs)] = {};
  for (std::uint64_t seed = 0; seed < texts; ++seed) {
    const auto ids = told(model, seed);
    const auto reference = logits_with(model, ids, INLAY_KV_F16, INLAY_KV_F16);
    for (std::size_t i = 0; i < std::size(pairs); ++i) {
      const auto logits = logits_with(model, ids, pairs[i].keys, pairs[i].values);
      for (std::size_t row = 0; row < length; ++row) {
        means[i] +=
            divergence(&reference[row * vocabulary], &logits[row * vocabulary], vocabulary) /
            (length * texts);
      }
    }
  }
  for (std::size_t i = 0; i < std::size(pairs); ++i) {
    if (std::getenv("INLAY_PRINT_DIVERGENCE")) std::printf("%-24s %.3g\n", pairs[i].name, means[i]);
    INFO(pairs[i].name << ": " << means[i]);
    CHECK(means[i] > 0);
    CHECK(means[i] < pairs[i].most);
  }
  CHECK(means[2] < means[3]);  // fewer bits, more of it
  CHECK(means[3] < means[5]);
}
