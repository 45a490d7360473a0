// adaptive_p.cpp - steers the probability of what is drawn to a target (MrJackSpade and ddh0 2025,
// llama.cpp #17927).
//
//   m: the running mean of p of the tokens that were drawn, p as the stage finds it; at first the
//   target. t = 2 target - m, within [0, 1]; d_i = |p_i - t| / 0.3
//   candidates are drawn in proportion to exp(5 - 10 d_i^2 / (1 + d_i))
//   after the draw of x: m = decay m + (1 - decay) p(x)
#include <algorithm>
#include <cmath>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr double width = 0.3, sharpness = 10;

bool is_on(const inlay_sampler_options& options) { return options.adaptive_target >= 0.0f; }

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  INLAY_TRY(check_between("adaptive_target", options.adaptive_target, -1.0f, 1.0f, error));
  return check_between("adaptive_decay", options.adaptive_decay, 0.0f, 0.99f, error);
}

// The nearest that a candidate comes to the target, in eight lanes.
double nearest(const Candidates& candidates, double scale, double target) {
  constexpr std::size_t lanes = 8;
  double least[lanes];
  std::fill_n(least, lanes, 2.0);
  const auto list = candidates.list();
  const auto look = [&](float weight, double& lane) {
    const double distance = weight > 0.0f ? std::fabs(weight * scale - target) : 2.0;
    lane = distance < lane ? distance : lane;
  };
  std::size_t i = 0;
  for (; i + lanes <= list.size(); i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) look(list[i + l].weight, least[l]);
  }
  for (; i < list.size(); ++i) look(list[i].weight, least[i % lanes]);
  return *std::min_element(least, least + lanes);
}

// What a distance takes from the peak of 5.
INLAY_FORCE_INLINE double below_peak(double distance) {
  const double d = distance * (1 / width);
  return sharpness * d * d / (1 + d);
}

Status apply(Draft& draft, Error& error) {
  if (!is_on(draft.options)) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  Candidates& candidates = draft.candidates;
  draft.total_before = candidates.total_weight();
  const double mean = draft.state;
  const double target = std::clamp(2.0 * draft.options.adaptive_target - mean, 0.0, 1.0);
  const double scale = 1 / draft.total_before;
  const double least = below_peak(nearest(candidates, scale, target));
  const float largest = candidates.largest_logit();
  // Logits become those under the largest, of which observe makes p; the draw looks at weights.
  candidates.change_pieces([=](Piece& logits, Piece& weights) {
    Piece steered;
    for (std::size_t i = 0; i < piece_size; ++i) logits[i] -= largest;
    for (std::size_t i = 0; i < piece_size; ++i) {
      steered[i] = static_cast<float>(least - below_peak(std::fabs(weights[i] * scale - target)));
    }
    for (std::size_t i = 0; i < piece_size; ++i) {
      steered[i] = weights[i] > 0.0f ? steered[i] : 2 * least_logit;
    }
    weigh_piece(steered, weights);
  });
  return Status::ok;
}

void observe(Draft& draft) {
  const double p = weight_of(draft.candidates[0].logit) / draft.total_before;
  const double decay = draft.options.adaptive_decay;
  draft.state = static_cast<float>(decay * draft.state + (1 - decay) * p);
}

void prepare(Draft& draft, Need& need) {
  if (is_on(draft.options)) need.all();
}

float first_state(const inlay_sampler_options& options) { return options.adaptive_target; }

}  // namespace

constinit const Stage adaptive_p_stage{check, apply, prepare, first_state, is_on, observe};

}  // namespace inlay
