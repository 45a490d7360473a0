// survey.h - what the compiler has to know of every node before it makes an automaton: which are
// reached, regular, able to end, able to be empty; and that no rule begins with itself.
#pragma once

#include "sample/grammar/nfa.h"
#include "sample/grammar/rules.h"

namespace inlay::grammar {

struct NodeFacts {
  std::uint32_t uses = 0;           // places that refer to it
  std::uint32_t owner = 0;          // a rule in which it stands
  std::uint32_t weight = 0;         // positions of its automaton; saturates
  std::uint32_t dfa = no_node;      // of all_of and but_not, in Survey::products
  std::uint32_t texts = countless;  // of an extra key of which a bound asks for several
  std::uint16_t width = 0;          // bytes that its characters may be, roughly
  std::uint8_t heavy = 0;           // loops over most characters in it; 2: several, or shared ones
  bool reached = false;
  bool regular = false;
  bool productive = false;  // some text matches
  bool nullable = false;    // "" matches
};

class Survey {
 public:
  explicit Survey(const Rules& rules);
  // FORMAT, LIMIT, MEMORY; texts name the rule.
  Status run(RegularBuilder& builder, Error& error);

  const NodeFacts& operator[](NodeId id) const { return facts_[id]; }
  Dfa& product(const NodeFacts& f) { return products_[f.dfa]; }
  // "rule 'x' (line 3, column 1)" into `text`.
  std::string_view rule_text(RuleId rule, std::span<char> text) const;

 private:
  template <class Visit>
  Status visit_children(const Node& n, Visit visit) const;
  Status reach(Error& error);
  Status link_parents();
  Status find_regular(RegularBuilder& builder, Error& error);
  Status measure(NodeId id, RegularBuilder& builder, Error& error);
  Status count_extras(RegularBuilder& builder);
  Status find_productive(Error& error);
  bool can_end(const MembersRecord& r) const;
  Status find_nullable();
  Status refuse_left_recursion(Error& error);
  Status left_children(NodeId id, Array<NodeId>& out) const;
  Status refuse_cycle(std::span<const NodeId> path, NodeId again, Error& error) const;
  std::span<const NodeId> parents(NodeId id) const {
    return {parents_.data() + parent_begin_[id], parent_begin_[id + 1] - parent_begin_[id]};
  }

  const Rules& rules_;
  Allocator& allocator_;
  Array<NodeFacts> facts_;
  Array<NodeId> order_;  // reached nodes
  Array<std::uint32_t> parent_begin_;
  Array<NodeId> parents_;
  Array<Dfa> products_;
};

}  // namespace inlay::grammar
