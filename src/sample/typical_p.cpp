// typical_p.cpp - keeps tokens whose surprise is nearest to the expected one (locally typical
// sampling, Meister et al. 2023, arXiv:2202.00666).
//
//   H = -sum p_i ln p_i;  by ascending |-ln p_i - H|, the fewest tokens with sum p_i >= p
//
// With p_i = exp(l_i) / Z that distance is |l_i - sum p_j l_j|.
#include <cmath>

#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float p = options.typical_p;
  if (p > 0.0f && p <= 1.0f) return Status::ok;
  return fail(error, Status::argument, "typical_p: {}, expected a number in (0, 1]", p);
}

Status apply(Draft& draft, Error& error) {
  const float p = draft.options.typical_p;
  Candidates& candidates = draft.candidates;
  if (p == 1.0f || candidates.size() < 2) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const Candidates::Moments sums = candidates.moments();
  const double mean = sums.below / sums.total;
  const float largest = candidates.largest_logit();
  candidates.keep_lowest(p * sums.total, [=](const Candidate& c) {
    return std::fabs(static_cast<double>(c.logit - largest) - mean);
  });
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.typical_p < 1.0f) need.all();
}

}  // namespace

constinit const Stage typical_p_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
