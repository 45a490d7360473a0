// bound_grammar.cpp - reads, compiles and binds a grammar.
#include "engine/bound_grammar.h"

#include <new>

#include "sample/grammar/compile.h"
#include "sample/grammar/language.h"

namespace inlay {

Status BoundGrammar::compile(std::uint32_t language, std::string_view text, Model* model,
                             const inlay_host& host, BoundGrammar** grammar, Error& error) {
  if (language >= grammar::language_count) {
    return fail(error, Status::unsupported, "grammar: language {}, known are 0 to {}", language,
                grammar::language_count - 1);
  }
  if (model && !model->tokenizer()) {
    return fail(error, Status::unsupported, "grammar: the model has no tokenizer");
  }
  const inlay_allocator& memory = model ? model->host().allocator : host.allocator;
  Allocator outer(memory);
  void* block = outer.allocate(sizeof(BoundGrammar));
  if (!block) return fail_memory(error, "grammar");
  auto* made = new (block) BoundGrammar(memory);
  if (model) model->retain();
  made->model_ = model;
  if (const Status status = made->fill(language, text, error); is_error(status)) {
    made->release();
    return status == Status::memory ? fail_memory(error, "grammar") : status;
  }
  *grammar = made;
  return Status::ok;
}

Status BoundGrammar::fill(std::uint32_t language, std::string_view text, Error& error) {
  grammar::Rules rules(allocator_);
  INLAY_TRY(grammar::languages[language].read(text, rules, error));
  INLAY_TRY(grammar::compile(rules, grammar_, error));
  if (!model_) return Status::ok;
  const grammar::TokenTrie* trie = nullptr;
  INLAY_TRY(model_->token_trie(&trie, error));
  constraint_ = create<grammar::Constraint>(allocator_, allocator_, grammar_, *trie);
  return constraint_ ? constraint_->bind(error) : fail_memory(error, "grammar");
}

void BoundGrammar::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Model* model = model_;
  destroy(allocator_, constraint_);
  const inlay_allocator memory = allocator_.host();
  this->~BoundGrammar();
  memory.release(memory.user, this, sizeof(BoundGrammar), default_alignment);
  if (model) model->release();
}

}  // namespace inlay
