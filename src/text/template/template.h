// template.h - a chat template: compiled once, rendered for each conversation.
//
// The Jinja of transformers' apply_chat_template: what it renders equals Jinja2's to the byte, or
// is an error that names line and tag. Left out are inheritance and includes, the filters pprint,
// random, striptags, urlize, wordwrap and xmlattr, integers over 64 bits, and str methods of
// character classes on texts that are not ASCII.
#pragma once

#include "text/template/lexer.h"
#include "text/template/renderer.h"

namespace inlay::jinja {

// A prompt with the origin of its bytes.
struct Rendered {
  explicit Rendered(Allocator& allocator) : text(allocator), runs(allocator) {}
  Array<char> text;
  Array<Run> runs;  // neighbours differ in origin; the last one ends at the text's size
};

// The values a template is rendered with; filled by the caller, in its arena.
struct Variables {
  Variables(Allocator& allocator, const Limits& limits) : arena(allocator, limits.value_bytes) {}
  Arena arena;
  Dict dict;
};

// Immutable once compiled; then render() may be called from any number of threads.
class Template {
 public:
  explicit Template(Allocator& allocator, const Limits& limits = {})
      : limits_(limits), arena_(allocator, limits.tree_bytes), names_(allocator) {}

  // Once. Errors: FORMAT with line and tag, LIMIT, MEMORY.
  Status compile(std::string_view text, Syntax syntax, Error& error);
  // Appends to nothing: `out` is replaced. Errors: FORMAT, ARGUMENT (the template itself refuses the
  // values, or asks for a date that was not given), LIMIT, MEMORY.
  Status render(Variables& variables, const Moment& now, Rendered& out, Error& error) const;

  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  Arena arena_;
  Names names_;
  Node* root_ = nullptr;
};

}  // namespace inlay::jinja
