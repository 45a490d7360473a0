// bound_grammar.h - a compiled grammar as the host holds it: with a model whose tokens it speaks,
// or for text alone.
#pragma once

#include <atomic>
#include <string_view>

#include "engine/model.h"
#include "sample/grammar/guard.h"

namespace inlay {

// Immutable; counted references. Guards and matchers keep it alive.
class BoundGrammar {
 public:
  // `language`: INLAY_GRAMMAR_.... With a model (which is kept) its memory is the model's, else the
  // host's. Errors: ARGUMENT, UNSUPPORTED (no such language, no tokenizer), and those of compile.
  static Status compile(std::uint32_t language, std::string_view text, Model* model,
                        const inlay_host& host, BoundGrammar** grammar, Error& error);
  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release();

  Allocator& allocator() const { return allocator_; }
  const Model* model() const { return model_; }
  const grammar::Grammar& grammar() const { return grammar_; }
  const grammar::Constraint* constraint() const { return constraint_; }  // nullptr: text alone
  std::uint64_t bytes() const { return sizeof *this + allocator_.live_bytes(); }

 private:
  explicit BoundGrammar(const inlay_allocator& memory) : allocator_(memory), grammar_(allocator_) {}
  Status fill(std::uint32_t language, std::string_view text, Error& error);

  mutable Allocator allocator_;
  std::atomic<std::uint32_t> references_{1};
  Model* model_ = nullptr;
  grammar::Grammar grammar_;
  grammar::Constraint* constraint_ = nullptr;
};

}  // namespace inlay
