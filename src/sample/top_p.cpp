// top_p.cpp - keeps the shortest list of best tokens whose probabilities reach p (Holtzman et al.
// 2020, arXiv:1904.09751).
//
//   the fewest best tokens with p_1 + ... + p_n >= p
#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float p = options.top_p;
  if (p > 0.0f && p <= 1.0f) return Status::ok;
  return fail(error, Status::argument, "top_p: {}, expected a number in (0, 1]", p);
}

Status apply(Draft& draft, Error& error) {
  const float p = draft.options.top_p;
  Candidates& candidates = draft.candidates;
  if (p == 1.0f || candidates.size() < 2) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const double total = candidates.total_weight();
  // Tokens under `little` cannot fill what p leaves, so the others reach p without them.
  const double little = (1.0 - p) * total / static_cast<double>(candidates.size()) * 0.999;
  candidates.keep_if([=](const Candidate& c) { return static_cast<double>(c.weight) >= little; });
  candidates.keep_best(p * total);
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.top_p < 1.0f) need.all();
}

}  // namespace

constinit const Stage top_p_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
