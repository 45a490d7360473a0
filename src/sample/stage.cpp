// stage.cpp - what several stages share.
#include "sample/stage.h"

#include <algorithm>
#include <utility>

#include "base/math.h"

namespace inlay {

Status check_between(const char* name, float value, float low, float high, Error& error) {
  if (value >= low && value <= high) return Status::ok;
  return fail(error, Status::argument, "{}: {}, expected a number in [{}, {}]", name, value, low,
              high);
}

Status all_forbidden(const Draft& draft, Error& error) {
  return fail(error, Status::state, "position {}: every token is forbidden (all logits -inf)",
              draft.position);
}

Status weigh(Draft& draft, Error& error) {
  return draft.candidates.weigh() ? Status::ok : all_forbidden(draft, error);
}

// Weights are e^((logit - largest) / divisor) with the rounding of floats: far less than 1e-5. The
// largest logit is at least that of the tokens nobody touches.
void Need::limit_weight(double least, const Candidates& candidates) {
  if (whole || !(least > 0)) return;
  const double ln = std::min(math::log(least), 0.0);
  const double below = (ln - 1e-5 * (1 - ln)) * static_cast<double>(divisor);
  const double lowest = static_cast<double>(candidates.largest_untouched()) + below;
  constexpr double limit = std::numeric_limits<float>::max();
  if (lowest > -limit) floor = std::max(floor, static_cast<float>(lowest));
}

double foresee_total(Draft& draft, const Need& need) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Candidates& candidates = draft.candidates;
  const bool sees_all = !need.whole && need.best >= draft.logits.size() && need.floor == -infinity;
  if (!sees_all || !candidates.untouched()) return 0;
  if (candidates.largest_untouched() == -infinity) return 0;
  return draft.total = candidates.total_of(draft.logits, need.divisor);
}

double total_of_all(Draft& draft) {
  const double total = std::exchange(draft.total, 0);
  return total > 0 ? total : draft.candidates.total_weight();
}

}  // namespace inlay
