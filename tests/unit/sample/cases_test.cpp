// cases_test.cpp - every stage, alone and in chains, against the plain reference in Python
// (scripts/fixtures_samplers.py): which tokens are left, their probabilities, the state behind.
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include "sample/sampler.h"
#include "support/catch.h"
#include "unit/sample/reference.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// The vocabulary of the cases: letters for digits; every seventh token ends with a line.
std::string text_of(std::int32_t id) {
  std::string text;
  std::int32_t number = id;
  do {
    text += "abcdefghij"[number % 10];
    number /= 10;
  } while (number > 0);
  return id % 7 == 3 ? text + "\n" : text;
}

TokenView words() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> all;
    for (std::int32_t id = 0; id < 6000; ++id) all.push_back(text_of(id));
    return all;
  }();
  return {&texts,
          [](const void* of, std::int32_t id) {
            const auto& all = *static_cast<const std::vector<std::string>*>(of);
            return std::string_view(all[static_cast<std::size_t>(id)]);
          },
          [](const void*, std::int32_t id) { return id % 50 == 49; }, 49};
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::stringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::uint32_t stage_number(const std::string& name) {
  for (std::uint32_t number = 1; number < INLAY_STAGE_DRAW; ++number) {
    if (name == inlay_sampler_stage_name(number)) return number;
  }
  throw std::runtime_error("no stage " + name);
}

struct Case {
  inlay_sampler_options options = plain_options();
  std::uint32_t vocabulary = 0;
  std::uint64_t logits = 0, position = 0;
  std::vector<std::int32_t> tokens;
  std::vector<inlay_logit_bias> bias;
  std::vector<std::string> breakers = {"\n"};
  std::vector<inlay_text_view> breaker_views;
  std::vector<std::uint32_t> stages;
  bool has_state = false;
  float state = 0;

  explicit Case(const std::string& line) {
    std::stringstream words(line);
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals != word.npos) set(word.substr(0, equals), word.substr(equals + 1));
    }
    for (const std::string& b : breakers) breaker_views.push_back({b.data(), b.size()});
    options.bias = bias.data();
    options.bias_count = bias.size();
    options.dry_breakers = breaker_views.data();
    options.dry_breaker_count = breaker_views.size();
    options.stages = stages.data();
    options.stage_count = stages.size();
  }

  void set(const std::string& name, const std::string& value) {
    const std::map<std::string, float inlay_sampler_options::*> floats = {
        {"temperature", &inlay_sampler_options::temperature},
        {"top_p", &inlay_sampler_options::top_p},
        {"min_p", &inlay_sampler_options::min_p},
        {"typical_p", &inlay_sampler_options::typical_p},
        {"top_n_sigma", &inlay_sampler_options::top_n_sigma},
        {"repeat_penalty", &inlay_sampler_options::repeat_penalty},
        {"frequency_penalty", &inlay_sampler_options::frequency_penalty},
        {"presence_penalty", &inlay_sampler_options::presence_penalty},
        {"xtc_probability", &inlay_sampler_options::xtc_probability},
        {"xtc_threshold", &inlay_sampler_options::xtc_threshold},
        {"dry_multiplier", &inlay_sampler_options::dry_multiplier},
        {"dry_base", &inlay_sampler_options::dry_base},
        {"dynatemp_range", &inlay_sampler_options::dynatemp_range},
        {"dynatemp_exponent", &inlay_sampler_options::dynatemp_exponent},
        {"mirostat_tau", &inlay_sampler_options::mirostat_tau},
        {"mirostat_eta", &inlay_sampler_options::mirostat_eta},
        {"adaptive_target", &inlay_sampler_options::adaptive_target},
        {"adaptive_decay", &inlay_sampler_options::adaptive_decay}};
    const std::map<std::string, std::uint32_t inlay_sampler_options::*> numbers = {
        {"top_k", &inlay_sampler_options::top_k},
        {"penalty_window", &inlay_sampler_options::penalty_window},
        {"dry_allowed_length", &inlay_sampler_options::dry_allowed_length},
        {"dry_window", &inlay_sampler_options::dry_window},
        {"mirostat", &inlay_sampler_options::mirostat},
        {"infill", &inlay_sampler_options::infill}};
    if (const auto f = floats.find(name); f != floats.end()) {
      options.*f->second = std::stof(value);
    } else if (const auto n = numbers.find(name); n != numbers.end()) {
      options.*n->second = static_cast<std::uint32_t>(std::stoul(value));
    } else {
      set_other(name, value);
    }
  }

  void set_other(const std::string& name, const std::string& value) {
    if (name == "vocabulary") {
      vocabulary = static_cast<std::uint32_t>(std::stoul(value));
    } else if (name == "logits") {
      logits = std::stoull(value);
    } else if (name == "position") {
      position = std::stoull(value);
    } else if (name == "seed") {
      options.seed = std::stoull(value);
    } else if (name == "state") {
      has_state = true;
      state = std::stof(value);
    } else if (name == "tokens") {
      for (const std::string& t : split(value)) tokens.push_back(std::stoi(t));
    } else if (name == "bias") {
      for (const std::string& b : split(value)) {
        bias.push_back({std::stoi(b), std::stof(b.substr(b.find(':') + 1))});
      }
    } else if (name == "breakers") {
      breakers.clear();
      for (const std::string& b : split(value)) breakers.push_back(unhex(b));
    } else if (name == "stages") {
      for (const std::string& s : split(value)) stages.push_back(stage_number(s));
    } else {
      throw std::runtime_error("no option " + name);
    }
  }
};

// One case and what is expected of it.
void check(const std::string& line, std::size_t count, std::uint64_t hash,
           const std::vector<std::pair<std::int32_t, double>>& first, const double* states) {
  const Case c(line);
  INFO(line);
  std::vector<std::byte> memory(Sampler::bytes(c.vocabulary));
  static Sampler sampler;  // as large as its lists
  Error error{};
  if (is_error(sampler.init(c.options, c.vocabulary, memory, error, words()))) FAIL(error.text);
  if (c.has_state) sampler.set_state(c.state);
  const float before = sampler.state();
  const std::vector<float> logits = bell_logits(c.vocabulary, c.logits);
  if (is_error(sampler.propose(logits, c.tokens, c.position, error))) FAIL(error.text);
  const auto list = sampler.candidates().list();
  std::uint64_t found = 0xcbf29ce484222325u;
  for (const Candidate& x : list)
    found = (found ^ static_cast<std::uint32_t>(x.id)) * 0x100000001b3u;
  CHECK(list.size() == count);
  REQUIRE(found == hash);
  const double total = sampler.candidates().total_weight();
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(list[i].id == first[i].first);
    CHECK(list[i].weight / total == Approx(first[i].second).epsilon(2e-5).margin(1e-12));
  }
  if (!states) return;
  CHECK(before == Approx(states[0]));
  sampler.accept(Candidate(list[0]));
  CHECK(sampler.state() == Approx(states[1]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("stages keep what the plain reference keeps", "[sample]") {
  std::ifstream file(INLAY_FIXTURES_DIR "/samplers/cases.txt");
  std::string line, word;
  std::string described;
  std::size_t count = 0, cases = 0;
  std::uint64_t hash = 0;
  std::vector<std::pair<std::int32_t, double>> first;
  double states[2];
  bool steers = false;
  const auto flush = [&] {
    if (!described.empty()) check(described, count, hash, first, steers ? states : nullptr);
    cases += !described.empty();
    steers = false;
    first.clear();
  };
  while (std::getline(file, line)) {
    std::stringstream words(line);
    words >> word;
    if (word == "case") {
      flush();
      described = line;
    } else if (word == "kept") {
      words >> count >> std::hex >> hash;
    } else if (word == "p") {
      std::int32_t id = 0;
      for (double p = 0; words >> id >> p;) first.push_back({id, p});
    } else {
      words >> states[0] >> states[1];
      steers = true;
    }
  }
  flush();
  REQUIRE(cases > 400);
}
