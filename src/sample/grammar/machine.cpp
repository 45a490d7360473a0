// machine.cpp - what each kind of step does when it is entered, fed a byte, and returned to.
#include "sample/grammar/machine.h"

#include <algorithm>

#include "base/hash_map.h"

namespace inlay::grammar {

void Machine::lay_out(Carver& carver, std::uint32_t frames, Machine& machine) {
  Frames::lay_out(carver, frames, machine.frames_);
  machine.work_ = carver.take<Work>(work_size);
  machine.seen_keys_ = carver.take<std::uint64_t>(seen_size);
  machine.seen_stamps_ = carver.take<std::uint32_t>(seen_size);
}

void Machine::init(const Grammar& grammar, const Distances* distances) {
  grammar_ = &grammar;
  distances_ = distances;
  clear();
}

void Machine::clear() {
  frames_.clear();
  std::fill_n(seen_stamps_, seen_size, 0u);
  stamp_ = 0;
  overflow_ = false;
}

void Machine::mark(const Item& item) {
  frames_.mark(item.frame);
  if (item.step != end_step && grammar_->step(item.step).op == Op::members) {
    frames_.mark(item.count);
  }
}

void Machine::move(Item& item) const {
  item.frame = frames_.moved(item.frame);
  if (item.step != end_step && grammar_->step(item.step).op == Op::members) {
    item.count = frames_.moved(item.count);
  }
}

void Machine::copy_from(const Machine& other) {
  frames_.copy_from(other.frames_);
  std::fill_n(seen_stamps_, seen_size, 0u);
  stamp_ = 0;
}

void Machine::fail(const char* why) {
  if (!overflow_) why_ = why;
  overflow_ = true;
}

void Machine::begin(Items& out) {
  out_ = &out;
  works_ = 0;
  seen_count_ = 0;
  overflow_ = false;
  if (++stamp_ == 0) {
    std::fill_n(seen_stamps_, seen_size, 0u);
    stamp_ = 1;
  }
}

// False when this was said before in the same closure.
bool Machine::is_new(std::uint32_t kind, std::uint32_t a, std::uint32_t b) {
  const std::uint64_t key = (std::uint64_t{a} ^ std::uint64_t{kind} << 30) << 32 | b;
  std::uint32_t i = static_cast<std::uint32_t>(mix64(key)) & (seen_size - 1);
  for (; seen_stamps_[i] == stamp_; i = (i + 1) & (seen_size - 1)) {
    if (seen_keys_[i] == key) return false;
  }
  if (++seen_count_ > seen_size / 2) {
    fail("the grammar is too ambiguous");
    return false;
  }
  seen_keys_[i] = key;
  seen_stamps_[i] = stamp_;
  return true;
}

std::uint32_t Machine::push(Frame kind, std::uint32_t step, std::uint32_t parent, std::uint32_t a,
                            std::uint32_t b, std::uint32_t c) {
  const std::uint32_t known = frames_.size();
  const std::uint32_t cell = frames_.intern(kind, step, parent, a, b, c);
  if (cell == Frames::none) {
    fail("nested too deeply");
    return 0;
  }
  if (distances_ && cell == known) frames_.set_rest(cell, rest(frames_[cell]));
  return cell;
}

void Machine::add(const Item& item) {
  Items& out = *out_;
  for (std::uint32_t i = 0; i < out.size; ++i) {
    if (out.data[i] == item) return;
  }
  if (out.size == out.capacity) return fail("the grammar is too ambiguous");
  out.data[out.size++] = item;
}

void Machine::enter(std::uint32_t step, std::uint32_t frame) {
  if (works_ == work_size) return fail("the grammar is too ambiguous");
  work_[works_++] = {step, frame};
}

bool Machine::run() {
  while (works_ > 0 && !overflow_) {
    const Work w = work_[--works_];
    if (w.step == end_step) {
      close(w.frame);
    } else {
      open(w.step, w.frame);
    }
  }
  return !overflow_;
}

bool Machine::start(Items& out) {
  out.size = 0;
  begin(out);
  enter(grammar_->root(), 0);
  return run();
}

bool Machine::follow(std::uint32_t frame, Items& out) {
  out.size = 0;
  begin(out);
  leave(frame);
  return run();
}

void Machine::sequence_at(std::uint32_t step, std::uint32_t child, std::uint32_t frame) {
  const std::span<const std::uint32_t> children = grammar_->children(grammar_->step(step));
  if (child >= children.size()) return leave(frame);
  // Nothing to return to after the last child: recursion at the end of a rule costs no stack.
  if (child + 1 < children.size()) frame = push(Frame::sequence, step, frame, child + 1);
  enter(children[child], frame);
}

void Machine::repeat_at(std::uint32_t step, std::uint32_t count, std::uint32_t frame) {
  const Step& s = grammar_->step(step);
  if (count >= s.min) leave(frame);
  if (count >= s.max) return;
  const std::uint32_t done = s.max == no_step ? std::min(count + 1, s.min) : count + 1;
  const std::uint32_t inside = push(Frame::repeat, step, frame, done);
  // A child that takes no byte is not counted: what comes back in this closure is not new.
  if (s.nullable) static_cast<void>(is_new(1, end_step, inside));
  enter(grammar_->children(s)[0], inside);
}

void Machine::open(std::uint32_t step, std::uint32_t frame) {
  const Step& s = grammar_->step(step);
  switch (s.op) {
    case Op::text: {
      const Dfa& dfa = grammar_->dfa(s.dfa);
      if (dfa.start() == dead) return;
      if (dfa.accepts(1)) leave(frame);
      if (dfa.goes_on[1]) add({step, 1, 0, frame});
      return;
    }
    case Op::counted:
      if (s.min == 0) leave(frame);
      return add({step, 1, 0, frame});
    case Op::token: return add({step, 0, 0, frame});
    default: break;
  }
  if (!is_new(0, step, frame)) return;
  switch (s.op) {
    case Op::sequence: return sequence_at(step, 0, frame);
    case Op::choice:
      for (const std::uint32_t child : grammar_->children(s)) enter(child, frame);
      return;
    case Op::repeat: return repeat_at(step, 0, frame);
    default: return members_at(step, frame, true);
  }
}

void Machine::close(std::uint32_t frame) {
  if (frame == 0) return add({end_step, 0, 0, 0});
  if (!is_new(1, end_step, frame)) return;
  const Cell cell = frames_[frame];
  const std::uint32_t step = cell.step();
  switch (cell.kind()) {
    case Frame::sequence: return sequence_at(step, cell.a, cell.parent);
    case Frame::repeat: return repeat_at(step, cell.a, cell.parent);
    case Frame::members:
    case Frame::ordered: return members_at(step, frame, false);
    case Frame::separator: return add({step, 1, 0, cell.parent});
    case Frame::pair:
      return enter(grammar_->value(grammar_->members(grammar_->step(step)), cell.a), cell.parent);
    default: return;
  }
}

void Machine::take_counted(const Item& item, const Step& s, std::uint8_t byte) {
  const Dfa& dfa = grammar_->dfa(s.dfa);
  const std::uint32_t state = dfa.step(item.state, byte);
  if (state == dead) return;
  if (!dfa.accepts(state)) return add({item.step, state, item.count, item.frame});
  const bool open_end = s.max == no_step;
  const std::uint32_t count = open_end ? std::min(item.count + 1, s.min) : item.count + 1;
  if (count >= s.min) leave(item.frame);
  if (open_end || count < s.max) add({item.step, 1, count, item.frame});
}

bool Machine::advance(std::span<const Item> in, std::uint8_t byte, Items& out) {
  out.size = 0;
  begin(out);
  for (const Item& item : in) {
    if (item.step == end_step) continue;
    const Step& s = grammar_->step(item.step);
    if (s.op == Op::text) {
      const Dfa& dfa = grammar_->dfa(s.dfa);
      const std::uint32_t state = dfa.step(item.state, byte);
      if (state == dead) continue;
      if (dfa.goes_on[state]) add({item.step, state, 0, item.frame});
      if (dfa.accepts(state)) leave(item.frame);
    } else if (s.op == Op::counted) {
      take_counted(item, s, byte);
    } else if (s.op == Op::members) {
      take_key(item, s, byte);
    }
  }
  return run();
}

void Machine::next_bytes(std::span<const Item> in, ByteSet& bytes) const {
  for (const Item& item : in) {
    if (item.step == end_step) continue;
    const Step& s = grammar_->step(item.step);
    if (s.op == Op::token) continue;
    const Dfa& dfa = grammar_->dfa(s.dfa);
    for (std::uint32_t b = 0; b < 256; ++b) {
      const std::uint32_t state = dfa.step(item.state, b);
      if (state == dead) continue;
      if (s.op != Op::members || key_lives(s, frames_[item.frame], state, any_text)) bytes.add(b);
    }
  }
}

}  // namespace inlay::grammar
