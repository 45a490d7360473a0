// chain_test.cpp - what holds for every stage: tokens that were not listed would have been dropped,
// and a draw repeats by seed, stream, position and the state before it.
#include <cstring>
#include <string>

#include "sample/sampler.h"
#include "support/catch.h"
#include "unit/sample/reference.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Named {
  const char* name;
  void (*set)(inlay_sampler_options& options);
};

// Every stage alone, and chains in which one leaves little to the next.
constexpr Named choices[] = {
    {"temperature", [](inlay_sampler_options& o) { o.temperature = 1.3f; }},
    {"greedy", [](inlay_sampler_options& o) { o.temperature = 0; }},
    {"penalties", [](inlay_sampler_options& o) { o.repeat_penalty = 1.2f; }},
    {"dry", [](inlay_sampler_options& o) { o.dry_multiplier = 0.8f; }},
    {"top_k", [](inlay_sampler_options& o) { o.top_k = 30; }},
    {"top_n_sigma", [](inlay_sampler_options& o) { o.top_n_sigma = 1.5f; }},
    {"dynamic_temperature", [](inlay_sampler_options& o) { o.dynatemp_range = 0.5f; }},
    {"typical_p", [](inlay_sampler_options& o) { o.typical_p = 0.9f; }},
    {"top_p", [](inlay_sampler_options& o) { o.top_p = 0.9f; }},
    {"top_p, little", [](inlay_sampler_options& o) { o.top_p = 0.01f; }},
    {"top_p, nearly all", [](inlay_sampler_options& o) { o.top_p = 0.99999f; }},
    {"min_p", [](inlay_sampler_options& o) { o.min_p = 0.05f; }},
    {"min_p, nearly all", [](inlay_sampler_options& o) { o.min_p = 1e-30f; }},
    {"min_p, the best", [](inlay_sampler_options& o) { o.min_p = 1; }},
    {"xtc", [](inlay_sampler_options& o) { o.xtc_probability = 0.5f, o.xtc_threshold = 0.01f; }},
    {"infill", [](inlay_sampler_options& o) { o.infill = 1; }},
    {"mirostat 1", [](inlay_sampler_options& o) { o.mirostat = 1; }},
    {"mirostat 2", [](inlay_sampler_options& o) { o.mirostat = 2, o.mirostat_tau = 3; }},
    {"adaptive_p", [](inlay_sampler_options& o) { o.adaptive_target = 0.3f; }},
    {"top_p, min_p", [](inlay_sampler_options& o) { o.top_p = 0.9f, o.min_p = 0.1f; }},
    {"cold top_p", [](inlay_sampler_options& o) { o.top_p = 0.95f, o.temperature = 0.1f; }},
    {"hot min_p", [](inlay_sampler_options& o) { o.min_p = 0.3f, o.temperature = 50; }},
    {"min_p, adaptive_p",
     [](inlay_sampler_options& o) { o.min_p = 0.05f, o.adaptive_target = 0.2f; }},
    {"penalties, min_p", [](inlay_sampler_options& o) { o.presence_penalty = 9, o.min_p = 0.05f; }},
    {"penalties, top_p", [](inlay_sampler_options& o) { o.presence_penalty = 9, o.top_p = 0.9f; }},
    {"top_k, top_p, min_p",
     [](inlay_sampler_options& o) { o.top_k = 40, o.top_p = 0.95f, o.min_p = 0.05f; }},
};

const std::vector<std::int32_t> history = {0, 1, 0, 1, 0, 1, 0};

struct Ready {
  std::vector<std::byte> memory;
  Sampler sampler;
  Error error{};
  Ready(const inlay_sampler_options& options, std::size_t vocabulary)
      : memory(Sampler::bytes(static_cast<std::uint32_t>(vocabulary))) {
    const auto count = static_cast<std::uint32_t>(vocabulary);
    if (is_error(sampler.init(options, count, memory, error))) FAIL(error.text);
  }
  std::int32_t draw(const std::vector<float>& logits, std::uint64_t position) {
    std::int32_t token = -1;
    if (is_error(sampler.sample(logits, history, position, token, error))) FAIL(error.text);
    return token;
  }
  std::vector<Candidate> propose(const std::vector<float>& logits) {
    if (is_error(sampler.propose(logits, history, 3, error))) FAIL(error.text);
    const auto list = sampler.candidates().list();
    return {list.begin(), list.end()};
  }
};

inlay_sampler_options options_of(const Named& choice) {
  inlay_sampler_options options = plain_options();
  options.seed = 9;
  choice.set(options);
  return options;
}

bool same_bits(const std::vector<Candidate>& a, const std::vector<Candidate>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

inlay_status nothing(void*, inlay_candidates*) { return INLAY_OK; }

}  // namespace

TEST_CASE("what is not listed would have been dropped", "[sample]") {
  const inlay_host_stage sees_all{nullptr, nothing};  // everything is listed for it
  for (const Named& choice : choices) {
    for (const std::size_t vocabulary : {1u, 2u, 65u, 3000u, 20000u}) {
      for (const float spread : {0.0f, 0.1f, 1.0f, 30.0f}) {
        auto logits = bell_logits(vocabulary, static_cast<std::uint32_t>(vocabulary));
        for (float& x : logits) x *= spread;
        inlay_sampler_options options = options_of(choice);
        Ready some(options, vocabulary);
        options.host_stages = &sees_all;
        options.host_stage_count = 1;
        Ready all(options, vocabulary);
        INFO(choice.name << ", vocabulary " << vocabulary << ", spread " << spread);
        CHECK(same_bits(some.propose(logits), all.propose(logits)));
        CHECK(some.draw(logits, 3) == all.draw(logits, 3));
        CHECK(some.sampler.state() == all.sampler.state());
      }
    }
  }
}

TEST_CASE("every stage repeats by seed, stream, position and state", "[sample]") {
  constexpr std::uint64_t draws = 60;
  const std::vector<float> logits = bell_logits(2000, 21);
  for (const Named& choice : choices) {
    INFO(choice.name);
    const inlay_sampler_options options = options_of(choice);
    Ready first(options, logits.size());
    std::vector<std::int32_t> tokens;
    std::vector<float> states = {first.sampler.state()};
    for (std::uint64_t p = 0; p < draws; ++p) {
      tokens.push_back(first.draw(logits, p));
      states.push_back(first.sampler.state());
    }
    Ready second(options, logits.size());
    for (std::uint64_t p = draws; p-- > 0;) {
      second.sampler.set_state(states[p]);
      REQUIRE(second.draw(logits, p) == tokens[p]);
      REQUIRE(second.sampler.state() == states[p + 1]);
    }
    if (first.sampler.steers()) REQUIRE(states[1] != states[0]);
  }
}
