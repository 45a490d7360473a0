// session_step.cpp - a step: passes run until there is something to tell or the budget is spent.
#include <algorithm>

#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "engine/busy_guard.h"
#include "engine/session.h"

namespace inlay {

const float* Session::logits_row(std::uint32_t row) const {
  const Program& p = model_.program();
  const std::uint16_t storage = p.values[p.logits].storage;
  return reinterpret_cast<const float*>(arena_ + offsets_[storage] +
                                        std::size_t{row} * p.storages[storage].row_bytes);
}

std::uint32_t Session::finish_of(const Sequence& s, std::int32_t token) const {
  const Conduct& conduct = s.conduct;
  const Tokenizer* tokenizer = model_.tokenizer();
  if (conduct.stop.has(token)) return INLAY_FINISH_STOP;
  if (!conduct.stop.ignore_end && tokenizer && tokenizer->is_end(token)) return INLAY_FINISH_END;
  if (s.watch && s.watch.is_over()) return INLAY_FINISH_GRAMMAR;
  if (conduct.tokens_left == 0) return INLAY_FINISH_TOKENS;
  const bool full = s.length() == shape_.context && conduct.policy != INLAY_CONTEXT_DROP;
  return full ? INLAY_FINISH_CONTEXT : INLAY_FINISH_NONE;
}

// The last token of a generation is told, but not fed; another one is, if there is room.
void Session::feed_drawn(Sequence& s, SessionEvent* event) {
  if (event->finish != INLAY_FINISH_NONE) return;
  const std::uint64_t dropped = s.conduct.dropped;
  if (s.length() == shape_.context && !drop_middle(s, 1, 1)) event->finish = INLAY_FINISH_PAGES;
  event->dropped = static_cast<std::uint32_t>(s.conduct.dropped - dropped);
  if (event->finish == INLAY_FINISH_NONE && !append(s, {&event->token, 1}, false)) {
    event->finish = INLAY_FINISH_PAGES;
  }
  if (s.watch && event->finish == INLAY_FINISH_NONE) s.watch.was_fed();
}

// Tokens that can be drawn until a limit ends the text.
std::uint64_t Session::left_of(const Sequence& s) const {
  if (s.conduct.policy == INLAY_CONTEXT_DROP) return s.conduct.tokens_left;
  return std::min<std::uint64_t>(s.conduct.tokens_left, shape_.context - s.length() + 1);
}

Status Session::sample(Sequence& s, SessionEvent* event, Error& error) {
  const std::uint64_t begin = clock_.now(clock_.user);
  const std::span<const float> own{logits_row(s.wanted_first + s.wanted - 1),
                                   model_.program().vocabulary};
  std::span<const float> logits = own;
  event->sequence = id_of(s);
  if (s.watch) INLAY_TRY(s.watch.mask(s.tokens(), logits, left_of(s), &logits, error));
  // Tokens that were dropped count, so that a draw never repeats the number of an earlier one.
  Sampler& sampler = s.conduct.sampler;
  sampler.set_state(s.state());
  INLAY_TRY(sampler.sample(logits, s.tokens(), s.conduct.dropped + s.length(), event->token, error,
                           &logprobs_, own));
  if (s.watch) INLAY_TRY(s.watch.drawn(event->token, error));
  if (sampler.options().logprobs > 0) logprobs_of_ = event->sequence;
  --s.conduct.tokens_left;
  event->finish = finish_of(s, event->token);
  TextWatch watch(s.conduct.text, s.conduct.stop_texts.get(), text_room_);
  INLAY_TRY(tell_token(s, watch, event, error));
  feed_drawn(s, event);
  if (event->finish != INLAY_FINISH_NONE) {
    static_cast<void>(watch.finish());  // there is room
    s.conduct.sampling = false;
  } else {
    s.states[s.length() - 1] = sampler.state();
  }
  text_ = watch.text();
  text_of_ = event->sequence;
  ++counters_.drawn;
  draw_ns_ = clock_.now(clock_.user) - begin;
  counters_.sample_ns += draw_ns_;
  return Status::ok;
}

// The next thing to tell of the latest pass; Status::ok when there is nothing, yield when it has to
// be drawn and there is no time left for that.
Status Session::next_event(std::uint64_t deadline, bool worked, SessionEvent* event, Error& error) {
  for (; told_ < shape_.slots(); ++told_) {
    Sequence& s = sequences_[told_];
    if (!s.event) continue;
    if (s.conduct.sampling && !has_time_to_draw(deadline, worked)) return Status::yield;
    s.event = false;
    if (!s.conduct.sampling) {
      event->sequence = id_of(s);
      return Status::logits;
    }
    ++told_;
    if (const Status status = sample(s, event, error); is_error(status)) {
      s.conduct.sampling = false;
      return status;
    }
    return Status::token;
  }
  return Status::ok;
}

// deadline 0: never.
bool Session::is_late(std::uint64_t deadline) const {
  return deadline != 0 && clock_.now(clock_.user) >= deadline;
}

// Whether a draw, which is one piece, may begin: not when it would surely end too late, unless this
// step has done nothing else.
bool Session::has_time_to_draw(std::uint64_t deadline, bool worked) const {
  return !worked || deadline == 0 || clock_.now(clock_.user) + draw_ns_ < deadline;
}

Status Session::step(const Budget& budget, SessionEvent* event, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  const FlushDenormals flush;  // sampling has the same floating-point mode as the tiles
  *event = {};
  text_of_ = logprobs_of_ = 0;
  Limits limits{0, budget.tiles ? budget.tiles : 1};
  if (budget.nanoseconds &&
      !checked_add(clock_.now(clock_.user), budget.nanoseconds, limits.deadline)) {
    limits.deadline = UINT64_MAX;
  }
  for (bool worked = false;; worked = true) {
    if (!executor_.running()) {
      const Status told = next_event(limits.deadline, worked, event, error);
      if (told != Status::ok) return told;
      if (limits.tiles == 0) return Status::yield;
      if (!build_pass(limits.deadline)) {
        executor_.take_stop();
        return Status::done;
      }
      begin_pass();
    }
    if (!run_pass(&limits)) {
      executor_.take_stop();
      return Status::yield;
    }
    finish_pass();
    if (executor_.take_stop()) return Status::yield;
    if (is_late(limits.deadline)) return Status::yield;
  }
}

}  // namespace inlay
