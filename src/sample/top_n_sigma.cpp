// top_n_sigma.cpp - keeps tokens whose logit is within n standard deviations of the largest (Tang
// et al. 2024, arXiv:2411.07641).
//
//   keeps l_i >= max l - n sigma;  sigma: of all logits that are allowed, sqrt(mean (l - mean l)^2)
#include <cmath>
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  return check_between("top_n_sigma", options.top_n_sigma, 0.0f, 1e6f, error);
}

// Sums in eight lanes, lane = index mod 8.
double deviation(const Candidates& candidates, float largest) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {}, squares[lanes] = {}, counts[lanes] = {};
  const auto list = candidates.list();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool allowed = list[i].logit != -infinity;
    const double x =
        allowed ? static_cast<double>(list[i].logit) - static_cast<double>(largest) : 0;
    sums[i % lanes] += x;
    squares[i % lanes] += x * x;
    counts[i % lanes] += allowed;
  }
  double sum = 0, square = 0, count = 0;
  for (std::size_t l = 0; l < lanes; ++l) {
    sum += sums[l];
    square += squares[l];
    count += counts[l];
  }
  const double mean = sum / count;
  const double variance = square / count - mean * mean;
  return variance > 0 ? std::sqrt(variance) : 0.0;
}

Status apply(Draft& draft, Error& error) {
  const float n = draft.options.top_n_sigma;
  Candidates& candidates = draft.candidates;
  if (n == 0.0f || candidates.size() < 2) return Status::ok;
  const float largest = candidates.largest_logit();
  if (largest == -infinity) return all_forbidden(draft, error);
  const double least = static_cast<double>(largest) - n * deviation(candidates, largest);
  candidates.keep_if([=](const Candidate& c) { return static_cast<double>(c.logit) >= least; });
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.top_n_sigma > 0.0f) need.all();
}

}  // namespace

constinit const Stage top_n_sigma_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
