// stage.cpp - what several stages share.
#include "sample/stage.h"

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

}  // namespace inlay
