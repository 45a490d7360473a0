// parser.cpp - tokens, nodes and errors of the parser; what it parses: parser_statements.cpp and
// parser_expressions.cpp.
#include "text/template/parser.h"

namespace inlay::jinja {

Status Names::add(std::string_view name, std::uint32_t& id) {
  if (const std::uint32_t* known = ids_.find(name)) {
    id = *known;
    return Status::ok;
  }
  id = static_cast<std::uint32_t>(names_.size());
  INLAY_TRY(names_.push(name));
  return ids_.insert(name, id);
}

std::uint32_t Names::find(std::string_view name) const {
  const std::uint32_t* id = ids_.find(name);
  return id ? *id : UINT32_MAX;
}

Status Parser::run(const Vec<Token>& tokens, Node** root) {
  tokens_ = tokens;
  Node* body = parse_body({});
  if (body && now().type != TokenType::end) body = expected("a known tag");
  *root = body;
  return status_;
}

Node* Parser::bad(std::string_view what) {
  if (is_error(status_)) return nullptr;
  const bool output = tag_.empty();
  status_ = fail(error_, Status::format, "chat template: line {}, {}{}{}: {}", now().line,
                 output ? "{{ " : "{% ", output ? "..." : tag_, output ? " }}" : " %}", what);
  return nullptr;
}

Node* Parser::expected(std::string_view what) {
  char text[160];
  const Token& token = now();
  std::string_view found = token.text;
  if (token.type == TokenType::end) found = "the end of the template";
  if (token.type == TokenType::block_end || token.type == TokenType::variable_end) {
    found = "the end of the tag";
  }
  const std::size_t size = print(text, sizeof text, "expected {}, found {}", what, Shown(found));
  return bad({text, size < sizeof text ? size : sizeof text - 1});
}

Node* Parser::out_of_memory() {
  if (is_error(status_)) return nullptr;
  status_ = arena_.at_limit() ? fail(error_, Status::limit, "chat template: its tree is over {} bytes",
                                     arena_.limit())
                              : fail_memory(error_, "chat template");
  return nullptr;
}

Node* Parser::make(NodeType type, std::uint32_t line) {
  if (is_error(status_)) return nullptr;
  Node* node = arena_.make<Node>();
  if (!node) return out_of_memory();
  node->type = type;
  node->line = line;
  return node;
}

Node* Parser::make_name(NodeType type, std::uint32_t line, std::string_view name) {
  Node* node = make(type, line);
  if (!node) return nullptr;
  node->name = name;
  if (is_error(names_.add(name, node->id))) return out_of_memory();
  return node;
}

Node* Parser::constant(const Value& value, std::uint32_t line) {
  Node* node = make(NodeType::constant, line);
  if (node) node->value = value;
  return node;
}

Node* Parser::binary(Op op, Node* a, Node* b) {
  if (!a || !b) return nullptr;
  Node* node = make(NodeType::binary, a->line);
  if (!node) return nullptr;
  node->op = op;
  node->a = a;
  node->b = b;
  return sized(node);
}

bool Parser::add(Vec<Node*>& list, Node* node) {
  if (is_error(status_)) return false;
  if (!list.push(arena_, node)) out_of_memory();
  return !is_error(status_);
}

// Chains such as a + b + c grow to the left: the tree is as deep as they are long.
Node* Parser::sized(Node* node) {
  if (!node || is_error(status_)) return nullptr;
  std::uint32_t most = 0;
  const auto look = [&](const Node* below) {
    if (below && below->depth > most) most = below->depth;
  };
  look(node->a);
  look(node->b);
  look(node->c);
  for (const Node* below : node->items) look(below);
  for (const Node* below : node->more) look(below);
  for (const Named& below : node->named) look(below.value);
  if (most >= limits_.nesting) return too_deep();
  node->depth = static_cast<std::uint16_t>(most + 1);
  return node;
}

Node* Parser::too_deep() {
  if (is_error(status_)) return nullptr;
  status_ = fail(error_, Status::limit, "chat template: line {}: nested over {} deep", now().line,
                 limits_.nesting);
  return nullptr;
}

bool Parser::skip(std::string_view op) {
  if (!now().is(op)) return false;
  advance();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!now().is_name(name)) return false;
  advance();
  return true;
}

bool Parser::expect(std::string_view op) {
  if (skip(op)) return true;
  expected(op);
  return false;
}

bool Parser::expect_block_end() {
  if (now().type != TokenType::block_end) {
    expected("the end of the tag");
    return false;
  }
  advance();
  return true;
}

}  // namespace inlay::jinja
