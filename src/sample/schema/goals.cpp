// goals.cpp - from the root to rules: one rule for each set of claims that is met.
#include <algorithm>

#include "sample/schema/compiler.h"

namespace inlay::schema {

using Kind = Document::Kind;

Status compile(const Document& document, const CompileOptions& options, grammar::Rules& rules,
               Error& error) {
  if (document.size() == 0) return fail(error, Status::argument, "schema: nothing was read");
  Compiler compiler(document, options, rules, error);
  const Status status = compiler.run();
  if (status == Status::memory) return fail_memory(error, "a schema");
  if (status == Status::limit && error.text[0] == 0) {
    return fail(error, Status::limit, "schema: too large");
  }
  INLAY_TRY(status);
  return rules.status(error);
}

Compiler::Compiler(const Document& document, const CompileOptions& options, grammar::Rules& rules,
                   Error& error)
    : document_(document),
      options_(options),
      rules_(rules),
      error_(error),
      allocator_(rules.allocator()),
      references_(document),
      speller_(rules, options.spelling),
      spelling_(options.spelling),
      goal_sets_(allocator_),
      goals_(allocator_),
      waiting_(allocator_),
      automata_(allocator_),
      number_sets_(allocator_),
      numbers_(allocator_),
      texts_(allocator_),
      by_pattern_(allocator_),
      targets_(allocator_),
      key_nodes_(allocator_),
      words_(allocator_) {}

Compiler::~Compiler() {
  for (Automaton* a : automata_) destroy(allocator_, a);
  for (Array<char>* text : texts_) destroy(allocator_, text);
}

Status Compiler::step(std::uint64_t work) {
  steps_ += work;
  if (steps_ <= max_steps) return Status::ok;
  exhausted_ = true;
  return fail(error_, Status::limit, "schema: #: compiling takes over {} steps", max_steps);
}

Status Compiler::too_large(Status status, ValueId where, const char* what) {
  if (status != Status::limit || exhausted_) {
    return status == Status::memory ? fail_memory(error_, "a schema") : status;
  }
  return refuse(Status::limit, where, "{} needs too many states", what);
}

// Names of members are keywords in schemas, and in what may be one by a reference; in a map they
// are names of schemas, in a constant they are data.
Status Compiler::read_words() {
  Array<Holds> holds(allocator_);  // of each value
  INLAY_TRY(words_.resize(document_.size()));
  INLAY_TRY(holds.resize(document_.size()));
  for (ValueId v = 0; v < document_.size(); ++v) {
    const ValueId parent = document_[v].parent;
    const Holds around = parent == no_value ? Holds::list : holds[parent];
    const Word word = is(parent, Kind::object) ? word_of(document_.key(v)) : Word::unknown;
    const bool is_map = around == Holds::map || around == Holds::map_or_names;
    words_[v] = word;
    holds[v] = around == Holds::nothing ? Holds::nothing : Holds::one;
    if (word == Word::unknown || is_map || around == Holds::nothing) continue;
    holds[v] = keywords[static_cast<int>(word)].holds;
    unevaluated_ =
        unevaluated_ || word == Word::unevaluated_items || word == Word::unevaluated_properties;
  }
  return Status::ok;
}

Status Compiler::run() {
  error_.text[0] = 0;
  INLAY_TRY(references_.read(error_));
  INLAY_TRY(read_words());
  const ValueId dialect = document_.member(0, "$schema");
  if (is(dialect, Kind::string)) {
    for (const std::string_view old : {"draft-03", "draft-04", "draft-06", "draft-07"}) {
      old_draft_ = old_draft_ || document_.text(dialect).find(old) != std::string_view::npos;
    }
  }
  INLAY_TRY(make_fixed_nodes());
  const Claim root[] = {Claim::schema(0)};
  GoalId goal = 0;
  NodeId value = 0;
  INLAY_TRY(intern_goal(root, goal));
  bool empty = false;
  INLAY_TRY(is_empty(goal, empty));
  if (empty) return refuse(Status::unsupported, 0, "no value is valid against this schema");
  Types types = 0;
  INLAY_TRY(goal_types(goal, types));
  if (options_.one_type && types == all_types) {
    Types meant = bit(Type::object);
    for (const Word word : {Word::pattern, Word::format, Word::min_length, Word::max_length}) {
      if (member(0, word) != no_value) meant = bit(Type::string);
    }
    for (const Word word : {Word::items, Word::prefix_items}) {
      if (member(0, word) != no_value) meant = bit(Type::array);
    }
    INLAY_TRY(body_of(goal, meant, value));
  } else {
    INLAY_TRY(goal_node(goal, value));
  }
  const NodeId parts[] = {outer_space_, value, outer_space_};
  const grammar::RuleId rule = rules_.declare("#");
  rules_.define(rule, rules_.sequence(parts));
  rules_.set_root(rule);
  while (!waiting_.empty()) {
    const GoalId next = waiting_.back();
    waiting_.pop();
    NodeId body = 0;
    INLAY_TRY(goal_types(next, types));
    INLAY_TRY(body_of(next, types, body));
    rules_.define(goals_[next].rule, body);
  }
  return Status::ok;
}

Status Compiler::intern_goal(std::span<const Claim> claims, GoalId& goal) {
  Array<std::uint32_t> codes(allocator_);
  for (const Claim claim : claims) {
    const bool says_nothing = is_false(claim.opposite());
    if (!says_nothing) INLAY_TRY(codes.push(claim.code));
  }
  std::sort(codes.begin(), codes.end());
  const std::uint32_t* end = std::unique(codes.begin(), codes.end());
  while (codes.end() != end) codes.pop();
  bool fresh = false;
  INLAY_TRY(step(codes.size() + 1));
  INLAY_TRY(goal_sets_.intern(codes, goal, &fresh));
  return fresh ? goals_.push({}) : Status::ok;
}

namespace {

Claim claim_of(std::uint32_t code) {
  Claim claim;
  claim.code = code;
  return claim;
}

}  // namespace

// A set that has all types that the claim allows, and perhaps more.
Status Compiler::types_of(Claim claim, std::uint32_t depth, Types& types) {
  types = all_types;
  const ValueId v = claim.value();
  if (claim.equals()) {
    constexpr Type kinds[] = {Type::null,   Type::no,    Type::number,
                              Type::string, Type::array, Type::object};
    const Document::Value& value = document_[v];
    const Type type = value.kind == Kind::boolean && value.truth
                          ? Type::yes
                          : kinds[static_cast<int>(value.kind)];
    const bool whole = type <= Type::yes;  // the type has this value only
    types = !claim.negated() ? bit(type) : whole ? all_types & ~bit(type) : all_types;
    return Status::ok;
  }
  if (is(v, Kind::boolean)) {
    types = is_false(claim) ? 0 : all_types;
    return Status::ok;
  }
  if (!is(v, Kind::object)) return Status::ok;
  const ValueId type = member(v, Word::type), ref = member(v, Word::ref);
  bool integer = false;
  if (claim.negated()) {
    if (type == no_value || document_[v].children != 1) return Status::ok;
    INLAY_TRY(keyword_types(type, types, integer));
    types = all_types & ~(integer ? types & ~bit(Type::number) : types);
    return Status::ok;
  }
  if (ref != no_value && depth < 16) {
    ValueId target = no_value;
    INLAY_TRY(reference(ref, false, target));
    INLAY_TRY(types_of(Claim::schema(target), depth + 1, types));
    if (old_draft_) return Status::ok;
  }
  Types part = 0;
  if (type != no_value) {
    INLAY_TRY(keyword_types(type, part, integer));
    types &= part;
  }
  if (const ValueId value = member(v, Word::constant); value != no_value) {
    INLAY_TRY(types_of(Claim::equal(value), depth, part));
    types &= part;
  }
  for (const Word word : {Word::enumeration, Word::all_of, Word::any_of, Word::one_of}) {
    const ValueId list = member(v, word);
    if (!is(list, Kind::array) || depth >= 8) continue;
    Types any = 0;
    for (ValueId c = document_[list].first; c != no_value; c = document_[c].next) {
      INLAY_TRY(step());
      INLAY_TRY(types_of(word == Word::enumeration ? Claim::equal(c) : Claim::schema(c), depth + 1,
                         part));
      if (word == Word::all_of) types &= part;
      any |= part;
    }
    if (word != Word::all_of) types &= any;
  }
  return Status::ok;
}

Status Compiler::goal_types(GoalId goal, Types& types) {
  types = all_types;
  for (std::size_t i = 0; i < goal_sets_[goal].size(); ++i) {
    Types part = 0;
    INLAY_TRY(types_of(claim_of(goal_sets_[goal][i]), 0, part));
    types &= part;
  }
  return Status::ok;
}

Status Compiler::goal_node(GoalId goal, NodeId& node) {
  if (goals_[goal].node == no_node) {
    Types types = 0;
    INLAY_TRY(goal_types(goal, types));
    if (types & (bit(Type::array) | bit(Type::object))) {
      const auto claims = goal_sets_[goal];
      const ValueId first = claims.empty() ? no_value : claim_of(claims[0]).value();
      const grammar::RuleId rule =
          rules_.declare(first == no_value ? "any value" : document_.path(first).view());
      goals_[goal].rule = rule;
      goals_[goal].node = rules_.rule(rule);
      INLAY_TRY(waiting_.push(goal));
    } else {
      INLAY_TRY(body_of(goal, types, node));
      goals_[goal].node = node;
    }
  }
  node = goals_[goal].node;
  return Status::ok;
}

class NodeSink final : public BranchSink {
 public:
  NodeSink(Compiler& compiler, Type type, Array<grammar::NodeId>& nodes)
      : compiler_(compiler), type_(type), nodes_(nodes) {}
  Status take(Branch& b) override {
    grammar::NodeId node = grammar::no_node;
    bool possible = true;
    INLAY_TRY(type_ == Type::object ? compiler_.object_node(b, node, false, possible)
                                    : compiler_.array_node(b, node, false, possible));
    return possible ? nodes_.push(node) : Status::ok;
  }

 private:
  Compiler& compiler_;
  Type type_;
  Array<grammar::NodeId>& nodes_;
};

// What is valid of these types.
Status Compiler::body_of(GoalId goal, Types types, NodeId& node) {
  Array<NodeId> parts(allocator_);
  Array<Claim> claims(allocator_);
  for (const std::uint32_t code : goal_sets_[goal]) INLAY_TRY(claims.push(claim_of(code)));
  const ValueId where = claims.empty() ? 0 : claims[0].value();
  constexpr std::string_view words[] = {"null", "false", "true"};
  for (std::uint32_t t = 0; t < type_count; ++t) {
    const Type type = static_cast<Type>(t);
    if (!(types & bit(type))) continue;
    if (type == Type::array || type == Type::object) {
      NodeSink sink(*this, type, parts);
      INLAY_TRY(expand(goal, type, sink));
      continue;
    }
    Scalars s(allocator_);
    Term term = 0;
    INLAY_TRY(claims_term(claims, type, s, term));
    if (term == Formula::no) continue;
    NodeId part = no_node;
    if (type <= Type::yes) {
      part = rules_.literal(words[t]);
    } else if (type == Type::string) {
      INLAY_TRY(string_node(s, term, where, part));
    } else if (term == Formula::yes && spelling_ != Spelling::unique) {
      part = any_number_;
    } else {
      const Automaton* number = nullptr;
      INLAY_TRY(number_automaton(s, term, where, number));
      INLAY_TRY(speller_.bare(*number, part));
    }
    INLAY_TRY(parts.push(part));
  }
  node = rules_.choice(parts);
  return Status::ok;
}

// Values of one spelling each.
Status Compiler::unique_body(GoalId goal, Types types, NodeId& node) {
  const Speller usual = speller_;
  const NodeId character = any_character_, string = any_string_;
  spelling_ = Spelling::unique;
  speller_ = Speller(rules_, spelling_);
  Status status = speller_.character(all_characters, any_character_);
  const NodeId parts[] = {rules_.literal("\""),
                          rules_.repeat(any_character_, 0, grammar::unbounded),
                          rules_.literal("\"")};
  any_string_ = rules_.sequence(parts);
  if (!is_error(status)) status = body_of(goal, types, node);
  spelling_ = options_.spelling;
  speller_ = usual;
  any_character_ = character;
  any_string_ = string;
  return status;
}

// ---- Emptiness ----------------------------------------------------------------------------------

class EmptinessSink final : public BranchSink {
 public:
  EmptinessSink(Compiler& compiler, Type type) : compiler_(compiler), type_(type) {}
  Status take(Branch& b) override {
    grammar::NodeId node = grammar::no_node;
    bool possible = true;
    INLAY_TRY(type_ == Type::object ? compiler_.object_node(b, node, true, possible)
                                    : compiler_.array_node(b, node, true, possible));
    found_ = found_ || possible;
    return Status::ok;
  }
  bool enough() const override { return found_; }

 private:
  Compiler& compiler_;
  Type type_;
  bool found_ = false;
};

Status Compiler::is_empty(GoalId goal, bool& empty) {
  Types types = 0;
  empty = true;
  INLAY_TRY(goal_types(goal, types));
  for (std::uint32_t t = 0; t < type_count && empty; ++t) {
    if (types & 1u << t) INLAY_TRY(is_empty(goal, static_cast<Type>(t), empty));
  }
  return Status::ok;
}

// `empty` is true only where it is known. What cannot be told is not an error here.
Status Compiler::is_empty(GoalId goal, Type type, bool& empty) {
  constexpr std::uint8_t unknown = 0, looking = 1, no = 2, yes = 3;
  constexpr std::uint32_t max_looking = 5;
  const auto t = static_cast<std::uint32_t>(type);
  empty = goals_[goal].empty[t] == yes;
  if (goals_[goal].empty[t] != unknown || looking_ >= max_looking) return Status::ok;
  goals_[goal].empty[t] = looking;
  ++looking_;
  const std::uint32_t branches = branches_;
  Status status = Status::ok;
  if (type == Type::array || type == Type::object) {
    EmptinessSink sink(*this, type);
    status = expand(goal, type, sink);
    empty = !is_error(status) && !sink.enough();
  } else {
    Scalars s(allocator_);
    Array<Claim> claims(allocator_);
    Term term = 0;
    for (const std::uint32_t code : goal_sets_[goal]) INLAY_TRY(claims.push(claim_of(code)));
    status = claims_term(claims, type, s, term);
    empty = !is_error(status) && term == Formula::no;
    if (!is_error(status) && term > Formula::yes && type == Type::string && only_lengths(s)) {
      Array<Range> lengths(allocator_);
      INLAY_TRY(find_lengths(s, term, lengths));
      empty = lengths.empty();
    } else if (!is_error(status) && term > Formula::yes) {
      Automaton texts(allocator_);
      const Automaton* set = &texts;
      const ValueId where = claims[0].value();
      status = type == Type::string ? string_automaton(s, term, where, texts)
                                    : number_automaton(s, term, where, set);
      empty = !is_error(status) && set->is_empty();
    }
  }
  branches_ = branches;
  --looking_;
  goals_[goal].empty[t] = empty ? yes : no;
  if (!is_error(status)) return status;
  if (exhausted_ || (status != Status::unsupported && status != Status::limit)) return status;
  error_.text[0] = 0;
  return Status::ok;
}

}  // namespace inlay::schema
