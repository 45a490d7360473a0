// guard.h - a grammar that watches over the tokens of one sequence: from its begin, or from a
// trigger on.
#pragma once

#include "sample/grammar/matcher.h"

namespace inlay::grammar {

// Until it is met everything is free. Both absent: no trigger.
struct Trigger {
  static constexpr std::size_t max_bytes = 256;
  std::string_view text;    // the grammar begins behind it
  std::int32_t token = -1;  // or behind this token
};

// All memory is taken by create(). Not thread-safe.
class Guard {
 public:
  // `logits`: in a row, at least as many as the vocabulary has tokens.
  static Status create(Allocator& allocator, const Grammar& grammar, const Constraint& constraint,
                       const Trigger& trigger, std::uint32_t logits, Guard** guard, Error& error);
  // Another one in the same state.
  Status copy(Guard** guard, Error& error) const;
  void release();

  void reset();
  // STATE: not allowed here, nothing has changed.
  Status accept(std::int32_t token, Error& error);
  // Notes where it stands; goes back to what was noted last.
  void keep();
  void go_back();
  // The logits with -infinity for every token that is not allowed; they live until the next call.
  // `left`: as of Matcher::mask.
  Status apply(std::span<const float> logits, std::uint64_t left, std::span<const float>* masked,
               Error& error);
  // Nothing can follow: the text has to end.
  bool is_over() const { return !waiting_ && matcher_->is_over(); }
  bool waits() const { return waiting_; }
  std::size_t forced(std::span<char> text) { return waiting_ ? 0 : matcher_->forced(text); }

 private:
  Guard(Allocator& allocator, const Grammar& grammar, const Constraint& constraint)
      : allocator_(allocator),
        grammar_(grammar),
        constraint_(constraint),
        words_(allocator),
        logits_(allocator),
        risky_(allocator) {}
  Status init(const Trigger& trigger, std::uint32_t logits, Error& error);
  Status find_risky();
  std::uint32_t search(std::uint32_t position, char byte) const;
  bool is_met(std::string_view text, std::uint32_t position, std::size_t* end) const;
  void mask_waiting();

  Allocator& allocator_;
  const Grammar& grammar_;
  const Constraint& constraint_;
  Matcher* matcher_ = nullptr;
  Matcher* kept_ = nullptr;  // without masks
  Array<std::uint64_t> words_;
  Array<float> logits_;        // (a row)
  Array<std::int32_t> risky_;  // tokens that may hold the end of the trigger and more
  char text_[Trigger::max_bytes] = {};
  std::uint16_t fallback_[Trigger::max_bytes + 1] = {};  // Knuth, Morris and Pratt 1977
  std::uint32_t text_size_ = 0;
  std::int32_t token_ = -1;
  std::uint32_t found_ = 0;  // bytes of the trigger at the end of the text
  bool waiting_ = false;
  std::uint32_t kept_found_ = 0;
  bool kept_waiting_ = false;
};

}  // namespace inlay::grammar
