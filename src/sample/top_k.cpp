// top_k.cpp - keeps the k tokens with the largest logits, lower ids first on a tie (Fan et al.
// 2018, arXiv:1805.04833).
#include "sample/stage.h"

namespace inlay {
namespace {

Status apply(Draft& draft, Error&) {
  const std::uint32_t k = draft.options.top_k;
  if (k == 0 || k >= draft.candidates.size()) return Status::ok;
  draft.candidates.keep_top(k);
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (draft.options.top_k != 0) need.limit(draft.options.top_k);
}

}  // namespace

constinit const Stage top_k_stage{
    .check = check_nothing, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
