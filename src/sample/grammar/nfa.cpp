// nfa.cpp - automata of regular nodes, built from their end to their start.
#include "sample/grammar/nfa.h"

#include <algorithm>

#include "base/utf8.h"

namespace inlay::grammar {

RegularBuilder::RegularBuilder(const Rules& rules)
    : rules_(rules),
      allocator_(rules.allocator()),
      states_(allocator_),
      sets_(allocator_),
      marks_(allocator_),
      members_(allocator_),
      work_(allocator_) {}

std::uint32_t RegularBuilder::fail(Status status, const char* why) {
  if (status_ == Status::ok) {
    status_ = status;
    why_ = why;
  }
  return 0;
}

std::uint32_t RegularBuilder::add(State state) {
  if (status_ != Status::ok) return 0;
  if (states_.size() >= max_nfa) return fail(Status::limit, "too many positions");
  if (is_error(states_.push(state))) return fail(Status::memory, "memory");
  return static_cast<std::uint32_t>(states_.size() - 1);
}

std::uint32_t RegularBuilder::build_literal(std::string_view text, std::uint32_t next) {
  for (std::size_t i = text.size(); i-- > 0;) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    next = add({Op::range, byte, byte, next, 0});
  }
  return next;
}

std::uint32_t RegularBuilder::build_bytes(const std::uint8_t* low, const std::uint8_t* high,
                                          int size, std::uint32_t next) {
  for (int i = size; i-- > 0;) next = add({Op::range, low[i], high[i], next, 0});
  return next;
}

// Code points of one length whose bytes differ: split so that every part is a product of ranges.
std::uint32_t RegularBuilder::build_range(std::uint32_t low, std::uint32_t high,
                                          std::uint32_t next) {
  constexpr std::uint32_t ends[] = {0x7f, 0x7ff, 0xffff, last_point};
  for (const std::uint32_t end : ends) {
    if (low <= end && high > end) {
      const std::uint32_t rest = build_range(end + 1, high, next);
      return add({Op::split, 0, 0, build_range(low, end, next), rest});
    }
  }
  for (std::uint32_t bits = 6; bits <= 18; bits += 6) {
    const std::uint32_t mask = (1u << bits) - 1;
    if (low < 0x80 || low >> bits == high >> bits) continue;
    if (low & mask) {
      const std::uint32_t rest = build_range((low | mask) + 1, high, next);
      return add({Op::split, 0, 0, build_range(low, low | mask, next), rest});
    }
    if ((high & mask) != mask) {
      const std::uint32_t rest = build_range(high & ~mask, high, next);
      return add({Op::split, 0, 0, build_range(low, (high & ~mask) - 1, next), rest});
    }
  }
  char first[4], last[4];
  const auto size = static_cast<int>(write_utf8(low, first));
  write_utf8(high, last);
  std::uint8_t a[4], b[4];
  for (int i = 0; i < size; ++i) {
    a[i] = static_cast<std::uint8_t>(first[i]);
    b[i] = static_cast<std::uint8_t>(last[i]);
  }
  return build_bytes(a, b, size, next);
}

std::uint32_t RegularBuilder::build_points(const Node& n, std::uint32_t next) {
  Array<PointRange> ranges(allocator_);
  if (is_error(normalize_ranges(rules_.ranges(n), n.negated, ranges))) {
    return fail(Status::memory, "memory");
  }
  std::uint32_t any = no_node;
  for (const PointRange& r : ranges) {
    const std::uint32_t one = build_range(r.low, r.high, next);
    any = any == no_node ? one : add({Op::split, 0, 0, one, any});
  }
  return any == no_node ? add({Op::range, 1, 0, next, 0}) : any;
}

std::uint32_t RegularBuilder::build_choice(std::span<const NodeId> parts, std::uint32_t next,
                                           std::uint32_t depth) {
  std::uint32_t any = no_node;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const std::uint32_t one = build(parts[i], next, depth);
    any = any == no_node ? one : add({Op::split, 0, 0, one, any});
  }
  return any == no_node ? add({Op::range, 1, 0, next, 0}) : any;
}

std::uint32_t RegularBuilder::build_repeat(const Node& n, std::uint32_t next, std::uint32_t depth) {
  const NodeId body = rules_.children(n)[0];
  std::uint32_t entry = next;
  if (n.max == unbounded) {
    const std::uint32_t loop = add({Op::split, 0, 0, 0, next});
    const std::uint32_t inside = build(body, loop, depth);
    if (status_ != Status::ok) return 0;
    states_[loop].next = inside;
    entry = loop;
  } else {
    for (std::uint32_t i = n.min; i < n.max && status_ == Status::ok; ++i) {
      entry = add({Op::split, 0, 0, build(body, entry, depth), next});
    }
  }
  for (std::uint32_t i = 0; i < n.min && status_ == Status::ok; ++i) {
    const std::size_t before = states_.size();
    entry = build(body, entry, depth);
    if (states_.size() == before) break;  // a body without states is empty
  }
  return entry;
}

// A DFA inside: its states as states of this automaton.
std::uint32_t RegularBuilder::embed(const Dfa& dfa, std::uint32_t next) {
  if (dfa.start() == dead) return add({Op::range, 1, 0, next, 0});
  const auto first = static_cast<std::uint32_t>(states_.size());
  for (std::uint32_t q = 0; q < dfa.states(); ++q) add({Op::range, 1, 0, next, 0});
  for (std::uint32_t q = 1; q < dfa.states() && status_ == Status::ok; ++q) {
    std::uint32_t entry = dfa.accepts(q) ? next : no_node;
    for (std::uint32_t low = 0; low < 256;) {
      const std::uint32_t to = dfa.step(q, low);
      std::uint32_t high = low;
      while (high < 255 && dfa.step(q, high + 1) == to) ++high;
      if (to != dead) {
        const std::uint32_t edge = add({Op::range, static_cast<std::uint8_t>(low),
                                        static_cast<std::uint8_t>(high), first + to, 0});
        entry = entry == no_node ? edge : add({Op::split, 0, 0, edge, entry});
      }
      low = high + 1;
    }
    if (status_ == Status::ok && entry != no_node) states_[first + q] = {Op::jump, 0, 0, entry, 0};
  }
  return first + 1;
}

std::uint32_t RegularBuilder::build_product(const Node& n, std::uint32_t next,
                                            std::uint32_t depth) {
  const std::span<const NodeId> parts = rules_.children(n);
  Dfa left(allocator_);
  for (std::size_t i = 0; i < parts.size() && status_ == Status::ok; ++i) {
    Dfa dfa(allocator_), product(allocator_);
    const auto accept = add({Op::accept, 0, 0, 0, 0});
    const std::uint32_t entry = build(parts[i], accept, depth);
    if (status_ != Status::ok) return 0;
    if (const Status s = determinize(entry, limit_, dfa); is_error(s)) {
      return fail(s, "too many states");
    }
    if (i == 0) {
      left = std::move(dfa);
      continue;
    }
    if (const Status s = intersect(left, dfa, n.kind == Kind::but_not, limit_, product);
        is_error(s)) {
      return fail(s, "too many states");
    }
    left = std::move(product);
  }
  return status_ == Status::ok ? embed(left, next) : 0;
}

std::uint32_t RegularBuilder::build_table(const Node& n, std::uint32_t next) {
  const std::span<const std::uint8_t> accepting = rules_.accepting(n);
  const std::span<const TableEdge> edges = rules_.edges(n);
  const auto first = static_cast<std::uint32_t>(states_.size());
  for (std::size_t q = 0; q < accepting.size(); ++q) add({Op::range, 1, 0, next, 0});
  std::size_t e = 0;
  for (std::uint32_t q = 0; q < accepting.size() && status_ == Status::ok; ++q) {
    std::uint32_t entry = accepting[q] ? next : no_node;
    for (; e < edges.size() && edges[e].from == q; ++e) {
      if (edges[e].to >= accepting.size()) return fail(Status::internal, "an edge leads nowhere");
      const std::uint32_t edge =
          add({Op::range, edges[e].low, edges[e].high, first + edges[e].to, 0});
      entry = entry == no_node ? edge : add({Op::split, 0, 0, edge, entry});
    }
    if (status_ == Status::ok && entry != no_node) states_[first + q] = {Op::jump, 0, 0, entry, 0};
  }
  return first;
}

// Gives the state at which the node begins, when `next` follows it.
std::uint32_t RegularBuilder::build(NodeId id, std::uint32_t next, std::uint32_t depth) {
  if (status_ != Status::ok) return 0;
  if (depth > max_depth) return fail(Status::limit, "nested too deeply");
  const Node& n = rules_.node(id);
  switch (n.kind) {
    case Kind::never: return add({Op::range, 1, 0, next, 0});
    case Kind::empty: return next;
    case Kind::bytes:
      if (is_error(sets_.push(rules_.set(n)))) return fail(Status::memory, "memory");
      return add({Op::set, 0, 0, next, static_cast<std::uint32_t>(sets_.size() - 1)});
    case Kind::points: return build_points(n, next);
    case Kind::table: return build_table(n, next);
    case Kind::literal: return build_literal(rules_.text(n), next);
    case Kind::sequence: {
      const std::span<const NodeId> parts = rules_.children(n);
      for (std::size_t i = parts.size(); i-- > 0;) next = build(parts[i], next, depth + 1);
      return next;
    }
    case Kind::choice: return build_choice(rules_.children(n), next, depth + 1);
    case Kind::repeat: return build_repeat(n, next, depth + 1);
    case Kind::rule: return build(rules_.rules()[n.first].body, next, depth + 1);
    case Kind::all_of:
    case Kind::but_not: return build_product(n, next, depth + 1);
    case Kind::token:
    case Kind::members: break;
  }
  return fail(Status::format, "not regular");
}

Status RegularBuilder::begin() {
  states_.clear();
  sets_.clear();
  status_ = Status::ok;
  why_ = "";
  return Status::ok;
}

Status RegularBuilder::sequence(std::span<const NodeId> nodes, std::uint32_t limit, Dfa& dfa) {
  INLAY_TRY(begin());
  limit_ = limit;
  std::uint32_t entry = add({Op::accept, 0, 0, 0, 0});
  for (std::size_t i = nodes.size(); i-- > 0;) entry = build(nodes[i], entry, 0);
  INLAY_TRY(status_);
  return determinize(entry, limit, dfa);
}

Status RegularBuilder::choice(std::span<const NodeId> nodes, bool labels, std::uint32_t limit,
                              Dfa& dfa) {
  INLAY_TRY(begin());
  limit_ = limit;
  std::uint32_t entry = add({Op::range, 1, 0, 0, 0});
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const auto label = labels ? static_cast<std::uint32_t>(i) : 0;
    const std::uint32_t one = build(nodes[i], add({Op::accept, 0, 0, 0, label}), 0);
    entry = add({Op::split, 0, 0, one, entry});
  }
  INLAY_TRY(status_);
  return determinize(entry, limit, dfa);
}

// Bytes that no reachable state tells apart share a class.
Status RegularBuilder::find_classes(std::uint32_t start, Dfa& dfa, std::uint8_t* representative) {
  ByteSet begins;  // a class may begin here
  Array<ByteSet> sets(allocator_);
  INLAY_TRY(marks_.resize(states_.size()));
  ++mark_;
  work_.clear();
  INLAY_TRY(work_.push(start));
  while (!work_.empty()) {
    const std::uint32_t at = work_.back();
    work_.pop();
    if (marks_[at] == mark_) continue;
    marks_[at] = mark_;
    const State& s = states_[at];
    if (s.op == Op::accept) continue;
    INLAY_TRY(work_.push(s.next));
    if (s.op == Op::split) INLAY_TRY(work_.push(s.other));
    if (s.op == Op::range && s.low <= s.high) {
      begins.add(s.low);
      if (s.high < 255) begins.add(s.high + 1u);
    }
    if (s.op == Op::set) {
      const ByteSet& set = sets_[s.other];
      for (std::uint32_t b = 1; b < 256; ++b) {
        if (set.has(b) != set.has(b - 1)) begins.add(b);
      }
    }
  }
  std::uint32_t count = 0;
  for (std::uint32_t b = 0; b < 256; ++b) {
    if (b == 0 || begins.has(b)) representative[count++] = static_cast<std::uint8_t>(b);
    dfa.classes[b] = static_cast<std::uint8_t>(count - 1);
  }
  dfa.class_count = count;
  return Status::ok;
}

// Adds what is reached from `state` without a byte to members_.
Status RegularBuilder::close(std::uint32_t state) {
  work_.clear();
  INLAY_TRY(work_.push(state));
  while (!work_.empty()) {
    const std::uint32_t at = work_.back();
    work_.pop();
    if (marks_[at] == mark_) continue;
    marks_[at] = mark_;
    if (budget_ == 0) return Status::limit;
    --budget_;
    const State& s = states_[at];
    if (s.op == Op::split) {
      INLAY_TRY(work_.push(s.other));
      INLAY_TRY(work_.push(s.next));
    } else if (s.op == Op::jump) {
      INLAY_TRY(work_.push(s.next));
    } else {
      INLAY_TRY(members_.push(at));
    }
  }
  return Status::ok;
}

Status RegularBuilder::determinize(std::uint32_t start, std::uint32_t limit, Dfa& dfa) {
  dfa.next.clear();
  dfa.labels.clear();
  if (limit > max_states) limit = max_states;
  std::uint8_t bytes[256];
  INLAY_TRY(find_classes(start, dfa, bytes));
  Array<std::uint32_t> pool(allocator_), begin(allocator_), chain(allocator_);
  HashMap<std::uint64_t, std::uint32_t> known(allocator_);
  // The number of the set in members_; it is emptied.
  const auto number = [&](std::uint32_t& n) {
    std::sort(members_.begin(), members_.end());
    std::uint64_t h = members_.size();
    for (const std::uint32_t m : members_) h = mix64(h ^ m);
    std::uint32_t* first = known.find(h);
    for (n = first ? *first : no_label; n != no_label; n = chain[n]) {
      const std::size_t size = begin[n + 1] - begin[n];
      if (size == members_.size() &&
          std::equal(members_.begin(), members_.end(), pool.begin() + begin[n])) {
        return Status::ok;
      }
    }
    n = static_cast<std::uint32_t>(chain.size());
    if (n >= limit || (std::uint64_t{n} + 1) * dfa.class_count > max_cells) {
      why_ = "too many states";
      return Status::limit;
    }
    INLAY_TRY(chain.push(first ? *first : no_label));
    if (first) {
      *first = n;
    } else {
      INLAY_TRY(known.insert(h, n));
    }
    INLAY_TRY(pool.append(members_.span()));
    return begin.push(static_cast<std::uint32_t>(pool.size()));
  };
  std::uint32_t n = 0;
  INLAY_TRY(begin.push(0));
  members_.clear();
  INLAY_TRY(number(n));  // 0: the empty set
  ++mark_;
  INLAY_TRY(close(start));
  INLAY_TRY(number(n));
  for (std::uint32_t q = 0; q < chain.size(); ++q) {
    std::uint32_t label = no_label;
    for (std::uint32_t i = begin[q]; i < begin[q + 1]; ++i) {
      const State& s = states_[pool[i]];
      if (s.op != Op::accept) continue;
      if (label != no_label && label != s.other) {
        conflict_[0] = label;
        conflict_[1] = s.other;
        return Status::format;
      }
      label = s.other;
    }
    INLAY_TRY(dfa.labels.push(label));
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      members_.clear();
      ++mark_;
      const std::uint32_t size = begin[q + 1] - begin[q];
      if (budget_ < size) return Status::limit;
      budget_ -= size;
      for (std::uint32_t i = begin[q]; i < begin[q + 1]; ++i) {
        const State& s = states_[pool[i]];
        const bool matches = s.op == Op::range ? s.low <= bytes[c] && bytes[c] <= s.high
                                               : s.op == Op::set && sets_[s.other].has(bytes[c]);
        if (matches) INLAY_TRY(close(s.next));
      }
      INLAY_TRY(number(n));
      INLAY_TRY(dfa.next.push(static_cast<std::uint16_t>(n)));
    }
  }
  return minimize(dfa);
}

Status normalize_ranges(std::span<const PointRange> ranges, bool negated,
                        Array<PointRange>& result) {
  Array<PointRange> sorted(*result.allocator());
  INLAY_TRY(sorted.append(ranges));
  std::sort(sorted.begin(), sorted.end(),
            [](const PointRange& a, const PointRange& b) { return a.low < b.low; });
  constexpr PointRange parts[] = {{0, 0xd7ff}, {0xe000, last_point}};
  result.clear();
  for (const PointRange& part : parts) {
    std::uint32_t at = part.low;  // not yet told
    bool open = false;
    PointRange current{};
    for (const PointRange& r : sorted) {
      const PointRange cut{std::max(r.low, part.low), std::min(r.high, part.high)};
      if (cut.low > cut.high) continue;
      if (negated) {
        if (cut.low > at) INLAY_TRY(result.push({at, cut.low - 1}));
        at = std::max(at, cut.high + 1);
      } else if (open && cut.low <= current.high + 1) {
        current.high = std::max(current.high, cut.high);
      } else {
        if (open) INLAY_TRY(result.push(current));
        current = cut;
        open = true;
      }
    }
    if (open) INLAY_TRY(result.push(current));
    if (negated && at <= part.high) INLAY_TRY(result.push({at, part.high}));
  }
  return Status::ok;
}

}  // namespace inlay::grammar
