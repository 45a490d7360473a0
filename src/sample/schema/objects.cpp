// objects.cpp - from the facts of a branch to the members of an object: keys that are named, and
// classes of other keys by the patterns that they match.
#include "sample/schema/compiler.h"
#include "sample/schema/literals.h"

namespace inlay::schema {

using Kind = Document::Kind;
using grammar::NodeId;

namespace {

constexpr std::uint32_t max_patterns = 32;
constexpr std::uint32_t max_classes = 200;
constexpr std::uint32_t max_shape_depth = 8;

}  // namespace

// One object of a branch. Works on its own copy of the facts, as "some member" becomes one of them.
class ObjectShape {
 public:
  ObjectShape(Compiler& compiler, const Branch& b)
      : c_(compiler),
        b_(b),
        named_(c_.allocator_),
        index_(c_.allocator_),
        patterns_(c_.allocator_),
        classes_(c_.allocator_),
        names_(c_.allocator_) {}
  ~ObjectShape() {
    for (Class& k : classes_) destroy(c_.allocator_, k.keys);
  }

  Status make(NodeId& node, bool only_look, bool& possible);

 private:
  struct Named {
    std::string_view key;
    bool required = false, absent = false;
  };
  struct Pattern {
    const Automaton* keys;
    std::string_view text;
  };
  // Keys that match exactly these patterns, of those that are not named.
  struct Class {
    Automaton* keys = nullptr;  // nullptr: all
    std::uint32_t matches = 0;
  };

  bool is(ValueId v, Kind kind) const { return c_.document_.is(v, kind); }
  Status find_named();
  Status name(std::string_view key, Named*& named);
  Status find_patterns();
  Status split_classes();
  Status class_claims(std::uint32_t matches, Array<Claim>& claims, bool& allowed);
  Status class_keys(const Class& k, const Automaton*& keys);
  Status named_automaton();
  Status place_some(const Fact& fact, std::size_t at, NodeId& node, bool only_look, bool& possible);
  Status in_reach(const Fact& fact, std::string_view key, bool& reach);
  Status other_candidates(const Fact& fact, Array<std::string_view>& candidates, bool& many);
  Status spoken_keys(const Fact& fact, const Automaton*& keys);
  Status additional_keys(ValueId keyword, const Automaton*& keys);
  bool key_says_all(const Fact& fact) const;
  Status place_some_key(std::size_t at, Array<NodeId>& nodes);
  Status required_keys(const Fact& fact, const Automaton*& keys, NodeId value,
                       Array<grammar::Extra>& extra);
  Status one_member(const Fact& fact, Array<grammar::Member>& named);
  Status without_one_members(const Automaton*& keys, const Fact* until);
  Status place_only_name(const Fact& fact, std::size_t at, NodeId& node, bool only_look,
                         bool& possible);
  static bool is_name(const Fact& fact) {
    return fact.kind == Fact::Kind::some_name ||
           ((fact.kind == Fact::Kind::one_member || fact.kind == Fact::Kind::some_key) &&
            fact.high == 0);
  }
  // Whether the fact's value is a pattern, not the keyword additionalProperties.
  bool is_pattern(const Fact& fact) const { return fact.low != 0; }
  Status members(NodeId& node, bool only_look, bool& possible);

  Compiler& c_;
  const Branch& b_;
  Array<Named> named_;
  HashMap<std::string_view, std::uint32_t> index_;
  Array<Pattern> patterns_;
  Array<Class> classes_;
  Array<Claim> names_;
  const Automaton* allowed_ = nullptr;  // keys that propertyNames takes; nullptr: all
  const Automaton* listed_ = nullptr;   // keys that are named
  friend class Compiler;
};

Status ObjectShape::name(std::string_view key, Named*& named) {
  bool fresh = false;
  INLAY_TRY(index_.insert(key, static_cast<std::uint32_t>(named_.size()), &fresh));
  if (fresh) INLAY_TRY(named_.push({key}));
  named = &named_[*index_.find(key)];
  return Status::ok;
}

Status ObjectShape::find_named() {
  Named* named = nullptr;
  for (const Fact& f : b_.facts) {
    if (f.kind == Fact::Kind::group) {
      const ValueId properties = c_.member(f.value, Word::properties);
      if (properties == no_value) continue;
      for (ValueId p = c_.document_[properties].first; p != no_value; p = c_.document_[p].next) {
        INLAY_TRY(name(c_.document_.key(p), named));
        // Draft 3 and some schemas of later drafts: "required": true in the property's own schema.
      }
    } else if (f.kind == Fact::Kind::required || f.kind == Fact::Kind::absent ||
               f.kind == Fact::Kind::member) {
      INLAY_TRY(name(f.key, named));
      named->required = named->required || f.kind == Fact::Kind::required;
      named->absent = named->absent || f.kind == Fact::Kind::absent;
    } else if (f.kind == Fact::Kind::names) {
      INLAY_TRY(names_.push(f.claim));
    }
  }
  if (names_.empty()) return Status::ok;
  return c_.names_automaton(names_, names_[0].value(), allowed_);
}

Status ObjectShape::find_patterns() {
  for (const Fact& f : b_.facts) {
    if (f.kind != Fact::Kind::group) continue;
    const ValueId held = c_.member(f.value, Word::pattern_properties);
    if (held == no_value) continue;
    for (ValueId p = c_.document_[held].first; p != no_value; p = c_.document_[p].next) {
      const std::string_view text = c_.document_.key(p);
      bool known = false;
      for (const Pattern& other : patterns_) known = known || other.text == text;
      if (known) continue;
      if (patterns_.size() == max_patterns) {
        return c_.refuse(Status::limit, held, "over {} patterns of keys", max_patterns);
      }
      Pattern pattern{nullptr, text};
      INLAY_TRY(c_.pattern_automaton(p, text, pattern.keys));
      INLAY_TRY(patterns_.push(pattern));
    }
  }
  return Status::ok;
}

Status ObjectShape::split_classes() {
  INLAY_TRY(classes_.push({}));
  for (std::uint32_t p = 0; p < patterns_.size(); ++p) {
    const std::size_t count = classes_.size();
    for (std::size_t i = 0; i < count; ++i) {
      Automaton* parts[2] = {};
      Automaton all(c_.allocator_);
      if (!classes_[i].keys) INLAY_TRY(length_between(0, Automaton::none, all));
      const Automaton& from = classes_[i].keys ? *classes_[i].keys : all;
      for (const Both how : {Both::intersection, Both::difference}) {
        Automaton*& part = parts[how == Both::difference];
        part = create<Automaton>(c_.allocator_, c_.allocator_);
        Status made = part ? combine(from, *patterns_[p].keys, how, *part) : Status::memory;
        if (!is_error(made)) made = c_.step(part->states());
        if (is_error(made)) {
          for (Automaton* a : parts) destroy(c_.allocator_, a);
          return made;
        }
      }
      Class with{parts[0], classes_[i].matches | 1u << p}, without{parts[1], classes_[i].matches};
      destroy(c_.allocator_, classes_[i].keys);
      const bool only_with = without.keys->is_empty(), only_without = with.keys->is_empty();
      classes_[i] = only_with ? with : without;
      if (only_with || only_without) {
        destroy(c_.allocator_, only_with ? without.keys : with.keys);
        continue;
      }
      const Status pushed = classes_.size() < max_classes ? classes_.push(with) : Status::limit;
      if (is_error(pushed)) {
        destroy(c_.allocator_, with.keys);
        return pushed == Status::limit
                   ? c_.refuse(Status::limit, b_.where(),
                               "over {} classes of keys by their patterns", max_classes)
                   : pushed;
      }
    }
  }
  return Status::ok;
}

// What is said of members whose keys match these patterns and are not named.
Status ObjectShape::class_claims(std::uint32_t matches, Array<Claim>& claims, bool& allowed) {
  allowed = true;
  for (const Fact& f : b_.facts) {
    if (f.kind != Fact::Kind::group) continue;
    bool matched = false;
    const ValueId held = c_.member(f.value, Word::pattern_properties);
    const ValueId first = held == no_value ? no_value : c_.document_[held].first;
    for (ValueId p = first; p != no_value; p = c_.document_[p].next) {
      for (std::uint32_t i = 0; i < patterns_.size(); ++i) {
        if (!(matches >> i & 1) || patterns_[i].text != c_.document_.key(p)) continue;
        matched = true;
        INLAY_TRY(claims.push(Claim::schema(p)));
      }
    }
    const ValueId rest = c_.member(f.value, Word::additional_properties);
    if (!matched && rest != no_value) INLAY_TRY(claims.push(Claim::schema(rest)));
    if (!matched && rest == no_value && c_.options_.closed &&
        c_.member(f.value, Word::properties) != no_value) {
      allowed = false;
    }
  }
  for (const Fact& f : b_.facts) {
    if (f.kind != Fact::Kind::unevaluated) continue;
    bool evaluated = false;
    for (const Fact& g : b_.facts) {
      if (!c_.is_inside(b_, g.scope, f.scope)) continue;
      if (g.kind == Fact::Kind::unevaluated) evaluated = evaluated || g.scope != f.scope;
      if (g.kind != Fact::Kind::group) continue;
      evaluated = evaluated || c_.member(g.value, Word::additional_properties) != no_value;
      const ValueId held = c_.member(g.value, Word::pattern_properties);
      for (std::uint32_t i = 0; i < patterns_.size(); ++i) {
        evaluated = evaluated ||
                    (matches >> i & 1 && c_.document_.member(held, patterns_[i].text) != no_value);
      }
    }
    if (!evaluated) INLAY_TRY(claims.push(f.claim));
  }
  for (const Claim claim : claims) allowed = allowed && !c_.is_false(claim);
  return Status::ok;
}

Status ObjectShape::named_automaton() {
  if (listed_ || named_.empty()) return Status::ok;
  Array<std::string_view> texts(c_.allocator_);
  for (const Named& n : named_) INLAY_TRY(texts.push(n.key));
  Automaton* made = nullptr;
  INLAY_TRY(c_.new_automaton(made));
  const Status status = literals(texts, *made);
  if (is_error(status)) {
    return c_.too_large(status, b_.where(), "the list of properties");
  }
  listed_ = made;
  return c_.step(made->states());
}

// The class's keys that propertyNames takes, without named ones.
Status ObjectShape::class_keys(const Class& k, const Automaton*& keys) {
  INLAY_TRY(named_automaton());
  Automaton* made = nullptr;
  INLAY_TRY(c_.new_automaton(made));
  keys = made;
  Array<const Automaton*> parts(c_.allocator_);
  Formula formula(c_.allocator_);
  Formula::Term all = Formula::yes, term = 0;
  for (const Automaton* part : {static_cast<const Automaton*>(k.keys), allowed_, listed_}) {
    if (!part) continue;
    INLAY_TRY(formula.test(static_cast<std::uint32_t>(parts.size()), term));
    if (part == listed_) INLAY_TRY(formula.negate(term, term));
    INLAY_TRY(formula.both(all, term, all));
    INLAY_TRY(parts.push(part));
  }
  const Status status = combine(parts, formula, all, Automaton::max_states, *made);
  if (is_error(status)) {
    return c_.too_large(status, b_.where(), "the set of other keys");
  }
  return c_.step(made->states());
}

// ---- "Some member": it is one of the named, or one of the others --------------------------------

// Whether a fact about some member speaks of this key.
Status ObjectShape::in_reach(const Fact& fact, std::string_view key, bool& reach) {
  if (fact.kind == Fact::Kind::some_name) {
    const Automaton* keys = nullptr;
    INLAY_TRY(c_.names_automaton({&fact.claim, 1}, fact.value, keys));
    reach = keys->accepts(key);
    return Status::ok;
  }
  if (is_pattern(fact)) {
    const Automaton* keys = nullptr;
    INLAY_TRY(c_.pattern_automaton(fact.value, c_.document_.key(fact.value), keys));
    reach = keys->accepts(key);
    return Status::ok;
  }
  // Those that additionalProperties speaks of.
  const ValueId schema = c_.document_[fact.value].parent;
  reach = c_.document_.member(c_.member(schema, Word::properties), key) == no_value;
  const ValueId held = c_.member(schema, Word::pattern_properties);
  const ValueId first = held == no_value ? no_value : c_.document_[held].first;
  for (ValueId p = first; p != no_value && reach; p = c_.document_[p].next) {
    const Automaton* keys = nullptr;
    INLAY_TRY(c_.pattern_automaton(p, c_.document_.key(p), keys));
    reach = !keys->accepts(key);
  }
  return Status::ok;
}

// Keys of members that are not named and may be meant: candidates, where they are few.
Status ObjectShape::other_candidates(const Fact& fact, Array<std::string_view>& candidates,
                                     bool& many) {
  constexpr std::uint32_t few = 32;
  for (const Class& k : classes_) {
    Array<Claim> claims(c_.allocator_);
    bool allowed = true, empty = false, whole = false;
    INLAY_TRY(class_claims(k.matches, claims, allowed));
    if (!allowed) continue;
    if (fact.kind == Fact::Kind::some_member) {
      GoalId goal = 0;
      INLAY_TRY(claims.push(fact.claim));
      INLAY_TRY(c_.intern_goal(claims, goal));
      INLAY_TRY(c_.is_empty(goal, empty));
    }
    if (empty) continue;
    const Automaton* keys = nullptr;
    const Automaton* spoken = nullptr;
    INLAY_TRY(class_keys(k, keys));
    INLAY_TRY(spoken_keys(fact, spoken));
    Automaton both(c_.allocator_);
    if (spoken) INLAY_TRY(combine(*keys, *spoken, Both::intersection, both));
    Array<char> texts(c_.allocator_);
    Array<std::uint32_t> ends(c_.allocator_);
    INLAY_TRY((spoken ? both : *keys).list(few, texts, ends, whole));
    if (!whole) {
      many = true;
      continue;
    }
    std::uint32_t begin = 0;
    for (const std::uint32_t end : ends) {
      std::string_view kept;
      INLAY_TRY(c_.keep_text({texts.data() + begin, end - begin}, kept));
      INLAY_TRY(candidates.push(kept));
      begin = end;
    }
  }
  return Status::ok;
}

// With one member at most, what some key has to be all have to be.
Status ObjectShape::place_only_name(const Fact& fact, std::size_t at, NodeId& node, bool only_look,
                                    bool& possible) {
  Branch copy(c_.allocator_);
  INLAY_TRY(copy.copy(b_));
  copy.facts[at].kind = Fact::Kind::names;
  copy.facts[at].claim = fact.claim;
  Fact count{Fact::Kind::count};
  count.low = 1;
  INLAY_TRY(copy.facts.push(count));
  return c_.object_node(copy, node, only_look, possible);
}

Status ObjectShape::place_some(const Fact& fact, std::size_t at, NodeId& node, bool only_look,
                               bool& possible) {
  for (const Fact& f : b_.facts) {
    if (f.kind == Fact::Kind::count && f.high <= 1 && fact.kind == Fact::Kind::some_name) {
      return place_only_name(fact, at, node, only_look, possible);
    }
  }
  Array<std::string_view> candidates(c_.allocator_);
  Array<NodeId> nodes(c_.allocator_);
  bool many = false;
  INLAY_TRY(other_candidates(fact, candidates, many));
  possible = many;
  const bool writes = c_.options_.spelling == Spelling::plain;
  if (many && !writes && !key_says_all(fact)) {
    return c_.refuse(Status::unsupported, fact.value,
                     "'not' here asks for some member with any of many keys");
  }
  if (many && only_look) return Status::ok;
  if (many && !writes) {
    INLAY_TRY(place_some_key(at, nodes));
  } else if (many) {
    Branch copy(c_.allocator_);
    NodeId part = grammar::no_node;
    bool one = true;
    INLAY_TRY(copy.copy(b_));
    copy.facts[at].kind = Fact::Kind::one_member;
    if (fact.kind == Fact::Kind::some_name) copy.facts[at].high = 0;
    INLAY_TRY(c_.object_node(copy, part, only_look, one));
    if (one) INLAY_TRY(nodes.push(part));
  }
  for (const Named& n : named_) {
    bool reach = false;
    if (!n.absent) INLAY_TRY(in_reach(fact, n.key, reach));
    if (reach) INLAY_TRY(candidates.push(n.key));
  }
  for (const std::string_view key : candidates) {
    Branch copy(c_.allocator_);
    INLAY_TRY(copy.copy(b_));
    if (++copy.depth > Compiler::max_choices + max_shape_depth) {
      return c_.refuse(Status::limit, fact.value, "too many choices for one value");
    }
    Fact& placed = copy.facts[at];
    placed.kind = fact.kind == Fact::Kind::some_name ? Fact::Kind::required : Fact::Kind::member;
    placed.key = key;
    Fact required{Fact::Kind::required};
    required.key = key;
    INLAY_TRY(copy.facts.push(required));
    INLAY_TRY(c_.step(copy.facts.size()));
    bool one = true;
    NodeId part = grammar::no_node;
    INLAY_TRY(c_.object_node(copy, part, only_look, one));
    possible = possible || one;
    if (one && !only_look) INLAY_TRY(nodes.push(part));
    if (possible && only_look) return Status::ok;
  }
  node = c_.rules_.choice(nodes);
  return Status::ok;
}

// Keys that a fact speaks of; nullptr: all that are not named.
Status ObjectShape::spoken_keys(const Fact& fact, const Automaton*& keys) {
  keys = nullptr;
  if (is_name(fact)) return c_.names_automaton({&fact.claim, 1}, fact.value, keys);
  if (!is_pattern(fact)) return additional_keys(fact.value, keys);
  return c_.pattern_automaton(fact.value, c_.document_.key(fact.value), keys);
}

// Keys that neither the properties nor the patterns beside additionalProperties speak of.
Status ObjectShape::additional_keys(ValueId keyword, const Automaton*& keys) {
  if (const std::uint32_t* known = c_.by_pattern_.find(keyword)) {
    keys = c_.automata_[*known];
    return Status::ok;
  }
  Array<const Automaton*> parts(c_.allocator_);
  Array<std::string_view> texts(c_.allocator_);
  const ValueId schema = c_.document_[keyword].parent;
  const auto each = [&](Word word, auto visit) {
    const ValueId held = c_.member(schema, word);
    const ValueId first = held == no_value ? no_value : c_.document_[held].first;
    for (ValueId p = first; p != no_value; p = c_.document_[p].next) INLAY_TRY(visit(p));
    return Status::ok;
  };
  const auto add_pattern = [&](ValueId p) {
    const Automaton* pattern = nullptr;
    INLAY_TRY(c_.pattern_automaton(p, c_.document_.key(p), pattern));
    return parts.push(pattern);
  };
  Status status = each(Word::pattern_properties, add_pattern);
  INLAY_TRY(status);
  status = each(Word::properties, [&](ValueId p) { return texts.push(c_.document_.key(p)); });
  INLAY_TRY(status);
  if (texts.empty() && parts.empty()) return Status::ok;
  Automaton *listed = nullptr, *made = nullptr;
  INLAY_TRY(c_.new_automaton(listed));
  status = literals(texts, *listed);
  if (is_error(status)) return c_.too_large(status, keyword, "the list of properties");
  INLAY_TRY(parts.push(listed));
  Formula formula(c_.allocator_);
  Formula::Term none = Formula::yes, term = 0;
  for (std::uint32_t i = 0; i < parts.size(); ++i) {
    INLAY_TRY(formula.test(i, term));
    INLAY_TRY(formula.negate(term, term));
    INLAY_TRY(formula.both(none, term, none));
  }
  INLAY_TRY(c_.new_automaton(made));
  const auto index = static_cast<std::uint32_t>(c_.automata_.size() - 1);
  status = combine(parts, formula, none, Automaton::max_states, *made);
  if (is_error(status)) return c_.too_large(status, keyword, "the set of other keys");
  keys = made;
  INLAY_TRY(c_.step(made->states()));
  return c_.by_pattern_.insert(keyword, index);
}

// Leaves out what one_member facts before `until` speak of.
Status ObjectShape::without_one_members(const Automaton*& keys, const Fact* until) {
  for (const Fact& f : b_.facts) {
    if (&f == until) break;
    if (f.kind != Fact::Kind::one_member) continue;
    const Automaton* spoken = nullptr;
    Automaton* rest = nullptr;
    INLAY_TRY(spoken_keys(f, spoken));
    INLAY_TRY(c_.new_automaton(rest));
    if (spoken) INLAY_TRY(combine(*keys, *spoken, Both::difference, *rest));
    keys = rest;
    INLAY_TRY(c_.step(rest->states()));
  }
  return Status::ok;
}

// Whatever the member's value is, it is one that the fact asks for.
bool ObjectShape::key_says_all(const Fact& fact) const {
  return is_name(fact) || c_.is_false(fact.claim.opposite());
}

// Such a member of one class of keys, or of another.
Status ObjectShape::place_some_key(std::size_t at, Array<NodeId>& nodes) {
  for (const Class& k : classes_) {
    Branch copy(c_.allocator_);
    NodeId part = grammar::no_node;
    bool one = true;
    INLAY_TRY(copy.copy(b_));
    Fact& placed = copy.facts[at];
    if (placed.kind == Fact::Kind::some_name) placed.high = 0;
    placed.kind = Fact::Kind::some_key;
    placed.matches = k.matches;
    INLAY_TRY(c_.object_node(copy, part, false, one));
    if (one) INLAY_TRY(nodes.push(part));
  }
  return Status::ok;
}

// Takes from a class's keys those of which one has to come, as extra ones of their own.
Status ObjectShape::required_keys(const Fact& fact, const Automaton*& keys, NodeId value,
                                  Array<grammar::Extra>& extra) {
  const Automaton* spoken = nullptr;
  const Automaton* wanted = keys;
  Automaton *both = nullptr, *rest = nullptr;
  INLAY_TRY(spoken_keys(fact, spoken));
  INLAY_TRY(c_.new_automaton(both));
  INLAY_TRY(c_.new_automaton(rest));
  keys = rest;
  if (spoken) {
    INLAY_TRY(combine(*wanted, *spoken, Both::difference, *rest));
    INLAY_TRY(combine(*wanted, *spoken, Both::intersection, *both));
    INLAY_TRY(c_.step(both->states() + rest->states()));
    wanted = both;
  }
  grammar::Extra member{grammar::no_node, value, true};
  const Status spelled = c_.speller_.quoted(*wanted, member.key);
  if (is_error(spelled)) return c_.too_large(spelled, fact.value, "the set of keys");
  return extra.push(member);
}

// Exactly one member of those that a fact asks for: as good as a named one.
Status ObjectShape::one_member(const Fact& fact, Array<grammar::Member>& named) {
  for (const Class& k : classes_) {
    Array<Claim> claims(c_.allocator_);
    bool allowed = true, empty = false;
    GoalId goal = 0;
    INLAY_TRY(class_claims(k.matches, claims, allowed));
    if (!allowed) continue;
    if (!is_name(fact)) INLAY_TRY(claims.push(fact.claim));
    INLAY_TRY(c_.intern_goal(claims, goal));
    INLAY_TRY(c_.is_empty(goal, empty));
    const Automaton* keys = nullptr;
    const Automaton* spoken = nullptr;
    INLAY_TRY(class_keys(k, keys));
    INLAY_TRY(spoken_keys(fact, spoken));
    Automaton both(c_.allocator_);
    if (spoken) INLAY_TRY(combine(*keys, *spoken, Both::intersection, both));
    if (spoken) keys = &both;
    INLAY_TRY(without_one_members(keys, &fact));
    if (empty || keys->is_empty()) continue;
    grammar::Member member{0, 0, true};
    INLAY_TRY(c_.goal_node(goal, member.value));
    const Status spelled = c_.speller_.quoted(*keys, member.key);
    if (is_error(spelled)) return c_.too_large(spelled, fact.value, "the set of keys");
    return named.push(member);
  }
  return c_.refuse(Status::unsupported, fact.value,
                   "'not' here asks for members that may be one and the same");
}

// ---- The members --------------------------------------------------------------------------------

Status ObjectShape::members(NodeId& node, bool only_look, bool& possible) {
  Array<grammar::Member> named(c_.allocator_);
  Array<grammar::Extra> extra(c_.allocator_);
  grammar::Members out;
  std::uint32_t required = 0;
  for (const Fact& f : b_.facts) {
    if (f.kind != Fact::Kind::count) continue;
    out.min = f.low > out.min ? f.low : out.min;
    out.max = f.high < out.max ? f.high : out.max;
  }
  for (const Named& n : named_) {
    Array<Claim> claims(c_.allocator_);
    bool allowed = !n.absent;
    if (allowed) INLAY_TRY(c_.key_claims(b_, n.key, claims, allowed));
    if (allowed && allowed_) allowed = allowed_->accepts(n.key);
    GoalId goal = 0;
    INLAY_TRY(c_.intern_goal(claims, goal));
    bool empty = false;
    if (allowed && n.required) INLAY_TRY(c_.is_empty(goal, empty));
    if (n.required && (!allowed || empty)) {
      possible = false;
      return Status::ok;
    }
    required += n.required;
    if (!allowed) continue;
    grammar::Member member{0, 0, n.required};
    if (!only_look) {
      INLAY_TRY(c_.key_node(n.key, member.key));
      INLAY_TRY(c_.goal_node(goal, member.value));
    }
    INLAY_TRY(named.push(member));
  }
  bool any_extra = false;
  const Fact* wanted = nullptr;  // of keys that have to come
  for (const Fact& f : b_.facts) {
    if (f.kind == Fact::Kind::some_key && wanted) {
      return c_.refuse(Status::unsupported, f.value,
                       "'not' here asks for members that may be one and the same");
    }
    if (f.kind == Fact::Kind::some_key) wanted = &f;
    if (f.kind != Fact::Kind::one_member) continue;
    ++required;
    if (!only_look) INLAY_TRY(one_member(f, named));
  }
  for (const Class& k : classes_) {
    Array<Claim> claims(c_.allocator_);
    bool allowed = true;
    INLAY_TRY(class_claims(k.matches, claims, allowed));
    if (!allowed) continue;
    if (only_look && !allowed_) {
      any_extra = true;
      continue;
    }
    const Automaton* keys = nullptr;
    INLAY_TRY(class_keys(k, keys));
    INLAY_TRY(without_one_members(keys, nullptr));
    if (keys->is_empty()) continue;
    any_extra = true;
    if (only_look) continue;
    GoalId goal = 0;
    grammar::Extra member{};
    INLAY_TRY(c_.intern_goal(claims, goal));
    INLAY_TRY(c_.goal_node(goal, member.value));
    if (wanted && wanted->matches == k.matches) {
      INLAY_TRY(required_keys(*wanted, keys, member.value, extra));
      wanted = nullptr;
    }
    if (keys->is_empty()) continue;
    const Status spelled = c_.speller_.quoted(*keys, member.key);
    if (is_error(spelled)) {
      return c_.too_large(spelled, b_.where(), "the set of other keys");
    }
    INLAY_TRY(extra.push(member));
  }
  possible = !wanted && required <= out.max && (any_extra || named.size() >= out.min) &&
             out.min <= out.max;
  if (!possible || only_look) return Status::ok;
  if (named.size() > grammar::Rules::max_members) {
    return c_.refuse(Status::limit, b_.where(), "over {} properties", grammar::Rules::max_members);
  }
  out.named = named;
  out.extra = extra;
  out.between = c_.colon_;
  out.separator = c_.comma_;
  out.ordered = c_.options_.ordered;
  node = c_.in_brackets('{', c_.rules_.members(out), '}');
  return Status::ok;
}

Status ObjectShape::make(NodeId& node, bool only_look, bool& possible) {
  INLAY_TRY(find_named());
  INLAY_TRY(find_patterns());
  INLAY_TRY(split_classes());
  for (std::size_t i = 0; i < b_.facts.size(); ++i) {
    const Fact& f = b_.facts[i];
    if (f.kind == Fact::Kind::some_member || f.kind == Fact::Kind::some_name) {
      return place_some(f, i, node, only_look, possible);
    }
  }
  return members(node, only_look, possible);
}

Status Compiler::object_node(const Branch& b, NodeId& node, bool only_look, bool& possible) {
  possible = true;
  ObjectShape shape(*this, b);
  return shape.make(node, only_look, possible);
}

// Whether a scope is `outer` or stands inside it.
bool Compiler::is_inside(const Branch& b, std::uint32_t scope, std::uint32_t outer) {
  while (scope != no_scope && scope != outer) scope = b.scopes[scope];
  return scope == outer && outer != no_scope;
}

// What a branch says of the member `key`, should it be there.
Status Compiler::key_claims(const Branch& b, std::string_view key, Array<Claim>& claims,
                            bool& allowed) {
  allowed = true;
  Array<std::uint32_t> evaluating(allocator_);  // scopes of what speaks of the key
  for (const Fact& f : b.facts) {
    if (f.kind == Fact::Kind::member && f.key == key) INLAY_TRY(claims.push(f.claim));
    if (f.kind != Fact::Kind::group) continue;
    INLAY_TRY(step());
    bool matched = false;
    const ValueId property = document_.member(member(f.value, Word::properties), key);
    if (property != no_value) {
      matched = true;
      INLAY_TRY(check_schema(property));
      INLAY_TRY(claims.push(Claim::schema(property)));
    }
    const ValueId held = member(f.value, Word::pattern_properties);
    const ValueId first = held == no_value ? no_value : document_[held].first;
    for (ValueId p = first; p != no_value; p = document_[p].next) {
      const Automaton* keys = nullptr;
      INLAY_TRY(pattern_automaton(p, document_.key(p), keys));
      if (!keys->accepts(key)) continue;
      matched = true;
      INLAY_TRY(claims.push(Claim::schema(p)));
    }
    const ValueId rest = member(f.value, Word::additional_properties);
    if (!matched && rest != no_value) INLAY_TRY(claims.push(Claim::schema(rest)));
    if (!matched && rest == no_value && options_.closed &&
        member(f.value, Word::properties) != no_value) {
      allowed = false;
    }
    if (matched || rest != no_value) INLAY_TRY(evaluating.push(f.scope));
  }
  for (const Fact& f : b.facts) {
    if (f.kind != Fact::Kind::unevaluated) continue;
    bool evaluated = false;
    for (const std::uint32_t scope : evaluating) {
      evaluated = evaluated || is_inside(b, scope, f.scope);
    }
    for (const Fact& g : b.facts) {
      const bool inner = g.kind == Fact::Kind::unevaluated && g.scope != f.scope;
      evaluated = evaluated || (inner && is_inside(b, g.scope, f.scope));
    }
    if (!evaluated) INLAY_TRY(claims.push(f.claim));
  }
  for (const Claim claim : claims) allowed = allowed && !is_false(claim);
  return Status::ok;
}

}  // namespace inlay::schema
