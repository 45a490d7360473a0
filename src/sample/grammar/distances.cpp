// distances.cpp - bytes first, backwards from the ends of each DFA; then the tokens that spell
// them; then steps, until nothing gets shorter.
#include "sample/grammar/distances.h"

namespace inlay::grammar {
namespace {

constexpr std::uint32_t few_states = 32;

// A byte of each class, a printable one where there is one.
void bytes_of_classes(const Dfa& dfa, std::uint8_t (&byte)[256]) {
  for (std::uint32_t b = 256; b-- > 0;) byte[dfa.classes[b]] = static_cast<std::uint8_t>(b);
  for (std::uint32_t b = 0x7f; b-- > 0x20;) byte[dfa.classes[b]] = static_cast<std::uint8_t>(b);
}

}  // namespace

// The node of the tree of tokens behind each first byte, and from node to node.
struct Distances::Tree {
  const TokenTrie& trie;
  std::uint32_t first[256] = {};
  static constexpr std::uint32_t none = 0xffffffffu;

  explicit Tree(const TokenTrie& t) : trie(t) {
    std::fill_n(first, 256, none);
    const std::span<const TrieNode> nodes = trie.nodes();
    for (std::uint32_t i = 0; i < nodes.size(); i = nodes[i].end) first[nodes[i].byte] = i;
  }
  std::uint32_t next(std::uint32_t node, std::uint8_t byte) const {
    const std::span<const TrieNode> nodes = trie.nodes();
    const std::uint32_t end = nodes[node].end;
    for (std::uint32_t i = node + 1; i < end; i = nodes[i].end) {
      if (nodes[i].byte == byte) return i;
    }
    return none;
  }
  // The fewest tokens for a way: byte_at(i) is its byte number i, rest(i) the tokens behind it.
  template <class ByteAt, class Rest>
  std::uint32_t spell(std::uint32_t bytes, ByteAt byte_at, Rest rest) const {
    std::uint32_t least = far;
    for (std::uint32_t i = 0, node = none; i < bytes; ++i) {
      const std::uint8_t byte = byte_at(i);
      node = i == 0 ? first[byte] : next(node, byte);
      if (node == none) break;
      if (!trie.tokens_at(node).empty()) least = std::min(least, sum(rest(i), 1));
    }
    return least;
  }
};

Distances::Distances(Allocator& allocator)
    : allocator_(allocator),
      steps_(allocator),
      children_(allocator),
      dfas_(allocator),
      texts_(allocator),
      members_(allocator),
      named_(allocator),
      named_keys_(allocator),
      extra_keys_(allocator) {}

// Tokens from every state to the nearest one that is_end() says.
template <class IsEnd>
Status Distances::measure_ways(const Dfa& dfa, const Tree& tree, IsEnd is_end,
                               std::uint32_t* tokens) {
  const std::uint32_t states = dfa.states();
  Array<std::uint32_t> bytes(allocator_), next(allocator_), order(allocator_);
  INLAY_TRY(bytes.resize(states));
  INLAY_TRY(next.resize(states));  // class and state of the shortest way
  INLAY_TRY(order.resize(states));
  for (std::uint32_t q = 0; q < states; ++q) bytes[q] = q != dead && is_end(q) ? 0 : far;
  // Breadth-first numbers: going backwards settles all but loops, which take another round.
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t q = states; q-- > 1;) {
      for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
        const std::uint32_t to = dfa.row(q)[c];
        if (to == dead || bytes[to] + 1 >= bytes[q]) continue;
        bytes[q] = bytes[to] + 1;
        next[q] = c << 16 | to;
        changed = true;
      }
    }
  }
  for (std::uint32_t q = 0; q < states; ++q) order[q] = q;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return bytes[a] != bytes[b] ? bytes[a] < bytes[b] : a < b;
  });
  std::uint8_t byte[256];
  bytes_of_classes(dfa, byte);
  for (const std::uint32_t q : order) {
    std::uint32_t at = q;
    const auto byte_at = [&](std::uint32_t) {
      const std::uint32_t way = next[at];
      at = way & 0xffff;
      return byte[way >> 16];
    };
    const auto rest = [&](std::uint32_t) { return tokens[at]; };
    tokens[q] = bytes[q] == 0 ? 0 : bytes[q] == far ? far : tree.spell(bytes[q], byte_at, rest);
  }
  return Status::ok;
}

Status Distances::measure_text(const Dfa& dfa, const Tree& tree) {
  const auto begin = static_cast<std::uint32_t>(texts_.size());
  INLAY_TRY(dfas_.push({begin, 0}));
  INLAY_TRY(texts_.resize(begin + dfa.states()));
  const auto is_end = [&](std::uint32_t q) { return dfa.accepts(q); };
  INLAY_TRY(measure_ways(dfa, tree, is_end, texts_.data() + begin));
  for (std::uint32_t q = 1; q < dfa.states(); ++q) {
    dfas_.back().farthest = std::max(dfas_.back().farthest, texts_[begin + q]);
  }
  return Status::ok;
}

// Keys that have one spelling are measured along it; others from every state.
Status Distances::measure_keys(const Grammar& grammar, const Step& s, const Tree& tree) {
  const Dfa& dfa = grammar.dfa(s.dfa);
  const MembersStep& m = grammar.members(s);
  const std::uint32_t states = dfa.states();
  Members& mine = members_[s.first];
  mine.first = static_cast<std::uint32_t>(named_.size());
  INLAY_TRY(named_.extend(m.named));
  Array<std::uint32_t> queue(allocator_), from(allocator_), way(allocator_), cost(allocator_);
  Array<std::uint8_t> text(allocator_);
  INLAY_TRY(from.resize(states));  // class and state before
  if (dfa.start() != dead) INLAY_TRY(queue.push(dfa.start()));
  std::uint8_t byte[256];
  bytes_of_classes(dfa, byte);
  const auto key_in = [&](std::uint32_t q, std::uint32_t label) -> std::uint32_t& {
    const std::span<const std::uint32_t> ahead = grammar.named_ahead(m, q);
    const auto i = std::lower_bound(ahead.begin(), ahead.end(), label) - ahead.begin();
    return named_keys_[grammar.first_ahead(m, q) + static_cast<std::size_t>(i)];
  };
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::uint32_t q = queue[i];
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      const std::uint32_t to = dfa.row(q)[c];
      if (to == dead || to == dfa.start() || from[to] != 0) continue;
      from[to] = c << 16 | q;
      INLAY_TRY(queue.push(to));
    }
    const std::uint32_t label = dfa.labels[q];
    if (label >= m.named || named_[mine.first + label].key != far) continue;
    text.clear();
    way.clear();
    INLAY_TRY(way.push(q));
    for (std::uint32_t at = q; at != dfa.start(); at = from[at] & 0xffff) {
      INLAY_TRY(text.push(byte[from[at] >> 16]));
      INLAY_TRY(way.push(from[at] & 0xffff));
    }
    std::reverse(text.begin(), text.end());
    std::reverse(way.begin(), way.end());
    const auto size = static_cast<std::uint32_t>(text.size());
    INLAY_TRY(cost.resize(size + 1));
    cost[size] = key_in(q, label) = 0;
    for (std::uint32_t k = size; k-- > 0;) {
      cost[k] = tree.spell(
          size - k, [&](std::uint32_t j) { return text[k + j]; },
          [&](std::uint32_t j) { return cost[k + j + 1]; });
      key_in(way[k], label) = cost[k];
    }
    named_[mine.first + label].key = cost[0];
  }
  INLAY_TRY(cost.resize(states));
  for (std::uint32_t q = 1; q < states; ++q) {
    const std::span<const std::uint32_t> ahead = grammar.named_ahead(m, q);
    for (const std::uint32_t label : ahead) {
      if (key_in(q, label) != far || named_[mine.first + label].key == far) continue;
      const auto is_end = [&](std::uint32_t p) { return dfa.labels[p] == label; };
      INLAY_TRY(measure_ways(dfa, tree, is_end, cost.data()));
      for (std::uint32_t p = 1; p < states; ++p) {
        if (cost[p] != far) key_in(p, label) = cost[p];
      }
    }
  }
  mine.extra_keys = static_cast<std::uint32_t>(extra_keys_.size());
  if (m.extra == 0) return Status::ok;
  INLAY_TRY(extra_keys_.extend(states));
  const auto is_end = [&](std::uint32_t q) { return dfa.accepts(q) && dfa.labels[q] >= m.named; };
  return measure_ways(dfa, tree, is_end, extra_keys_.data() + mine.extra_keys);
}

std::uint32_t Distances::settle_members(const Grammar& grammar, const Step& s) {
  const MembersStep& m = grammar.members(s);
  Members& mine = members_[s.first];
  mine.between = m.between == no_step ? 0 : steps_[m.between];
  mine.separator = m.separator == no_step ? 0 : steps_[m.separator];
  mine.required = 0;
  mine.other = 0;
  for (std::uint32_t label = 0; label < m.named; ++label) {
    Member& one = named_[mine.first + label];
    one.all = sum(one.key, sum(mine.between, steps_[grammar.value(m, label)]));
    const bool required = grammar.is_required(m, label);
    std::uint32_t& all = required ? mine.required : mine.other;
    all = required ? sum(all, one.all) : std::max(all, one.all);
  }
  if (m.extra > 0) {
    std::uint32_t value = 0;
    for (std::uint32_t i = 0; i < m.extra; ++i) {
      value = std::max(value, steps_[grammar.value(m, m.named + i)]);
    }
    mine.extra.key = extra_keys_[mine.extra_keys + 1];
    if (m.distinct) {  // the nearest may have been seen; of a few, all but the farthest
      const bool few = grammar.words_ahead(m, 1) < countless;
      const std::uint32_t states = grammar.dfa(s.dfa).states();
      mine.extra.key =
          few ? std::max(mine.extra.key, std::min(states, few_states)) : sum(mine.extra.key, 1);
    }
    mine.extra.all = sum(mine.extra.key, sum(mine.between, value));
    mine.other = mine.extra.all;
    for (std::uint32_t i = 0; i < m.extra; ++i) {
      if (grammar.is_required(m, m.named + i)) mine.required = sum(mine.required, mine.extra.all);
    }
  }
  const std::uint32_t count = std::max(m.required_count, m.min);
  const std::uint32_t more = product(count - m.required_count, mine.other);
  return sum(sum(mine.required, more), product(count, mine.separator));
}

// True: the step's distance has become less.
bool Distances::settle(const Grammar& grammar, std::uint32_t i) {
  const Step& s = grammar.step(i);
  std::uint32_t least = far;
  switch (s.op) {
    case Op::text: least = grammar.dfa(s.dfa).start() == dead ? far : text(s.dfa, 1); break;
    case Op::counted: least = product(s.min, text(s.dfa, 1)); break;
    case Op::token: least = 1; break;
    case Op::sequence:
      least = 0;
      for (std::uint32_t child = s.count; child-- > 0;) {
        least = sum(least, steps_[grammar.children(s)[child]]);
        children_[s.first + child] = least;
      }
      break;
    case Op::choice:
      for (const std::uint32_t child : grammar.children(s)) least = std::min(least, steps_[child]);
      break;
    case Op::repeat: least = product(s.min, steps_[grammar.children(s)[0]]); break;
    case Op::members: least = settle_members(grammar, s); break;
  }
  const bool less = least < steps_[i];
  steps_[i] = least;
  return less;
}

Status Distances::measure(const Grammar& grammar, const TokenTrie& trie) {
  const Tree tree(trie);
  for (const Dfa& dfa : grammar.dfas()) INLAY_TRY(measure_text(dfa, tree));
  std::size_t children = 0, objects = 0;
  for (const Step& s : grammar.steps()) {
    if (s.op == Op::sequence) children = std::max<std::size_t>(children, s.first + s.count);
    if (s.op == Op::members) objects = std::max<std::size_t>(objects, s.first + 1);
  }
  INLAY_TRY(children_.resize(children));
  INLAY_TRY(members_.resize(objects));
  INLAY_TRY(named_keys_.resize(grammar.all_ahead()));
  std::fill(named_keys_.begin(), named_keys_.end(), far);
  for (const Step& s : grammar.steps()) {
    if (s.op == Op::members) INLAY_TRY(measure_keys(grammar, s, tree));
  }
  const auto steps = static_cast<std::uint32_t>(grammar.steps().size());
  INLAY_TRY(steps_.resize(steps));
  std::fill(steps_.begin(), steps_.end(), far);
  // Steps are numbered from the root: backwards, most of what a step refers to is known.
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = steps; i-- > 0;) changed = settle(grammar, i) || changed;
  }
  return Status::ok;
}

}  // namespace inlay::grammar
