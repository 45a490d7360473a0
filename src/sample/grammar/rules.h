// rules.h - a grammar as its front ends build it: rules over a tree of nodes. GBNF, regular
// expressions and JSON schemas are written into this form; compile.h makes an automaton of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "base/hash_map.h"
#include "sample/grammar/bytes.h"

namespace inlay::grammar {

using NodeId = std::uint32_t;
using RuleId = std::uint32_t;

inline constexpr std::uint32_t unbounded = 0xffffffffu;  // of a repetition, of members
inline constexpr std::uint32_t no_node = 0xffffffffu;

// What a node matches. Text is bytes: code points are matched as their UTF-8.
enum class Kind : std::uint8_t {
  never,     // nothing at all; what holds it is pruned
  empty,     // ""
  bytes,     // one byte of a set
  points,    // one code point of a list of ranges
  literal,   // these bytes
  sequence,  // children one after the other
  choice,    // any child
  repeat,    // a child, min to max times; counted in the frame, so any size costs the same
  rule,      // what a rule says
  all_of,    // regular: text that every child matches
  but_not,   // regular: text of child 0 that child 1 does not match
  token,     // one token of the vocabulary, given by id or by its text; not as text
  members,   // of an object: see Members
  table,     // regular: what a finished automaton accepts
};

// From a state to another over the bytes low to high. Edges of a table ascend by (from, low) and no
// two of one state overlap.
struct TableEdge {
  std::uint32_t from;
  std::uint8_t low, high;
  std::uint32_t to;
};

// A member whose key is known.
struct Member {
  NodeId key;  // the key as it stands in the text (with its quotes); regular
  NodeId value;
  bool required = false;
};

// Members whose keys are told by a pattern: any number of them. No key may match both a named
// member's and an extra one's, and no two extras' (use but_not): the key decides. An extra whose
// keys are few should be listed as named members instead.
struct Extra {
  NodeId key;  // regular
  NodeId value;
  // Some such member comes; not beside `ordered`. With a bound of members an object may then run
  // into a dead end: for texts that are there already.
  bool required = false;
};

// The members of an object, without the brackets around them:
//   key between value (separator key between value)...
// No named key comes twice, required ones come, the number of members is min to max. What has been
// seen is kept in the frame, so N members in any order cost N, not N!.
struct Members {
  std::span<const Member> named;  // at most max_members
  std::span<const Extra> extra;
  NodeId between = no_node;    // ":" and white space; no_node: nothing
  NodeId separator = no_node;  // "," and white space
  std::uint32_t min = 0;
  std::uint32_t max = unbounded;
  bool ordered = false;  // named members come in their order, extras after all of them
  // No extra key comes twice (compared byte by byte); keys longer than what a matcher's memory
  // holds are then refused.
  bool distinct = true;
};

// Where a rule stands in its text; 0: unknown. Schemas name rules by their path instead.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Node {
  Kind kind = Kind::never;
  bool negated = false;     // points, token: all others
  std::uint32_t first = 0;  // in: children; bytes: sets; points: ranges; literal, token: text;
                            // rule: the rule; members: records; table: edges
  std::uint32_t count = 0;  // of them; token by id: 0
  std::uint32_t min = 0;    // repeat; token by id: the id; table: first of the states' flags
  std::uint32_t max = 0;    // repeat; table: number of states
};

struct Rule {
  std::uint32_t name = 0;  // in the text
  std::uint32_t name_size = 0;
  NodeId body = no_node;  // no_node: declared, not defined
  Place place;
};

struct MembersRecord {
  std::uint32_t first = 0;  // in members(): named, then extra
  std::uint32_t named = 0;
  std::uint32_t extra = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  NodeId between = no_node;
  NodeId separator = no_node;
  bool ordered = false;
  bool distinct = true;
};

// Builds a grammar. Every call gives a node that can be used, whatever went wrong: the first error
// (memory, a limit) sticks and is told by status(). Nodes may be used in several places: a string
// of JSON should be one node, so that its tables are made once. Nodes are checked by compile(), not
// here. Not thread-safe.
class Rules {
 public:
  static constexpr std::uint32_t max_nodes = 1u << 21;
  static constexpr std::uint32_t max_rules = 1u << 18;
  static constexpr std::uint32_t max_text_bytes = 1u << 24;
  static constexpr std::uint32_t max_members = 1u << 14;

  explicit Rules(Allocator& allocator);

  NodeId never() { return never_; }
  NodeId empty() { return empty_; }
  NodeId literal(std::string_view bytes);
  NodeId byte(std::uint32_t value);
  NodeId bytes(const ByteSet& set);
  // Code points in any order, perhaps overlapping; surrogates match nothing. `negated`: all others.
  NodeId points(std::span<const PointRange> ranges, bool negated = false);
  NodeId any_point() { return any_point_; }
  NodeId sequence(std::span<const NodeId> parts);
  NodeId choice(std::span<const NodeId> parts);
  NodeId sequence(NodeId a, NodeId b) { return sequence(std::span<const NodeId>(Pair{a, b}.ids)); }
  NodeId choice(NodeId a, NodeId b) { return choice(std::span<const NodeId>(Pair{a, b}.ids)); }
  NodeId optional(NodeId part) { return repeat(part, 0, 1); }
  // max >= min; max may be `unbounded`.
  NodeId repeat(NodeId part, std::uint32_t min, std::uint32_t max);

  // Children must be regular (no recursion, no members, no tokens): they become one DFA, whose
  // states are bounded: a counter inside costs its size here.
  NodeId all_of(std::span<const NodeId> parts);
  NodeId all_of(NodeId a, NodeId b) { return all_of(std::span<const NodeId>(Pair{a, b}.ids)); }
  NodeId but_not(NodeId text, NodeId excluded);

  NodeId token(std::int32_t id, bool negated = false);
  NodeId token(std::string_view text, bool negated = false);
  NodeId members(const Members& members);
  // A deterministic automaton over bytes without dead ends: as many states as `accepting` has, and
  // it begins in state 0. `edges` as TableEdge says.
  NodeId table(std::span<const TableEdge> edges, std::span<const std::uint8_t> accepting);

  // A rule that may be referred to before it is defined. Names are for error texts and need not
  // differ (find gives the first).
  RuleId declare(std::string_view name, Place place = {});
  void define(RuleId rule, NodeId body);
  NodeId rule(RuleId rule);
  // no_node: there is none.
  RuleId find(std::string_view name) const;

  void set_root(RuleId rule) { root_ = rule; }
  RuleId root() const { return root_; }

  // OK, or the first error with its text.
  Status status(Error& error) const;
  bool failed() const { return status_ != Status::ok; }

  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Rule> rules() const { return rules_; }
  const Node& node(NodeId id) const { return nodes_[id]; }
  Rule& at(RuleId id) { return rules_[id]; }
  std::string_view name(RuleId id) const {
    return {text_.data() + rules_[id].name, rules_[id].name_size};
  }
  std::span<const NodeId> children(const Node& n) const {
    return {children_.data() + n.first, n.count};
  }
  std::string_view text(const Node& n) const { return {text_.data() + n.first, n.count}; }
  const ByteSet& set(const Node& n) const { return sets_[n.first]; }
  std::span<const PointRange> ranges(const Node& n) const {
    return {ranges_.data() + n.first, n.count};
  }
  const MembersRecord& record(const Node& n) const { return records_[n.first]; }
  std::span<const TableEdge> edges(const Node& n) const {
    return {edges_.data() + n.first, n.count};
  }
  std::span<const std::uint8_t> accepting(const Node& n) const {
    return {accepting_.data() + n.min, n.max};
  }
  // Named members, then extra ones.
  std::span<const Member> members(const MembersRecord& r) const {
    return {members_.data() + r.first, std::size_t{r.named} + r.extra};
  }
  Allocator& allocator() const { return *allocator_; }

 private:
  struct Pair {
    constexpr Pair(NodeId a, NodeId b) : ids{a, b} {}
    NodeId ids[2];
  };

  NodeId add(Node node);
  NodeId add_parent(Kind kind, std::span<const NodeId> parts);
  bool keep_text(std::string_view text, std::uint32_t& first);
  bool check(Status status);
  void refuse(Status status, std::string_view what, std::uint64_t limit);

  Allocator* allocator_;
  Array<Node> nodes_;
  Array<NodeId> children_;
  Array<char> text_;
  Array<ByteSet> sets_;
  Array<PointRange> ranges_;
  Array<Member> members_;
  Array<MembersRecord> records_;
  Array<TableEdge> edges_;
  Array<std::uint8_t> accepting_;
  Array<Rule> rules_;
  HashMap<std::uint64_t, RuleId> by_name_;  // of the name's hash
  RuleId root_ = 0;
  NodeId never_ = 0, empty_ = 0, any_point_ = 0;
  Status status_ = Status::ok;
  std::string_view refused_;
  std::uint64_t refused_limit_ = 0;
};

}  // namespace inlay::grammar
