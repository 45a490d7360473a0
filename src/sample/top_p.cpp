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

// Of `count` tokens those with less weight cannot fill what p leaves: the others reach p alone.
double little_of(float p, double total, std::size_t count) {
  return (1.0 - p) * total / static_cast<double>(count) * 0.999;
}

Status apply(Draft& draft, Error& error) {
  const float p = draft.options.top_p;
  Candidates& candidates = draft.candidates;
  if (p == 1.0f) return Status::ok;
  const std::size_t count = draft.total > 0 ? draft.vocabulary : candidates.size();
  INLAY_TRY(weigh(draft, error));
  const double total = total_of_all(draft);
  if (candidates.size() < 2) return Status::ok;
  const double little = little_of(p, total, count);
  candidates.keep_if([=](const Candidate& c) { return static_cast<double>(c.weight) >= little; });
  candidates.keep_best(p * total);
  return Status::ok;
}

// How much more than `little` a token may have and still be behind those that reach p. Sums of
// floats between `little` and the total are exact, so they do not depend on who is listed.
double spare_factor(float p, double total, double little, const Candidates& candidates) {
  if (total >= little * 0x1p28) return 1;
  for (const double factor : {512.0, 32.0}) {
    if (candidates.total_from(little * factor) > p * total) return factor;
  }
  return 1;
}

void prepare(Draft& draft, Need& need) {
  const float p = draft.options.top_p;
  if (p == 1.0f) return;
  if (const double total = foresee_total(draft, need); total > 0) {
    const double little = little_of(p, total, draft.vocabulary);
    need.limit_weight(little * spare_factor(p, total, little, draft.candidates), draft.candidates);
  }
  need.all();
}

}  // namespace

constinit const Stage top_p_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
