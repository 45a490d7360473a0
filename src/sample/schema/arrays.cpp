// arrays.cpp - from the facts of a branch to an array: items by their place, counts, and what has
// to be contained.
#include "sample/schema/compiler.h"

namespace inlay::schema {

using Kind = Document::Kind;
using grammar::NodeId;

namespace {

constexpr std::uint32_t max_places = 2'000;  // items of which each has its own schema
constexpr std::uint32_t max_contains = 3;
constexpr std::uint32_t max_nodes = 20'000;  // places times counts
constexpr std::uint32_t endless = 0xffffffffu;

}  // namespace

class ArrayShape {
 public:
  ArrayShape(Compiler& compiler, const Branch& b)
      : c_(compiler), b_(b), wanted_(c_.allocator_), memo_(c_.allocator_) {}

  Status make(NodeId& node, bool only_look, bool& possible);

 private:
  // At least `low` and at most `high` items that satisfy a claim, from a place on.
  struct Wanted {
    Claim claim;
    std::uint32_t low, high, from;
  };

  bool is(ValueId v, Kind kind) const { return c_.document_.is(v, kind); }
  Status read();
  Status read_group(const Fact& f);
  Status item_claims(std::uint32_t index, Array<Claim>& claims);
  Status item_goal(std::uint32_t index, GoalId& goal) {
    Array<Claim> claims(c_.allocator_);
    INLAY_TRY(item_claims(index, claims));
    return c_.intern_goal(claims, goal);
  }
  Status unique(NodeId& node, bool only_look, bool& done);
  Status plain(NodeId& node);
  Status with_contains(std::uint32_t index, std::span<const std::uint32_t> counts, NodeId& node,
                       std::uint32_t depth);
  Status one_item(std::uint32_t index, std::span<const std::uint32_t> counts, std::uint32_t held,
                  Array<NodeId>& ways, std::uint32_t depth);

  Compiler& c_;
  const Branch& b_;
  std::uint32_t low_ = 0, high_ = endless;
  std::uint32_t places_ = 0;  // items before this one have schemas of their own
  Array<Wanted> wanted_;
  ValueId unique_ = no_value;
  HashMap<std::uint64_t, NodeId> memo_;
};

Status ArrayShape::read_group(const Fact& f) {
  const ValueId prefix = c_.member(f.value, Word::prefix_items);
  const ValueId items = c_.member(f.value, Word::items);
  std::uint32_t places = 0;
  if (prefix != no_value) places = c_.document_[prefix].children;
  if (is(items, Kind::array)) places = c_.document_[items].children;
  places_ = places > places_ ? places : places_;
  return Status::ok;
}

Status ArrayShape::read() {
  for (const Fact& f : b_.facts) {
    switch (f.kind) {
      case Fact::Kind::group: INLAY_TRY(read_group(f)); break;
      case Fact::Kind::count:
        low_ = f.low > low_ ? f.low : low_;
        high_ = f.high < high_ ? f.high : high_;
        break;
      case Fact::Kind::item: places_ = f.low + 1 > places_ ? f.low + 1 : places_; break;
      case Fact::Kind::unique: unique_ = f.value; break;
      case Fact::Kind::contains:
        if (f.low > 0 || f.high != endless) INLAY_TRY(wanted_.push({f.claim, f.low, f.high, 0}));
        break;
      case Fact::Kind::some_item:
        places_ = f.low > places_ ? f.low : places_;
        INLAY_TRY(wanted_.push({f.claim, 1, endless, f.low}));
        break;
      default: break;
    }
  }
  return Status::ok;
}

// What is said of the item at a place, should it be there.
Status ArrayShape::item_claims(std::uint32_t index, Array<Claim>& claims) {
  Array<std::uint32_t> evaluating(c_.allocator_);
  for (const Fact& f : b_.facts) {
    if (f.kind == Fact::Kind::item && f.low == index) INLAY_TRY(claims.push(f.claim));
    if (f.kind != Fact::Kind::group) continue;
    INLAY_TRY(c_.step());
    const ValueId prefix = c_.member(f.value, Word::prefix_items);
    const ValueId items = c_.member(f.value, Word::items);
    const ValueId list = is(items, Kind::array) ? items : prefix;
    const ValueId rest =
        is(items, Kind::array) ? c_.member(f.value, Word::additional_items) : items;
    ValueId schema = list == no_value ? no_value : c_.document_.item(list, index);
    if (schema == no_value) schema = rest;
    if (schema == no_value) continue;
    INLAY_TRY(c_.check_schema(schema));
    INLAY_TRY(claims.push(Claim::schema(schema)));
    INLAY_TRY(evaluating.push(f.scope));
  }
  for (const Fact& f : b_.facts) {
    if (f.kind != Fact::Kind::unevaluated) continue;
    if (c_.is_false(f.claim.opposite())) continue;  // true asks for nothing
    bool evaluated = false;
    std::uint32_t containing = 0;
    for (const std::uint32_t scope : evaluating) {
      evaluated = evaluated || c_.is_inside(b_, scope, f.scope);
    }
    for (const Fact& g : b_.facts) {
      if (!c_.is_inside(b_, g.scope, f.scope)) continue;
      evaluated = evaluated || (g.kind == Fact::Kind::unevaluated && g.scope != f.scope);
      if (g.kind == Fact::Kind::contains && !(is(f.claim.value(), Kind::boolean))) {
        return c_.refuse(Status::unsupported, f.value, "unevaluatedItems beside contains");
      }
      if (g.kind == Fact::Kind::contains && ++containing > 1) {
        return c_.refuse(Status::unsupported, f.value, "unevaluatedItems beside two contains");
      }
    }
    // An item that is contained counts as evaluated; here nothing else may be there.
    for (const Fact& g : b_.facts) {
      if (g.kind != Fact::Kind::contains || !c_.is_inside(b_, g.scope, f.scope)) continue;
      if (!evaluated) INLAY_TRY(claims.push(g.claim));
      evaluated = true;
    }
    if (!evaluated) INLAY_TRY(claims.push(f.claim));
  }
  return Status::ok;
}

// Items that differ: members without values, each item being a key that comes no second time.
// Values are written in one way there, as keys are compared byte by byte.
Status ArrayShape::unique(NodeId& node, bool only_look, bool& done) {
  done = false;
  if (unique_ == no_value || high_ <= 1 || c_.options_.ignore_unique) return Status::ok;
  Array<Claim> claims(c_.allocator_);
  GoalId goal = 0;
  Types types = 0;
  INLAY_TRY(item_claims(0, claims));
  INLAY_TRY(c_.intern_goal(claims, goal));
  INLAY_TRY(c_.goal_types(goal, types));
  if (places_ > 0 || !wanted_.empty() || types & (bit(Type::array) | bit(Type::object))) {
    return c_.refuse(Status::unsupported, unique_,
                     "only items without arrays and objects, of one schema, can be told apart");
  }
  done = true;
  if (only_look) return Status::ok;
  grammar::Extra item{0, c_.rules_.empty()};
  INLAY_TRY(c_.unique_body(goal, types, item.key));
  grammar::Members members;
  members.extra = {&item, 1};
  members.separator = c_.comma_;
  members.min = low_;
  members.max = high_;
  node = c_.in_brackets('[', c_.rules_.members(members), ']');
  return Status::ok;
}

// item (, item)* with each place's own schema, from the end to the begin.
Status ArrayShape::plain(NodeId& node) {
  grammar::Rules& rules = c_.rules_;
  GoalId goal = 0;
  NodeId item = 0;
  const std::uint32_t places = places_ < high_ ? places_ : high_;
  NodeId behind = rules.empty();  // what follows `places` items, with its commas
  if (high_ > places) {
    INLAY_TRY(item_goal(places, goal));
    INLAY_TRY(c_.goal_node(goal, item));
    const std::uint32_t least = low_ > places ? low_ - places : 0;
    const std::uint32_t most = high_ == endless ? endless : high_ - places;
    if (places == 0) {
      const std::uint32_t others = most == endless ? endless : most - 1;
      behind =
          rules.sequence(item, rules.repeat(c_.then_comma(item), least ? least - 1 : 0, others));
      if (least == 0) behind = rules.optional(behind);
    } else {
      behind = rules.repeat(c_.then_comma(item), least, most);
    }
  }
  for (std::uint32_t i = places; i-- > 0;) {
    INLAY_TRY(item_goal(i, goal));
    INLAY_TRY(c_.goal_node(goal, item));
    behind = rules.sequence(i > 0 ? c_.then_comma(item) : item, behind);
    if (i >= low_) behind = rules.optional(behind);
  }
  node = c_.in_brackets('[', behind, ']');
  return Status::ok;
}

// The ways on by an item that satisfies exactly the wanted claims in `held` (bits) where a claim's
// number is bounded from above, and at least those elsewhere.
Status ArrayShape::one_item(std::uint32_t index, std::span<const std::uint32_t> counts,
                            std::uint32_t held, Array<NodeId>& ways, std::uint32_t depth) {
  Array<Claim> claims(c_.allocator_);
  Array<std::uint32_t> next(c_.allocator_);
  INLAY_TRY(item_claims(index, claims));
  INLAY_TRY(next.append(counts));
  for (std::uint32_t w = 0; w < wanted_.size(); ++w) {
    const Wanted& x = wanted_[w];
    const bool in = held >> w & 1;
    if (in && index < x.from) return Status::ok;
    if (in) {
      INLAY_TRY(claims.push(x.claim));
      if (next[w] == x.high) return Status::ok;
      const std::uint32_t enough = x.high == endless ? x.low : x.high;
      if (x.high == endless && next[w] == enough) return Status::ok;  // need not be told any more
      ++next[w];
    } else if (x.high != endless) {
      INLAY_TRY(claims.push(x.claim.opposite()));
    }
  }
  for (const Claim claim : claims) {
    if (c_.is_false(claim)) return Status::ok;
  }
  GoalId goal = 0;
  NodeId item = 0, rest = 0;
  bool empty = false;
  INLAY_TRY(c_.intern_goal(claims, goal));
  INLAY_TRY(c_.is_empty(goal, empty));
  if (empty) return Status::ok;
  INLAY_TRY(c_.goal_node(goal, item));
  INLAY_TRY(with_contains(index + 1, next, rest, depth + 1));
  return ways.push(c_.rules_.sequence(index > 0 ? c_.then_comma(item) : item, rest));
}

// What may follow `index` items of which `counts` satisfied the wanted claims.
Status ArrayShape::with_contains(std::uint32_t index, std::span<const std::uint32_t> counts,
                                 NodeId& node, std::uint32_t depth) {
  grammar::Rules& rules = c_.rules_;
  // Beyond all places and counts of items, one place is like the other.
  const std::uint32_t last = places_ > low_ ? places_ : low_;
  const bool settled = index >= last && index > 0 && high_ == endless;
  std::uint64_t key = settled ? last + 1 : index;
  for (const std::uint32_t n : counts) key = key * 4096 + n;
  if (const NodeId* known = memo_.find(key)) {
    node = *known;
    return Status::ok;
  }
  if (memo_.size() >= max_nodes || depth > max_places) {
    return c_.refuse(Status::limit, wanted_[0].claim.value(),
                     "items to be contained, at too many places");
  }
  INLAY_TRY(c_.step());
  const grammar::RuleId rule = rules.declare(c_.document_.path(wanted_[0].claim.value()).view());
  node = rules.rule(rule);
  INLAY_TRY(memo_.insert(key, node));
  Array<NodeId> ways(c_.allocator_);
  bool enough = index >= low_;
  for (std::uint32_t w = 0; w < wanted_.size(); ++w) enough = enough && counts[w] >= wanted_[w].low;
  if (enough) INLAY_TRY(ways.push(rules.empty()));
  if (index < high_) {
    for (std::uint32_t held = 0; held < 1u << wanted_.size(); ++held) {
      INLAY_TRY(one_item(index, counts, held, ways, depth));
    }
  }
  rules.define(rule, rules.choice(ways));
  return Status::ok;
}

Status ArrayShape::make(NodeId& node, bool only_look, bool& possible) {
  INLAY_TRY(read());
  const ValueId where = b_.where();
  if (places_ > max_places && places_ > high_) places_ = high_;
  if (places_ > max_places) {
    return c_.refuse(Status::limit, where, "over {} items with schemas of their own", max_places);
  }
  // A place where nothing can stand ends the array.
  for (std::uint32_t i = 0; i <= places_ && i < high_; ++i) {
    Array<Claim> claims(c_.allocator_);
    GoalId goal = 0;
    bool empty = false;
    INLAY_TRY(item_claims(i, claims));
    for (const Claim claim : claims) empty = empty || c_.is_false(claim);
    INLAY_TRY(c_.intern_goal(claims, goal));
    if (!empty) INLAY_TRY(c_.is_empty(goal, empty));
    if (empty) high_ = i;
  }
  possible = low_ <= high_;
  for (const Wanted& x : wanted_) {
    possible = possible && x.low <= x.high && (high_ == endless || x.from + x.low <= high_);
    GoalId goal = 0;
    bool empty = false;
    INLAY_TRY(c_.intern_goal({&x.claim, 1}, goal));
    INLAY_TRY(c_.is_empty(goal, empty));
    if (empty && x.low > 0) possible = false;
  }
  if (!possible) return Status::ok;
  bool done = false;
  INLAY_TRY(unique(node, only_look, done));
  if (only_look || done) return Status::ok;
  if (wanted_.empty()) return plain(node);
  if (wanted_.size() > max_contains) {
    return c_.refuse(Status::limit, where, "over {} kinds of items to be contained", max_contains);
  }
  Array<std::uint32_t> counts(c_.allocator_);
  INLAY_TRY(counts.resize(wanted_.size()));
  for (const Wanted& x : wanted_) {
    if (x.low > 2'000 || (x.high != endless && x.high > 2'000)) {
      return c_.refuse(Status::limit, x.claim.value(), "over 2000 items to be contained");
    }
  }
  NodeId items = 0;
  INLAY_TRY(with_contains(0, counts, items, 0));
  node = c_.in_brackets('[', items, ']');
  return Status::ok;
}

Status Compiler::array_node(const Branch& b, NodeId& node, bool only_look, bool& possible) {
  possible = true;
  ArrayShape shape(*this, b);
  return shape.make(node, only_look, possible);
}

}  // namespace inlay::schema
