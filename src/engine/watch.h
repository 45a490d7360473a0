// watch.h - the grammar of a sequence: which of its tokens have gone through it.
#pragma once

#include <span>

#include "engine/bound_grammar.h"

namespace inlay {

// The watched text are the tokens from `begin` on, fed and drawn alike.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { end(); }

  explicit operator bool() const { return guard_ != nullptr; }
  // Takes a reference on the grammar. `tokens`: of the sequence; those from `first` on are checked.
  Status begin(BoundGrammar& grammar, const grammar::Trigger& trigger, std::uint32_t logits,
               std::span<const std::int32_t> tokens, std::uint32_t first, Error& error);
  void end();
  // Of an ended watch.
  Status copy_from(const Watch& other, Error& error);

  // Before tokens are fed; they may begin with the one that was drawn last. On an error nothing has
  // changed. take_back(): right behind it, as if they had not been fed.
  Status feed(std::span<const std::int32_t> tokens, std::span<const std::int32_t> ids,
              Error& error);
  void take_back();
  // The logits of the next token, masked. `left`: tokens until the text is cut off, this one
  // included.
  Status mask(std::span<const std::int32_t> tokens, std::span<const float> logits,
              std::uint64_t left, std::span<const float>* masked, Error& error);
  // A token was drawn; it may be fed, or not.
  Status drawn(std::int32_t token, Error& error);
  void was_fed() { drawn_ = none; }
  // The sequence has other tokens now: these, after going back.
  void set_tokens(std::span<const std::int32_t> tokens);
  // `gone` tokens behind the first `keep` have left.
  void dropped(std::uint32_t keep, std::uint32_t gone);

  bool is_over() const { return guard_->is_over(); }
  std::size_t forced(std::span<const std::int32_t> tokens, std::span<char> text, Error& error);

 private:
  static constexpr std::int32_t none = -1;
  Status replay(std::span<const std::int32_t> tokens, Error& error);
  Status settle(std::span<const std::int32_t> tokens, Error& error);

  BoundGrammar* grammar_ = nullptr;
  grammar::Guard* guard_ = nullptr;
  std::uint32_t begin_ = 0;
  std::int32_t drawn_ = none;         // the guard has taken it, the sequence has not
  std::int32_t drawn_before_ = none;  // drawn_ before the last feed
  bool noted_ = false;                // the guard's note is from before the last feed or draw
  bool stale_ = false;                // the guard stands elsewhere: it reads the tokens again
  bool lost_ = false;                 // tokens of the text are gone, so it cannot be read again
};

}  // namespace inlay
