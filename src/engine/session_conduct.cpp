// session_conduct.cpp - how a sequence goes on: its sampler, its ends, its policy for a full
// context.
#include <algorithm>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/lone_sampler.h"
#include "engine/session.h"

namespace inlay {
namespace {

// A generation of max_tokens (0: no limit) in a context that must not overflow.
Status check_fits(std::uint64_t max_tokens, std::uint32_t length, std::uint32_t context,
                  Error& error) {
  if (max_tokens == 0) {
    return fail(error, Status::limit,
                "generate: max_tokens is 0, which is no limit, and the context has {}", context);
  }
  if (max_tokens <= context - length) return Status::ok;
  return fail(error, Status::limit, "generate: {} tokens + {} in the sequence, the context has {}",
              max_tokens, length, context);
}

}  // namespace

Status Session::generate(std::uint64_t sequence, const inlay_sampler_options* options,
                         std::uint64_t max_tokens, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  Conduct& conduct = s->conduct;
  if (!options) {
    if (conduct.sampling) end_text(*s);
    conduct.sampling = false;
    if (s->pass_tokens == 0) s->again = 0;  // else it is being computed once more
    return Status::ok;
  }
  if (conduct.policy == INLAY_CONTEXT_REFUSE) {
    INLAY_TRY(check_fits(max_tokens, s->length(), shape_.context, error));
  }
  const std::uint32_t vocabulary = model_.program().vocabulary;
  INLAY_TRY(conduct.sampler.init(*options, vocabulary,
                                 {sampler_memory_, Sampler::bytes(vocabulary)}, error,
                                 token_view(model_)));
  conduct.sampling = true;
  conduct.begun = s->length();
  begin_text(*s, s->length());
  conduct.tokens_left = max_tokens ? max_tokens : UINT64_MAX;
  draw_from_last(*s);
  return Status::ok;
}

Status Session::set_context_policy(std::uint64_t sequence, std::uint32_t policy, std::uint32_t keep,
                                   Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (policy > INLAY_CONTEXT_DROP) {
    return fail(error, Status::argument, "context policy: {}, known are 0 to 2", policy);
  }
  if (keep >= shape_.context) {
    return fail(error, Status::argument, "context policy: keep is {}, the context has {}", keep,
                shape_.context);
  }
  s->conduct.policy = policy;
  s->conduct.keep = keep;
  return Status::ok;
}

Status Session::set_stop(std::uint64_t sequence, std::span<const std::int32_t> ids,
                         std::uint32_t flags, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (ids.size() > INLAY_STOP_MAX) {
    return fail(error, Status::limit, "stop: {} tokens, at most {}", ids.size(),
                static_cast<int>(INLAY_STOP_MAX));
  }
  INLAY_TRY(check_ids("stop", ids, error));
  StopRules& stop = s->conduct.stop;
  std::copy(ids.begin(), ids.end(), stop.ids);
  stop.count = static_cast<std::uint32_t>(ids.size());
  stop.ignore_end = flags & INLAY_STOP_IGNORE_END;
  return Status::ok;
}

}  // namespace inlay
