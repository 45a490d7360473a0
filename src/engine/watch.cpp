// watch.cpp - a guard follows its sequence; when that goes back, it reads the text again.
#include "engine/watch.h"

#include <algorithm>

namespace inlay {

Status Watch::begin(BoundGrammar& grammar, const grammar::Trigger& trigger, std::uint32_t logits,
                    std::span<const std::int32_t> tokens, std::uint32_t first, Error& error) {
  grammar::Guard* guard = nullptr;
  INLAY_TRY(grammar::Guard::create(grammar.allocator(), grammar.grammar(), *grammar.constraint(),
                                   trigger, logits, &guard, error));
  for (std::size_t i = first; i < tokens.size(); ++i) {
    if (const Status s = guard->accept(tokens[i], error); is_error(s)) {
      guard->release();
      return s;
    }
  }
  end();
  grammar.retain();
  grammar_ = &grammar;
  guard_ = guard;
  begin_ = first;
  return Status::ok;
}

void Watch::end() {
  if (guard_) guard_->release();
  if (grammar_) grammar_->release();
  guard_ = nullptr;
  grammar_ = nullptr;
  drawn_ = drawn_before_ = none;
  noted_ = stale_ = lost_ = false;
}

Status Watch::copy_from(const Watch& other, Error& error) {
  if (!other) return Status::ok;
  INLAY_TRY(other.guard_->copy(&guard_, error));
  other.grammar_->retain();
  grammar_ = other.grammar_;
  begin_ = other.begin_;
  drawn_ = other.drawn_;
  drawn_before_ = other.drawn_before_;
  noted_ = other.noted_;
  stale_ = other.stale_;
  lost_ = other.lost_;
  return Status::ok;
}

Status Watch::replay(std::span<const std::int32_t> tokens, Error& error) {
  if (lost_) {
    return fail(error, Status::state,
                "grammar: the context has dropped tokens of its text, which cannot be read again");
  }
  guard_->reset();
  drawn_ = none;
  stale_ = true;  // should one of them fail
  for (std::size_t i = begin_; i < tokens.size(); ++i) INLAY_TRY(guard_->accept(tokens[i], error));
  stale_ = false;
  return Status::ok;
}

// The guard stands behind exactly these tokens.
Status Watch::settle(std::span<const std::int32_t> tokens, Error& error) {
  if (!stale_ && drawn_ == none) return Status::ok;
  if (stale_ || !noted_) return replay(tokens, error);
  guard_->go_back();
  noted_ = false;
  drawn_ = none;
  return Status::ok;
}

Status Watch::feed(std::span<const std::int32_t> tokens, std::span<const std::int32_t> ids,
                   Error& error) {
  if (ids.empty()) return Status::ok;
  const bool known = !stale_ && ids[0] == drawn_;
  if (!known) INLAY_TRY(settle(tokens, error));
  drawn_before_ = drawn_;
  noted_ = ids.size() > known;
  if (noted_) guard_->keep();
  for (std::size_t i = known; i < ids.size(); ++i) {
    const Status status = guard_->accept(ids[i], error);
    if (!is_error(status)) continue;
    take_back();
    return status;
  }
  drawn_ = none;
  return Status::ok;
}

void Watch::take_back() {
  if (noted_) guard_->go_back();
  noted_ = false;
  drawn_ = drawn_before_;
}

Status Watch::mask(std::span<const std::int32_t> tokens, std::span<const float> logits,
                   std::uint64_t left, std::span<const float>* masked, Error& error) {
  INLAY_TRY(settle(tokens, error));
  return guard_->apply(logits, left, masked, error);
}

Status Watch::drawn(std::int32_t token, Error& error) {
  noted_ = lost_;  // else it can read again
  if (noted_) guard_->keep();
  INLAY_TRY(guard_->accept(token, error));
  drawn_ = token;
  return Status::ok;
}

void Watch::set_tokens(std::span<const std::int32_t> tokens) {
  begin_ = std::min(begin_, static_cast<std::uint32_t>(tokens.size()));
  // Nothing is left of the text: it begins anew, whatever is gone.
  if (begin_ == tokens.size()) lost_ = false;
  stale_ = true;
}

void Watch::dropped(std::uint32_t keep, std::uint32_t gone) {
  if (begin_ >= keep + gone) {
    begin_ -= gone;
  } else {
    begin_ = std::min(begin_, keep);
    lost_ = true;
  }
}

std::size_t Watch::forced(std::span<const std::int32_t> tokens, std::span<char> text,
                          Error& error) {
  return is_error(settle(tokens, error)) ? 0 : guard_->forced(text);
}

}  // namespace inlay
