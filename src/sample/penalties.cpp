// penalties.cpp - makes tokens that occurred lately less likely: repetition (Keskar et al. 2019,
// arXiv:1909.05858), frequency and presence (of OpenAI's interface).
//
//   of a token that stands c > 0 times in the window: l = l / repeat where l > 0, else l repeat;
//   then l = l - c frequency - presence
#include <algorithm>
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Status check_finite(const char* name, float value, Error& error) {
  if (value > -infinity && value < infinity) return Status::ok;
  return fail(error, Status::argument, "{}: {}, expected a finite number", name, value);
}

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  const float repeat = options.repeat_penalty;
  if (!(repeat > 0.0f && repeat < infinity)) {
    return fail(error, Status::argument, "repeat_penalty: {}, expected a finite number over 0",
                repeat);
  }
  INLAY_TRY(check_finite("frequency_penalty", options.frequency_penalty, error));
  return check_finite("presence_penalty", options.presence_penalty, error);
}

bool is_off(const inlay_sampler_options& options) {
  return options.repeat_penalty == 1.0f && options.frequency_penalty == 0.0f &&
         options.presence_penalty == 0.0f;
}

// Keskar et al. divide the logit; a negative one is multiplied, so that it too becomes smaller.
// `shift` back gives the logit whose sign counts.
float penalized(float logit, float shift, float occurrences, const inlay_sampler_options& options) {
  if (logit == -infinity) return logit;
  const float repeat = options.repeat_penalty;
  const float own = logit + shift;
  const float scaled = (own > 0.0f ? own / repeat : own * repeat) - shift;
  constexpr float limit = std::numeric_limits<float>::max();
  const float less = options.frequency_penalty * occurrences + options.presence_penalty;
  return shifted_logit(std::clamp(scaled, -limit, limit), std::clamp(-less, -limit, limit));
}

// What the penalties look at.
std::span<const std::int32_t> latest_of(const Draft& draft) {
  if (is_off(draft.options)) return {};
  return draft.history.last(
      std::min<std::size_t>(draft.history.size(), draft.options.penalty_window));
}

void prepare(Draft& draft, Need&) {
  for (const std::int32_t id : latest_of(draft)) draft.candidates.touch(id);
}

Status apply(Draft& draft, Error&) {
  Candidates& candidates = draft.candidates;
  const auto latest = latest_of(draft);
  if (latest.empty()) return Status::ok;
  candidates.logits_changed();
  // Weights are all 1 now; meanwhile they count: 1 + occurrences.
  for (const std::int32_t id : latest) {
    if (Candidate* c = candidates.find(id)) c->weight += 1.0f;
  }
  for (const std::int32_t id : latest) {
    Candidate* c = candidates.find(id);
    if (!c || c->weight == 1.0f) continue;
    c->logit = penalized(c->logit, candidates.shift(), c->weight - 1.0f, draft.options);
    c->weight = 1.0f;
  }
  return Status::ok;
}

}  // namespace

constinit const Stage penalties_stage{check, apply, prepare};

}  // namespace inlay
