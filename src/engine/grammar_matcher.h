// grammar_matcher.h - a matcher as the host holds it.
#pragma once

#include "engine/bound_grammar.h"

namespace inlay {

// Keeps its grammar alive. One owner.
class GrammarMatcher {
 public:
  static Status open(BoundGrammar& grammar, GrammarMatcher** matcher, Error& error);
  void close();

  grammar::Matcher& matcher() { return *matcher_; }
  const grammar::Matcher& matcher() const { return *matcher_; }
  const BoundGrammar& grammar() const { return grammar_; }

 private:
  GrammarMatcher(BoundGrammar& grammar, grammar::Matcher& matcher)
      : grammar_(grammar), matcher_(&matcher) {}

  BoundGrammar& grammar_;
  grammar::Matcher* matcher_;
};

}  // namespace inlay
