// regex.h - regular expressions (ECMA-262, as JSON schemas use them) as nodes of a grammar.
//
// Taken: literals, . [classes] with ranges and negation, \d \D \w \W \s \S, \p{..} \P{..} of the
// general categories that are listed in regex_classes.cpp, \t \n \r \f \v \0 \cX \xHH \uHHHH
// \u{H..} with surrogate pairs, ( ) (?: ) (?<name> ), |, ? * + {n} {n,} {n,m} and their lazy forms
// (the same texts match), ^ and $ at the edges of an alternative. Refused with the offset:
// lookaround, backreferences, \b \B, anchors in the middle.
#pragma once

#include <string_view>

#include "sample/grammar/rules.h"

namespace inlay::grammar {

struct RegexOptions {
  // The whole text must match; false: any part of it, unless anchors say otherwise (JSON schema).
  bool whole = true;
  // How one character of the pattern stands in the text: gets sorted ranges without overlaps and
  // gives a node (regular, one character). nullptr: as itself. A string of JSON writes some of them
  // as escapes.
  NodeId (*points)(void* user, Rules& rules, std::span<const PointRange> ranges) = nullptr;
  void* user = nullptr;
};

// Adds the pattern to `rules`. Errors: FORMAT (what is wrong and at which byte), UNSUPPORTED,
// LIMIT (nesting over 200, ...), MEMORY; texts start with "regex: byte N: ".
Status add_regex(Rules& rules, std::string_view pattern, const RegexOptions& options, NodeId& node,
                 Error& error);

// A grammar of one pattern, which the whole text matches.
Status read_regex(std::string_view pattern, Rules& rules, Error& error);

}  // namespace inlay::grammar
