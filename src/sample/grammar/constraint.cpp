// constraint.cpp - tables of states: one walk over the tree of tokens for each.
#include "sample/grammar/constraint.h"

#include <algorithm>

namespace inlay::grammar {
namespace {

constexpr std::uint64_t few_visits = 1500;               // a walk so short needs no table
constexpr std::uint64_t max_visits = 16000000;           // of all walks
constexpr std::size_t max_words = std::size_t{4} << 20;  // 32 MiB of tables
constexpr std::size_t max_lists = std::size_t{4} << 20;
constexpr std::uint64_t max_differences = 4000;  // nodes that tell two states apart
constexpr std::uint32_t max_bases = 4;           // of one DFA
constexpr std::uint32_t max_known = 64;
constexpr std::uint64_t visits_of_state = 250;  // its comparison takes as long
constexpr std::uint32_t max_twin_states = 64;

// Both take the same texts from there. `work` grows by the states that were compared.
bool same_from(const Dfa& a, std::uint32_t p, const Dfa& b, std::uint32_t q, std::uint64_t& work) {
  std::uint16_t left[max_twin_states], right[max_twin_states];
  std::uint32_t size = 1;
  left[0] = static_cast<std::uint16_t>(p);
  right[0] = static_cast<std::uint16_t>(q);
  for (std::uint32_t i = 0; i < size; ++i) {
    ++work;
    if (a.accepts(left[i]) != b.accepts(right[i])) return false;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t x = a.step(left[i], byte), y = b.step(right[i], byte);
      if ((x == dead) != (y == dead)) return false;
      if (x == dead) continue;
      std::uint32_t k = 0;
      while (k < size && left[k] != x && right[k] != y) ++k;
      if (k < size && (left[k] != x || right[k] != y)) return false;
      if (k < size) continue;
      if (size == max_twin_states) return false;
      left[size] = static_cast<std::uint16_t>(x);
      right[size++] = static_cast<std::uint16_t>(y);
    }
  }
  return true;
}

}  // namespace

Constraint::Constraint(Allocator& allocator, const Grammar& grammar, const TokenTrie& trie)
    : allocator_(allocator),
      grammar_(grammar),
      trie_(trie),
      distances_(allocator),
      tokens_(allocator),
      first_(allocator),
      index_(allocator),
      tables_(allocator),
      words_(allocator),
      lists_(allocator),
      needs_(allocator),
      ambiguous_(allocator),
      known_(allocator) {}

Status Constraint::resolve_tokens(Error& error) {
  const std::span<const Step> steps = grammar_.steps();
  INLAY_TRY(tokens_.resize(steps.size()));
  const Tokenizer& tokenizer = trie_.tokenizer();
  for (std::size_t i = 0; grammar_.has_tokens() && i < steps.size(); ++i) {
    const Step& s = steps[i];
    if (s.op != Op::token) continue;
    std::int32_t id = static_cast<std::int32_t>(s.min);
    if (s.count > 0) {
      const std::string_view text = grammar_.text(s);
      id = trie_.find(text);
      if (id < 0) {
        return fail(error, Status::format, "grammar: the vocabulary has no token {}", Shown(text));
      }
    } else if (!tokenizer.contains(id)) {
      return fail(error, Status::format, "grammar: token {} of a vocabulary of {}", id,
                  tokenizer.size());
    }
    tokens_[i] = id;
  }
  return Status::ok;
}

// What a walk knows at one depth.
struct Constraint::Walk {
  std::uint16_t state;
  std::uint16_t texts;  // counted: done so far
  std::uint16_t exit;   // once lost: how, see exits()
  bool left;            // an end was passed
  bool lost;            // the DFA takes no more; only tokens that leave can follow
  bool gone;            // and nothing has left: no token can follow
  bool operator==(const Walk&) const = default;

  bool stays() const { return !lost && !gone; }
  bool leaves() const { return lost && !gone; }
};

void Constraint::take(const Step& step, const Walk& from, std::uint8_t byte, Walk& to) const {
  to = from;
  to.gone = from.lost || from.gone;  // what follows an end depends on the stack
  if (to.gone) {
    to = {0, 0, 0, false, true, true};
    return;
  }
  const Dfa& dfa = grammar_.dfa(step.dfa);
  const MembersStep* members = step.op == Op::members ? &grammar_.members(step) : nullptr;
  to.state = static_cast<std::uint16_t>(dfa.step(from.state, byte));
  // Keys: where an end or a named member is near, the frame has to be asked.
  const bool asks = members && to.state != dead &&
                    (dfa.accepts(to.state) || !grammar_.extra_ahead(*members, to.state));
  to.lost = to.state == dead || asks;
  to.left = from.left || asks;
  if (to.lost && !to.left) {
    to = {0, 0, 0, false, true, true};
  } else if (to.lost) {
    const bool end = step.op == Op::counted ? from.state == 1 : dfa.accepts(from.state);
    to.exit = static_cast<std::uint16_t>(byte | (end ? exit_at_end : 0) | (asks ? exit_asks : 0));
  } else if (dfa.accepts(to.state)) {
    if (step.op == Op::counted) {
      to.state = 1;
      ++to.texts;
    }
    to.left = true;
  }
}

// Calls visit(node, at) for every node where the DFA lives, and where it has just died behind an
// end. False: more than `limit` nodes.
template <class Visit>
bool Constraint::walk(const Step& step, std::uint32_t state, std::uint64_t limit, Visit visit) {
  const std::span<const TrieNode> nodes = trie_.nodes();
  Walk path[TokenTrie::max_token_bytes + 1];
  path[0] = {static_cast<std::uint16_t>(state), 0, 0, false, false, false};
  std::uint64_t visits = 0;
  for (std::uint32_t i = 0; i < nodes.size();) {
    const TrieNode& node = nodes[i];
    Walk& to = path[node.depth];
    if (++visits > limit) return false;
    take(step, path[node.depth - 1], node.byte, to);
    if (to.gone) {
      i = node.end;
      continue;
    }
    if (!visit(i, to)) return false;
    i = to.lost ? node.end : i + 1;
  }
  visits_left_ -= std::min(visits_left_, visits);
  return true;
}

// The table of a state by one of the same DFA, where few tokens tell them apart: as soon as both
// have come to one state they agree.
Status Constraint::derive_table(const Step& step, std::uint32_t state, std::uint32_t base_state,
                                std::uint32_t base, bool& made) {
  const std::span<const TrieNode> nodes = trie_.nodes();
  Walk mine[TokenTrie::max_token_bytes + 1], theirs[TokenTrie::max_token_bytes + 1];
  mine[0] = {static_cast<std::uint16_t>(state), 0, 0, false, false, false};
  theirs[0] = {static_cast<std::uint16_t>(base_state), 0, 0, false, false, false};
  Array<std::int32_t> added(allocator_), removed(allocator_), lost(allocator_), won(allocator_);
  Array<std::uint16_t> exits(allocator_);  // beside won
  std::uint64_t visits = 0;
  made = false;
  for (std::uint32_t i = 0; i < nodes.size();) {
    const TrieNode& node = nodes[i];
    Walk& a = mine[node.depth];
    Walk& b = theirs[node.depth];
    take(step, mine[node.depth - 1], node.byte, a);
    take(step, theirs[node.depth - 1], node.byte, b);
    if (++visits > max_differences) break;
    if (a == b) {
      i = node.end;
      continue;
    }
    if (a.stays() != b.stays()) {
      INLAY_TRY((a.stays() ? added : removed).append(trie_.tokens_at(i)));
    }
    if (b.leaves()) INLAY_TRY(lost.push(static_cast<std::int32_t>(i)));
    if (a.leaves()) {
      INLAY_TRY(won.push(static_cast<std::int32_t>(i)));
      INLAY_TRY(exits.push(a.exit));
    }
    i = a.stays() || b.stays() ? i + 1 : node.end;
  }
  visits_left_ -= std::min(visits_left_, visits);
  if (visits > max_differences) return Status::ok;
  Table t = tables_[base];
  t.differ = static_cast<std::uint32_t>(lists_.size());
  t.added = static_cast<std::uint32_t>(added.size());
  t.removed = static_cast<std::uint32_t>(removed.size());
  INLAY_TRY(lists_.append(added.span()));
  INLAY_TRY(lists_.append(removed.span()));
  INLAY_TRY(needs_.extend(added.size() + removed.size()));
  // Both lists are in the order of the nodes.
  const std::size_t begin = t.leave, end = begin + t.leave_count;
  t.leave = t.by_need = static_cast<std::uint32_t>(lists_.size());
  for (std::size_t k = begin, l = 0, w = 0; k < end || w < won.size();) {
    if (k < end && l < lost.size() && lists_[k] == lost[l]) {
      ++k, ++l;
    } else if (w < won.size() && (k == end || won[w] < lists_[k])) {
      INLAY_TRY(lists_.push(won[w]));
      INLAY_TRY(needs_.push(exits[w++]));
    } else {
      const std::int32_t node = lists_[k];
      const std::uint16_t exit = needs_[k++];
      INLAY_TRY(lists_.push(node));
      INLAY_TRY(needs_.push(exit));
    }
  }
  t.leave_count = static_cast<std::uint32_t>(lists_.size()) - t.leave;
  t.by_need = static_cast<std::uint32_t>(lists_.size());
  made = true;
  return tables_.push(t);
}

Status Constraint::make_table(const Step& step, std::uint32_t state) {
  Table t{.bits = static_cast<std::uint32_t>(words_.size()),
          .differ = 0,
          .added = 0,
          .removed = 0,
          .leave = static_cast<std::uint32_t>(lists_.size()),
          .leave_count = 0,
          .by_need = 0,
          .by_need_count = 0,
          .most_need = 1};
  INLAY_TRY(words_.extend(mask_words()));
  Array<std::int32_t> needy(allocator_);
  Array<std::uint16_t> needs(allocator_);
  Status status = Status::ok;
  const bool counted = step.op == Op::counted;
  const auto visit = [&](std::uint32_t node, const Walk& at) {
    if (at.lost) {
      status = lists_.push(static_cast<std::int32_t>(node));
      if (!is_error(status)) status = needs_.push(at.exit);
      return !is_error(status);
    }
    for (const std::int32_t token : trie_.tokens_at(node)) {
      const auto id = static_cast<std::uint32_t>(token);
      words_[t.bits + id / 64] |= std::uint64_t{1} << (id % 64);
      if (!counted) continue;
      const auto need = static_cast<std::uint16_t>(at.texts + (at.state != 1 ? 1 : 0));
      if (need <= 1) continue;
      t.most_need = std::max<std::uint32_t>(t.most_need, need);
      status = needy.push(token);
      if (!is_error(status)) status = needs.push(need);
      if (is_error(status)) return false;
    }
    return true;
  };
  walk(step, state, UINT64_MAX, visit);
  INLAY_TRY(status);
  t.leave_count = static_cast<std::uint32_t>(lists_.size()) - t.leave;
  // Most first, by counting.
  t.by_need = static_cast<std::uint32_t>(lists_.size());
  t.by_need_count = static_cast<std::uint32_t>(needy.size());
  INLAY_TRY(lists_.extend(needy.size()));
  INLAY_TRY(needs_.resize(lists_.size()));
  Array<std::uint32_t> at(allocator_);
  INLAY_TRY(at.resize(t.most_need + 1));
  for (const std::uint16_t need : needs) ++at[need];
  std::uint32_t sum = t.by_need;
  for (std::uint32_t need = t.most_need + 1; need-- > 0;) sum += std::exchange(at[need], sum);
  for (std::size_t i = 0; i < needy.size(); ++i) {
    needs_[at[needs[i]]] = needs[i];
    lists_[at[needs[i]]++] = needy[i];
  }
  return tables_.push(t);
}

// The table of a state that takes and leaves as this one does, whatever DFA it is of.
std::uint32_t Constraint::find_twin(const Step& step, std::uint32_t state) {
  if (step.op == Op::counted) return no_table;
  const bool key = step.op == Op::members;
  if (key && !grammar_.named_ahead(grammar_.members(step), state).empty()) return no_table;
  const Dfa& dfa = grammar_.dfa(step.dfa);
  std::uint64_t work = 0;
  std::uint32_t found = no_table;
  for (const Known& known : known_) {
    if (known.key != key || dfa.accepts(state) != grammar_.dfa(known.dfa).accepts(known.state)) {
      continue;
    }
    if (same_from(dfa, state, grammar_.dfa(known.dfa), known.state, work)) {
      found = known.table;
      break;
    }
  }
  visits_left_ -= std::min(visits_left_, work * visits_of_state);
  return found;
}

// Of one DFA, its states from index_[first] on. Keys: first where no named member is ahead, since
// the others differ little from there.
Status Constraint::make_tables(const Step& s, std::uint32_t first) {
  const Dfa& dfa = grammar_.dfa(s.dfa);
  const bool key = s.op == Op::members;
  const auto pure = [&](std::uint32_t q) {
    return !key || grammar_.named_ahead(grammar_.members(s), q).empty();
  };
  std::uint32_t bases[max_bases], base_count = 0;  // states
  for (const bool round : {true, false}) {
    for (std::uint32_t q = 1; q < dfa.states() && visits_left_ > few_visits; ++q) {
      visits_left_ -= 1;
      if (pure(q) != round || !dfa.goes_on[q]) continue;
      if (key && !grammar_.extra_ahead(grammar_.members(s), q)) continue;
      if (words_.size() > max_words || lists_.size() > max_lists) break;
      const auto look = [](std::uint32_t, const Walk&) { return true; };
      if (walk(s, q, few_visits, look)) continue;
      visits_left_ -= few_visits;
      std::uint32_t& index = index_[first + q];
      index = find_twin(s, q);
      bool derived = false;
      for (std::uint32_t b = 0; b < base_count && index == no_table && !derived; ++b) {
        if (s.op != Op::counted) {
          INLAY_TRY(derive_table(s, q, bases[b], index_[first + bases[b]], derived));
        }
      }
      if (index == no_table && !derived) {
        INLAY_TRY(make_table(s, q));
        const auto made = static_cast<std::uint32_t>(tables_.size() - 1);
        const bool new_kind = s.op != Op::counted && pure(q) && known_.size() < max_known;
        if (new_kind) INLAY_TRY(known_.push({s.dfa, q, made, key}));
      }
      if (index == no_table) index = static_cast<std::uint32_t>(tables_.size() - 1);
      if (!derived && base_count < max_bases) bases[base_count++] = q;
    }
  }
  return Status::ok;
}

Status Constraint::make_tables() {
  const std::span<const Step> steps = grammar_.steps();
  Array<std::uint32_t> by_dfa(allocator_);  // (dfas, 2): of text, of counted
  INLAY_TRY(first_.resize(steps.size()));
  std::fill(first_.begin(), first_.end(), no_table);
  INLAY_TRY(by_dfa.resize(2 * grammar_.dfas().size()));
  std::fill(by_dfa.begin(), by_dfa.end(), no_table);
  visits_left_ = max_visits;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& s = steps[i];
    const bool key = s.op == Op::members && grammar_.members(s).extra > 0;
    if (s.op != Op::text && s.op != Op::counted && !key) continue;
    std::uint32_t own = no_table;  // what a key leads to differs from object to object
    std::uint32_t& shared = key ? own : by_dfa[2 * s.dfa + (s.op == Op::counted ? 1 : 0)];
    if (shared == no_table && visits_left_ > 0) {
      shared = static_cast<std::uint32_t>(index_.size());
      INLAY_TRY(index_.extend(grammar_.dfa(s.dfa).states()));
      std::fill(index_.begin() + shared, index_.end(), no_table);
      INLAY_TRY(make_tables(s, shared));
    }
    first_[i] = shared;
  }
  return Status::ok;
}

Status Constraint::find_ambiguous() {
  INLAY_TRY(ambiguous_.resize(grammar_.dfas().size()));
  Array<std::uint8_t> counted(allocator_);
  INLAY_TRY(counted.resize(grammar_.dfas().size()));
  for (const Step& s : grammar_.steps()) {
    if (s.op == Op::counted) counted[s.dfa] = 1;
  }
  for (std::size_t i = 0; i < ambiguous_.size(); ++i) {
    const Dfa& dfa = grammar_.dfa(static_cast<std::uint32_t>(i));
    for (std::uint32_t q = 1; q < dfa.states(); ++q) {
      if (!dfa.accepts(q) && !(q == 1 && counted[i])) continue;
      for (std::uint32_t b = 0; b < 256; ++b) {
        if (dfa.step(q, b) != dead) ambiguous_[i].add(b);
      }
    }
  }
  return Status::ok;
}

Status Constraint::bind(Error& error) {
  Status status = resolve_tokens(error);
  if (!is_error(status)) status = distances_.measure(grammar_, trie_);
  if (!is_error(status)) status = find_ambiguous();
  if (!is_error(status)) status = make_tables();
  return status == Status::memory ? fail_memory(error, "grammar: tables of tokens") : status;
}

}  // namespace inlay::grammar
