// stage.h - what a stage of sampling is: a check of its own options and one change of the
// candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/diagnostics.h"
#include "sample/candidates.h"

namespace inlay {

// One token in the making: what the stages read, and the candidates they change.
struct Draft {
  const inlay_sampler_options& options;    // checked; `bias` is not to be used
  std::span<const inlay_logit_bias> bias;  // the copy of the options' list
  std::span<const std::int32_t> history;   // latest tokens, oldest first
  std::uint64_t position;                  // in the sequence, of the token to draw
  Candidates& candidates;                  // never empty when stages apply
};

struct Stage {
  // Refuses options of this stage that are out of range, NaN among them.
  Status (*check)(const inlay_sampler_options& options, std::uint32_t vocabulary, Error& error);
  // Allocates nothing and leaves at least one candidate.
  Status (*apply)(Draft& draft, Error& error);
  // Before the candidates are listed: touches the tokens whose logits `apply` changes, or lowers
  // `best`: no others than so many of the best are needed after it. nullptr: neither.
  void (*prepare)(Draft& draft, std::size_t& best) = nullptr;
};

#define INLAY_STAGE(name) extern const Stage name##_stage;
#include "sample/stages.inc"
#undef INLAY_STAGE

// For stages without options of their own.
inline Status check_nothing(const inlay_sampler_options&, std::uint32_t, Error&) {
  return Status::ok;
}

}  // namespace inlay
