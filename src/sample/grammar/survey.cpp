// survey.cpp - facts of nodes, each by one pass over the edges (no recursion, linear time).
#include "sample/grammar/survey.h"

#include <algorithm>

namespace inlay::grammar {
namespace {

constexpr std::uint32_t heavy_width = 64;  // a loop over so many bytes takes most tokens
constexpr std::uint32_t weight_limit = 1u << 30;

std::uint32_t plus(std::uint32_t a, std::uint32_t b) { return std::min(a + b, weight_limit); }

std::uint32_t times(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{a} * b, weight_limit));
}

std::uint16_t width_of(std::span<const PointRange> ranges, bool negated) {
  std::uint32_t width = 0;
  for (const PointRange& r : ranges) {
    if (r.high < r.low) continue;
    width += std::min(r.high, 255u) - std::min(r.low, 255u) + 1;
  }
  width = std::min(width, 256u);
  return static_cast<std::uint16_t>(negated ? 256 - width : width);
}

// Edges come state by state: a state that most bytes leave as it is loops over most characters.
void measure_table(std::span<const TableEdge> edges, NodeFacts& f, std::uint32_t& heavy) {
  std::uint32_t loop = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const std::uint32_t width = edges[i].high - edges[i].low + 1u;
    if (i > 0 && edges[i].from != edges[i - 1].from) loop = 0;
    const std::uint32_t before = loop;
    if (edges[i].to == edges[i].from) loop += width;
    if (before < heavy_width && loop >= heavy_width) ++heavy;
    f.width = static_cast<std::uint16_t>(std::max<std::uint32_t>(f.width, width));
  }
}

}  // namespace

Survey::Survey(const Rules& rules)
    : rules_(rules),
      allocator_(rules.allocator()),
      facts_(allocator_),
      order_(allocator_),
      parent_begin_(allocator_),
      parents_(allocator_),
      products_(allocator_) {}

std::string_view Survey::rule_text(RuleId rule, std::span<char> text) const {
  const Rule& r = rules_.rules()[rule];
  const std::size_t size =
      r.place.line ? print(text.data(), text.size(), "rule '{}' (line {}, column {})",
                           Shown(rules_.name(rule)), r.place.line, r.place.column)
                   : print(text.data(), text.size(), "rule '{}'", Shown(rules_.name(rule)));
  return {text.data(), std::min(size, text.size() - 1)};
}

// Calls visit(child) for what a node refers to; a rule refers to its body.
template <class Visit>
Status Survey::visit_children(const Node& n, Visit visit) const {
  switch (n.kind) {
    case Kind::sequence:
    case Kind::choice:
    case Kind::repeat:
    case Kind::all_of:
    case Kind::but_not:
      for (const NodeId child : rules_.children(n)) INLAY_TRY(visit(child));
      break;
    case Kind::rule: return visit(rules_.rules()[n.first].body);
    case Kind::members: {
      const MembersRecord& r = rules_.record(n);
      for (const Member& m : rules_.members(r)) {
        INLAY_TRY(visit(m.key));
        INLAY_TRY(visit(m.value));
      }
      INLAY_TRY(visit(r.between));
      return visit(r.separator);
    }
    default: break;
  }
  return Status::ok;
}

Status Survey::reach(Error& error) {
  const std::size_t count = rules_.nodes().size();
  INLAY_TRY(facts_.resize(count));
  INLAY_TRY(order_.reserve(count));
  if (rules_.root() >= rules_.rules().size() || rules_.rules()[rules_.root()].body >= count) {
    return fail(error, Status::format, "grammar: the start rule is not defined");
  }
  const NodeId root = rules_.rules()[rules_.root()].body;
  facts_[root].reached = true;
  facts_[root].owner = rules_.root();
  facts_[root].uses = 1;
  INLAY_TRY(order_.push(root));
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const NodeId id = order_[i];
    const Node& n = rules_.node(id);
    const RuleId owner = n.kind == Kind::rule ? n.first : facts_[id].owner;
    if (n.kind == Kind::rule &&
        (owner >= rules_.rules().size() || rules_.rules()[owner].body >= count)) {
      char text[160];
      if (owner >= rules_.rules().size()) {
        return fail(error, Status::format, "grammar: rule {} of {}", owner, rules_.rules().size());
      }
      return fail(error, Status::format, "{} is not defined", rule_text(owner, text));
    }
    INLAY_TRY(visit_children(n, [&](NodeId child) {
      if (child >= count) return Status::internal;
      ++facts_[child].uses;
      if (facts_[child].reached) return Status::ok;
      facts_[child].reached = true;
      facts_[child].owner = owner;
      return order_.push(child);
    }));
  }
  return Status::ok;
}

Status Survey::link_parents() {
  INLAY_TRY(parent_begin_.resize(facts_.size() + 1));
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    parent_begin_[i + 1] = parent_begin_[i] + facts_[i].uses;
  }
  INLAY_TRY(parents_.resize(parent_begin_[facts_.size()]));
  Array<std::uint32_t> at(allocator_);
  INLAY_TRY(at.append({parent_begin_.data(), facts_.size()}));
  // The root's use by nobody is a parent of itself that never counts.
  const NodeId root = rules_.rules()[rules_.root()].body;
  parents_[at[root]++] = no_node;
  for (const NodeId id : order_) {
    INLAY_TRY(visit_children(rules_.node(id), [&](NodeId child) {
      parents_[at[child]++] = id;
      return Status::ok;
    }));
  }
  return Status::ok;
}

// Facts of a regular node whose children's are known.
Status Survey::measure(NodeId id, RegularBuilder& builder, Error& error) {
  const Node& n = rules_.node(id);
  NodeFacts& f = facts_[id];
  f.regular = true;
  f.weight = 1;
  std::uint32_t heavy = 0;
  bool all_nullable = true, any_nullable = false;
  INLAY_TRY(visit_children(n, [&](NodeId child) {
    const NodeFacts& c = facts_[child];
    f.weight = plus(f.weight, c.weight);
    f.width = std::max(f.width, c.width);
    heavy += c.uses > 1 && c.heavy ? 2 : c.heavy;
    all_nullable = all_nullable && c.nullable;
    any_nullable = any_nullable || c.nullable;
    return Status::ok;
  }));
  if (n.kind == Kind::rule && facts_[rules_.rules()[n.first].body].uses == 1) {
    heavy = facts_[rules_.rules()[n.first].body].heavy;
  }
  switch (n.kind) {
    case Kind::empty: f.nullable = true; break;
    case Kind::literal: f.weight = n.count; break;
    case Kind::bytes: f.width = static_cast<std::uint16_t>(rules_.set(n).count()); break;
    case Kind::points:
      f.weight = times(n.count + 2, 4);
      f.width = width_of(rules_.ranges(n), n.negated);
      break;
    case Kind::table: {
      f.nullable = rules_.accepting(n)[0] != 0;
      f.weight = n.max;
      measure_table(rules_.edges(n), f, heavy);
      break;
    }
    case Kind::sequence:
    case Kind::rule: f.nullable = all_nullable; break;
    case Kind::choice: f.nullable = any_nullable; break;
    case Kind::repeat: {
      const std::uint32_t copies = n.max == unbounded ? n.min + 1 : n.max;
      f.weight = times(f.weight, std::max(copies, 1u));
      f.nullable = n.min == 0 || all_nullable;
      const bool loops = n.max == unbounded || n.max > 4;
      if (loops && f.width >= heavy_width) {
        heavy += n.max == unbounded && n.min <= 1 ? 1 : 2;
      } else if (n.max > 1 && heavy) {
        heavy = 2;
      }
      break;
    }
    case Kind::all_of:
    case Kind::but_not: {
      f.dfa = static_cast<std::uint32_t>(products_.size());
      Dfa dfa(allocator_);
      const Status status = f.weight > RegularBuilder::max_nfa
                                ? Status::limit
                                : builder.sequence({&id, 1}, max_states, dfa);
      if (is_error(status)) {
        char text[160];
        if (status == Status::memory) return fail_memory(error, "grammar");
        return fail(error, status, "{}: {} is too large ({})", rule_text(f.owner, text),
                    n.kind == Kind::all_of ? "all_of" : "but_not", builder.why());
      }
      f.nullable = dfa.start() != dead && dfa.accepts(dfa.start());
      f.weight = plus(dfa.states(), 1);
      INLAY_TRY(products_.push(std::move(dfa)));
      break;
    }
    default: break;
  }
  f.heavy = static_cast<std::uint8_t>(std::min(heavy, 2u));
  return Status::ok;
}

// A node is regular when its children are; one in a circle never gets its turn.
Status Survey::find_regular(RegularBuilder& builder, Error& error) {
  Array<std::uint32_t> missing(allocator_);
  Array<NodeId> work(allocator_);
  INLAY_TRY(missing.resize(facts_.size()));
  INLAY_TRY(work.reserve(order_.size()));
  for (const NodeId id : order_) {
    INLAY_TRY(visit_children(rules_.node(id), [&](NodeId) {
      ++missing[id];
      return Status::ok;
    }));
    if (missing[id] == 0 && rules_.node(id).kind != Kind::token) INLAY_TRY(work.push(id));
  }
  for (std::size_t i = 0; i < work.size(); ++i) {
    INLAY_TRY(measure(work[i], builder, error));
    for (const NodeId parent : parents(work[i])) {
      if (parent == no_node || --missing[parent] > 0) continue;
      const Kind kind = rules_.node(parent).kind;
      if (kind != Kind::members) INLAY_TRY(work.push(parent));
    }
  }
  for (const NodeId id : order_) {
    const Kind kind = rules_.node(id).kind;
    char text[160];
    if ((kind == Kind::all_of || kind == Kind::but_not) && !facts_[id].regular) {
      return fail(error, Status::format, "{}: a part of {} is not regular",
                  rule_text(facts_[id].owner, text), kind == Kind::all_of ? "all_of" : "but_not");
    }
  }
  return Status::ok;
}

// Distinct extra keys may be too few for the least number of members.
Status Survey::count_extras(RegularBuilder& builder) {
  Array<std::uint32_t> texts(allocator_);
  for (const NodeId id : order_) {
    if (rules_.node(id).kind != Kind::members) continue;
    const MembersRecord& r = rules_.record(rules_.node(id));
    if (!r.distinct || r.min < 2) continue;
    for (const Member& m : rules_.members(r).subspan(r.named)) {
      NodeFacts& f = facts_[m.key];
      if (!f.regular || f.weight > RegularBuilder::max_nfa / 2) continue;
      Dfa dfa(allocator_);
      const Status status = builder.sequence({&m.key, 1}, max_states, dfa);
      if (status == Status::limit) continue;
      INLAY_TRY(status);
      INLAY_TRY(count_texts(dfa, 0, texts));
      f.texts = dfa.start() == dead ? 0 : texts[dfa.start()];
    }
  }
  return Status::ok;
}

bool Survey::can_end(const MembersRecord& r) const {
  std::uint64_t usable = 0;
  std::uint32_t required = 0;
  std::uint32_t at = 0;
  if (!facts_[r.between].productive || !facts_[r.separator].productive) return false;
  for (const Member& m : rules_.members(r)) {
    const bool both = facts_[m.key].productive && facts_[m.value].productive;
    if (m.required && !both) return false;
    required += m.required ? 1 : 0;
    const bool counted = r.distinct && facts_[m.key].texts < countless;
    if (both) usable += at < r.named ? 1 : counted ? facts_[m.key].texts : unbounded;
    ++at;
  }
  return usable >= r.min && required <= r.max;
}

// Some text matches: leaves say so, and parents once enough of their children do.
Status Survey::find_productive(Error& error) {
  Array<std::uint32_t> missing(allocator_);
  Array<NodeId> work(allocator_);
  INLAY_TRY(missing.resize(facts_.size()));
  INLAY_TRY(work.reserve(order_.size()));
  const auto found = [&](NodeId id) {
    if (facts_[id].productive) return Status::ok;
    facts_[id].productive = true;
    return work.push(id);
  };
  Array<PointRange> ranges(allocator_);
  for (const NodeId id : order_) {
    const Node& n = rules_.node(id);
    bool now = false;
    switch (n.kind) {
      case Kind::never: missing[id] = 1; break;
      case Kind::points:
        INLAY_TRY(normalize_ranges(rules_.ranges(n), n.negated, ranges));
        now = !ranges.empty();
        missing[id] = 1;
        break;
      case Kind::bytes: now = rules_.set(n).count() > 0; break;
      case Kind::all_of:
      case Kind::but_not:
        now = products_[facts_[id].dfa].start() != dead;
        missing[id] = 0xffffffff;
        break;
      case Kind::sequence: missing[id] = n.count; break;
      case Kind::choice: missing[id] = 1; break;
      case Kind::repeat:
        missing[id] = n.min > 0 ? 1 : 0;
        now = n.min == 0;
        break;
      case Kind::rule: missing[id] = 1; break;
      case Kind::members: {
        // Each required member's key and value, and what stands between; the rest may be missing.
        const MembersRecord& r = rules_.record(n);
        now = r.min == 0;
        for (const Member& m : rules_.members(r)) now = now && !m.required;
        break;
      }
      default: now = true; break;
    }
    if (now) INLAY_TRY(found(id));
  }
  for (std::size_t i = 0;; ++i) {
    for (std::size_t k = 0; i == work.size() && k < order_.size(); ++k) {
      const Node& n = rules_.node(order_[k]);
      const bool open = n.kind == Kind::members && !facts_[order_[k]].productive;
      if (open && can_end(rules_.record(n))) INLAY_TRY(found(order_[k]));
    }
    if (i == work.size()) break;
    for (const NodeId parent : parents(work[i])) {
      if (parent == no_node || facts_[parent].productive) continue;
      const Node& n = rules_.node(parent);
      if (n.kind == Kind::members) {
        // Large ones are looked at when all their parts are known, and at the end.
        const std::uint32_t parts = 2 * (rules_.record(n).named + rules_.record(n).extra) + 2;
        const bool look = ++missing[parent] == parts || parts < 512;
        if (look && can_end(rules_.record(n))) INLAY_TRY(found(parent));
      } else if (missing[parent] != 0xffffffff && --missing[parent] == 0) {
        INLAY_TRY(found(parent));
      }
    }
  }
  const NodeId root = rules_.rules()[rules_.root()].body;
  if (facts_[root].productive) return Status::ok;
  char text[160];
  return fail(error, Status::format, "{} can never end: no finite text matches it",
              rule_text(rules_.root(), text));
}

// "" of nodes that are not regular; the others' is known.
Status Survey::find_nullable() {
  Array<std::uint32_t> missing(allocator_);
  Array<NodeId> work(allocator_);
  INLAY_TRY(missing.resize(facts_.size()));
  INLAY_TRY(work.reserve(order_.size()));
  for (const NodeId id : order_) {
    const Node& n = rules_.node(id);
    NodeFacts& f = facts_[id];
    missing[id] = n.kind == Kind::sequence ? n.count : 1;
    if (!f.regular) {
      if (n.kind == Kind::repeat) f.nullable = n.min == 0;
      if (n.kind == Kind::members) {
        const MembersRecord& r = rules_.record(n);
        f.nullable = r.min == 0;
        for (const Member& m : rules_.members(r)) f.nullable = f.nullable && !m.required;
      }
    }
    if (f.nullable) INLAY_TRY(work.push(id));
  }
  for (std::size_t i = 0; i < work.size(); ++i) {
    for (const NodeId parent : parents(work[i])) {
      if (parent == no_node || facts_[parent].nullable || facts_[parent].regular) continue;
      const Kind kind = rules_.node(parent).kind;
      if (kind == Kind::members || kind == Kind::token) continue;
      if (--missing[parent] > 0) continue;
      facts_[parent].nullable = true;
      INLAY_TRY(work.push(parent));
    }
  }
  return Status::ok;
}

// What may begin the text of a node that is not regular.
Status Survey::left_children(NodeId id, Array<NodeId>& out) const {
  const Node& n = rules_.node(id);
  if (facts_[id].regular || n.kind == Kind::members || n.kind == Kind::token) return Status::ok;
  bool open = true;
  return visit_children(n, [&](NodeId child) {
    if (!open) return Status::ok;
    if (n.kind == Kind::sequence) open = facts_[child].nullable;
    return facts_[child].productive || n.kind != Kind::choice ? out.push(child) : Status::ok;
  });
}

Status Survey::refuse_cycle(std::span<const NodeId> path, NodeId again, Error& error) const {
  std::size_t begin = path.size();
  while (begin > 0 && path[begin - 1] != again) --begin;
  char text[160], names[120];
  std::size_t size = 0;
  RuleId first = facts_[again].owner;
  bool found = false;
  for (std::size_t i = begin > 0 ? begin - 1 : 0; i < path.size(); ++i) {
    const Node& n = rules_.node(path[i]);
    if (n.kind != Kind::rule) continue;
    if (!found) first = n.first;
    found = true;
    if (size + 1 < sizeof names) {
      size += print(names + size, sizeof names - size, "{} -> ", Shown(rules_.name(n.first)));
    }
  }
  size = std::min(size, sizeof names - 1);
  return fail(error, Status::format, "{}: left recursion ({}{})", rule_text(first, text),
              std::string_view(names, size), Shown(rules_.name(first)));
}

// Depth-first over what begins what; a node that is met again on the way to itself is a circle.
Status Survey::refuse_left_recursion(Error& error) {
  enum : std::uint8_t { unseen, open, closed };
  Array<std::uint8_t> color(allocator_);
  Array<NodeId> path(allocator_), edges(allocator_);
  Array<std::uint32_t> ends(allocator_);  // of the edges of each node of the path
  INLAY_TRY(color.resize(facts_.size()));
  for (const NodeId root : order_) {
    if (color[root] != unseen) continue;
    color[root] = open;
    INLAY_TRY(path.push(root));
    INLAY_TRY(ends.push(static_cast<std::uint32_t>(edges.size())));
    INLAY_TRY(left_children(root, edges));
    while (!path.empty()) {
      if (edges.size() == ends.back()) {
        color[path.back()] = closed;
        path.pop();
        ends.pop();
        continue;
      }
      const NodeId next = edges.back();
      edges.pop();
      if (color[next] == closed) continue;
      if (color[next] == open) return refuse_cycle(path.span(), next, error);
      color[next] = open;
      INLAY_TRY(path.push(next));
      INLAY_TRY(ends.push(static_cast<std::uint32_t>(edges.size())));
      INLAY_TRY(left_children(next, edges));
    }
  }
  return Status::ok;
}

Status Survey::run(RegularBuilder& builder, Error& error) {
  INLAY_TRY(reach(error));
  INLAY_TRY(link_parents());
  INLAY_TRY(find_regular(builder, error));
  INLAY_TRY(find_nullable());
  // Before productivity: a rule that only begins with itself is called by that name.
  for (const NodeId id : order_) facts_[id].productive = true;
  INLAY_TRY(refuse_left_recursion(error));
  for (const NodeId id : order_) facts_[id].productive = false;
  INLAY_TRY(count_extras(builder));
  return find_productive(error);
}

}  // namespace inlay::grammar
