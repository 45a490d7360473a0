// branches.cpp - what claims say about one array or object, without "or": facts, and choices that
// are still to be made.
#include "sample/schema/compiler.h"

namespace inlay::schema {

using Kind = Document::Kind;

Status Branch::copy(const Branch& other) {
  INLAY_TRY(pending.append(other.pending));
  INLAY_TRY(facts.append(other.facts));
  INLAY_TRY(choices.append(other.choices));
  INLAY_TRY(scopes.append(other.scopes));
  done = other.done;
  chosen = other.chosen;
  depth = other.depth;
  impossible = other.impossible;
  return Status::ok;
}

Status Compiler::expand(GoalId goal, Type type, BranchSink& sink) {
  Branch b(allocator_);
  const std::uint32_t outer = branches_;
  branches_ = 0;
  for (std::size_t i = 0; i < goal_sets_[goal].size(); ++i) {
    Claim claim;
    claim.code = goal_sets_[goal][i];
    INLAY_TRY(add_pending(b, claim, no_scope));
  }
  const Status status = run_branch(b, type, sink);
  branches_ = outer;
  return status;
}

Status Compiler::run_branch(Branch& b, Type type, BranchSink& sink) {
  while (b.done < b.pending.size() && !b.impossible) {
    const Pending next = b.pending[b.done++];
    INLAY_TRY(apply(b, next, type));
  }
  if (b.impossible || sink.enough() || !is_possible(b)) return Status::ok;
  if (b.chosen < b.choices.size()) {
    const Choice next = b.choices[b.chosen++];
    return choose(b, next, type, sink);
  }
  if (++branches_ > max_branches) {
    const ValueId where = b.where();
    return refuse(Status::limit, where, "over {} different shapes of one value", max_branches);
  }
  return sink.take(b);
}

// A claim whose schema stands in the scope `parent`, in a scope of its own.
Status Compiler::add_pending(Branch& b, Claim claim, std::uint32_t parent) {
  const auto scope = static_cast<std::uint32_t>(b.scopes.size());
  INLAY_TRY(b.scopes.push(parent));
  return b.pending.push({claim, scope});
}

Status Compiler::apply(Branch& b, Pending p, Type type) {
  INLAY_TRY(step());
  const Claim claim = p.claim;
  // Said before: nothing new, and the way out of references in a circle.
  std::uint32_t times = 0;
  for (std::size_t i = 0; i + 1 < b.done; ++i) times += b.pending[i].claim.code == claim.code;
  if (times > 0 && (!unevaluated_ || times > 8)) return Status::ok;
  INLAY_TRY(step(b.done / 8));
  if (claim.equals() && !claim.negated()) return apply_equal(b, claim.value(), type);
  if (!claim.equals()) {
    INLAY_TRY(check_schema(claim.value()));
    if (is(claim.value(), Kind::boolean)) {
      b.impossible = b.impossible || is_false(claim);
      return Status::ok;
    }
    if (!claim.negated()) return apply_schema(b, claim.value(), p.scope, type);
  }
  return b.choices.push({Word::unknown, claim.value(), p.scope, claim});
}

Status Compiler::apply_schema(Branch& b, ValueId schema, std::uint32_t scope, Type type) {
  const ValueId only = old_draft_ ? member(schema, Word::ref) : no_value;
  bool grouped = false;
  for (ValueId m = document_[schema].first; m != no_value && !b.impossible; m = document_[m].next) {
    if (words_[m] == Word::unknown || (only != no_value && m != only)) continue;
    INLAY_TRY(step());
    const Word word = words_[m];
    const bool of_group =
        type == Type::object
            ? word == Word::properties || word == Word::pattern_properties ||
                  word == Word::additional_properties
            : word == Word::prefix_items || word == Word::items || word == Word::additional_items;
    if (of_group) {
      if (!grouped) INLAY_TRY(add_group(b, schema, scope));
      grouped = true;
    } else {
      INLAY_TRY(apply_keyword(b, word, schema, m, scope, type));
    }
  }
  return Status::ok;
}

Status Compiler::add_group(Branch& b, ValueId schema, std::uint32_t scope) {
  for (const Word word : {Word::properties, Word::pattern_properties}) {
    const ValueId held = member(schema, word);
    if (held != no_value) INLAY_TRY(check_kind(held, Kind::object));
  }
  if (const ValueId held = member(schema, Word::prefix_items); held != no_value) {
    INLAY_TRY(check_kind(held, Kind::array));
  }
  Fact fact{Fact::Kind::group};
  fact.value = schema;
  fact.scope = scope;
  return b.facts.push(fact);
}

Status Compiler::apply_keyword(Branch& b, Word word, ValueId schema, ValueId keyword,
                               std::uint32_t scope, Type type) {
  ValueId target = no_value;
  switch (word) {
    case Word::type: {
      Types types = 0;
      bool integer = false;
      INLAY_TRY(keyword_types(keyword, types, integer));
      b.impossible = b.impossible || !(types & bit(type));
      return Status::ok;
    }
    case Word::constant: return add_pending(b, Claim::equal(keyword), scope);
    case Word::all_of:
      INLAY_TRY(check_kind(keyword, Kind::array));
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        INLAY_TRY(add_pending(b, Claim::schema(c), scope));
      }
      return Status::ok;
    case Word::ref:
    case Word::dynamic_ref:
    case Word::recursive_ref:
      INLAY_TRY(reference(keyword, word == Word::dynamic_ref, target));
      return add_pending(b, Claim::schema(target), scope);
    case Word::negation: return add_pending(b, Claim::schema(keyword, true), scope);
    case Word::enumeration:
    case Word::any_of:
    case Word::one_of:
      INLAY_TRY(check_kind(keyword, Kind::array));
      return b.choices.push({word, keyword, scope, {}});
    case Word::condition:
      if (member(schema, Word::consequence) == no_value &&
          member(schema, Word::alternative) == no_value && !unevaluated_) {
        return Status::ok;
      }
      return b.choices.push({word, schema, scope, {}});
    default: break;
  }
  return type == Type::object ? apply_object_keyword(b, word, keyword, scope)
                              : apply_array_keyword(b, word, schema, keyword, scope);
}

Status Compiler::apply_object_keyword(Branch& b, Word word, ValueId keyword, std::uint32_t scope) {
  Fact fact{};
  fact.value = keyword;
  fact.scope = scope;
  switch (word) {
    case Word::required:
      if (is(keyword, Kind::boolean)) return Status::ok;  // draft 3: of a property
      INLAY_TRY(check_kind(keyword, Kind::array));
      fact.kind = Fact::Kind::required;
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        INLAY_TRY(text_of(c, fact.key));
        INLAY_TRY(b.facts.push(fact));
      }
      return Status::ok;
    case Word::property_names:
      fact.kind = Fact::Kind::names;
      fact.claim = Claim::schema(keyword);
      return b.facts.push(fact);
    case Word::min_properties:
    case Word::max_properties:
      fact.kind = Fact::Kind::count;
      INLAY_TRY(count_of(keyword, word == Word::min_properties ? fact.low : fact.high));
      return b.facts.push(fact);
    case Word::unevaluated_properties:
      fact.kind = Fact::Kind::unevaluated;
      fact.claim = Claim::schema(keyword);
      return b.facts.push(fact);
    case Word::dependent_required:
    case Word::dependent_schemas:
    case Word::dependencies:
      INLAY_TRY(check_kind(keyword, Kind::object));
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        INLAY_TRY(b.choices.push({word, c, scope, {}}));
      }
      return Status::ok;
    default: return Status::ok;
  }
}

Status Compiler::contains_counts(ValueId schema, std::uint32_t& low, std::uint32_t& high) {
  low = 1;
  high = 0xffffffffu;
  const ValueId least = member(schema, Word::min_contains);
  const ValueId most = member(schema, Word::max_contains);
  if (least != no_value) INLAY_TRY(count_of(least, low));
  if (most != no_value) INLAY_TRY(count_of(most, high));
  return Status::ok;
}

Status Compiler::apply_array_keyword(Branch& b, Word word, ValueId schema, ValueId keyword,
                                     std::uint32_t scope) {
  Fact fact{};
  fact.value = keyword;
  fact.scope = scope;
  switch (word) {
    case Word::contains:
      fact.kind = Fact::Kind::contains;
      fact.claim = Claim::schema(keyword);
      INLAY_TRY(check_schema(keyword));
      INLAY_TRY(contains_counts(schema, fact.low, fact.high));
      return b.facts.push(fact);
    case Word::min_items:
    case Word::max_items:
      fact.kind = Fact::Kind::count;
      INLAY_TRY(count_of(keyword, word == Word::min_items ? fact.low : fact.high));
      return b.facts.push(fact);
    case Word::unique_items:
      INLAY_TRY(check_kind(keyword, Kind::boolean));
      fact.kind = Fact::Kind::unique;
      return document_[keyword].truth ? b.facts.push(fact) : Status::ok;
    case Word::unevaluated_items:
      fact.kind = Fact::Kind::unevaluated;
      fact.claim = Claim::schema(keyword);
      return b.facts.push(fact);
    default: return Status::ok;
  }
}

// Exactly one array or object: its items, or its members and no other.
Status Compiler::apply_equal(Branch& b, ValueId value, Type type) {
  const Document::Value& v = document_[value];
  if (v.kind != (type == Type::object ? Kind::object : Kind::array)) {
    b.impossible = true;
    return Status::ok;
  }
  Fact count{Fact::Kind::count};
  count.low = count.high = v.children;
  INLAY_TRY(b.facts.push(count));
  std::uint32_t index = 0;
  for (ValueId c = v.first; c != no_value; c = document_[c].next) {
    Fact fact{};
    fact.claim = Claim::equal(c);
    if (type == Type::object) {
      fact.key = document_.key(c);
      fact.kind = Fact::Kind::required;
      INLAY_TRY(b.facts.push(fact));
      fact.kind = Fact::Kind::member;
    } else {
      fact.kind = Fact::Kind::item;
      fact.low = index++;
    }
    INLAY_TRY(b.facts.push(fact));
  }
  return step(v.children);
}

// What is plainly contradictory; the rest is found when nodes are made.
bool Compiler::is_possible(const Branch& b) const {
  std::uint32_t low = 0, high = 0xffffffffu;
  bool any_absent = false;
  for (const Fact& f : b.facts) {
    any_absent = any_absent || f.kind == Fact::Kind::absent;
    if (f.kind != Fact::Kind::count) continue;
    low = f.low > low ? f.low : low;
    high = f.high < high ? f.high : high;
  }
  if (low > high) return false;
  if (!any_absent) return true;
  for (const Fact& f : b.facts) {
    if (f.kind != Fact::Kind::absent) continue;
    for (const Fact& other : b.facts) {
      if (other.kind == Fact::Kind::required && other.key == f.key) return false;
    }
  }
  return true;
}

}  // namespace inlay::schema
