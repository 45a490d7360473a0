// session.cpp - sequences come and go, are fed, and tell what a step has brought.
#include "engine/session.h"

#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "engine/importance.h"

namespace inlay {
namespace {

// Refuses a second call into the session while one runs.
class BusyGuard {
 public:
  explicit BusyGuard(std::atomic<bool>& busy)
      : busy_(busy), owner_(!busy.exchange(true, std::memory_order_acquire)) {}
  ~BusyGuard() {
    if (owner_) busy_.store(false, std::memory_order_release);
  }
  explicit operator bool() const { return owner_; }

 private:
  std::atomic<bool>& busy_;
  bool owner_;
};

Status busy(Error& error) { return fail(error, Status::state, "session: another call is running"); }

Status not_alive(std::uint64_t sequence, Error& error) {
  return fail(error, Status::state, "session: sequence {:#x} is not alive", sequence);
}

}  // namespace

std::uint64_t Session::id_of(std::uint32_t slot) const {
  return std::uint64_t{sequences_[slot].generation} << 32 | (slot + 1);
}

Session::Sequence* Session::find(std::uint64_t id) const {
  const auto slot = static_cast<std::uint32_t>(id) - 1;
  if (slot >= shape_.sequences) return nullptr;
  Sequence& s = sequences_[slot];
  return s.alive() && s.generation == id >> 32 ? &s : nullptr;
}

Status Session::add(std::uint64_t* sequence, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  for (std::uint32_t slot = 0; slot < shape_.sequences; ++slot) {
    Sequence& s = sequences_[slot];
    if (s.alive()) continue;
    ++s.generation;
    s.length = s.computed = s.again = s.pages = 0;
    s.sampling = s.event = false;
    s.pass_tokens = s.wanted = 0;
    *sequence = id_of(slot);
    return Status::ok;
  }
  return fail(error, Status::limit, "session: {} sequences exist, at most {}", shape_.sequences,
              shape_.sequences);
}

Status Session::drop(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (s->pass_tokens) abandon_pass();
  s->length = s->computed = s->again = 0;
  give_back_pages(*s);
  s->event = false;
  s->wanted = 0;
  ++s->generation;
  return Status::ok;
}

Status Session::clear(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (s->pass_tokens) abandon_pass();
  s->length = s->computed;
  s->again = 0;
  give_back_pages(*s);
  return Status::ok;
}

void Session::give_back_pages(Sequence& s) {
  const std::uint32_t needed = (s.length + page_tokens - 1) / page_tokens;
  while (s.pages > needed) free_pages_[free_count_++] = s.table[--s.pages];
}

// Every sequence owns pages for a full context, so that pages never run out here.
void Session::append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits) {
  for (const std::int32_t id : ids) {
    const std::uint32_t at = s.length++;
    s.ids[at] = id;
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    if (all_logits) {
      s.all_logits[at / 64] |= bit;
    } else {
      s.all_logits[at / 64] &= ~bit;
    }
    if (at / page_tokens >= s.pages) s.table[s.pages++] = free_pages_[--free_count_];
  }
}

Status Session::feed(std::uint64_t sequence, std::span<const std::int32_t> ids, std::uint32_t flags,
                     Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  const std::uint32_t vocabulary = model_.program().vocabulary;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && static_cast<std::uint32_t>(ids[i]) < vocabulary) continue;
    return fail(error, Status::argument, "feed: token {} is {}, the vocabulary has {}", i, ids[i],
                vocabulary);
  }
  if (ids.size() > shape_.context - s->length) {
    return fail(error, Status::limit, "feed: {} tokens + {} in the sequence, the context has {}",
                ids.size(), s->length, shape_.context);
  }
  if (s->sampling && !ids.empty()) s->event = false;  // the end to draw at has moved
  append(*s, ids, flags & INLAY_FEED_ALL_LOGITS);
  return Status::ok;
}

Status Session::generate(std::uint64_t sequence, const inlay_sampler_options* options,
                         std::uint64_t max_tokens, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (!options) {
    s->sampling = false;
    s->again = 0;
    return Status::ok;
  }
  const std::uint32_t vocabulary = model_.program().vocabulary;
  INLAY_TRY(
      s->sampler.init(*options, vocabulary, {sampler_memory_, Sampler::bytes(vocabulary)}, error));
  s->sampling = true;
  s->tokens_left = max_tokens ? max_tokens : UINT64_MAX;
  if (s->pending() == 0 && s->length > 0) {
    // Everything is computed: draw from the logits at hand, or compute the last token once more.
    s->event = s->wanted > 0 && s->wanted_end() == s->length && !executor_.running();
    if (s->event) {
      told_ = 0;
    } else {
      s->again = 1;
    }
  }
  return Status::ok;
}

Status Session::length(std::uint64_t sequence, std::uint32_t* computed,
                       std::uint32_t* pending) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (computed) *computed = s->computed;
  if (pending) *pending = s->length - s->computed;
  return Status::ok;
}

const float* Session::logits_row(std::uint32_t row) const {
  const Program& p = model_.program();
  const std::uint16_t storage = p.values[p.logits].storage;
  return reinterpret_cast<const float*>(arena_ + offsets_[storage] +
                                        std::size_t{row} * p.storages[storage].row_bytes);
}

Status Session::logits(std::uint64_t sequence, LogitsView* view) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s || s->wanted == 0 || executor_.running()) return Status::state;
  *view = {logits_row(s->wanted_first), s->wanted, s->wanted_position};
  return Status::ok;
}

Status Session::write_importance(const inlay_sink& sink, Error& error) const {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  const Importance seen{sums_, observed_tokens_, observed_wanted_, shape_.context};
  return inlay::write_importance(model_, seen, sink, error);
}

std::uint32_t Session::finish_of(const Sequence& s, std::int32_t token) const {
  const Tokenizer* tokenizer = model_.tokenizer();
  if (tokenizer && tokenizer->is_end(token)) return INLAY_FINISH_END;
  if (s.tokens_left == 0) return INLAY_FINISH_TOKENS;
  return s.length == shape_.context ? INLAY_FINISH_CONTEXT : INLAY_FINISH_NONE;
}

// Draws the next token; the last one of a generation is told, but not fed.
Status Session::sample(std::uint32_t slot, SessionEvent* event, Error& error) {
  Sequence& s = sequences_[slot];
  std::int32_t token = -1;
  const std::span<const float> logits{logits_row(s.wanted_first + s.wanted - 1),
                                      model_.program().vocabulary};
  event->sequence = id_of(slot);
  INLAY_TRY(s.sampler.sample(logits, {s.ids, s.length}, s.length, token, error));
  --s.tokens_left;
  event->token = token;
  event->finish = finish_of(s, token);
  if (event->finish == INLAY_FINISH_NONE) {
    append(s, {&token, 1}, false);
  } else {
    s.sampling = false;
  }
  return Status::ok;
}

// The next thing to tell of the latest pass; Status::ok when there is nothing.
Status Session::next_event(SessionEvent* event, Error& error) {
  for (; told_ < shape_.sequences; ++told_) {
    Sequence& s = sequences_[told_];
    if (!s.event) continue;
    s.event = false;
    if (!s.sampling) {
      event->sequence = id_of(told_);
      return Status::logits;
    }
    const std::uint32_t slot = told_++;
    if (const Status status = sample(slot, event, error); is_error(status)) {
      s.sampling = false;
      return status;
    }
    return Status::token;
  }
  return Status::ok;
}

Status Session::step(std::uint64_t budget, SessionEvent* event, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  const FlushDenormals flush;  // sampling has the same floating-point mode as the tiles
  *event = {};
  std::uint64_t deadline = 0;
  if (budget && !checked_add(clock_.now(clock_.user), budget, deadline)) deadline = 0;  // no limit
  for (;;) {
    if (!executor_.running()) {
      if (const Status told = next_event(event, error); told != Status::ok) return told;
      if (!build_pass()) {
        executor_.take_stop();
        return Status::done;
      }
      begin_pass();
    }
    if (!executor_.run(workers_, clock_, deadline)) {
      executor_.take_stop();
      return Status::yield;
    }
    finish_pass();
    if (executor_.take_stop() || (deadline && clock_.now(clock_.user) >= deadline)) {
      return Status::yield;
    }
  }
}

}  // namespace inlay
