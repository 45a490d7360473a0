// parser_statements.cpp - tags and what stands between them.
#include "text/template/parser.h"

namespace inlay::jinja {

// Until a tag of `ends` or the end of the template; that tag is not read, but its begin is.
Node* Parser::parse_body(std::initializer_list<std::string_view> ends) {
  if (++depth_ > limits_.nesting) return too_deep();
  Node* body = make(NodeType::group, now().line);
  while (body && !is_error(status_)) {
    const Token& token = now();
    Node* node = nullptr;
    if (token.type == TokenType::data) {
      const Text* text = make_text(arena_, token.text);
      node = make(NodeType::data, token.line);
      if (!text) return out_of_memory();
      if (node) node->value = Value::of(text);
      advance();
    } else if (token.type == TokenType::variable_begin) {
      node = parse_output();
    } else if (token.type == TokenType::block_begin) {
      advance();
      bool at_end = false;
      for (const std::string_view end : ends) at_end |= now().is_name(end);
      if (at_end) break;
      node = parse_statement();
    } else {
      if (ends.size()) return expected(*(ends.end() - 1));
      break;
    }
    if (!node || !add(body->items, node)) return nullptr;
  }
  --depth_;
  return sized(body);
}

Node* Parser::parse_output() {
  tag_ = {};
  Node* node = make(NodeType::output, now().line);
  advance();
  if (!node || !(node->a = parse_tuple(true))) return nullptr;
  if (now().type != TokenType::variable_end) return expected("}}");
  advance();
  return sized(node);
}

Node* Parser::parse_statement() {
  if (now().type != TokenType::name) return expected("a tag's name");
  const std::string_view outer = tag_;
  tag_ = now().text;
  Node* node = nullptr;
  if (tag_ == "if") node = parse_if();
  else if (tag_ == "for") node = parse_for();
  else if (tag_ == "set") node = parse_set();
  else if (tag_ == "with") node = parse_with();
  else if (tag_ == "macro") node = parse_macro();
  else if (tag_ == "call") node = parse_call_block();
  else if (tag_ == "filter") node = parse_filter_block();
  else if (tag_ == "generation") node = parse_generation();
  else if (tag_ == "break" || tag_ == "continue") node = parse_loop_control();
  else return bad("no such tag in chat templates");
  tag_ = outer;
  return sized(node);
}

// The tag {% name %} that is being read.
bool Parser::end_block(std::string_view name) {
  if (skip_name(name)) return expect_block_end();
  expected(name);
  return false;
}

Node* Parser::parse_if() {
  Node* node = make(NodeType::condition, now().line);
  while (node) {
    advance();  // if, elif
    tag_ = "if";
    Node* test = parse_tuple(false);
    if (!test || !add(node->items, test) || !expect_block_end()) return nullptr;
    Node* body = parse_body({"elif", "else", "endif"});
    if (!body || !add(node->more, body)) return nullptr;
    if (now().is_name("elif")) continue;
    if (skip_name("else")) {
      if (!expect_block_end()) return nullptr;
      body = parse_body({"endif"});
      if (!body || !add(node->more, body)) return nullptr;
    }
    return end_block("endif") ? node : nullptr;
  }
  return nullptr;
}

Node* Parser::parse_for() {
  Node* node = make(NodeType::loop, now().line);
  advance();
  if (!node || !(node->a = parse_target(true, false))) return nullptr;
  if (!skip_name("in")) return expected("in");
  if (!(node->b = parse_tuple(false, "recursive"))) return nullptr;
  if (skip_name("if") && !(node->c = parse_expression())) return nullptr;
  node->is_recursive = skip_name("recursive");
  if (!expect_block_end()) return nullptr;
  ++loops_;
  Node* body = parse_body({"else", "endfor"});
  --loops_;
  if (!body || !add(node->items, body)) return nullptr;
  Node* otherwise = nullptr;
  if (skip_name("else")) {
    if (!expect_block_end() || !(otherwise = parse_body({"endfor"}))) return nullptr;
  }
  if (!add(node->items, otherwise)) return nullptr;
  return end_block("endfor") ? node : nullptr;
}

bool Parser::is_target(const Node* node) const {
  if (node->type == NodeType::name) return true;
  if (node->type == NodeType::attribute && node->value.is(Kind::boolean)) return true;  // a space's
  if (node->type != NodeType::tuple && node->type != NodeType::list) return false;
  for (const Node* item : node->items) {
    if (!is_target(item)) return false;
  }
  return true;
}

// Names, tuples of them, and space.name where that may stand.
Node* Parser::parse_target(bool with_tuple, bool with_space) {
  const bool is_loop = with_tuple && !with_space;
  const std::uint32_t line = now().line;
  Node* tuple = make(NodeType::tuple, line);
  bool is_tuple = false;
  while (tuple) {
    if (tuple->items.count && !is_tuple) break;
    if (is_tuple_end() || (is_loop && now().is_name("in")) || now().is("=")) break;
    Node* item = nullptr;
    if (with_space && now().type == TokenType::name && ahead().is(".")) {
      item = make_name(NodeType::attribute, now().line, now().text);
      if (!item) return nullptr;
      item->value = Value::of(true);
      advance();
      advance();
      if (now().type != TokenType::name) return expected("a name");
      item->a = make_name(NodeType::name, now().line, item->name);
      item->name = now().text;
      advance();
    } else {
      item = parse_primary();
    }
    if (!item || !add(tuple->items, item)) return nullptr;
    if (!is_target(item)) return bad("this cannot be assigned to");
    is_tuple = with_tuple && skip(",");
  }
  if (!tuple) return nullptr;
  if (!tuple->items.count) return expected("a name");
  return tuple->items.count == 1 && !is_tuple ? tuple->items[0] : sized(tuple);
}

Node* Parser::parse_set() {
  Node* node = make(NodeType::set, now().line);
  advance();
  if (!node || !(node->a = parse_target(true, true))) return nullptr;
  if (skip("=")) {
    node->b = parse_tuple(true);
    return node->b && expect_block_end() ? node : nullptr;
  }
  node->type = NodeType::set_block;
  if (now().is("|") && !(node->b = parse_filter(nullptr))) return nullptr;
  if (!expect_block_end()) return nullptr;
  Node* body = parse_body({"endset"});
  if (!body || !add(node->items, body)) return nullptr;
  return end_block("endset") ? node : nullptr;
}

Node* Parser::parse_with() {
  Node* node = make(NodeType::with, now().line);
  advance();
  while (node && now().type != TokenType::block_end) {
    if (node->items.count && !expect(",")) return nullptr;
    Node* target = parse_target(false, false);
    if (!target || !add(node->items, target) || !expect("=")) return nullptr;
    Node* value = parse_expression();
    if (!value || !add(node->more, value)) return nullptr;
  }
  if (!node || !expect_block_end() || !(node->a = parse_body({"endwith"}))) return nullptr;
  return end_block("endwith") ? node : nullptr;
}

bool Parser::parse_parameters(Node* node) {
  if (!expect("(")) return false;
  bool has_default = false;
  while (!skip(")")) {
    if (node->named.count && !expect(",")) return false;
    if (now().type != TokenType::name) return expected("a parameter's name") != nullptr;
    Named parameter{now().text, 0, nullptr};
    if (is_error(names_.add(parameter.name, parameter.id))) return out_of_memory() != nullptr;
    advance();
    if (skip("=")) {
      has_default = true;
      if (!(parameter.value = parse_expression())) return false;
    } else if (has_default) {
      return bad("a parameter without default after one with a default") != nullptr;
    }
    if (!node->named.push(arena_, parameter)) return out_of_memory() != nullptr;
  }
  return true;
}

// The body, in which loops around are out of reach.
Node* Parser::finish_macro(Node* node, std::string_view end) {
  if (!expect_block_end()) return nullptr;
  Macro here;
  Macro* outer = macro_;
  const std::uint32_t loops = loops_;
  macro_ = &here;
  loops_ = 0;
  node->a = parse_body({end});
  macro_ = outer;
  loops_ = loops;
  if (!node->a || !end_block(end)) return nullptr;
  node->uses_varargs = here.varargs;
  node->uses_kwargs = here.kwargs;
  node->uses_caller = here.caller;
  if (outer) {
    outer->varargs |= here.varargs;
    outer->kwargs |= here.kwargs;
    outer->caller |= here.caller;
  }
  return node;
}

Node* Parser::parse_macro() {
  const std::uint32_t line = now().line;
  advance();
  if (now().type != TokenType::name) return expected("the macro's name");
  Node* node = make_name(NodeType::macro, line, now().text);
  advance();
  return node && parse_parameters(node) ? finish_macro(node, "endmacro") : nullptr;
}

Node* Parser::parse_call_block() {
  Node* node = make_name(NodeType::call_block, now().line, "caller");
  advance();
  if (!node || (now().is("(") && !parse_parameters(node))) return nullptr;
  node->b = parse_expression();
  if (!node->b) return nullptr;
  if (node->b->type != NodeType::call) return expected("a call");
  return finish_macro(node, "endcall");
}

Node* Parser::parse_filter_block() {
  Node* node = make(NodeType::filter_block, now().line);
  advance();
  if (!node || !(node->b = parse_one_filter(nullptr))) return nullptr;
  if (now().is("|") && !(node->b = parse_filter(node->b))) return nullptr;
  if (!expect_block_end() || !(node->a = parse_body({"endfilter"}))) return nullptr;
  return end_block("endfilter") ? node : nullptr;
}

// Marks the assistant's words for training; what is inside is rendered as it is.
Node* Parser::parse_generation() {
  Node* node = make(NodeType::scope, now().line);
  advance();
  if (!node || !expect_block_end()) return nullptr;
  const std::uint32_t loops = loops_;
  loops_ = 0;
  node->a = parse_body({"endgeneration"});
  loops_ = loops;
  return node->a && end_block("endgeneration") ? node : nullptr;
}

Node* Parser::parse_loop_control() {
  Node* node = make(now().is_name("break") ? NodeType::stop : NodeType::next, now().line);
  if (!loops_) return bad("not inside a loop");
  advance();
  return node && expect_block_end() ? node : nullptr;
}

}  // namespace inlay::jinja
