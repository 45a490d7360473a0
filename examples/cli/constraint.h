// constraint.h - grammars from files: for checking a text, and for inlay run.
#pragma once

#include <string>
#include <string_view>

#include "inlay/inlay.hpp"

namespace cli {

// The bytes of a grammar's file; a regular expression's without the line end behind it.
std::string read_grammar(inlay::GrammarLanguage language, const std::string& path);

// Prints "accepted", or where the text breaks the grammar, and throws Exit: 1 rejected, 2 the
// grammar is bad, with its reason on standard error.
void check_text(inlay::GrammarLanguage language, const std::string& path, std::string_view text);

}  // namespace cli
