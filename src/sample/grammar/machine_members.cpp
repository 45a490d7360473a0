// machine_members.cpp - members of an object: which keys may still come, and what a key leads to.
#include <algorithm>
#include <bit>

#include "sample/grammar/machine.h"

namespace inlay::grammar {

bool Machine::is_seen(const Cell& frame, std::uint32_t label) const {
  for (std::uint32_t i = frame.a; i; i = frames_[i].parent) {
    if (frames_[i].a == label / 32) return frames_[i].b >> (label % 32) & 1;
  }
  return false;
}

// Words in descending order, so that equal sets are equal chains.
std::uint32_t Machine::with_seen(std::uint32_t chain, std::uint32_t label) {
  const std::uint32_t word = label / 32, bit = 1u << (label % 32);
  std::uint32_t above[Grammar::max_seen_words], count = 0;
  while (chain && frames_[chain].a > word) {
    above[count++] = chain;
    chain = frames_[chain].parent;
  }
  std::uint32_t bits = bit;
  if (chain && frames_[chain].a == word) {
    bits |= frames_[chain].b;
    chain = frames_[chain].parent;
  }
  chain = push(Frame::seen, 0, chain, word, bits);
  while (count > 0) {
    const Cell cell = frames_[above[--count]];
    chain = push(Frame::seen, 0, chain, cell.a, cell.b);
  }
  return chain;
}

std::uint32_t Machine::required_left(const MembersStep& m, const Cell& frame) const {
  if (m.required_count == 0) return 0;
  std::uint32_t left = 0;
  if (frame.kind() == Frame::ordered) {
    for (std::uint32_t i = frame.a; i < m.named; ++i) left += grammar_->is_required(m, i);
    return left;
  }
  left = m.required_count;
  for (std::uint32_t i = frame.a; i; i = frames_[i].parent) {
    const Cell& c = frames_[i];
    left -= static_cast<std::uint32_t>(std::popcount(c.b & grammar_->required_bits(m, c.a)));
  }
  return left;
}

// Whether this member may come next, so that the required ones still fit and enough can follow.
bool Machine::named_open(const MembersStep& m, const Cell& frame, std::uint32_t label,
                         std::uint32_t left) const {
  if (frame.kind() == Frame::ordered) {
    if (label < frame.a) return false;
    for (std::uint32_t i = frame.a; i < label; ++i) {
      if (grammar_->is_required(m, i)) return false;
    }
    if (frame.b + (m.named - label) + grammar_->most_extras(m) < m.min) return false;
  } else if (is_seen(frame, label)) {
    return false;
  }
  if (m.max == no_step) return true;
  return frame.b + 1 + (left - grammar_->is_required(m, label)) <= m.max;
}

bool Machine::extra_open(const Step& s, const Cell& frame) const {
  const MembersStep& m = grammar_->members(s);
  if (m.extra == 0) return false;
  if (m.max == no_step && frame.kind() == Frame::members) return true;
  const std::uint32_t left = required_left(m, frame);
  if (frame.kind() == Frame::ordered) {
    const bool begins = frame.a < m.named;  // no named member comes any more
    if (left > 0 || (begins && frame.b + grammar_->most_extras(m) < m.min)) return false;
  }
  if (m.max == no_step) return true;
  bool wanted = false;  // one that is required is still to come
  for (std::uint32_t i = m.named; i < m.named + m.extra && !wanted; ++i) {
    wanted = grammar_->is_required(m, i) && !is_seen(frame, i);
  }
  return frame.b + 1 + (left - wanted) <= m.max;
}

// Every extra key that begins with this text has been seen.
bool Machine::is_used_up(const MembersStep& m, const Cell& frame, std::uint32_t state,
                         std::uint32_t text) const {
  if (!m.distinct || text == any_text) return false;
  std::uint32_t left = grammar_->words_ahead(m, state);
  for (std::uint32_t i = frame.c; i && left > 0 && left < countless; i = frames_[i].parent) {
    std::uint32_t at = frames_[i].a;
    while (at > text) at = frames_[at].parent;  // cells refer to older ones
    if (at == text) --left;
  }
  return left == 0;
}

// Some key that may come begins as the DFA's state says; the text is that of a distinct key so far.
bool Machine::key_lives(const Step& s, const Cell& frame, std::uint32_t state,
                        std::uint32_t text) const {
  const MembersStep& m = grammar_->members(s);
  const bool extra = grammar_->extra_ahead(m, state) && extra_open(s, frame);
  if (extra && !is_used_up(m, frame, state, text)) return true;
  const std::span<const std::uint32_t> ahead = grammar_->named_ahead(m, state);
  if (ahead.empty()) return false;
  // Most are seen where there are many: their bits side by side first.
  std::uint32_t seen[Grammar::max_seen_words];
  if (frame.kind() == Frame::members) {
    std::fill_n(seen, (m.named + m.extra + 31) / 32, 0u);
    for (std::uint32_t i = frame.a; i; i = frames_[i].parent) seen[frames_[i].a] = frames_[i].b;
  }
  const std::uint32_t left = required_left(m, frame);
  for (const std::uint32_t label : ahead) {
    if (frame.kind() == Frame::members && (seen[label / 32] >> (label % 32) & 1)) continue;
    if (named_open(m, frame, label, left)) return true;
  }
  return false;
}

bool Machine::can_close(const MembersStep& m, const Cell& frame) const {
  return frame.b >= m.min && required_left(m, frame) == 0;
}

bool Machine::has_key(const Cell& frame, std::uint32_t text) const {
  for (std::uint32_t i = frame.c; i; i = frames_[i].parent) {
    if (frames_[i].a == text) return true;
  }
  return false;
}

bool Machine::is_new_key(const Item& item) const {
  if (item.step == end_step || grammar_->step(item.step).op != Op::members) return false;
  if (item.count == 0) return false;
  for (std::uint32_t i = frames_[item.frame].c; i; i = frames_[i].parent) {
    for (std::uint32_t text = frames_[i].a; text >= item.count; text = frames_[text].parent) {
      if (text == item.count) return false;
    }
  }
  return true;
}

std::uint32_t Machine::with_member(const MembersStep& m, std::uint32_t frame, std::uint32_t label,
                                   std::uint32_t text) {
  const Cell cell = frames_[frame];
  const bool extra = label >= m.named;
  std::uint32_t a = cell.a, c = cell.c;
  if (cell.kind() == Frame::ordered) {
    a = extra ? m.named : label + 1;
  } else if (!extra || grammar_->is_required(m, label)) {
    a = with_seen(a, label);
  }
  if (extra && m.distinct) c = push(Frame::key, 0, c, text);
  // The number matters only as far as a bound asks for it.
  const bool counts = m.min > 0 || m.max != no_step;
  return push(cell.kind(), cell.step(), cell.parent, a, counts ? cell.b + 1 : 0, c);
}

// Before the first member, or after one.
void Machine::members_at(std::uint32_t step, std::uint32_t frame, bool first) {
  const Step& s = grammar_->step(step);
  const MembersStep& m = grammar_->members(s);
  if (first) frame = push(m.ordered ? Frame::ordered : Frame::members, step, frame);
  if (overflow_) return;
  const Cell cell = frames_[frame];
  if (can_close(m, cell)) leave(cell.parent);
  if (!key_lives(s, cell, grammar_->dfa(s.dfa).start(), 0)) return;
  if (first || m.separator == no_step) return add({step, 1, 0, frame});
  enter(m.separator, push(Frame::separator, step, frame));
}

void Machine::take_key(const Item& item, const Step& s, std::uint8_t byte) {
  const Dfa& dfa = grammar_->dfa(s.dfa);
  const std::uint32_t state = dfa.step(item.state, byte);
  if (state == dead) return;
  const MembersStep& m = grammar_->members(s);
  const Cell frame = frames_[item.frame];
  std::uint32_t text = 0;
  if (m.distinct && grammar_->extra_ahead(m, state)) {
    text = push(Frame::text, 0, item.count, byte);
    if (overflow_) return;
  }
  if (dfa.accepts(state)) end_key(item, s, dfa.labels[state], text);
  if (dfa.goes_on[state] && key_lives(s, frame, state, text)) {
    add({item.step, state, text, item.frame});
  }
}

void Machine::end_key(const Item& item, const Step& s, std::uint32_t label, std::uint32_t text) {
  const MembersStep& m = grammar_->members(s);
  const Cell frame = frames_[item.frame];
  const bool open = label < m.named ? named_open(m, frame, label, required_left(m, frame))
                                    : extra_open(s, frame) && !(m.distinct && has_key(frame, text));
  if (!open) return;
  const std::uint32_t after = with_member(m, item.frame, label, text);
  if (overflow_) return;
  if (m.between == no_step) return enter(grammar_->value(m, label), after);
  enter(m.between, push(Frame::pair, item.step, after, label));
}

}  // namespace inlay::grammar
