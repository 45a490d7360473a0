// spell.h - texts of characters as JSON writes them between quotes, byte by byte.
#pragma once

#include "sample/grammar/rules.h"
#include "sample/schema/automaton.h"
#include "sample/schema/numbers.h"

namespace inlay::schema {

// Adds the texts of an automaton to `rules`. Any spelling: each character as itself (where JSON
// allows that) or as any of its escapes; plain: an escape only where one is needed.
class Speller {
 public:
  Speller(grammar::Rules& rules, Spelling spelling) : rules_(&rules), spelling_(spelling) {}

  // With the quotes around.
  Status quoted(const Automaton& texts, grammar::NodeId& node);
  // One character of a set, without quotes.
  Status character(std::span<const Range> set, grammar::NodeId& node);
  // As it is, for texts of ASCII without quotes: numbers.
  Status bare(const Automaton& texts, grammar::NodeId& node);

 private:
  grammar::Rules* rules_;
  Spelling spelling_;
};

}  // namespace inlay::schema
