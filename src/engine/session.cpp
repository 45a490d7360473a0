// session.cpp - sequences come and go, are fed, go back, and say how they are.
#include "engine/session.h"

#include <algorithm>
#include <cstring>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/importance.h"

namespace inlay {
namespace {

Status not_alive(std::uint64_t sequence, Error& error) {
  return fail(error, Status::state, "session: sequence {:#x} is not alive", sequence);
}

Status check_ids(const char* what, std::span<const std::int32_t> ids, std::uint32_t vocabulary,
                 Error& error) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && static_cast<std::uint32_t>(ids[i]) < vocabulary) continue;
    return fail(error, Status::argument, "{}: token {} is {}, the vocabulary has {}", what, i,
                ids[i], vocabulary);
  }
  return Status::ok;
}

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

// ---- Slots --------------------------------------------------------------------------------------

std::uint64_t Session::id_of(const Sequence& s) const {
  return std::uint64_t{s.generation} << 32 | static_cast<std::uint64_t>(&s - sequences_ + 1);
}

Sequence* Session::find(std::uint64_t id) const {
  const auto slot = static_cast<std::uint32_t>(id) - 1;
  if (slot >= shape_.slots()) return nullptr;
  Sequence& s = sequences_[slot];
  return s.alive() && s.generation == id >> 32 ? &s : nullptr;
}

std::uint32_t Session::alive() const {
  return static_cast<std::uint32_t>(std::count_if(sequences_, sequences_ + shape_.slots(),
                                                  [](const Sequence& s) { return s.alive(); }));
}

Sequence* Session::free_slot() const {
  if (alive() == shape_.sequences) return nullptr;
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    if (!sequences_[i].alive() && !sequences_[i].leaving) return &sequences_[i];
  }
  return nullptr;  // cannot be: no more are leaving than a pass had
}

Status Session::no_slot(Error& error) const {
  return fail(error, Status::limit, "session: {} sequences exist, at most {}", shape_.sequences,
              shape_.sequences);
}

Status Session::no_pages(const char* what, Error& error) const {
  return fail(error, Status::limit,
              "{}: no page for more tokens: {} pages of {} tokens, {} are held by sequences", what,
              shape_.pages, page_tokens,
              cache_.pages() - cache_.free_pages() - cache_.cached_pages());
}

Status Session::add(std::uint64_t* sequence, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = free_slot();
  if (!s) return no_slot(error);
  s->begin_life();
  *sequence = id_of(*s);
  return Status::ok;
}

Status Session::drop(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  remove(*s);
  return Status::ok;
}

// Rows in flight are computed to their end: for whoever comes with the same tokens, and so that the
// other sequences of the pass lose nothing.
void Session::remove(Sequence& s) {
  ++s.generation;
  s.event = false;
  s.wanted = 0;
  if (s.pass_tokens) {
    s.leaving = true;
    ++leaving_;
  } else {
    release(s);
  }
}

void Session::release(Sequence& s) {
  cache_.release(s.chain);
  s.computed = s.again = 0;
}

Status Session::fork(std::uint64_t sequence, std::uint64_t* copy, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  const Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  Sequence* other = free_slot();
  if (!other) return no_slot(error);
  other->begin_life();
  cache_.share(s->chain, other->chain);
  std::copy_n(s->ids, s->length(), other->ids);
  std::copy_n(s->all_logits, divide_up(s->length(), 64), other->all_logits);
  other->computed = s->computed;
  other->again = s->again;
  other->conduct = s->conduct;
  if (!executor_.running()) {  // the logits at hand are of both
    other->event = s->event;
    other->wanted_first = s->wanted_first;
    other->wanted = s->wanted;
    other->wanted_position = s->wanted_position;
    told_ = 0;
  }
  if (!other->event) draw_from_last(*other);
  *copy = id_of(*other);
  return Status::ok;
}

// ---- Tokens -------------------------------------------------------------------------------------

// A pass in flight may hold pages of sequences that are gone, and then it gives way.
bool Session::extend(Chain& chain, std::span<const std::int32_t> ids) {
  if (cache_.append(chain, ids)) return true;
  if (leaving_ == 0) return false;
  abandon_pass();
  return cache_.append(chain, ids);
}

bool Session::append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits) {
  const std::uint32_t before = s.length();
  if (s.pass_tokens && cache_.copies(s.chain)) abandon_pass();  // it reads the page to be replaced
  if (!extend(s.chain, ids)) return false;
  std::copy_n(ids.data(), ids.size(), s.ids + before);
  for (std::uint32_t at = before; at < s.length(); ++at) s.want(at, all_logits);
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
  cache_.cut(s.chain, keep);
  static_cast<void>(cache_.append(s.chain, {s.ids + keep, left - keep}));  // there is room
  s.computed = std::min(s.computed, keep);
  s.saved = std::min(s.saved, keep);
  s.again = s.wanted = 0;
  s.event = false;
  s.conduct.dropped += gone;
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
  INLAY_TRY(check_ids("feed", ids, model_.program().vocabulary, error));
  const auto count = static_cast<std::uint32_t>(ids.size());
  const std::uint32_t room = shape_.context - s->length();
  if (count > room && !drop_middle(*s, count - room, count)) return no_pages("feed", error);
  if (!append(*s, ids, flags & INLAY_FEED_ALL_LOGITS)) return no_pages("feed", error);
  if (s->conduct.sampling && !ids.empty()) s->event = false;  // the end to draw at has moved
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
  s.wanted = s.wanted_position < length ? std::min(s.wanted, length - s.wanted_position) : 0;
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

// ---- Conduct ------------------------------------------------------------------------------------

Status Session::generate(std::uint64_t sequence, const inlay_sampler_options* options,
                         std::uint64_t max_tokens, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  Conduct& conduct = s->conduct;
  if (!options) {
    conduct.sampling = false;
    if (s->pass_tokens == 0) s->again = 0;  // else it is being computed once more
    return Status::ok;
  }
  if (conduct.policy == INLAY_CONTEXT_REFUSE) {
    INLAY_TRY(check_fits(max_tokens, s->length(), shape_.context, error));
  }
  const std::uint32_t vocabulary = model_.program().vocabulary;
  INLAY_TRY(conduct.sampler.init(*options, vocabulary,
                                 {sampler_memory_, Sampler::bytes(vocabulary)}, error));
  conduct.sampling = true;
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
  INLAY_TRY(check_ids("stop", ids, model_.program().vocabulary, error));
  StopRules& stop = s->conduct.stop;
  std::copy(ids.begin(), ids.end(), stop.ids);
  stop.count = static_cast<std::uint32_t>(ids.size());
  stop.ignore_end = flags & INLAY_STOP_IGNORE_END;
  return Status::ok;
}

// ---- Questions ----------------------------------------------------------------------------------

Status Session::length(std::uint64_t sequence, std::uint32_t* computed,
                       std::uint32_t* pending) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (computed) *computed = s->computed;
  if (pending) *pending = s->length() - s->computed;
  return Status::ok;
}

Status Session::tokens(std::uint64_t sequence, std::span<std::int32_t> ids,
                       std::size_t* count) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  *count = s->length();
  if (ids.size() < s->length()) return Status::limit;
  std::copy_n(s->ids, s->length(), ids.data());
  return Status::ok;
}

Status Session::logits(std::uint64_t sequence, LogitsView* view) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s || s->wanted == 0 || executor_.running()) return Status::state;
  *view = {logits_row(s->wanted_first), s->wanted, s->wanted_position};
  return Status::ok;
}

Status Session::info(inlay_session_info* info) const {
  const BusyGuard guard(busy_);
  if (!guard) return Status::state;
  info->context = shape_.context;
  info->sequences = shape_.sequences;
  info->alive = alive();
  info->pages = cache_.pages();
  info->pages_cached = cache_.cached_pages();
  info->pages_used = cache_.pages() - cache_.free_pages() - cache_.cached_pages();
  info->page_bytes = cache_.page_bytes();
  info->passes = counters_.passes;
  info->tokens_computed = counters_.computed;
  info->tokens_reused = counters_.reused;
  info->tokens_drawn = counters_.drawn;
  info->tokens_dropped = counters_.dropped;
  info->prefill_ns = counters_.prefill_ns;
  info->decode_ns = counters_.decode_ns;
  info->sample_ns = counters_.sample_ns;
  info->weight_bytes_read = counters_.weight_bytes;
  info->kv_bytes_read = counters_.kv_bytes;
  return Status::ok;
}

Status Session::write_importance(const inlay_sink& sink, Error& error) const {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  const Importance seen{sums_, observed_tokens_, observed_wanted_, shape_.context};
  return inlay::write_importance(model_, seen, sink, error);
}

Status Session::write_trace(const inlay_sink& sink, Error& error) const {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  if (shape_.trace_events == 0) {
    return fail(error, Status::state, "trace: the session was opened with trace_events 0");
  }
  return trace_.write(model_.program(), model_.manifest(), sink, model_.allocator(), error);
}

}  // namespace inlay
