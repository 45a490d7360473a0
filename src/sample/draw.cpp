// draw.cpp - one token by its weight: the first whose running sum passes a random part of the
// total.
//
//   the first token, by id, with w_0 + ... + w_t > u sum w; u in [0, 1) of (seed, stream, position)
#include "base/random.h"
#include "sample/stage.h"

namespace inlay {
namespace {

Status apply(Draft& draft, Error&) {
  Candidates& candidates = draft.candidates;
  const inlay_sampler_options& options = draft.options;
  const double mark =
      uniform(options.seed, options.stream, draft.position) * candidates.total_weight();
  double sum = 0;
  for (const Candidate& c : candidates.list()) {
    sum += c.weight;
    if (sum <= mark) continue;
    candidates.keep_only(c);
    return Status::ok;
  }
  candidates.keep_only(candidates.best());  // the sums' rounding
  return Status::ok;
}

}  // namespace

constinit const Stage draw_stage{check_nothing, apply};

}  // namespace inlay
