// session.cpp - sequences come and go, and say how they are.
#include "engine/session.h"

#include <algorithm>
#include <cstring>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/importance.h"

namespace inlay {

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

Status Session::not_alive(std::uint64_t sequence, Error& error) {
  return fail(error, Status::state, "session: sequence {:#x} is not alive", sequence);
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
  s.watch.end();
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
  s.conduct.stop_texts = {};
  s.computed = s.again = 0;
}

Status Session::fork(std::uint64_t sequence, std::uint64_t* copy, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  const Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  Sequence* other = free_slot();
  if (!other) return no_slot(error);
  INLAY_TRY(other->watch.copy_from(s->watch, error));
  other->begin_life_watched();
  cache_.share(s->chain, other->chain);
  std::copy_n(s->ids, s->length(), other->ids);
  std::copy_n(s->all_logits, divide_up(s->length(), 64), other->all_logits);
  std::copy_n(s->states, s->length(), other->states);
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
