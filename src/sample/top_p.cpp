// top_p.cpp - keeps the shortest list of best tokens whose probabilities reach p (Holtzman et al.
// 2020).
#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float p = options.top_p;
  if (p > 0.0f && p <= 1.0f) return Status::ok;
  return fail(error, Status::argument, "top_p: {}, expected a number in (0, 1]", p);
}

Status apply(Draft& draft, Error&) {
  const float p = draft.options.top_p;
  Candidates& candidates = draft.candidates;
  if (p < 1.0f && candidates.size() > 1) candidates.keep_best(p * candidates.total_weight());
  return Status::ok;
}

}  // namespace

constinit const Stage top_p_stage{check, apply};

}  // namespace inlay
