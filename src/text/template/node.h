// node.h - the tree a template is compiled to.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/template/value.h"

namespace inlay::jinja {

enum class NodeType : std::uint8_t {
  // expressions
  constant,   // value
  name,       // name
  list,       // items
  tuple,      // items
  dict,       // items are keys, more are values
  attribute,  // a.name
  item,       // a[b]
  slice,      // a[items[0]:items[1]:items[2]], each may be nullptr
  call,       // a(items ...), named arguments in named
  filter,     // a|name(items ...); a may be nullptr: the text of a block
  test,       // a is name(items ...)
  negative,
  positive,
  negation,  // not a
  binary,    // a op b
  both,      // a and b
  either,    // a or b
  compare,   // a, then ops of items
  concat,    // items joined by ~
  choice,    // a if b else c; c may be nullptr
  // statements
  data,       // value
  output,     // a
  group,      // items one after the other
  condition,  // items are tests, more are bodies; one more body than tests: else
  loop,       // for a in b if c: body items[0], else items[1] or nullptr
  set,        // a = b
  set_block,  // a = text of items[0], through the filter b
  with,       // items are targets, more are values, a the body
  macro,      // named: parameters and defaults; a the body
  call_block, // b called with a macro of the parameters in named; a the body
  filter_block,  // b over the text of a
  scope,         // a inside a scope of its own: generation
  stop,          // break
  next,          // continue
};

enum class Op : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

struct Node;

// A named argument or parameter: value is nullptr for a parameter without default. ** has the name
// "**", * the name "*".
struct Named {
  std::string_view name;
  std::uint32_t id = 0;  // of the name
  Node* value = nullptr;
};

struct Node {
  NodeType type = NodeType::constant;
  Op op = Op::add;
  bool is_recursive = false;  // a loop
  bool uses_varargs = false;  // of a macro
  bool uses_kwargs = false;
  bool uses_caller = false;
  std::uint16_t depth = 0;  // of the tree below
  std::uint32_t line = 0;
  std::uint32_t id = 0;  // of the name
  std::uint32_t list = 0;  // of a filter or test: its place in the list
  std::string_view name;
  Node* a = nullptr;
  Node* b = nullptr;
  Node* c = nullptr;
  Vec<Node*> items;
  Vec<Node*> more;
  Vec<Named> named;
  Vec<Op> ops;
  Value value;
};

}  // namespace inlay::jinja
