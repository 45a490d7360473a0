// dynamic_temperature.cpp - a temperature for each token, by how sure the model is (the entropy
// form of dynamic temperature sampling, kalomaze 2023).
//
//   H = -sum p_i ln p_i over the n candidates that are allowed
//   T' = max(0, T - range) + (T + range - max(0, T - range)) (H / ln n)^exponent;  n = 1: T' = T
#include <algorithm>
#include <limits>

#include "base/math.h"
#include "sample/stage.h"

namespace inlay {
namespace {

constexpr float limit = 1e6f;

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  INLAY_TRY(check_between("dynatemp_range", options.dynatemp_range, 0.0f, limit, error));
  return check_between("dynatemp_exponent", options.dynatemp_exponent, 0.0f, limit, error);
}

// H / ln n of the softmax of the logits as they are; the list is weighed.
double relative_entropy(const Candidates& candidates) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::size_t allowed = 0;
  for (const Candidate& c : candidates.list()) allowed += c.logit != -infinity;
  if (allowed < 2) return -1;
  const Candidates::Moments sums = candidates.moments();
  const double entropy = math::log(sums.total) - sums.below / sums.total;
  return std::clamp(entropy / math::log(static_cast<double>(allowed)), 0.0, 1.0);
}

Status apply(Draft& draft, Error& error) {
  const inlay_sampler_options& options = draft.options;
  if (options.dynatemp_range == 0.0f) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const double entropy = relative_entropy(draft.candidates);
  if (entropy < 0) return Status::ok;
  const double least = std::max(0.0f, options.temperature - options.dynatemp_range);
  const double most = options.temperature + options.dynatemp_range;
  const double exponent = options.dynatemp_exponent;
  const double part = exponent == 0 ? 1.0 : entropy < 1e-300 ? 0.0 : math::pow(entropy, exponent);
  draft.heat = static_cast<float>(least + (most - least) * part);
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.dynatemp_range > 0.0f) need.all();
}

}  // namespace

constinit const Stage dynamic_temperature_stage{check, apply, prepare};

}  // namespace inlay
