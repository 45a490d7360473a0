// session_text.cpp - the text of what a sequence generates, and what else is told of a token.
#include <algorithm>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/session.h"

namespace inlay {

// From here on text is told. Whether it goes on from a word follows from the tokens before, of
// which the latest say it.
void Session::begin_text(Sequence& s, std::uint32_t begin) {
  constexpr std::uint32_t looked_at = 64;
  Conduct& conduct = s.conduct;
  conduct.text_begin = begin;
  conduct.text = {};
  const Tokenizer* tokenizer = model_.tokenizer();
  if (!tokenizer) return;
  const std::uint32_t from = begin > looked_at ? begin - looked_at : 0;
  bool at_start = from == 0;
  for (std::uint32_t at = from; at < begin; ++at) {
    if (!tokenizer->contains(s.ids[at])) continue;
    static_cast<void>(tokenizer->next_text(s.ids[at], 0, at_start));
  }
  conduct.text.stream.started = !at_start;
}

// After tokens have been taken back: what the state was when the last of the others was told.
void Session::rebuild_text(Sequence& s) {
  Conduct& conduct = s.conduct;
  const Tokenizer* tokenizer = model_.tokenizer();
  begin_text(s, std::min(conduct.text_begin, s.length()));
  for (std::uint32_t at = conduct.text_begin; tokenizer && at < s.length(); ++at) {
    TextWatch watch(conduct.text, conduct.stop_texts.get(), text_room_);
    static_cast<void>(watch.push(*tokenizer, s.ids[at]));
  }
}

// The host goes on by itself: what is held back is its text now.
void Session::end_text(Sequence& s) {
  TextWatch watch(s.conduct.text, s.conduct.stop_texts.get(), text_room_);
  text_ = {};
  if (!is_error(watch.finish())) text_ = watch.text();
  text_of_ = id_of(s);
  begin_text(s, s.length());
}

// The text of a drawn token, unless that ends the generation by itself; a stop text may end it.
Status Session::tell_token(Sequence& s, TextWatch& watch, SessionEvent* event, Error& error) {
  const Tokenizer* tokenizer = model_.tokenizer();
  const bool ends = event->finish == INLAY_FINISH_END || event->finish == INLAY_FINISH_STOP;
  if (ends || !tokenizer || !tokenizer->contains(event->token)) return Status::ok;
  if (is_error(watch.push(*tokenizer, event->token))) {
    return fail(error, Status::internal, "sequence {:#x}: the text of token {} has no room",
                id_of(s), event->token);
  }
  if (watch.stopped() < 0) return Status::ok;
  event->finish = INLAY_FINISH_TEXT;
  event->stop_text = static_cast<std::uint32_t>(watch.stopped());
  return Status::ok;
}

Status Session::set_stop_texts(std::uint64_t sequence, std::span<const inlay_text_view> texts,
                               Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (!model_.tokenizer()) {
    return fail(error, Status::unsupported, "stop texts: the model has no tokenizer");
  }
  Conduct& conduct = s->conduct;
  StopTextsRef made;
  INLAY_TRY(made.assign(model_.allocator(), texts, error));
  if (const StopTexts* old = conduct.stop_texts.get()) {  // what they held back is told
    TextWatch watch(conduct.text, old, text_room_);
    watch.let_go();
    text_ = watch.text();
    text_of_ = sequence;
  }
  conduct.stop_texts = made;
  return Status::ok;
}

Status Session::text(std::uint64_t sequence, std::string_view* text) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (!model_.tokenizer()) return Status::unsupported;
  if (text_of_ != sequence) return Status::state;
  *text = text_;
  return Status::ok;
}

Status Session::logprobs(std::uint64_t sequence, const LogProbs** logprobs) const {
  const BusyGuard guard(busy_);
  if (!guard || !find(sequence) || logprobs_of_ != sequence) return Status::state;
  *logprobs = &logprobs_;
  return Status::ok;
}

}  // namespace inlay
