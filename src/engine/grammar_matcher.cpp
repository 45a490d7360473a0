// grammar_matcher.cpp - opens and closes matchers.
#include "engine/grammar_matcher.h"

namespace inlay {

Status GrammarMatcher::open(BoundGrammar& grammar, GrammarMatcher** matcher, Error& error) {
  grammar::Matcher* inner = nullptr;
  INLAY_TRY(grammar::Matcher::create(grammar.allocator(), grammar.grammar(), grammar.constraint(),
                                     &inner, error));
  void* block = grammar.allocator().allocate(sizeof(GrammarMatcher));
  if (!block) {
    inner->release();
    return fail_memory(error, "grammar: a matcher");
  }
  grammar.retain();
  *matcher = new (block) GrammarMatcher(grammar, *inner);
  return Status::ok;
}

void GrammarMatcher::close() {
  BoundGrammar& grammar = grammar_;
  matcher_->release();
  this->~GrammarMatcher();
  grammar.allocator().release(this, sizeof(GrammarMatcher));
  grammar.release();
}

}  // namespace inlay
