// machine_rest.cpp - tokens from a parse to the end of its text, at least: what is left of its own
// step, and of every frame that it returns to.
#include <algorithm>
#include <bit>

#include "sample/grammar/machine.h"

namespace inlay::grammar {

// Behind a member, or before the first: the required ones that are not seen, others up to the least
// number. A separator is counted for each, also where the first has none.
std::uint32_t Machine::members_rest(const Cell& frame) const {
  const Step& s = grammar_->step(frame.step());
  const MembersStep& m = grammar_->members(s);
  const Distances::Members& d = distances_->members(s);
  std::uint32_t count = m.required_count, tokens = d.required;
  const auto seen = [&](std::uint32_t label) {
    const Distances::Member& one = label < m.named ? distances_->named(s, label) : d.extra;
    tokens -= std::min(tokens, one.all);
    --count;
  };
  if (frame.kind() == Frame::ordered) {
    for (std::uint32_t i = 0; i < std::min(frame.a, m.named); ++i) {
      if (grammar_->is_required(m, i)) seen(i);
    }
  } else if (count > 0) {
    for (std::uint32_t i = frame.a; i; i = frames_[i].parent) {
      std::uint32_t bits = frames_[i].b & grammar_->required_bits(m, frames_[i].a);
      for (; bits; bits &= bits - 1) {
        seen(frames_[i].a * 32 + static_cast<std::uint32_t>(std::countr_zero(bits)));
      }
    }
  }
  const std::uint32_t more = m.min > frame.b + count ? m.min - frame.b - count : 0;
  tokens = Distances::sum(tokens, Distances::product(more, d.other));
  return Distances::sum(tokens, Distances::product(count + more, d.separator));
}

// The nearest member that may still come.
std::uint32_t Machine::next_member(const Step& s, const Cell& frame) const {
  const MembersStep& m = grammar_->members(s);
  const std::uint32_t left = required_left(m, frame);
  std::uint32_t least = extra_open(s, frame) ? distances_->members(s).extra.all : Distances::far;
  for (std::uint32_t label = 0; label < m.named; ++label) {
    const std::uint32_t all = distances_->named(s, label).all;
    if (all < least && named_open(m, frame, label, left)) least = all;
  }
  return least;
}

// Of a stack from this frame on.
std::uint32_t Machine::rest(const Cell& frame) const {
  const Distances& d = *distances_;
  const std::uint32_t below = frames_[frame.parent].rest;
  const std::uint32_t step = frame.step();
  switch (frame.kind()) {
    case Frame::sequence:
      return Distances::sum(below, d.children_from(grammar_->step(step), frame.a));
    case Frame::repeat: {
      const Step& s = grammar_->step(step);
      const std::uint32_t left = s.min > frame.a ? s.min - frame.a : 0;
      return Distances::sum(below, Distances::product(left, d.step(grammar_->children(s)[0])));
    }
    case Frame::members:
    case Frame::ordered: return Distances::sum(below, members_rest(frame));
    case Frame::pair: {
      const MembersStep& m = grammar_->members(grammar_->step(step));
      return Distances::sum(below, d.step(grammar_->value(m, frame.a)));
    }
    case Frame::separator: {
      // A member has to come; the object counts it and its separator, if it needs one.
      const Cell& object = frames_[frame.parent];
      const Step& s = grammar_->step(step);
      if (below == frames_[object.parent].rest)
        return Distances::sum(below, next_member(s, object));
      return below - std::min(below, d.members(s).separator);
    }
    default: return 0;  // no frame of a stack
  }
}

// In a key: by any member that may still come of it.
std::uint32_t Machine::key_rest(const Item& item, const Step& s) const {
  const MembersStep& m = grammar_->members(s);
  const Distances::Members& d = distances_->members(s);
  const Cell& frame = frames_[item.frame];
  const std::uint32_t left = required_left(m, frame);
  // Of the frame's rest, which has a separator for each: one that is not required.
  const std::uint32_t other = m.min > frame.b + left ? d.other + d.separator : 0;
  std::uint32_t least = Distances::far;
  const auto by = [&](std::uint32_t key, const Distances::Member& member, std::uint32_t known) {
    const std::uint32_t all = frame.rest + key + (member.all - std::min(member.all, member.key));
    least = std::min(least, all - std::min(all, known));
  };
  if (grammar_->extra_ahead(m, item.state) && extra_open(s, frame)) {
    const bool fresh = !m.distinct || is_new_key(item);
    const std::uint32_t key = distances_->extra_key(s, item.state);
    by(fresh ? key : std::max(key + 1, item.state == 1 ? d.extra.key : 0), d.extra, other);
  }
  const std::span<const std::uint32_t> ahead = grammar_->named_ahead(m, item.state);
  for (std::uint32_t i = 0; i < ahead.size(); ++i) {
    const std::uint32_t label = ahead[i];
    if (!named_open(m, frame, label, left)) continue;
    const Distances::Member& one = distances_->named(s, label);
    const bool required = grammar_->is_required(m, label);
    by(distances_->named_key(*grammar_, s, item.state, i), one,
       required ? one.all + d.separator : other);
  }
  return std::min(least, Distances::far);
}

std::uint32_t Machine::rest(const Item& item) const {
  if (item.step == end_step) return 0;
  const Step& s = grammar_->step(item.step);
  const std::uint32_t below = frames_[item.frame].rest;
  switch (s.op) {
    case Op::text: return Distances::sum(below, distances_->text(s.dfa, item.state));
    case Op::counted: {
      const std::uint32_t more = s.min > item.count + 1 ? s.min - item.count - 1 : 0;
      const std::uint32_t one = distances_->text(s.dfa, item.state);
      const std::uint32_t all = Distances::product(more, distances_->text(s.dfa, 1));
      return Distances::sum(below, Distances::sum(one, all));
    }
    case Op::members: return key_rest(item, s);
    default: return Distances::sum(below, 1);
  }
}

std::uint32_t Machine::rest(std::span<const Item> items) const {
  std::uint32_t least = Distances::far;
  for (const Item& item : items) least = std::min(least, rest(item));
  return least;
}

// At most this much behind any token that stays in the item's text.
std::uint32_t Machine::rest_inside(const Item& item) const {
  const Step& s = grammar_->step(item.step);
  const std::uint32_t below = frames_[item.frame].rest;
  const std::uint32_t own = distances_->farthest(s.dfa);
  if (s.op == Op::members) return Distances::sum(below, distances_->members(s).extra.all + own);
  if (s.op != Op::counted || s.min <= item.count) return Distances::sum(below, own);
  const std::uint32_t texts = Distances::product(s.min - item.count, distances_->text(s.dfa, 1));
  return Distances::sum(below, Distances::sum(own, texts));
}

}  // namespace inlay::grammar
