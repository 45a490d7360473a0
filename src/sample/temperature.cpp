// temperature.cpp - softmax with temperature: logits become relative to the largest, and weights.
#include <bit>
#include <cstdint>
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

// e^x for x <= 0, within one unit of the last place of float. A whole vocabulary may pass here, so
// it is plain double arithmetic without branches: x = n ln 2 + r, |r| <= ln 2 / 2, a Taylor series
// for e^r. 0 below -80: denormals would depend on the floating-point mode of the thread.
float weight_of(float logit) {
  constexpr double magic = 0x1.8p52;  // adding it leaves round(...) in the low bits
  const double x = logit < -80.0f ? -80.0 : static_cast<double>(logit);
  const double shifted = x * 0x1.71547652b82fep0 + magic;
  const double r = x - (shifted - magic) * 0x1.62e42fefa39efp-1;
  double e = 1.0 / 5040;
  for (const double c : {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0}) e = e * r + c;
  const auto n = std::bit_cast<std::uint64_t>(shifted) << 52;  // added to the exponent of e
  const auto power = std::bit_cast<double>(std::bit_cast<std::uint64_t>(e) + n);
  return logit < -80.0f ? 0.0f : static_cast<float>(power);
}

Status apply(Draft& draft, Error& error) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Candidate best = draft.candidates.best();
  if (best.logit == -infinity) {
    return fail(error, Status::state, "position {}: every token is forbidden (all logits -inf)",
                draft.position);
  }
  const float temperature = draft.options.temperature;
  if (temperature == 0.0f) {
    draft.candidates.keep_only(best);
    return Status::ok;
  }
  for (Candidate& c : draft.candidates.list()) {
    c.logit = (c.logit - best.logit) / temperature;
    c.weight = weight_of(c.logit);
  }
  return Status::ok;
}

void prepare(Draft& draft, std::size_t& best) {
  if (draft.options.temperature == 0.0f) best = 1;
}

}  // namespace

constinit const Stage temperature_stage{check, apply, prepare};

}  // namespace inlay
