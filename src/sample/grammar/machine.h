// machine.h - the automaton at work: one byte takes every live parse one step further.
#pragma once

#include <span>

#include "sample/grammar/distances.h"
#include "sample/grammar/frames.h"
#include "sample/grammar/grammar.h"

namespace inlay::grammar {

// A parse that waits for a byte (or a token): where it is, and the stack to return to.
struct Item {
  std::uint32_t step;   // text, counted, token, members (in a key); end_step: nothing more to come
  std::uint32_t state;  // of its DFA
  std::uint32_t count;  // counted: texts done; members: the key so far, where extras are distinct
  std::uint32_t frame;  // members: its own frame, else where to return
  bool operator==(const Item&) const = default;
};

inline constexpr std::uint32_t end_step = 0xffffffffu;

struct Items {
  Item* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::span<const Item> view() const { return {data, size}; }
};

// Steps a set of items. Never allocates: when its memory is out, overflow() says so and what was
// written is of no use. Not thread-safe.
class Machine {
 public:
  static void lay_out(Carver& carver, std::uint32_t frames, Machine& machine);
  // `distances` nullptr: rest() is not asked for.
  void init(const Grammar& grammar, const Distances* distances);
  void clear();

  // `out` is emptied first.
  bool start(Items& out);
  bool advance(std::span<const Item> in, std::uint8_t byte, Items& out);
  // What follows a text that ends now, with this frame to return to.
  bool follow(std::uint32_t frame, Items& out);
  // Adds to `out` what follows the items that wait for one of these tokens.
  template <class Matches>
  bool advance_token(std::span<const Item> in, Matches matches, Items& out) {
    begin(out);
    for (const Item& item : in) {
      if (item.step == end_step) continue;
      const Step& s = grammar_->step(item.step);
      if (s.op == Op::token && matches(item, s)) leave(item.frame);
    }
    return run();
  }
  // It can end here, or waits for a token: no byte is forced.
  bool stops(const Item& item) const {
    return item.step == end_step || grammar_->step(item.step).op == Op::token;
  }
  // For collecting frames: marks those of an item; gives it their new numbers.
  void mark(const Item& item);
  void move(Item& item) const;
  void copy_from(const Machine& other);
  void* block() const { return frames_.block(); }
  // Bytes that some item takes.
  void next_bytes(std::span<const Item> in, ByteSet& bytes) const;
  // Tokens to the end of the text, at least, for the parse that has the fewest; with distances.
  std::uint32_t rest(std::span<const Item> items) const;
  // At most so many behind any token that stays in the item's text, or in its key.
  std::uint32_t rest_inside(const Item& item) const;
  bool measures() const { return distances_ != nullptr; }
  // An item in a key that is not the beginning of any key of its object so far: its mask is that of
  // every such key.
  bool is_new_key(const Item& item) const;
  bool overflow() const { return overflow_; }
  // What ran out.
  const char* why() const { return why_; }

  const Grammar& grammar() const { return *grammar_; }
  Frames& frames() { return frames_; }
  const Frames& frames() const { return frames_; }
  // An extra member may come now.
  bool extra_open(const Step& s, const Cell& frame) const;

 private:
  struct Work {
    std::uint32_t step;  // end_step: return to the frame
    std::uint32_t frame;
  };
  static constexpr std::uint32_t any_text = 0xffffffffu;
  static constexpr std::uint32_t work_size = 4096;
  static constexpr std::uint32_t seen_size = 8192;  // a power of two

  void begin(Items& out);
  bool run();
  void fail(const char* why);
  bool is_new(std::uint32_t kind, std::uint32_t a, std::uint32_t b);
  void enter(std::uint32_t step, std::uint32_t frame);
  void leave(std::uint32_t frame) { enter(end_step, frame); }
  void add(const Item& item);
  std::uint32_t push(Frame kind, std::uint32_t step, std::uint32_t parent, std::uint32_t a = 0,
                     std::uint32_t b = 0, std::uint32_t c = 0);
  void open(std::uint32_t step, std::uint32_t frame);
  void close(std::uint32_t frame);
  void repeat_at(std::uint32_t step, std::uint32_t count, std::uint32_t frame);
  void sequence_at(std::uint32_t step, std::uint32_t child, std::uint32_t frame);
  void take_counted(const Item& item, const Step& s, std::uint8_t byte);
  void take_key(const Item& item, const Step& s, std::uint8_t byte);
  void end_key(const Item& item, const Step& s, std::uint32_t label, std::uint32_t text);
  void members_at(std::uint32_t step, std::uint32_t frame, bool first);

  // machine_members.cpp
  bool is_seen(const Cell& frame, std::uint32_t label) const;
  std::uint32_t required_left(const MembersStep& m, const Cell& frame) const;
  bool named_open(const MembersStep& m, const Cell& frame, std::uint32_t label,
                  std::uint32_t left) const;
  bool key_lives(const Step& s, const Cell& frame, std::uint32_t state, std::uint32_t text) const;
  bool is_used_up(const MembersStep& m, const Cell& frame, std::uint32_t state,
                  std::uint32_t text) const;
  bool can_close(const MembersStep& m, const Cell& frame) const;
  bool has_key(const Cell& frame, std::uint32_t text) const;
  std::uint32_t with_member(const MembersStep& m, std::uint32_t frame, std::uint32_t label,
                            std::uint32_t text);
  std::uint32_t with_seen(std::uint32_t chain, std::uint32_t label);

  // machine_rest.cpp
  std::uint32_t members_rest(const Cell& frame) const;
  std::uint32_t next_member(const Step& s, const Cell& frame) const;
  std::uint32_t key_rest(const Item& item, const Step& s) const;
  std::uint32_t rest(const Cell& frame) const;
  std::uint32_t rest(const Item& item) const;

  const Grammar* grammar_ = nullptr;
  const Distances* distances_ = nullptr;
  Frames frames_;
  Work* work_ = nullptr;
  std::uint64_t* seen_keys_ = nullptr;    // (seen_size)
  std::uint32_t* seen_stamps_ = nullptr;  // (seen_size): of the closure that wrote the key
  std::uint32_t seen_count_ = 0;
  std::uint32_t stamp_ = 0;
  std::uint32_t works_ = 0;
  Items* out_ = nullptr;
  bool overflow_ = false;
  const char* why_ = "";
};

}  // namespace inlay::grammar
