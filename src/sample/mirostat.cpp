// mirostat.cpp - steers the surprise of the text to a target (Basu et al. 2021, arXiv:2007.14966;
// version 2 is the authors' simpler form).
//
//   S(x) = -log2 p(x), p as the stage finds it; mu = 2 tau before the first token
//   version 1: t_i = ln((i + 1) / i), b_i = ln(p_i / p_(i+1)) of the 100 best, i from 1 on
//              s = sum t_i b_i / sum t_i^2, e = s - 1
//              keeps the k best, k = (e 2^mu / (1 - N^-e))^(1 / s), N the size of the vocabulary
//   version 2: keeps S(x) <= mu, the best in any case
//   after the draw of x: mu = mu - eta (S(x) - tau)
#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "sample/stage.h"

namespace inlay {
namespace {

constexpr double ln2 = 0x1.62e42fefa39efp-1;
constexpr std::size_t looked_at = 100;
constexpr float mu_limit = 1000;  // 2^mu is a number, whatever the host's eta does

bool is_on(const inlay_sampler_options& options) { return options.mirostat != 0; }

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  if (options.mirostat > 2) {
    return fail(error, Status::argument, "mirostat: {}, expected 0 to 2", options.mirostat);
  }
  INLAY_TRY(check_between("mirostat_tau", options.mirostat_tau, 0.0f, 100.0f, error));
  return check_between("mirostat_eta", options.mirostat_eta, 0.0f, 100.0f, error);
}

// The exponent s of Zipf's law, from weights of the best, in falling order.
double zipf_exponent(std::span<const float> weights) {
  double tb = 0, tt = 0;
  for (std::size_t i = 0; i + 1 < weights.size() && weights[i + 1] > 0.0f; ++i) {
    const auto rank = static_cast<double>(i + 1);
    const double t = math::log((rank + 1) / rank);
    const double b =
        math::log(static_cast<double>(weights[i]) / static_cast<double>(weights[i + 1]));
    tb += t * b;
    tt += t * t;
  }
  return tt > 0 ? tb / tt : 0.0;
}

// k, between 1 and `most`. Its logarithm is computed, so that nothing leaves the range of double.
double kept_count(double s, double mu, double vocabulary, double most) {
  if (s < 1e-9) return most;  // all alike: every k has the same surprise
  const double e = s - 1;
  const double ln_n = math::log(vocabulary);
  const double power = math::exp(std::clamp(-e * ln_n, -700.0, 700.0));  // N^-e
  const double factor = std::fabs(e) < 1e-9 ? 1 / std::max(ln_n, 1e-9) : e / (1 - power);
  const double ln_k = (math::log(factor) + mu * ln2) / s;
  if (!(ln_k < math::log(most))) return most;
  return ln_k <= 0 ? 1.0 : math::exp(ln_k);
}

void keep_by_zipf(Draft& draft) {
  Candidates& candidates = draft.candidates;
  float weights[looked_at];
  const std::size_t count = candidates.best_weights(weights);
  const double s = zipf_exponent({weights, count});
  const auto most = static_cast<double>(candidates.size());
  const double k = kept_count(s, draft.state, draft.vocabulary, most);
  if (k < most) candidates.keep_top(static_cast<std::size_t>(k));
}

// What S(x) <= mu wants of a weight.
double least_weight(const Draft& draft, double total) {
  return total * math::exp(-ln2 * static_cast<double>(draft.state));
}

void keep_by_surprise(Draft& draft) {
  const double least = least_weight(draft, draft.total_before);
  const float best = draft.candidates.largest_weight();
  draft.candidates.keep_if([=](const Candidate& c) {
    return static_cast<double>(c.weight) >= least || c.weight == best;
  });
}

Status apply(Draft& draft, Error& error) {
  if (!is_on(draft.options)) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  draft.total_before = total_of_all(draft);
  draft.options.mirostat == 1 ? keep_by_zipf(draft) : keep_by_surprise(draft);
  return Status::ok;
}

void observe(Draft& draft) {
  const inlay_sampler_options& options = draft.options;
  const double p = static_cast<double>(draft.candidates[0].weight) / draft.total_before;
  const double surprise = -math::log(std::clamp(p, 1e-300, 1.0)) / ln2;
  const double mu = draft.state - options.mirostat_eta * (surprise - options.mirostat_tau);
  draft.state = static_cast<float>(std::clamp<double>(mu, -mu_limit, mu_limit));
}

void prepare(Draft& draft, Need& need) {
  if (!is_on(draft.options)) return;
  if (draft.options.mirostat == 2) {
    const double total = foresee_total(draft, need);
    if (total > 0) need.limit_weight(least_weight(draft, total), draft.candidates);
  }
  need.all();
}

float first_state(const inlay_sampler_options& options) { return 2.0f * options.mirostat_tau; }

}  // namespace

constinit const Stage mirostat_stage{check, apply, prepare, first_state, is_on, observe};

}  // namespace inlay
