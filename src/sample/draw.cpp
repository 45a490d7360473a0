// draw.cpp - one token by its weight: the first whose running sum passes a random part of the
// total.
#include "base/random.h"
#include "sample/stage.h"

namespace inlay {
namespace {

Status apply(Draft& draft, Error&) {
  Candidates& candidates = draft.candidates;
  const inlay_sampler_options& options = draft.options;
  const double mark =
      uniform(options.seed, options.stream, draft.position) * candidates.total_weight();
  Candidate drawn = candidates.best();
  double sum = 0;
  for (const Candidate& c : candidates.list()) {
    sum += c.weight;
    if (sum > mark) {
      drawn = c;
      break;
    }
  }
  candidates.keep_only(drawn);
  return Status::ok;
}

}  // namespace

constinit const Stage draw_stage{check_nothing, apply};

}  // namespace inlay
