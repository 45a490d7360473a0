// top_k.cpp - keeps the k tokens with the largest logits, lower ids first on a tie.
#include "sample/stage.h"

namespace inlay {
namespace {

Status apply(Draft& draft, Error&) {
  const std::uint32_t k = draft.options.top_k;
  // At temperature 0 one token is left anyway.
  const bool off = k == 0 || k >= draft.candidates.size() || draft.options.temperature == 0.0f;
  if (!off) draft.candidates.keep_best(k);
  return Status::ok;
}

void prepare(Draft& draft, std::size_t& best) {
  const std::uint32_t k = draft.options.top_k;
  if (k != 0 && k < best) best = k;
}

}  // namespace

constinit const Stage top_k_stage{check_nothing, apply, prepare};

}  // namespace inlay
