// compile.h - from rules to an immutable grammar.
#pragma once

#include "sample/grammar/grammar.h"
#include "sample/grammar/rules.h"

namespace inlay::grammar {

// Checks the rules and compiles them into `grammar` (a fresh object). Errors name the rule, its
// place and the reason: FORMAT (undefined rule, left recursion, no text can match, a key or all_of
// that is not regular), LIMIT (too many states, too deep), MEMORY. Time and memory are bounded by
// constants of the compiler, whatever the rules say.
Status compile(const Rules& rules, Grammar& grammar, Error& error);

}  // namespace inlay::grammar
