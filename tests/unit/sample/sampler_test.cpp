// sampler_test.cpp - the whole chain: distributions, determinism, limits.
#include "sample/sampler.h"

#include <string>

#include "support/catch.h"
#include "unit/sample/reference.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Ready {
  std::vector<std::byte> memory;
  Sampler sampler;
  Error error{};
  Ready(const inlay_sampler_options& options, std::size_t vocabulary)
      : memory(Sampler::bytes(static_cast<std::uint32_t>(vocabulary))) {
    REQUIRE(sampler.init(options, static_cast<std::uint32_t>(vocabulary), memory, error) ==
            Status::ok);
  }
  std::int32_t draw(const std::vector<float>& logits, std::uint64_t position,
                    const std::vector<std::int32_t>& history = {}) {
    std::int32_t token = -1;
    const Status status = sampler.sample(logits, history, position, token, error);
    if (status != Status::ok) FAIL(error.text);
    return token;
  }
};

// Pearson's statistic over 100,000 positions must stay under `limit`; nothing impossible is drawn.
void require_distribution(const std::vector<float>& logits, const inlay_sampler_options& options,
                          const std::vector<std::int32_t>& history, double limit) {
  constexpr int draws = 100000;
  const std::vector<double> exact = plain_probabilities(logits, history, options);
  std::vector<int> counts(logits.size());
  Ready ready(options, logits.size());
  for (int i = 0; i < draws; ++i) {
    ++counts[static_cast<std::size_t>(ready.draw(logits, static_cast<std::uint64_t>(i), history))];
  }
  double chi_square = 0;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    INFO("token " << id);
    if (exact[id] == 0) {
      REQUIRE(counts[id] == 0);
    } else {
      const double expected = exact[id] * draws;
      chi_square += (counts[id] - expected) * (counts[id] - expected) / expected;
    }
  }
  REQUIRE(chi_square > 0);
  REQUIRE(chi_square < limit);
}

}  // namespace

TEST_CASE("draws follow the exact distribution", "[sample]") {
  const std::vector<float> logits = {2.0f, 1.0f, 0.5f, 0.0f, -1.0f, 1.0f, -0.5f, -infinity};
  const std::vector<std::int32_t> history = {0, 1, 1, 2, 6};
  inlay_sampler_options options = plain_options();
  options.seed = 42;
  // 6 degrees of freedom or fewer: under 25 with probability 0.9997; the seed is fixed.
  SECTION("plain softmax") { require_distribution(logits, options, history, 25); }
  SECTION("cold") {
    options.temperature = 0.5f;
    require_distribution(logits, options, history, 25);
  }
  SECTION("hot, another stream") {
    options.temperature = 2.0f;
    options.stream = 3;
    require_distribution(logits, options, history, 25);
  }
  SECTION("top-k") {
    options.top_k = 3;
    require_distribution(logits, options, history, 25);
  }
  SECTION("top-p") {
    options.top_p = 0.8f;
    require_distribution(logits, options, history, 25);
  }
  SECTION("min-p") {
    options.min_p = 0.3f;
    require_distribution(logits, options, history, 25);
  }
  SECTION("penalties") {
    options.repeat_penalty = 1.2f;
    options.frequency_penalty = 0.3f;
    options.presence_penalty = 0.1f;
    options.penalty_window = 4;
    require_distribution(logits, options, history, 25);
  }
  SECTION("everything together") {
    const inlay_logit_bias bias[] = {{3, 1.0f}, {0, -infinity}};
    options.temperature = 0.8f;
    options.top_k = 6;
    options.top_p = 0.95f;
    options.min_p = 0.05f;
    options.repeat_penalty = 1.1f;
    options.bias = bias;
    options.bias_count = 2;
    require_distribution(logits, options, history, 25);
  }
}

TEST_CASE("a draw depends on seed, stream and position alone", "[sample]") {
  const std::vector<float> logits = bell_logits(2000, 21);
  inlay_sampler_options options = plain_options();
  options.top_k = 40;
  options.seed = 5;
  Ready first(options, logits.size());
  std::vector<std::int32_t> tokens;
  for (std::uint64_t p = 0; p < 200; ++p) tokens.push_back(first.draw(logits, p));
  Ready second(options, logits.size());
  for (std::uint64_t p = 200; p-- > 0;) REQUIRE(second.draw(logits, p) == tokens[p]);

  const auto differing = [&](const inlay_sampler_options& other) {
    Ready ready(other, logits.size());
    int count = 0;
    for (std::uint64_t p = 0; p < 200; ++p) count += ready.draw(logits, p) != tokens[p];
    return count;
  };
  inlay_sampler_options other = options;
  other.seed = 6;
  REQUIRE(differing(other) > 50);
  other = options;
  other.stream = 1;
  REQUIRE(differing(other) > 50);
  REQUIRE(differing(options) == 0);
}

TEST_CASE("known draws: the same on every machine and with every compiler", "[sample]") {
  const std::vector<float> logits = bell_logits(5000, 33);
  inlay_sampler_options options = plain_options();
  options.seed = 2024;
  options.temperature = 0.9f;
  options.top_p = 0.97f;
  Ready ready(options, logits.size());
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a over the drawn ids
  for (std::uint64_t p = 0; p < 1000; ++p) {
    hash = (hash ^ static_cast<std::uint32_t>(ready.draw(logits, p))) * 0x100000001b3u;
  }
  REQUIRE(hash == 0xb89ea02277817cd3u);
}

TEST_CASE("samplers may share memory when used in turn", "[sample]") {
  const std::vector<float> logits = bell_logits(500, 22);
  inlay_sampler_options options = plain_options();
  options.repeat_penalty = 1.3f;
  const std::vector<std::int32_t> history = {1, 2, 3, 3, 3};
  Ready alone(options, logits.size());
  Ready one(options, logits.size());
  options.seed = 1;
  Sampler two;
  REQUIRE(two.init(options, 500, one.memory, one.error) == Status::ok);
  for (std::uint64_t p = 0; p < 50; ++p) {
    std::int32_t token = -1;
    REQUIRE(two.sample(logits, history, p, token, one.error) == Status::ok);
    REQUIRE(one.draw(logits, p, history) == alone.draw(logits, p, history));
  }
}

TEST_CASE("greedy takes the largest logit after bias and penalties", "[sample]") {
  inlay_sampler_options options = plain_options();
  options.temperature = 0;
  options.top_k = 40;
  options.top_p = 0.5f;
  options.min_p = 0.5f;
  const std::vector<float> logits = {1, 5, 5, 4};
  REQUIRE(Ready(options, 4).draw(logits, 0) == 1);
  const inlay_logit_bias bias[] = {{3, 1.5f}};
  options.bias = bias;
  options.bias_count = 1;
  REQUIRE(Ready(options, 4).draw(logits, 0) == 3);
  options.bias_count = 0;
  options.presence_penalty = 1;
  REQUIRE(Ready(options, 4).draw(logits, 0, {1}) == 2);
  REQUIRE(Ready(options, 1).draw({-7}, 0) == 0);
}

TEST_CASE("bad logits are named", "[sample]") {
  Ready ready(plain_options(), 5);
  std::int32_t token = -1;
  std::vector<float> logits = {1, 2, 3, 4, 5};
  for (const float bad : {std::nanf(""), -std::nanf(""), infinity}) {
    logits[3] = bad;
    REQUIRE(ready.sampler.sample(logits, {}, 0, token, ready.error) == Status::format);
    REQUIRE(std::string(ready.error.text).find("token 3") != std::string::npos);
  }
  logits.assign(5, -infinity);
  REQUIRE(ready.sampler.sample(logits, {}, 0, token, ready.error) == Status::state);
  logits.pop_back();
  REQUIRE(ready.sampler.sample(logits, {}, 0, token, ready.error) == Status::argument);
  REQUIRE(token == -1);
  REQUIRE(ready.draw({1, 2, 300, 4, 5}, 0) == 2);
}

TEST_CASE("init refuses what the header forbids and changes nothing then", "[sample]") {
  inlay_sampler_options options = plain_options();
  options.temperature = 0;
  Ready ready(options, 4);
  const auto init = [&](std::uint32_t vocabulary, std::size_t bytes) {
    return ready.sampler.init(options, vocabulary, std::span(ready.memory).first(bytes),
                              ready.error);
  };
  const std::size_t enough = Sampler::bytes(4);
  REQUIRE(init(4, enough) == Status::ok);
  REQUIRE(init(4, enough - 1) == Status::argument);
  REQUIRE(init(0, enough) == Status::argument);
  REQUIRE(init(UINT32_MAX, enough) == Status::argument);
  const auto refused = [&](auto member, float value) {
    const float good = options.*member;
    options.*member = value;
    REQUIRE(init(4, enough) == Status::argument);
    options.*member = good;
  };
  for (const float value : {std::nanf(""), -infinity}) {
    refused(&inlay_sampler_options::temperature, value);
    refused(&inlay_sampler_options::top_p, value);
    refused(&inlay_sampler_options::min_p, value);
    refused(&inlay_sampler_options::repeat_penalty, value);
    refused(&inlay_sampler_options::frequency_penalty, value);
    refused(&inlay_sampler_options::presence_penalty, value);
  }
  std::vector<inlay_logit_bias> bias(Sampler::max_biases + 1, {0, 0.001f});
  options.bias = bias.data();
  options.bias_count = bias.size();
  REQUIRE(init(4, enough) == Status::argument);
  REQUIRE(ready.draw({1, 2, 3, 0}, 0) == 2);  // the sampler of before
  options.bias_count = Sampler::max_biases;
  REQUIRE(init(4, enough) == Status::ok);
  bias.assign(bias.size(), {2, -infinity});  // init has copied the list
  REQUIRE(ready.draw({1, 2, 3, 0}, 0) == 2);
}
