// gbnf.h - the grammar language of llama.cpp, read into rules.
//
//   root ::= "text" [a-z] [^0-9] . rule ( a | b ) x* x+ x? x{2} x{2,} x{2,5} <[42]> <think>
//   !<think>
//
// Escapes in texts and classes: \n \r \t \\ \" \[ \] \- \xHH \uHHHH \UHHHHHHHH. A rule ends with
// its line, but not inside ( ) or after ::= and |. # begins a comment. The rule `root` is the
// start.
#pragma once

#include <string_view>

#include "sample/grammar/rules.h"

namespace inlay::grammar {

// Errors: FORMAT with line and column, LIMIT (nesting over 200 and the bounds of Rules), MEMORY.
Status read_gbnf(std::string_view text, Rules& rules, Error& error);

}  // namespace inlay::grammar
