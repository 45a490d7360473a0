// rules.cpp - the builder of rules: arrays that grow, one error that sticks.
#include "sample/grammar/rules.h"

namespace inlay::grammar {

Rules::Rules(Allocator& allocator)
    : allocator_(&allocator),
      nodes_(allocator),
      children_(allocator),
      text_(allocator),
      sets_(allocator),
      ranges_(allocator),
      members_(allocator),
      records_(allocator),
      edges_(allocator),
      accepting_(allocator),
      rules_(allocator),
      by_name_(allocator) {
  never_ = add({.kind = Kind::never});
  empty_ = add({.kind = Kind::empty});
  any_point_ = points({}, true);
}

bool Rules::check(Status status) {
  if (is_error(status) && !failed()) {
    status_ = status;
    refused_ = "grammar";
  }
  return !failed();
}

void Rules::refuse(Status status, std::string_view what, std::uint64_t limit) {
  if (failed()) return;
  status_ = status;
  refused_ = what;
  refused_limit_ = limit;
}

Status Rules::status(Error& error) const {
  if (status_ == Status::ok) return Status::ok;
  if (status_ == Status::memory) return fail_memory(error, refused_);
  if (status_ == Status::argument) {
    return fail(error, status_, "grammar: {} (at most {})", refused_, refused_limit_);
  }
  return fail(error, status_, "grammar: more than {} {}", refused_limit_, refused_);
}

NodeId Rules::add(Node node) {
  if (failed()) return never_;
  if (nodes_.size() >= max_nodes) refuse(Status::limit, "nodes", max_nodes);
  if (failed() || !check(nodes_.push(node))) return never_;
  return static_cast<NodeId>(nodes_.size() - 1);
}

bool Rules::keep_text(std::string_view text, std::uint32_t& first) {
  if (text.size() > max_text_bytes || text_.size() + text.size() > max_text_bytes) {
    refuse(Status::limit, "bytes of text", max_text_bytes);
  }
  if (failed()) return false;
  first = static_cast<std::uint32_t>(text_.size());
  return check(text_.append(std::span<const char>(text.data(), text.size())));
}

NodeId Rules::add_parent(Kind kind, std::span<const NodeId> parts) {
  const auto first = static_cast<std::uint32_t>(children_.size());
  if (children_.size() + parts.size() > std::size_t{4} * max_nodes) {
    refuse(Status::limit, "parts", std::uint64_t{4} * max_nodes);
  }
  if (failed() || !check(children_.append(parts))) return never_;
  return add({.kind = kind, .first = first, .count = static_cast<std::uint32_t>(parts.size())});
}

NodeId Rules::literal(std::string_view bytes) {
  std::uint32_t first = 0;
  if (bytes.empty()) return empty_;
  if (!keep_text(bytes, first)) return never_;
  return add(
      {.kind = Kind::literal, .first = first, .count = static_cast<std::uint32_t>(bytes.size())});
}

NodeId Rules::byte(std::uint32_t value) {
  ByteSet set;
  set.add(value & 0xff);
  return bytes(set);
}

NodeId Rules::bytes(const ByteSet& set) {
  if (failed() || !check(sets_.push(set))) return never_;
  return add(
      {.kind = Kind::bytes, .first = static_cast<std::uint32_t>(sets_.size() - 1), .count = 1});
}

NodeId Rules::points(std::span<const PointRange> ranges, bool negated) {
  const auto first = static_cast<std::uint32_t>(ranges_.size());
  if (ranges_.size() + ranges.size() > std::size_t{4} * max_nodes) {
    refuse(Status::limit, "ranges of characters", std::uint64_t{4} * max_nodes);
  }
  if (failed() || !check(ranges_.append(ranges))) return never_;
  return add({.kind = Kind::points,
              .negated = negated,
              .first = first,
              .count = static_cast<std::uint32_t>(ranges.size())});
}

NodeId Rules::sequence(std::span<const NodeId> parts) {
  if (parts.empty()) return empty_;
  return parts.size() == 1 ? parts[0] : add_parent(Kind::sequence, parts);
}

NodeId Rules::choice(std::span<const NodeId> parts) {
  if (parts.empty()) return never_;
  return parts.size() == 1 ? parts[0] : add_parent(Kind::choice, parts);
}

NodeId Rules::repeat(NodeId part, std::uint32_t min, std::uint32_t max) {
  if (max < min) return never_;
  if (max == 0) return empty_;
  if (min == 1 && max == 1) return part;
  const NodeId id = add_parent(Kind::repeat, {&part, 1});
  if (!failed()) {
    nodes_[id].min = min;
    nodes_[id].max = max;
  }
  return id;
}

NodeId Rules::all_of(std::span<const NodeId> parts) {
  if (parts.empty()) return never_;
  return parts.size() == 1 ? parts[0] : add_parent(Kind::all_of, parts);
}

NodeId Rules::but_not(NodeId text, NodeId excluded) {
  return add_parent(Kind::but_not, std::span<const NodeId>(Pair{text, excluded}.ids));
}

NodeId Rules::token(std::int32_t id, bool negated) {
  return add(
      {.kind = Kind::token, .negated = negated, .count = 0, .min = static_cast<std::uint32_t>(id)});
}

NodeId Rules::token(std::string_view text, bool negated) {
  std::uint32_t first = 0;
  if (!keep_text(text, first)) return never_;
  return add({.kind = Kind::token,
              .negated = negated,
              .first = first,
              .count = static_cast<std::uint32_t>(text.size())});
}

NodeId Rules::members(const Members& m) {
  if (m.named.size() > max_members || m.extra.size() > max_members) {
    refuse(Status::limit, "members", max_members);
  }
  if (failed()) return never_;
  MembersRecord record{.first = static_cast<std::uint32_t>(members_.size()),
                       .named = static_cast<std::uint32_t>(m.named.size()),
                       .extra = static_cast<std::uint32_t>(m.extra.size()),
                       .min = m.min,
                       .max = m.max,
                       .between = m.between == no_node ? empty_ : m.between,
                       .separator = m.separator == no_node ? empty_ : m.separator,
                       .ordered = m.ordered,
                       .distinct = m.distinct};
  if (!check(members_.append(m.named))) return never_;
  for (const Extra& e : m.extra) {
    if (!check(members_.push({e.key, e.value, e.required}))) return never_;
  }
  if (!check(records_.push(record))) return never_;
  return add({.kind = Kind::members,
              .first = static_cast<std::uint32_t>(records_.size() - 1),
              .count = 1});
}

NodeId Rules::table(std::span<const TableEdge> edges, std::span<const std::uint8_t> accepting) {
  if (accepting.empty()) return never_;
  const Node node{.kind = Kind::table,
                  .first = static_cast<std::uint32_t>(edges_.size()),
                  .count = static_cast<std::uint32_t>(edges.size()),
                  .min = static_cast<std::uint32_t>(accepting_.size()),
                  .max = static_cast<std::uint32_t>(accepting.size())};
  if (edges_.size() + edges.size() > std::size_t{4} * max_nodes) {
    refuse(Status::limit, "edges of tables", std::uint64_t{4} * max_nodes);
  }
  if (failed() || !check(edges_.append(edges)) || !check(accepting_.append(accepting))) {
    return never_;
  }
  return add(node);
}

RuleId Rules::declare(std::string_view name, Place place) {
  if (rules_.size() >= max_rules) refuse(Status::limit, "rules", max_rules);
  Rule rule{.name_size = static_cast<std::uint32_t>(name.size()), .place = place};
  if (!keep_text(name, rule.name) || !check(rules_.push(rule))) return 0;
  const auto id = static_cast<RuleId>(rules_.size() - 1);
  check(by_name_.insert(hash_of(name), id));
  return id;
}

void Rules::define(RuleId rule, NodeId body) {
  if (rule < rules_.size()) rules_[rule].body = body;
}

NodeId Rules::rule(RuleId rule) { return add({.kind = Kind::rule, .first = rule, .count = 1}); }

RuleId Rules::find(std::string_view wanted) const {
  const RuleId* id = by_name_.find(hash_of(wanted));
  return id && name(*id) == wanted ? *id : no_node;
}

}  // namespace inlay::grammar
