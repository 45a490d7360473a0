// sampling.cpp - one draw from a large vocabulary, one line for each stage that looks at all of it.
//
//   bench_sampling [--vocabulary 150000] [--draws 200]
//
// `draws` is a hash over the tokens: what makes a stage faster must leave it as it was.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "arguments.h"
#include "base/random.h"
#include "sample/sampler.h"

namespace {

// Like a model's: a broad bell with a few large ones.
std::vector<float> bell_logits(std::uint32_t count) {
  std::vector<float> logits(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    double total = 0;
    for (std::uint64_t part = 0; part < 4; ++part) total += inlay::uniform(1, part, i);
    const double spike = inlay::uniform(1, 9, i) < 0.01 ? 8 * inlay::uniform(1, 10, i) : 0;
    logits[i] = static_cast<float>((total - 2) * 4 + spike);
  }
  return logits;
}

struct Row {
  const char* name;
  void (*set)(inlay_sampler_options& options);
};

constexpr Row rows[] = {
    {"default", [](inlay_sampler_options& o) { inlay_sampler_options_defaults(&o); }},
    {"greedy", [](inlay_sampler_options& o) { o.temperature = 0; }},
    {"temperature alone", [](inlay_sampler_options&) {}},
    {"top_k 40", [](inlay_sampler_options& o) { o.top_k = 40; }},
    {"top_p 0.95", [](inlay_sampler_options& o) { o.top_p = 0.95f; }},
    {"top_p 0.5", [](inlay_sampler_options& o) { o.top_p = 0.5f; }},
    {"min_p 0.05", [](inlay_sampler_options& o) { o.min_p = 0.05f; }},
    {"min_p 0.05, penalties",
     [](inlay_sampler_options& o) { o.min_p = 0.05f, o.repeat_penalty = 1.1f; }},
    {"top_p 0.95, penalties",
     [](inlay_sampler_options& o) { o.top_p = 0.95f, o.repeat_penalty = 1.1f; }},
    {"top_n_sigma 1", [](inlay_sampler_options& o) { o.top_n_sigma = 1; }},
    {"dynatemp", [](inlay_sampler_options& o) { o.dynatemp_range = 0.5f; }},
    {"typical_p 0.9", [](inlay_sampler_options& o) { o.typical_p = 0.9f; }},
    {"xtc", [](inlay_sampler_options& o) { o.xtc_probability = 1, o.xtc_threshold = 0.001f; }},
    {"mirostat 1", [](inlay_sampler_options& o) { o.mirostat = 1; }},
    {"mirostat 2", [](inlay_sampler_options& o) { o.mirostat = 2; }},
    {"adaptive_p 0.3", [](inlay_sampler_options& o) { o.adaptive_target = 0.3f; }},
};

double milliseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

inlay_sampler_options options_of(const Row& row) {
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.temperature = 0.8f;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.seed = 3;
  row.set(options);
  return options;
}

void measure(const Row& row, const std::vector<float>& logits, std::uint32_t draws) {
  static inlay::Sampler sampler;
  const auto vocabulary = static_cast<std::uint32_t>(logits.size());
  std::vector<std::byte> memory(inlay::Sampler::bytes(vocabulary));
  inlay::Error error{};
  if (is_error(sampler.init(options_of(row), vocabulary, memory, error))) bench::fail(error.text);
  std::vector<double> times;
  std::vector<std::int32_t> tokens = {1, 2, 3};
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::uint64_t position = 0; position < draws; ++position) {
    std::int32_t token = -1;
    const double begin = milliseconds();
    if (is_error(sampler.sample(logits, tokens, position, token, error))) bench::fail(error.text);
    times.push_back(milliseconds() - begin);
    tokens.push_back(token);
    hash = (hash ^ static_cast<std::uint32_t>(token)) * 0x100000001b3u;
  }
  std::sort(times.begin(), times.end());
  std::printf("%-22s %7.3f ms (least %.3f)  draws %016llx\n", row.name, times[times.size() / 2],
              times[0], static_cast<unsigned long long>(hash));
}

}  // namespace

int main(int count, char** words) {
  bench::Arguments arguments(count, words, "bench_sampling [--vocabulary N] [--draws N]");
  const std::uint32_t vocabulary = arguments.take_number("--vocabulary", 150000);
  const std::uint32_t draws = arguments.take_number("--draws", 200);
  arguments.take_end();
  const std::vector<float> logits = bell_logits(vocabulary);
  for (const Row& row : rows) measure(row, logits, draws);
}
