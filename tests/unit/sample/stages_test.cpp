// stages_test.cpp - every stage alone: its change against the plain reference, its limits.
#include "sample/sampler.h"
#include "sample/stage.h"

#include <string>

#include "support/catch.h"
#include "unit/sample/reference.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

// Candidates with options and history, for running stages one by one.
struct Bench {
  inlay_sampler_options options = plain_options();
  std::vector<inlay_logit_bias> bias;
  std::vector<std::int32_t> history;
  std::uint64_t position = 0;
  std::vector<std::byte> memory;
  Candidates candidates;
  Error error{};

  explicit Bench(const std::vector<float>& logits)
      : memory(Candidates::bytes(static_cast<std::uint32_t>(logits.size()))), candidates(memory) {
    candidates.fill(logits);
  }
  Status run(const Stage& stage) {
    Draft draft{options, bias, history, position, candidates};
    return stage.apply(draft, error);
  }
  Status check(const Stage& stage, std::uint32_t vocabulary = 100) {
    error = {};
    return stage.check(options, vocabulary, error);
  }
};

// The same ids in ascending order, and the same logits and probabilities up to float rounding.
void require_same(const Bench& bench, PlainList expected, bool weights) {
  std::sort(expected.begin(), expected.end(),
            [](const Plain& a, const Plain& b) { return a.id < b.id; });
  const auto list = bench.candidates.list();
  REQUIRE(list.size() == expected.size());
  const double total = bench.candidates.total_weight();
  double plain_total = 0;
  for (const Plain& p : expected) plain_total += p.probability;
  for (std::size_t i = 0; i < list.size(); ++i) {
    INFO("candidate " << i << " of " << list.size());
    REQUIRE(list[i].id == expected[i].id);
    if (weights) {
      REQUIRE(list[i].weight / total ==
              Approx(expected[i].probability / plain_total).epsilon(4e-6).margin(1e-30));
    } else {
      REQUIRE(list[i].logit == Approx(expected[i].logit).epsilon(1e-6).margin(1e-6));
      REQUIRE(list[i].weight == 1.0f);
    }
  }
}

}  // namespace

TEST_CASE("logit bias", "[sample]") {
  Bench bench({1, 2, 3, 4});
  bench.bias = {{0, 2.5f}, {3, -infinity}, {0, 1.0f}};
  REQUIRE(bench.run(logit_bias_stage) == Status::ok);
  REQUIRE(bench.candidates[0].logit == 4.5f);
  REQUIRE(bench.candidates[1].logit == 2.0f);
  REQUIRE(bench.candidates[3].logit == -infinity);

  std::vector<inlay_logit_bias> list = {{1, 0.5f}};
  bench.options.bias = list.data();
  bench.options.bias_count = 1;
  REQUIRE(bench.check(logit_bias_stage) == Status::ok);
  for (const inlay_logit_bias bad : std::initializer_list<inlay_logit_bias>{
           {-1, 0}, {100, 0}, {INT32_MAX, 0}, {INT32_MIN, 0}, {1, not_a_number}, {1, infinity}}) {
    list[0] = bad;
    REQUIRE(bench.check(logit_bias_stage) == Status::argument);
    REQUIRE(std::string(bench.error.text).find("bias[0]") != std::string::npos);
  }
  bench.options.bias = nullptr;
  REQUIRE(bench.check(logit_bias_stage) == Status::argument);
}

TEST_CASE("penalties equal the reference", "[sample]") {
  const std::vector<float> logits = bell_logits(50, 2);
  std::vector<std::int32_t> history;
  for (std::int32_t i = 0; i < 200; ++i) history.push_back(i * i % 50);
  for (const std::uint32_t window : {0u, 1u, 20u, 64u, 1000u, UINT32_MAX}) {
    for (const float repeat : {1.0f, 1.3f, 0.7f}) {
      Bench bench(logits);
      bench.history = history;
      bench.options.penalty_window = window;
      bench.options.repeat_penalty = repeat;
      bench.options.frequency_penalty = 0.25f;
      bench.options.presence_penalty = -0.5f;
      PlainList expected = plain_list(logits);
      plain_penalties(expected, history, bench.options);
      REQUIRE(bench.run(penalties_stage) == Status::ok);
      require_same(bench, expected, false);
    }
  }
}

TEST_CASE("penalties: extremes stay numbers, foreign ids are ignored", "[sample]") {
  Bench bench({3e38f, -3e38f, -infinity, 1});
  bench.history = {0, 1, 2, 3, -5, 4, INT32_MAX};
  bench.options.repeat_penalty = 1e-30f;
  bench.options.frequency_penalty = -3e38f;
  bench.options.presence_penalty = -3e38f;
  REQUIRE(bench.run(penalties_stage) == Status::ok);
  for (const Candidate& c : bench.candidates.list()) {
    REQUIRE(c.logit <= std::numeric_limits<float>::max());  // neither NaN nor +infinity
    REQUIRE((c.logit > -infinity || c.id == 2));
  }
  const float good = bench.options.repeat_penalty;
  for (const float bad : {0.0f, -1.0f, not_a_number, infinity}) {
    bench.options.repeat_penalty = bad;
    REQUIRE(bench.check(penalties_stage) == Status::argument);
  }
  bench.options.repeat_penalty = good;
  REQUIRE(bench.check(penalties_stage) == Status::ok);
  for (const float bad : {-infinity, not_a_number, infinity}) {
    bench.options.frequency_penalty = bad;
    REQUIRE(bench.check(penalties_stage) == Status::argument);
    bench.options.frequency_penalty = 0;
    bench.options.presence_penalty = bad;
    REQUIRE(bench.check(penalties_stage) == Status::argument);
    bench.options.presence_penalty = 0;
  }
}

TEST_CASE("top-k equals the reference", "[sample]") {
  const std::vector<float> logits = bell_logits(300, 3);
  for (const std::uint32_t k : {0u, 1u, 5u, 299u, 300u, 301u, UINT32_MAX}) {
    Bench bench(logits);
    bench.options.top_k = k;
    PlainList expected = plain_list(logits);
    plain_top_k(expected, k);
    REQUIRE(bench.run(top_k_stage) == Status::ok);
    require_same(bench, expected, false);
  }
}

TEST_CASE("temperature equals a softmax in double", "[sample]") {
  const std::vector<float> logits = bell_logits(300, 4);
  for (const float temperature : {0.05f, 0.8f, 1.0f, 3.0f, 100.0f}) {
    Bench bench(logits);
    bench.options.temperature = temperature;
    PlainList expected = plain_list(logits);
    plain_softmax(expected, temperature);
    REQUIRE(bench.run(temperature_stage) == Status::ok);
    require_same(bench, expected, true);
  }
}

TEST_CASE("temperature: zero, extremes, nothing allowed", "[sample]") {
  SECTION("zero keeps the largest logit, the lowest id on a tie") {
    Bench bench({1, 7, 7, -2});
    bench.options.temperature = 0;
    REQUIRE(bench.run(temperature_stage) == Status::ok);
    REQUIRE(bench.candidates.size() == 1);
    REQUIRE(bench.candidates[0].id == 1);
  }
  SECTION("the smallest and the largest temperature") {
    for (const float temperature :
         {std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()}) {
      Bench bench({1, 7, 7, -3e38f, -infinity});
      bench.options.temperature = temperature;
      REQUIRE(bench.run(temperature_stage) == Status::ok);
      REQUIRE(bench.candidates[1].weight == 1.0f);
      REQUIRE(bench.candidates[2].weight == 1.0f);
      REQUIRE(bench.candidates[0].weight == (temperature < 1 ? 0.0f : 1.0f));
      REQUIRE(bench.candidates[4].weight == 0.0f);
    }
  }
  SECTION("every token forbidden") {
    Bench bench({-infinity, -infinity});
    bench.position = 17;
    REQUIRE(bench.run(temperature_stage) == Status::state);
    REQUIRE(std::string(bench.error.text).find("17") != std::string::npos);
  }
  SECTION("its range") {
    Bench bench({1});
    for (const float bad : {-1.0f, -1e-30f, not_a_number, infinity, -infinity}) {
      bench.options.temperature = bad;
      REQUIRE(bench.check(temperature_stage) == Status::argument);
    }
    bench.options.temperature = 0;
    REQUIRE(bench.check(temperature_stage) == Status::ok);
  }
}

TEST_CASE("top-p equals the reference", "[sample]") {
  for (const std::uint64_t seed : {5u, 6u, 7u}) {
    const std::vector<float> logits = bell_logits(3000, seed);
    for (const float p : {1e-6f, 0.1f, 0.5f, 0.9f, 0.95f, 0.999f, 1.0f}) {
      Bench bench(logits);
      bench.options.top_p = p;
      REQUIRE(bench.run(temperature_stage) == Status::ok);
      PlainList expected = plain_list(logits);
      plain_softmax(expected, 1);
      plain_top_p(expected, p);
      REQUIRE(bench.run(top_p_stage) == Status::ok);
      INFO("p = " << p);
      require_same(bench, expected, true);
    }
  }
}

TEST_CASE("top-p: ties go to lower ids, range", "[sample]") {
  Bench bench({2, 2, 2, 2});
  bench.options.top_p = 0.5f;
  REQUIRE(bench.run(temperature_stage) == Status::ok);
  REQUIRE(bench.run(top_p_stage) == Status::ok);
  REQUIRE(bench.candidates.size() == 2);
  REQUIRE(bench.candidates[1].id == 1);
  for (const float bad : {0.0f, -0.5f, 1.0001f, not_a_number, infinity}) {
    bench.options.top_p = bad;
    REQUIRE(bench.check(top_p_stage) == Status::argument);
  }
  bench.options.top_p = 1;
  REQUIRE(bench.check(top_p_stage) == Status::ok);
}

TEST_CASE("min-p equals the reference", "[sample]") {
  const std::vector<float> logits = bell_logits(3000, 8);
  for (const float p : {0.0f, 1e-4f, 0.05f, 0.3f, 1.0f}) {
    Bench bench(logits);
    bench.options.min_p = p;
    REQUIRE(bench.run(temperature_stage) == Status::ok);
    PlainList expected = plain_list(logits);
    plain_softmax(expected, 1);
    plain_min_p(expected, p);
    REQUIRE(bench.run(min_p_stage) == Status::ok);
    require_same(bench, expected, true);
  }
  Bench bench({1});
  for (const float bad : {-0.1f, 1.1f, not_a_number, -infinity}) {
    bench.options.min_p = bad;
    REQUIRE(bench.check(min_p_stage) == Status::argument);
  }
}

TEST_CASE("the draw is the inverse of the running sum", "[sample]") {
  for (std::uint64_t position = 0; position < 500; ++position) {
    Bench bench({0, 0, 0, 0});
    const float weights[] = {0.0f, 3.0f, 0.0f, 1.0f};
    for (std::size_t i = 0; i < 4; ++i) bench.candidates[i].weight = weights[i];
    bench.options.seed = 11;
    bench.options.stream = 12;
    bench.position = position;
    REQUIRE(bench.run(draw_stage) == Status::ok);
    REQUIRE(bench.candidates.size() == 1);
    REQUIRE(bench.candidates[0].id == (uniform(11, 12, position) < 0.75 ? 1 : 3));
  }
}

TEST_CASE("infill: an end that is forbidden is not drawn", "[sample]") {
  constexpr std::uint32_t vocabulary = 20;
  constexpr float forbidden = -std::numeric_limits<float>::infinity();
  const TokenView tokens{nullptr, [](const void*, std::int32_t) { return std::string_view(); },
                         [](const void*, std::int32_t id) { return id == 2; }, 2};
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.infill = 1;
  const inlay_logit_bias bias{2, forbidden};
  for (const bool by_bias : {false, true}) {
    std::vector<float> logits(vocabulary, 0.0f);
    if (by_bias) {
      options.bias = &bias;
      options.bias_count = 1;
    } else {
      logits[2] = forbidden;
    }
    std::vector<std::byte> memory(Sampler::bytes(vocabulary));
    Error error{};
    Sampler sampler;
    REQUIRE(sampler.init(options, vocabulary, memory, error, tokens) == Status::ok);
    for (std::uint64_t position = 0; position < 50; ++position) {
      std::int32_t token = -1;
      REQUIRE(sampler.sample(logits, {}, position, token, error) == Status::ok);
      CHECK(token != 2);
    }
  }
}
