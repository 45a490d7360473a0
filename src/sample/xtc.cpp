// xtc.cpp - excludes the top choices now and then (p-e-w 2024, text-generation-webui #6335).
//
//   with the given probability: of the tokens with p_i >= threshold all but the least likely go;
//   nothing happens where fewer than two have that
//
// The random number is the second of (seed, stream, position); the draw has the first.
#include "base/random.h"
#include "sample/stage.h"

namespace inlay {
namespace {

bool is_on(const inlay_sampler_options& options) {
  return options.xtc_probability > 0.0f && options.xtc_threshold <= 0.5f;
}

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  INLAY_TRY(check_between("xtc_probability", options.xtc_probability, 0.0f, 1.0f, error));
  return check_between("xtc_threshold", options.xtc_threshold, 0.0f, 1.0f, error);
}

Status apply(Draft& draft, Error& error) {
  const inlay_sampler_options& options = draft.options;
  Candidates& candidates = draft.candidates;
  if (!is_on(options) || candidates.size() < 2) return Status::ok;
  const double chance = second_uniform(options.seed, options.stream, draft.position);
  if (chance >= static_cast<double>(options.xtc_probability)) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const double least = options.xtc_threshold * candidates.total_weight();
  const auto is_top = [=](const Candidate& c) {
    return static_cast<double>(c.weight) >= least && c.weight > 0.0f;
  };
  const Candidate* last = nullptr;  // of the top ones, in the order of best first
  for (const Candidate& c : candidates.list()) {
    if (is_top(c) && (!last || c.logit <= last->logit)) last = &c;
  }
  if (!last) return Status::ok;
  const std::int32_t stays = last->id;
  candidates.keep_if([=](const Candidate& c) { return c.id == stays || !is_top(c); });
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (is_on(draft.options)) need.all();
}

}  // namespace

constinit const Stage xtc_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
