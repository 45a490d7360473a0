// temperature.cpp - softmax with temperature: logits become relative to the largest, and weights.
//
//   p_i = exp((l_i - max l) / T) / sum;  T = 0: the largest logit, the lowest id on a tie
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float temperature = options.temperature;
  if (temperature >= 0.0f && temperature < std::numeric_limits<float>::infinity()) {
    return Status::ok;
  }
  return fail(error, Status::argument, "temperature: {}, expected a finite number, at least 0",
              temperature);
}

Status apply(Draft& draft, Error& error) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (draft.heat > 0.0f) {
    return draft.candidates.cool(draft.heat) ? Status::ok : all_forbidden(draft, error);
  }
  const Candidate best = draft.candidates.best();
  if (best.logit == -infinity) return all_forbidden(draft, error);
  draft.candidates.keep_only(best);
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.heat == 0.0f && draft.options.dynatemp_range == 0.0f) need.limit(1);
  if (draft.heat > 0.0f) need.divisor = draft.heat;
}

}  // namespace

constinit const Stage temperature_stage{check, apply, prepare};

}  // namespace inlay
