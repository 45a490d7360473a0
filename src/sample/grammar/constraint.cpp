// constraint.cpp - tables of states: one walk over the tree of tokens for each.
#include "sample/grammar/constraint.h"

#include <algorithm>

namespace inlay::grammar {
namespace {

constexpr std::uint64_t few_visits = 1500;               // a walk so short needs no table
constexpr std::uint64_t max_visits = 24000000;           // of all walks
constexpr std::size_t max_words = std::size_t{4} << 20;  // 32 MiB of tables
constexpr std::size_t max_lists = std::size_t{4} << 20;

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
      ambiguous_(allocator) {}

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
      for (id = 0; tokenizer.contains(id) && tokenizer.piece(id) != text;) ++id;
      if (!tokenizer.contains(id)) {
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
};

// Calls visit(node, at) for every node where the DFA lives, and where it has just died behind an
// end. False: more than `limit` nodes.
template <class Visit>
bool Constraint::walk(const Step& step, std::uint32_t state, std::uint64_t limit, Visit visit) {
  const Dfa& dfa = grammar_.dfa(step.dfa);
  const std::span<const TrieNode> nodes = trie_.nodes();
  const MembersStep* members = step.op == Op::members ? &grammar_.members(step) : nullptr;
  Walk path[TokenTrie::max_token_bytes + 1];
  path[0] = {static_cast<std::uint16_t>(state), 0, 0, false, false};
  std::uint64_t visits = 0;
  for (std::uint32_t i = 0; i < nodes.size();) {
    const TrieNode& node = nodes[i];
    const Walk& from = path[node.depth - 1];
    Walk& to = path[node.depth];
    if (++visits > limit) return false;
    to = from;
    to.state = static_cast<std::uint16_t>(dfa.step(from.state, node.byte));
    // Keys: where an end or a named member is near, the frame has to be asked.
    const bool asks = members && to.state != dead &&
                      (dfa.accepts(to.state) || !grammar_.extra_ahead(*members, to.state));
    to.lost = to.state == dead || asks;
    to.left = from.left || asks;
    if (to.lost && !to.left) {
      i = node.end;
      continue;
    }
    if (to.lost) {
      const bool end = step.op == Op::counted ? from.state == 1 : dfa.accepts(from.state);
      to.exit =
          static_cast<std::uint16_t>(node.byte | (end ? exit_at_end : 0) | (asks ? exit_asks : 0));
    }
    if (!to.lost && dfa.accepts(to.state)) {
      if (step.op == Op::counted) {
        to.state = 1;
        ++to.texts;
      }
      to.left = true;
    }
    if (!visit(i, to)) return false;
    i = to.lost ? node.end : i + 1;  // what follows an end depends on the stack
  }
  visits_left_ -= std::min(visits_left_, visits);
  return true;
}

Status Constraint::make_table(const Step& step, std::uint32_t state) {
  Table t{.bits = static_cast<std::uint32_t>(words_.size()),
          .leave = static_cast<std::uint32_t>(lists_.size()),
          .leave_count = 0,
          .by_need = 0,
          .by_need_count = 0,
          .most_need = 1};
  INLAY_TRY(words_.resize(words_.size() + mask_words()));
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
  INLAY_TRY(lists_.resize(lists_.size() + needy.size()));
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
    const Dfa& dfa = grammar_.dfa(s.dfa);
    std::uint32_t own = no_table;  // what a key leads to differs from object to object
    std::uint32_t& shared = key ? own : by_dfa[2 * s.dfa + (s.op == Op::counted ? 1 : 0)];
    if (shared == no_table && visits_left_ > 0) {
      shared = static_cast<std::uint32_t>(index_.size());
      INLAY_TRY(index_.resize(index_.size() + dfa.states()));
      std::fill(index_.begin() + shared, index_.end(), no_table);
      for (std::uint32_t q = 1; q < dfa.states() && visits_left_ > few_visits; ++q) {
        visits_left_ -= 1;
        if (!dfa.goes_on[q] || (key && !grammar_.extra_ahead(grammar_.members(s), q))) continue;
        if (words_.size() > max_words || lists_.size() > max_lists) break;
        const auto look = [](std::uint32_t, const Walk&) { return true; };
        if (walk(s, q, few_visits, look)) continue;
        visits_left_ -= few_visits;
        INLAY_TRY(make_table(s, q));
        index_[shared + q] = static_cast<std::uint32_t>(tables_.size() - 1);
      }
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
