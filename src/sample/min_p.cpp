// min_p.cpp - drops tokens less likely than p times the likeliest (Nguyen et al. 2024,
// arXiv:2407.01082).
//
//   keeps p_i >= p max p
#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  return check_between("min_p", options.min_p, 0.0f, 1.0f, error);
}

Status apply(Draft& draft, Error& error) {
  const float p = draft.options.min_p;
  if (p == 0.0f) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const float least = p * draft.candidates.largest_weight();
  draft.candidates.keep_if([=](const Candidate& c) { return c.weight >= least; });
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.min_p > 0.0f) need.limit_weight(draft.options.min_p, draft.candidates);
}

}  // namespace

constinit const Stage min_p_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
