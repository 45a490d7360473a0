// guard.cpp - free text is searched for the trigger; then the matcher decides.
#include "sample/grammar/guard.h"

#include <algorithm>
#include <limits>

namespace inlay::grammar {

Status Guard::create(Allocator& allocator, const Grammar& grammar, const Constraint& constraint,
                     const Trigger& trigger, std::uint32_t logits, Guard** guard, Error& error) {
  void* own = allocator.allocate(sizeof(Guard));
  if (!own) return fail_memory(error, "grammar: the guard of a sequence");
  auto* g = new (own) Guard(allocator, grammar, constraint);
  const Status status = g->init(trigger, logits, error);
  if (is_error(status)) {
    g->release();
    return status == Status::memory ? fail_memory(error, "grammar: the guard of a sequence")
                                    : status;
  }
  *guard = g;
  return Status::ok;
}

Status Guard::init(const Trigger& trigger, std::uint32_t logits, Error& error) {
  if (trigger.text.size() > Trigger::max_bytes) {
    return fail(error, Status::limit, "grammar: a trigger of {} bytes, at most {}",
                trigger.text.size(), Trigger::max_bytes);
  }
  const auto vocabulary = static_cast<std::int32_t>(constraint_.trie().vocabulary());
  if (trigger.token >= vocabulary) {
    return fail(error, Status::argument, "grammar: trigger token {} of a vocabulary of {}",
                trigger.token, vocabulary);
  }
  if (logits < constraint_.trie().vocabulary()) {
    return fail(error, Status::argument, "grammar: {} logits for a vocabulary of {}", logits,
                vocabulary);
  }
  INLAY_TRY(words_.resize(constraint_.mask_words()));
  INLAY_TRY(logits_.resize(logits));
  token_ = trigger.token;
  text_size_ = static_cast<std::uint32_t>(trigger.text.size());
  std::copy(trigger.text.begin(), trigger.text.end(), text_);
  for (std::uint32_t i = 1, k = 0; i < text_size_; ++i) {
    while (k > 0 && text_[i] != text_[k]) k = fallback_[k];
    if (text_[i] == text_[k]) ++k;
    fallback_[i + 1] = static_cast<std::uint16_t>(k);
  }
  INLAY_TRY(find_risky());
  INLAY_TRY(Matcher::create(allocator_, grammar_, &constraint_, &matcher_, error));
  INLAY_TRY(Matcher::create(allocator_, grammar_, nullptr, &kept_, error));
  reset();
  keep();
  return Status::ok;
}

Status Guard::find_risky() {
  if (text_size_ == 0) return Status::ok;
  const Tokenizer& tokenizer = constraint_.trie().tokenizer();
  for (std::int32_t id = 0; tokenizer.contains(id); ++id) {
    if (!is_text_token(tokenizer, id)) continue;
    const std::string_view text = tokenizer.piece(id);
    if (std::find(text.begin(), text.end() - 1, text_[text_size_ - 1]) != text.end() - 1) {
      INLAY_TRY(risky_.push(id));
    }
  }
  return Status::ok;
}

Status Guard::copy(Guard** guard, Error& error) const {
  INLAY_TRY(create(allocator_, grammar_, constraint_, {{text_, text_size_}, token_},
                   static_cast<std::uint32_t>(logits_.size()), guard, error));
  Guard& other = **guard;
  other.matcher_->copy_from(*matcher_);
  other.kept_->copy_from(*kept_);
  other.found_ = found_;
  other.waiting_ = waiting_;
  other.kept_found_ = kept_found_;
  other.kept_waiting_ = kept_waiting_;
  return Status::ok;
}

void Guard::release() {
  if (matcher_) matcher_->release();
  if (kept_) kept_->release();
  Allocator& allocator = allocator_;
  this->~Guard();
  allocator.release(this, sizeof(Guard));
}

void Guard::reset() {
  matcher_->reset();
  found_ = 0;
  waiting_ = text_size_ > 0 || token_ >= 0;
}

void Guard::keep() {
  kept_->copy_from(*matcher_);
  kept_found_ = found_;
  kept_waiting_ = waiting_;
}

void Guard::go_back() {
  matcher_->copy_from(*kept_);
  found_ = kept_found_;
  waiting_ = kept_waiting_;
}

std::uint32_t Guard::search(std::uint32_t position, char byte) const {
  while (position > 0 && text_[position] != byte) position = fallback_[position];
  return text_[position] == byte ? position + 1 : 0;
}

// The trigger ends in `text`, before *end.
bool Guard::is_met(std::string_view text, std::uint32_t position, std::size_t* end) const {
  for (std::size_t i = 0; text_size_ > 0 && i < text.size(); ++i) {
    position = search(position, text[i]);
    *end = i + 1;
    if (position == text_size_) return true;
  }
  return false;
}

Status Guard::accept(std::int32_t token, Error& error) {
  if (!waiting_) return matcher_->accept_token(token, error);
  const Tokenizer& tokenizer = constraint_.trie().tokenizer();
  if (token == token_) {
    waiting_ = false;
    return Status::ok;
  }
  if (!tokenizer.contains(token) || !is_text_token(tokenizer, token)) {
    found_ = 0;
    return Status::ok;
  }
  const std::string_view text = tokenizer.piece(token);
  std::size_t end = 0, taken = 0;
  if (!is_met(text, found_, &end)) {
    for (std::size_t i = 0; text_size_ > 0 && i < text.size(); ++i)
      found_ = search(found_, text[i]);
    return Status::ok;
  }
  const Status status = matcher_->accept({text.data() + end, text.size() - end}, &taken, error);
  if (is_error(status)) return matcher_->reset(), status;
  if (taken < text.size() - end) {
    matcher_->reset();
    return fail(error, Status::state,
                "grammar: token {} ({}) goes on behind the trigger as the "
                "grammar does not",
                token, Shown(text));
  }
  waiting_ = false;
  return Status::ok;
}

// Everything is free but a token that holds the end of the trigger and then breaks the grammar.
void Guard::mask_waiting() {
  std::fill(words_.begin(), words_.end(), ~std::uint64_t{0});
  const Tokenizer& tokenizer = constraint_.trie().tokenizer();
  Error ignored;
  for (const std::int32_t id : risky_) {
    const std::string_view text = tokenizer.piece(id);
    std::size_t end = 0, taken = 0;
    if (!is_met(text, found_, &end) || end == text.size()) continue;
    const Status status = matcher_->accept({text.data() + end, text.size() - end}, &taken, ignored);
    matcher_->reset();
    if (status == Status::ok && taken == text.size() - end) continue;
    words_[static_cast<std::size_t>(id) / 64] &= ~(std::uint64_t{1} << (id % 64));
  }
}

Status Guard::apply(std::span<const float> logits, std::uint64_t left,
                    std::span<const float>* masked, Error& error) {
  if (logits.size() != logits_.size()) {
    return fail(error, Status::argument, "grammar: {} logits, expected {}", logits.size(),
                logits_.size());
  }
  if (waiting_) {
    mask_waiting();
  } else {
    INLAY_TRY(matcher_->mask(words_.span(), left, error));
  }
  // A row may be longer than the vocabulary: what has no token is not allowed.
  constexpr float never = -std::numeric_limits<float>::infinity();
  const std::size_t known = constraint_.trie().vocabulary();
  for (std::size_t w = 0, i = 0; i < known; ++w) {
    const std::uint64_t word = words_[w];
    for (std::size_t b = 0; b < 64 && i < known; ++b, ++i) {
      logits_[i] = word >> b & 1 ? logits[i] : never;
    }
  }
  for (std::size_t i = known; i < logits_.size(); ++i) logits_[i] = waiting_ ? logits[i] : never;
  *masked = logits_.span();
  return Status::ok;
}

}  // namespace inlay::grammar
