// min_p.cpp - drops tokens less likely than p times the likeliest (Nguyen et al. 2024,
// arXiv:2407.01082).
#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float p = options.min_p;
  if (p >= 0.0f && p <= 1.0f) return Status::ok;
  return fail(error, Status::argument, "min_p: {}, expected a number in [0, 1]", p);
}

Status apply(Draft& draft, Error&) {
  const float p = draft.options.min_p;
  if (p > 0.0f) {
    const float least = p * draft.candidates.best().weight;
    draft.candidates.keep_if([=](const Candidate& c) { return c.weight >= least; });
  }
  return Status::ok;
}

}  // namespace

constinit const Stage min_p_stage{check, apply};

}  // namespace inlay
