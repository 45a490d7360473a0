// reference.h - sampling written the plain way in double precision, with full sorts: what stages
// must equal.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/random.h"
#include "inlay/inlay.h"

namespace inlay::test {

// One token of the plain list; sorted or not as each function says.
struct Plain {
  std::int32_t id;
  double logit;
  double probability = 0;
};
using PlainList = std::vector<Plain>;

inline inlay_sampler_options plain_options() {
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.repeat_penalty = 1;
  options.penalty_window = 64;
  return options;
}

inline PlainList plain_list(const std::vector<float>& logits) {
  PlainList list;
  for (const float logit : logits) list.push_back({static_cast<std::int32_t>(list.size()), logit});
  return list;
}

inline void plain_sort(PlainList& list) {
  std::sort(list.begin(), list.end(), [](const Plain& a, const Plain& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
}

inline void plain_softmax(PlainList& list, double temperature) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const Plain& p : list) largest = std::max(largest, p.logit);
  double sum = 0;
  for (Plain& p : list) sum += p.probability = std::exp((p.logit - largest) / temperature);
  for (Plain& p : list) p.probability /= sum;
}

inline void plain_top_k(PlainList& list, std::uint32_t k) {
  plain_sort(list);
  if (k > 0 && k < list.size()) list.resize(k);
}

// Probabilities are renormalised by whoever needs them.
inline void plain_top_p(PlainList& list, double p) {
  plain_sort(list);
  double sum = 0;
  std::size_t kept = 0;
  while (kept < list.size() && (kept == 0 || sum < p)) sum += list[kept++].probability;
  if (p < 1) list.resize(kept);
}

inline void plain_min_p(PlainList& list, double p) {
  double largest = 0;
  for (const Plain& x : list) largest = std::max(largest, x.probability);
  std::erase_if(list, [&](const Plain& x) { return x.probability < p * largest; });
}

inline void plain_penalties(PlainList& list, const std::vector<std::int32_t>& history,
                            const inlay_sampler_options& options) {
  const std::size_t window = std::min<std::size_t>(history.size(), options.penalty_window);
  for (Plain& x : list) {
    const auto count =
        std::count(history.end() - static_cast<std::ptrdiff_t>(window), history.end(), x.id);
    if (count == 0) continue;
    x.logit = x.logit > 0 ? x.logit / options.repeat_penalty : x.logit * options.repeat_penalty;
    x.logit -= static_cast<double>(count) * options.frequency_penalty + options.presence_penalty;
  }
}

// All stages but the draw: the exact probabilities of what is left, by id; 0 for what is dropped.
inline std::vector<double> plain_probabilities(const std::vector<float>& logits,
                                               const std::vector<std::int32_t>& history,
                                               const inlay_sampler_options& options) {
  PlainList list = plain_list(logits);
  for (std::size_t i = 0; i < options.bias_count; ++i) {
    list[static_cast<std::size_t>(options.bias[i].token)].logit += options.bias[i].bias;
  }
  plain_penalties(list, history, options);
  plain_top_k(list, options.top_k);
  plain_softmax(list, options.temperature);
  plain_top_p(list, options.top_p);
  plain_min_p(list, options.min_p);
  double sum = 0;
  for (const Plain& x : list) sum += x.probability;
  std::vector<double> probabilities(logits.size());
  for (const Plain& x : list) {
    probabilities[static_cast<std::size_t>(x.id)] = x.probability / sum;
  }
  return probabilities;
}

// Logits that look like a model's: a broad bell with a few large ones. Multiples of 1/256, so that
// no compiler's way of rounding changes them.
inline std::vector<float> bell_logits(std::size_t count, std::uint64_t seed) {
  std::vector<float> logits(count);
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::uint64_t part = 0; part < 4; ++part) sum += uniform(seed, part, i);
    const double spike = uniform(seed, 9, i) < 0.01 ? 8.0 * uniform(seed, 10, i) : 0.0;
    logits[i] = static_cast<float>(std::floor(((sum - 2.0) * 4.0 + spike) * 256.0)) / 256.0f;
  }
  return logits;
}

}  // namespace inlay::test
