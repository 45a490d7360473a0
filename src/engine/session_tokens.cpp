// session_tokens.cpp - tokens of a sequence: fed, dropped from the middle, taken back.
#include <algorithm>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/session.h"

namespace inlay {

Status Session::check_ids(const char* what, std::span<const std::int32_t> ids, Error& error) const {
  const std::uint32_t vocabulary = model_.program().vocabulary;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && static_cast<std::uint32_t>(ids[i]) < vocabulary) continue;
    return fail(error, Status::argument, "{}: token {} is {}, the vocabulary has {}", what, i,
                ids[i], vocabulary);
  }
  return Status::ok;
}

// A pass in flight may hold pages of sequences that are gone, and then it gives way.
bool Session::extend(Chain& chain, std::span<const std::int32_t> ids) {
  if (cache_.append(chain, ids)) return true;
  if (leaving_ == 0) return false;
  abandon_pass();
  return cache_.append(chain, ids);
}

bool Session::append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits) {
  const std::uint32_t before = s.length();
  const float state = s.state();
  if (s.pass_tokens && cache_.copies(s.chain)) abandon_pass();  // it reads the page to be replaced
  if (!extend(s.chain, ids)) return false;
  std::copy_n(ids.data(), ids.size(), s.ids + before);
  for (std::uint32_t at = before; at < s.length(); ++at) s.want(at, all_logits);
  std::fill(s.states + before, s.states + s.length(), state);
  skip_computed(s);
  return true;
}

// Forgets tokens behind the first `keep`: at least `count`, and at least half of them, so that
// `adding` tokens have room. False: no page is free, and nothing has changed.
bool Session::drop_middle(Sequence& s, std::uint32_t count, std::uint32_t adding) {
  const std::uint32_t keep = std::min(s.conduct.keep, s.length());
  const std::uint32_t gone = std::max(count, (s.length() - keep + 1) / 2);
  const std::uint32_t left = s.length() - gone;
  if (s.pass_tokens) abandon_pass();
  if (!cache_.can_regrow(s.chain, keep, left + adding)) {
    if (leaving_ > 0) abandon_pass();
    cache_.forget_sources();
    if (!cache_.can_regrow(s.chain, keep, left + adding)) return false;
  }
  for (std::uint32_t at = keep; at < left; ++at) s.want(at, s.wants_all(at + gone));
  std::copy(s.ids + keep + gone, s.ids + s.length(), s.ids + keep);
  std::copy(s.states + keep + gone, s.states + s.length(), s.states + keep);
  const auto moved = [&](std::uint32_t at) {
    return at <= keep ? at : std::max(keep, at > gone ? at - gone : 0);
  };
  s.conduct.begun = moved(s.conduct.begun);
  s.conduct.text_begin = moved(s.conduct.text_begin);
  cache_.cut(s.chain, keep);
  static_cast<void>(cache_.append(s.chain, {s.ids + keep, left - keep}));  // there is room
  s.computed = std::min(s.computed, keep);
  s.saved = std::min(s.saved, keep);
  s.again = s.wanted = 0;
  s.event = false;
  s.conduct.dropped += gone;
  if (s.watch) s.watch.dropped(keep, gone);
  counters_.dropped += gone;
  tell(model_.host().log, INLAY_LOG_INFO,
       "sequence {:#x}: the context of {} is full, {} tokens behind the first {} are dropped",
       id_of(s), shape_.context, gone, keep);
  skip_computed(s);
  return true;
}

Status Session::feed(std::uint64_t sequence, std::span<const std::int32_t> ids, std::uint32_t flags,
                     Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  const bool drops = s->conduct.policy == INLAY_CONTEXT_DROP;
  const std::uint32_t stay = drops ? std::min(s->conduct.keep, s->length()) : s->length();
  if (ids.size() > shape_.context - stay) {
    return fail(error, Status::limit, "feed: {} tokens + {} in the sequence, the context has {}",
                ids.size(), s->length(), shape_.context);
  }
  INLAY_TRY(check_ids("feed", ids, error));
  if (s->watch) INLAY_TRY(s->watch.feed(s->tokens(), ids, error));
  const auto count = static_cast<std::uint32_t>(ids.size());
  const std::uint32_t room = shape_.context - s->length();
  if ((count > room && !drop_middle(*s, count - room, count)) ||
      !append(*s, ids, flags & INLAY_FEED_ALL_LOGITS)) {
    if (s->watch) s->watch.take_back();
    return no_pages("feed", error);
  }
  if (s->conduct.sampling && !ids.empty()) {
    s->event = false;  // the end to draw at has moved
    end_text(*s);
  }
  return Status::ok;
}

// A sequence with a sampler and nothing pending draws from the logits at hand, or computes its last
// token once more.
void Session::draw_from_last(Sequence& s) {
  if (!s.conduct.sampling) return;
  s.event = false;  // rows of a prompt are not told any more
  if (s.pending() != 0 || s.length() == 0) return;
  s.event = s.wanted > 0 && s.wanted_end() == s.length() && !executor_.running();
  if (s.event) {
    told_ = 0;
  } else {
    s.again = 1;
  }
}

void Session::go_back(Sequence& s, std::uint32_t length) {
  if (s.pass_tokens) abandon_pass();
  cache_.cut(s.chain, length);
  s.computed = std::min(s.computed, length);
  s.saved = std::min(s.saved, length);
  s.again = 0;
  s.event = false;
  if (s.watch) s.watch.set_tokens(s.tokens());
  s.wanted = s.wanted_position < length ? std::min(s.wanted, length - s.wanted_position) : 0;
  s.conduct.begun = std::min(s.conduct.begun, length);
  rebuild_text(s);
  draw_from_last(s);
}

Status Session::rewind(std::uint64_t sequence, std::uint32_t length, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (length > s->length()) {
    return fail(error, Status::argument, "rewind: to {} tokens, the sequence has {}", length,
                s->length());
  }
  if (length < s->length()) go_back(*s, length);
  return Status::ok;
}

Status Session::clear(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (s->computed < s->length()) go_back(*s, s->computed);
  return Status::ok;
}

}  // namespace inlay
