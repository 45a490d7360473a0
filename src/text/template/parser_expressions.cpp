// parser_expressions.cpp - expressions, loosest binding first.
#include <charconv>

#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/template/parser.h"

namespace inlay::jinja {

// Counts how deep the parser itself is nested.
struct Parser::Nesting {
  explicit Nesting(Parser& p) : parser(p) {
    if (++p.depth_ > p.limits_.nesting) p.too_deep();
  }
  ~Nesting() { --parser.depth_; }
  explicit operator bool() const { return !is_error(parser.status_); }
  Parser& parser;
};

bool Parser::is_tuple_end() const {
  const TokenType type = now().type;
  return type == TokenType::variable_end || type == TokenType::block_end || now().is(")");
}

// One expression, or several with commas between: a tuple.
Node* Parser::parse_tuple(bool with_condition, std::string_view end_name) {
  const std::uint32_t line = now().line;
  Node* tuple = make(NodeType::tuple, line);
  bool is_tuple = false;
  while (tuple) {
    if (tuple->items.count && !is_tuple) break;
    if (is_tuple_end() || (!end_name.empty() && now().is_name(end_name))) break;
    Node* item = with_condition ? parse_expression() : parse_or();
    if (!item || !add(tuple->items, item)) return nullptr;
    is_tuple = skip(",");
  }
  if (!tuple) return nullptr;
  if (!tuple->items.count) return expected("an expression");
  return tuple->items.count == 1 && !is_tuple ? tuple->items[0] : sized(tuple);
}

Node* Parser::parse_expression() {
  const Nesting nesting(*this);
  if (!nesting) return nullptr;
  Node* node = parse_or();
  while (node && skip_name("if")) {
    Node* choice = make(NodeType::choice, node->line);
    if (!choice) return nullptr;
    choice->a = node;
    choice->b = parse_or();
    if (!choice->b) return nullptr;
    if (skip_name("else")) {
      choice->c = parse_expression();
      if (!choice->c) return nullptr;
    }
    node = sized(choice);
  }
  return node;
}

Node* Parser::parse_or() {
  Node* left = parse_and();
  while (left && skip_name("or")) {
    Node* node = binary(Op::add, left, parse_and());
    if (node) node->type = NodeType::either;
    left = node;
  }
  return left;
}

Node* Parser::parse_and() {
  Node* left = parse_not();
  while (left && skip_name("and")) {
    Node* node = binary(Op::add, left, parse_not());
    if (node) node->type = NodeType::both;
    left = node;
  }
  return left;
}

Node* Parser::parse_not() {
  if (!now().is_name("not")) return parse_compare();
  const Nesting nesting(*this);
  Node* node = nesting ? make(NodeType::negation, now().line) : nullptr;
  if (!node) return nullptr;
  advance();
  node->a = parse_not();
  return node->a ? sized(node) : nullptr;
}

bool Parser::compare_op(Op& op) {
  constexpr struct {
    std::string_view text;
    Op op;
  } ops[] = {{"==", Op::equal},      {"!=", Op::not_equal}, {"<", Op::less},
             {"<=", Op::less_equal}, {">", Op::greater},    {">=", Op::greater_equal}};
  for (const auto& known : ops) {
    if (!skip(known.text)) continue;
    op = known.op;
    return true;
  }
  if (skip_name("in")) {
    op = Op::in;
    return true;
  }
  if (!now().is_name("not") || !ahead().is_name("in")) return false;
  advance();
  advance();
  op = Op::not_in;
  return true;
}

Node* Parser::parse_compare() {
  Node* left = parse_sum();
  Node* node = nullptr;
  for (Op op{}; left && compare_op(op);) {
    if (!node) {
      node = make(NodeType::compare, left->line);
      if (!node) return nullptr;
      node->a = left;
    }
    Node* right = parse_sum();
    if (!right || !add(node->items, right)) return nullptr;
    if (!node->ops.push(arena_, op)) return out_of_memory();
  }
  return node ? sized(node) : left;
}

Node* Parser::parse_sum() {
  Node* left = parse_concat();
  while (left) {
    if (skip("+"))
      left = binary(Op::add, left, parse_concat());
    else if (skip("-"))
      left = binary(Op::subtract, left, parse_concat());
    else
      break;
  }
  return left;
}

Node* Parser::parse_concat() {
  Node* left = parse_product();
  if (!left || !now().is("~")) return left;
  Node* node = make(NodeType::concat, left->line);
  if (!node || !add(node->items, left)) return nullptr;
  while (skip("~")) {
    Node* right = parse_product();
    if (!right || !add(node->items, right)) return nullptr;
  }
  return sized(node);
}

Node* Parser::parse_product() {
  Node* left = parse_power();
  while (left) {
    if (skip("*"))
      left = binary(Op::multiply, left, parse_power());
    else if (skip("/"))
      left = binary(Op::divide, left, parse_power());
    else if (skip("//"))
      left = binary(Op::floor_divide, left, parse_power());
    else if (skip("%"))
      left = binary(Op::modulo, left, parse_power());
    else
      break;
  }
  return left;
}

Node* Parser::parse_power() {
  Node* left = parse_unary(true);
  while (left && skip("**")) left = binary(Op::power, left, parse_unary(true));
  return left;
}

Node* Parser::parse_unary(bool with_filters) {
  Node* node = nullptr;
  if (now().is("-") || now().is("+")) {
    const Nesting nesting(*this);
    if (!nesting) return nullptr;
    node = make(now().is("-") ? NodeType::negative : NodeType::positive, now().line);
    advance();
    if (!node || !(node->a = parse_unary(false))) return nullptr;
    node = sized(node);
  } else {
    node = parse_primary();
  }
  node = parse_postfix(node);
  return with_filters ? parse_filters(node) : node;
}

Node* Parser::parse_primary() {
  switch (now().type) {
    case TokenType::name: return parse_name();
    case TokenType::string: return parse_string();
    case TokenType::integer:
    case TokenType::real: return parse_number();
    default: break;
  }
  if (now().is("(")) return parse_parenthesis();
  if (now().is("[")) return parse_list();
  if (now().is("{")) return parse_dict();
  return expected("an expression");
}

Node* Parser::parse_name() {
  const Token token = now();
  advance();
  if (token.text == "true" || token.text == "True") return constant(Value::of(true), token.line);
  if (token.text == "false" || token.text == "False") return constant(Value::of(false), token.line);
  if (token.text == "none" || token.text == "None") return constant(Value::none(), token.line);
  if (macro_) {
    macro_->varargs |= token.text == "varargs";
    macro_->kwargs |= token.text == "kwargs";
    macro_->caller |= token.text == "caller";
  }
  return make_name(NodeType::name, token.line, token.text);
}

// Strings that follow each other are one.
Node* Parser::parse_string() {
  const std::uint32_t line = now().line;
  std::size_t size = 0, count = 0;
  while (tokens_[at_ + count].type == TokenType::string) size += tokens_[at_ + count++].text.size();
  char* bytes = count > 1 ? arena_.make_array<char>(size) : nullptr;
  if (count > 1 && !bytes) return out_of_memory();
  std::string_view text = count > 1 ? std::string_view(bytes, size) : now().text;
  for (; count; --count) {
    if (bytes) {
      for (const char c : now().text) *bytes++ = c;
    }
    advance();
  }
  const Text* value = make_text(arena_, text);
  return value ? constant(Value::of(value), line) : out_of_memory();
}

Node* Parser::parse_number() {
  const Token token = now();
  Value value;
  if (!read_number_literal(token.text, token.type == TokenType::real, value)) {
    return bad("a number that does not fit 64 bits");
  }
  advance();
  return constant(value, token.line);
}

Node* Parser::parse_parenthesis() {
  const Nesting nesting(*this);
  if (!nesting) return nullptr;
  const std::uint32_t line = now().line;
  advance();
  if (skip(")")) return sized(make(NodeType::tuple, line));
  Node* node = parse_tuple(true);
  return node && expect(")") ? node : nullptr;
}

Node* Parser::parse_list() {
  const Nesting nesting(*this);
  Node* node = nesting ? make(NodeType::list, now().line) : nullptr;
  if (!node) return nullptr;
  advance();
  while (!skip("]")) {
    if (node->items.count && !expect(",")) return nullptr;
    if (skip("]")) break;
    Node* item = parse_expression();
    if (!item || !add(node->items, item)) return nullptr;
  }
  return sized(node);
}

Node* Parser::parse_dict() {
  const Nesting nesting(*this);
  Node* node = nesting ? make(NodeType::dict, now().line) : nullptr;
  if (!node) return nullptr;
  advance();
  while (!skip("}")) {
    if (node->items.count && !expect(",")) return nullptr;
    if (skip("}")) break;
    Node* key = parse_expression();
    if (!key || !add(node->items, key) || !expect(":")) return nullptr;
    Node* value = parse_expression();
    if (!value || !add(node->more, value)) return nullptr;
  }
  return sized(node);
}

Node* Parser::parse_postfix(Node* node) {
  while (node) {
    if (now().is(".") || now().is("[")) {
      node = parse_subscript(node);
    } else if (now().is("(")) {
      Node* call = make(NodeType::call, now().line);
      if (!call) return nullptr;
      call->a = node;
      node = parse_arguments(call) ? sized(call) : nullptr;
    } else {
      break;
    }
  }
  return node;
}

Node* Parser::parse_filters(Node* node) {
  while (node) {
    if (now().is("|")) {
      node = parse_filter(node);
    } else if (now().is_name("is")) {
      node = parse_test(node);
    } else if (now().is("(")) {
      node = parse_postfix(node);
    } else {
      break;
    }
  }
  return node;
}

bool Parser::parse_dotted(std::string_view& name) {
  if (now().type != TokenType::name) {
    expected("a name");
    return false;
  }
  name = now().text;
  advance();
  while (now().is(".") && ahead().type == TokenType::name) {
    const std::string_view last = ahead().text;  // both are views of the template's text
    name = {name.data(), static_cast<std::size_t>(last.data() + last.size() - name.data())};
    advance();
    advance();
  }
  return true;
}

Node* Parser::parse_filter(Node* node) {
  while (now().is("|")) {
    advance();
    node = parse_one_filter(node);
    if (!node) return nullptr;
  }
  return node;
}

// An unknown name is an error where it is used, not where it stands.
Node* Parser::parse_one_filter(Node* subject) {
  const std::uint32_t line = now().line;
  std::string_view name;
  if (!parse_dotted(name)) return nullptr;
  Node* node = make(NodeType::filter, line);
  if (!node) return nullptr;
  node->name = name;
  node->list = find_filter(name);
  node->a = subject;
  if (now().is("(") && !parse_arguments(node)) return nullptr;
  return sized(node);
}

Node* Parser::parse_test(Node* subject) {
  advance();
  const bool negated = skip_name("not");
  Node* node = make(NodeType::test, now().line);
  std::string_view name;
  if (!node || !parse_dotted(name)) return nullptr;
  node->name = name;
  node->list = find_test(name);
  node->a = subject;
  const TokenType type = now().type;
  const bool word = type == TokenType::name && !now().is_name("else") && !now().is_name("or") &&
                    !now().is_name("and");
  if (now().is("(")) {
    if (!parse_arguments(node)) return nullptr;
  } else if (word || type == TokenType::string || type == TokenType::integer ||
             type == TokenType::real || now().is("[") || now().is("{")) {
    if (now().is_name("is")) return bad("a test after a test");
    Node* argument = parse_postfix(parse_primary());
    if (!argument || !add(node->items, argument)) return nullptr;
  }
  if (!sized(node) || !negated) return is_error(status_) ? nullptr : node;
  Node* negation = make(NodeType::negation, node->line);
  if (!negation) return nullptr;
  negation->a = node;
  return sized(negation);
}

Node* Parser::parse_subscript(Node* node) {
  const std::uint32_t line = now().line;
  if (skip(".")) {
    const Token token = now();
    if (token.type == TokenType::integer) {
      Node* item = make(NodeType::item, line);
      if (!item) return nullptr;
      item->a = node;
      item->b = parse_number();
      return item->b ? sized(item) : nullptr;
    }
    if (token.type != TokenType::name) return expected("a name or a number");
    advance();
    Node* attribute = make(NodeType::attribute, line);
    if (!attribute) return nullptr;
    attribute->name = token.text;
    attribute->a = node;
    return sized(attribute);
  }
  const Nesting nesting(*this);
  if (!nesting) return nullptr;
  advance();  // [
  Node* part = parse_part();
  if (part && now().is(",")) {
    Node* tuple = make(NodeType::tuple, line);
    if (!tuple || !add(tuple->items, part)) return nullptr;
    while (skip(",")) {
      Node* next = now().is("]") ? nullptr : parse_part();
      if (!next || !add(tuple->items, next)) return next ? nullptr : expected("an expression");
    }
    part = sized(tuple);
  }
  if (!part || !expect("]")) return nullptr;
  if (part->type == NodeType::slice && !part->a) {  // not x[...] in these brackets
    part->a = node;
    return sized(part);
  }
  Node* item = make(NodeType::item, line);
  if (!item) return nullptr;
  item->a = node;
  item->b = part;
  return sized(item);
}

Node* Parser::parse_part() {
  if (now().is(":")) return parse_slice(nullptr);
  Node* node = parse_expression();
  return node && now().is(":") ? parse_slice(node) : node;
}

Node* Parser::parse_slice(Node* start) {
  Node* node = make(NodeType::slice, now().line);
  if (!node || !add(node->items, start)) return nullptr;
  for (int i = 0; i < 2; ++i) {
    Node* part = nullptr;
    if (skip(":") && !now().is(":") && !now().is("]") && !now().is(",")) {
      part = parse_expression();
      if (!part) return nullptr;
    }
    if (!add(node->items, part)) return nullptr;
  }
  return node;
}

bool Parser::parse_arguments(Node* node) {
  const Nesting nesting(*this);
  if (!nesting || !expect("(")) return false;
  for (bool first = true; !skip(")"); first = false) {
    if (!first && !expect(",")) return false;
    if (!first && skip(")")) break;
    Named named;
    if (skip("*")) {
      named.name = "*";
    } else if (skip("**")) {
      named.name = "**";
    } else if (now().type == TokenType::name && ahead().is("=")) {
      named.name = now().text;
      advance();
      advance();
    }
    Node* value = parse_expression();
    if (!value) return false;
    if (named.name.empty()) {
      if (node->named.count) return bad("a positional argument after a named one") != nullptr;
      if (!add(node->items, value)) return false;
      continue;
    }
    named.value = value;
    if (!node->named.push(arena_, named)) return out_of_memory() != nullptr;
  }
  return true;
}

}  // namespace inlay::jinja
