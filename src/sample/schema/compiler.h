// compiler.h - the work of compile(): goals, what they say about each type, and nodes for them.
//
// A claim says that an instance is valid against a schema (or equal to a value), or that it is not.
// A goal is a set of claims that hold together; goals are numbered, and each becomes one rule. What
// a goal says about numbers and strings is a formula over tests, decided by automata. What it says
// about arrays and objects is split into branches: lists of facts without "or".
#pragma once

#include "base/hash_map.h"
#include "sample/schema/compile.h"
#include "sample/schema/keywords.h"
#include "sample/schema/numbers.h"
#include "sample/schema/references.h"
#include "sample/schema/spell.h"
#include "sample/schema/tuple_set.h"

namespace inlay::schema {

enum class Type : std::uint8_t { null, no, yes, number, string, array, object };
inline constexpr std::uint32_t type_count = 7;
using Types = std::uint32_t;  // bits
constexpr Types bit(Type t) { return 1u << static_cast<std::uint32_t>(t); }
inline constexpr Types all_types = (1u << type_count) - 1;

using GoalId = std::uint32_t;

struct Claim {
  std::uint32_t code = 0;
  Claim() = default;
  Claim(ValueId value, bool negated, bool equals)
      : code(value << 2 | (negated ? 1u : 0u) | (equals ? 2u : 0u)) {}
  static Claim schema(ValueId s, bool negated = false) { return {s, negated, false}; }
  static Claim equal(ValueId v, bool negated = false) { return {v, negated, true}; }
  ValueId value() const { return code >> 2; }
  bool negated() const { return code & 1; }
  bool equals() const { return code & 2; }
  Claim opposite() const {
    Claim c = *this;
    c.code ^= 1;
    return c;
  }
};

// Tests of strings and numbers that a formula is over.
struct StringTest {
  bool is_length = false;
  std::uint32_t low = 0, high = Automaton::none;
  const Automaton* texts = nullptr;
};

struct Scalars {
  explicit Scalars(Allocator& allocator)
      : formula(allocator), numbers(allocator), strings(allocator), known(allocator) {}
  Formula formula;
  Array<NumberTest> numbers;
  Array<StringTest> strings;
  HashMap<std::uint64_t, Formula::Term> known;  // of claims; none: being found
  std::uint32_t depth = 0;
};

// ---- Branches of arrays and objects -------------------------------------------------------------

inline constexpr std::uint32_t no_scope = 0xffffffffu;

struct Pending {
  Claim claim;
  std::uint32_t scope;  // where it stands, for unevaluated...
};

struct Fact {
  enum class Kind : std::uint8_t {
    group,        // value: a schema with properties (items) and their patterns and rest
    required,     // key
    absent,       // key
    member,       // key, claim: if it is there
    names,        // claim: of every key
    count,        // low to high members or items
    some_member,  // value: a pattern (low: 1) or the keyword additionalProperties; claim
    some_name,    // claim: of a key
    one_member,   // some_member or some_name, where generation writes one such member
    some_key,     // some_member or some_name, where the key says all: in the class `matches`
    item,         // low: index; claim: if it is there
    contains,     // claim, low to high
    some_item,    // low: index; claim: of an item there or later
    unique,       // value: the keyword
    unevaluated,  // value: the keyword's schema
  };
  Kind kind;
  ValueId value = no_value;
  Claim claim{};
  std::string_view key{};
  std::uint32_t low = 0, high = 0xffffffffu;
  std::uint32_t scope = no_scope;
  std::uint32_t matches = 0;
};

struct Choice {
  Word word;
  ValueId value;  // the keyword's value; a schema or value where `word` is unknown
  std::uint32_t scope;
  Claim claim;  // of a negated schema or value
};

struct Branch {
  explicit Branch(Allocator& allocator)
      : pending(allocator), facts(allocator), choices(allocator), scopes(allocator) {}
  Status copy(const Branch& other);

  Array<Pending> pending;
  // The schema that errors name.
  ValueId where() const { return pending.empty() ? 0 : pending[0].claim.value(); }
  std::size_t done = 0;  // pending claims that are dealt with
  Array<Fact> facts;
  Array<Choice> choices;  // still to be made
  std::size_t chosen = 0;
  Array<std::uint32_t> scopes;  // parent of each
  std::uint32_t depth = 0;      // choices made
  bool impossible = false;
};

// Gets the branches of a goal for one type.
class BranchSink {
 public:
  virtual Status take(Branch& branch) = 0;
  virtual bool enough() const { return false; }

 protected:
  ~BranchSink() = default;
};

class Compiler {
 public:
  Compiler(const Document& document, const CompileOptions& options, grammar::Rules& rules,
           Error& error);
  ~Compiler();

  Status run();

 private:
  using NodeId = grammar::NodeId;
  using Term = Formula::Term;
  friend class EmptinessSink;
  friend class NodeSink;
  friend class ObjectShape;
  friend class ArrayShape;

  static constexpr std::uint32_t no_node = grammar::no_node;
  static constexpr std::uint64_t max_steps = 3'000'000;
  static constexpr std::uint32_t max_branches = 600;  // of one goal
  static constexpr std::uint32_t max_choices = 80;    // of one branch

  struct Goal {
    NodeId node = no_node;   // once known
    std::uint32_t rule = 0;  // if has_rule
    bool has_rule = false;
    std::uint8_t empty[type_count] = {};  // 0 unknown, 1 being found, 2 no, 3 yes
  };

  // goals.cpp
  Status read_words();
  Status intern_goal(std::span<const Claim> claims, GoalId& goal);
  Status goal_node(GoalId goal, NodeId& node);
  Status body_of(GoalId goal, Types types, NodeId& node);
  Status unique_body(GoalId goal, Types types, NodeId& node);
  Status is_empty(GoalId goal, bool& empty);
  Status is_empty(GoalId goal, Type type, bool& empty);
  Status types_of(Claim claim, std::uint32_t depth, Types& types);
  Status goal_types(GoalId goal, Types& types);
  Status step(std::uint64_t work = 1);
  template <class... Args>
  Status refuse(Status status, ValueId where, fmt::format_string<detail::Printed<Args>...> format,
                const Args&... args) {
    if (status == Status::memory) return fail_memory(error_, "a schema");
    if (status == Status::limit) exhausted_ = exhausted_ || steps_ > max_steps;
    char text[192];
    const std::size_t length = print<Args...>(text, sizeof text, format, args...);
    return fail(error_, status, "schema: {}: {}", document_.path(where).view(),
                std::string_view(text, length < sizeof text ? length : sizeof text - 1));
  }
  Status too_large(Status status, ValueId where, const char* what);

  // values.cpp
  Status make_fixed_nodes();
  NodeId in_brackets(char open, NodeId inside, char close);
  NodeId then_comma(NodeId item) { return rules_.sequence(comma_, item); }
  Status key_node(std::string_view key, NodeId& node);
  Status keep_text(std::string_view text, std::string_view& kept);
  ValueId member(ValueId schema, Word word) const {
    return document_.member(schema, name_of(word));
  }
  bool is(ValueId value, Document::Kind kind) const { return document_.is(value, kind); }
  bool is_false(Claim claim) const;
  Status check_schema(ValueId schema);
  Status reference(ValueId keyword, bool dynamic, ValueId& target);
  Status text_of(ValueId keyword, std::string_view& text);
  Status count_of(ValueId keyword, std::uint32_t& count);
  Status number_of(ValueId keyword, Decimal& number);
  Status check_kind(ValueId keyword, Document::Kind kind);
  Status keyword_types(ValueId keyword, Types& types, bool& integer);

  // scalars.cpp
  Status scalar_term(Claim claim, Type type, Scalars& s, Term& term);
  Status schema_term(ValueId schema, Type type, Scalars& s, Term& term);
  Status keyword_term(Word word, ValueId schema, ValueId keyword, Type type, Scalars& s,
                      Term& term);
  Status applicator_term(Word word, ValueId schema, ValueId keyword, Type type, Scalars& s,
                         Term& term);
  Status one_of_term(ValueId keyword, Type type, Scalars& s, Term& term);
  Status equal_term(std::span<const ValueId> values, ValueId where, Type type, Scalars& s,
                    Term& term);
  Status bound_term(Word word, ValueId schema, ValueId keyword, Scalars& s, Term& term);
  Status number_test(const NumberTest& test, Scalars& s, Term& term);
  Status string_test(const StringTest& test, Scalars& s, Term& term);
  Status claims_term(std::span<const Claim> claims, Type type, Scalars& s, Term& term);
  Status string_automaton(Scalars& s, Term term, ValueId where, Automaton& out);
  Status number_automaton(Scalars& s, Term term, ValueId where, const Automaton*& out);
  Status string_node(Scalars& s, Term term, ValueId where, NodeId& node);
  static bool only_lengths(const Scalars& s);
  Status find_lengths(Scalars& s, Term term, Array<Range>& lengths);
  Status length_node(Scalars& s, Term term, NodeId& node);
  Status new_automaton(Automaton*& out);
  Status pattern_automaton(ValueId pattern, std::string_view text, const Automaton*& out);
  Status format_automaton(ValueId keyword, const Automaton*& out);
  Status names_automaton(std::span<const Claim> claims, ValueId where, const Automaton*& out);

  // branches.cpp
  Status expand(GoalId goal, Type type, BranchSink& sink);
  Status run_branch(Branch& b, Type type, BranchSink& sink);
  Status apply(Branch& b, Pending p, Type type);
  Status apply_schema(Branch& b, ValueId schema, std::uint32_t scope, Type type);
  Status apply_keyword(Branch& b, Word word, ValueId schema, ValueId keyword, std::uint32_t scope,
                       Type type);
  Status apply_object_keyword(Branch& b, Word word, ValueId keyword, std::uint32_t scope);
  Status apply_array_keyword(Branch& b, Word word, ValueId schema, ValueId keyword,
                             std::uint32_t scope);
  Status apply_equal(Branch& b, ValueId value, Type type);
  Status add_pending(Branch& b, Claim claim, std::uint32_t parent);
  Status add_group(Branch& b, ValueId schema, std::uint32_t scope);
  // choices.cpp
  Status choose(Branch& b, const Choice& c, Type type, BranchSink& sink);
  template <class Change>
  Status fork(const Branch& b, Type type, BranchSink& sink, ValueId where, Change change);
  Status choose_not_schema(Branch& b, ValueId schema, std::uint32_t scope, Type type,
                           BranchSink& sink);
  Status choose_not_keyword(Branch& b, Word word, ValueId schema, ValueId keyword,
                            std::uint32_t scope, Type type, BranchSink& sink);
  Status choose_not_object(Branch& b, Word word, ValueId schema, ValueId keyword, Type type,
                           BranchSink& sink);
  Status choose_not_array(Branch& b, Word word, ValueId schema, ValueId keyword, Type type,
                          BranchSink& sink);
  Status choose_not_equal(Branch& b, ValueId value, Type type, BranchSink& sink);
  Status choose_one_of(Branch& b, ValueId keyword, std::uint32_t scope, Type type,
                       BranchSink& sink);
  Status apart(ValueId a, ValueId b, Type type, bool& apart);
  bool is_possible(const Branch& b) const;
  static bool is_inside(const Branch& b, std::uint32_t scope, std::uint32_t outer);
  Status contains_counts(ValueId schema, std::uint32_t& low, std::uint32_t& high);

  // objects.cpp, arrays.cpp
  Status object_node(const Branch& b, NodeId& node, bool only_look, bool& possible);
  Status array_node(const Branch& b, NodeId& node, bool only_look, bool& possible);
  Status key_claims(const Branch& b, std::string_view key, Array<Claim>& claims, bool& present);

  const Document& document_;
  const CompileOptions& options_;
  grammar::Rules& rules_;
  Error& error_;
  Allocator& allocator_;
  References references_;
  Speller speller_;
  Spelling spelling_;  // options_.spelling, or unique for a while
  TupleSet goal_sets_;
  Array<Goal> goals_;
  Array<GoalId> waiting_;
  Array<Automaton*> automata_;
  TupleSet number_sets_;                              // what decides each of numbers_
  Array<const Automaton*> numbers_;                   // of automata_; nullptr: too large
  Array<Array<char>*> texts_;                         // keys that no document has
  HashMap<std::uint64_t, std::uint32_t> by_pattern_;  // of the value -> automata_
  HashMap<std::uint64_t, std::uint32_t> targets_;     // of references
  HashMap<std::string_view, std::uint32_t> key_nodes_;
  Array<Word> words_;  // of each value, as a member
  std::uint64_t steps_ = 0;
  bool exhausted_ = false;
  std::uint32_t looking_ = 0;   // depth of questions about emptiness
  std::uint32_t branches_ = 0;  // of the goal at hand
  bool unevaluated_ = false;    // the document asks for unevaluated...
  bool old_draft_ = false;      // draft 7 and before: $ref stands alone

  // Nodes that many places share.
  NodeId space_ = no_node, comma_ = no_node, colon_ = no_node, outer_space_ = no_node;
  NodeId any_character_ = no_node, any_string_ = no_node, any_number_ = no_node;
};

}  // namespace inlay::schema
