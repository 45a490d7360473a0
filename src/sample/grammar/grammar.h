// grammar.h - a compiled grammar: an automaton with a stack, shared by any number of matchers.
#pragma once

#include "base/array.h"
#include "base/status.h"

namespace inlay::grammar {

// Immutable once compiled; then every const function is thread-safe.
class Grammar {
 public:
  explicit Grammar(Allocator& allocator) : allocator_(&allocator) {}

 private:
  Allocator* allocator_;
};

}  // namespace inlay::grammar
