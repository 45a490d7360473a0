// parser.h - tokens to the tree; recursive descent in the precedence of Jinja.
#pragma once

#include "base/hash_map.h"
#include "text/template/lexer.h"
#include "text/template/node.h"

namespace inlay::jinja {

// Names are numbered, so that scopes compare numbers.
class Names {
 public:
  explicit Names(Allocator& allocator) : ids_(allocator), names_(allocator) {}
  // The bytes must live as long.
  Status add(std::string_view name, std::uint32_t& id);
  std::string_view operator[](std::uint32_t id) const { return names_[id]; }
  // UINT32_MAX: the template has no such name.
  std::uint32_t find(std::string_view name) const;

 private:
  HashMap<std::string_view, std::uint32_t> ids_;
  Array<std::string_view> names_;
};

// Functions return nullptr after an error; the first one sticks.
class Parser {
 public:
  Parser(Arena& arena, Names& names, const Limits& limits, Error& error)
      : arena_(arena), names_(names), limits_(limits), error_(error) {}

  // Errors: FORMAT with line and tag, LIMIT, MEMORY.
  Status run(const Vec<Token>& tokens, Node** root);

 private:
  struct Nesting;
  struct Macro {  // which hidden names the body of the macro around uses
    bool varargs = false, kwargs = false, caller = false;
  };

  // tokens
  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.count ? at_ + 1 : at_]; }
  void advance() { at_ += at_ + 1 < tokens_.count; }
  bool skip(std::string_view op);
  bool skip_name(std::string_view name);
  bool expect(std::string_view op);
  bool expect_block_end();
  bool is_tuple_end() const;

  // statements
  Node* parse_body(std::initializer_list<std::string_view> ends);
  Node* parse_output();
  Node* parse_statement();
  Node* parse_if();
  Node* parse_for();
  Node* parse_set();
  Node* parse_with();
  Node* parse_macro();
  Node* parse_call_block();
  Node* parse_filter_block();
  Node* parse_generation();
  Node* parse_loop_control();
  Node* parse_target(bool with_tuple, bool with_space);
  bool parse_parameters(Node* node);
  Node* finish_macro(Node* node, std::string_view end);
  bool end_block(std::string_view name);
  bool is_target(const Node* node) const;

  // expressions
  Node* parse_tuple(bool with_condition, std::string_view end_name = {});
  Node* parse_expression();
  Node* parse_or();
  Node* parse_and();
  Node* parse_not();
  Node* parse_compare();
  Node* parse_sum();
  Node* parse_concat();
  Node* parse_product();
  Node* parse_power();
  Node* parse_unary(bool with_filters);
  Node* parse_primary();
  Node* parse_parenthesis();
  Node* parse_list();
  Node* parse_dict();
  Node* parse_string();
  Node* parse_number();
  Node* parse_name();
  Node* parse_postfix(Node* node);
  Node* parse_filters(Node* node);
  Node* parse_filter(Node* node);
  Node* parse_one_filter(Node* node);
  Node* parse_test(Node* node);
  Node* parse_subscript(Node* node);
  Node* parse_part();  // between [ and ]
  Node* parse_slice(Node* start);
  bool parse_arguments(Node* node);
  bool parse_dotted(std::string_view& name);
  bool compare_op(Op& op);

  // nodes
  Node* make(NodeType type, std::uint32_t line);
  Node* make_name(NodeType type, std::uint32_t line, std::string_view name);
  Node* binary(Op op, Node* a, Node* b);
  Node* constant(const Value& value, std::uint32_t line);
  Node* sized(Node* node);  // with the depth of what is below it
  bool add(Vec<Node*>& list, Node* node);
  Node* bad(std::string_view what);
  Node* expected(std::string_view what);
  Node* out_of_memory();
  Node* too_deep();

  Arena& arena_;
  Names& names_;
  const Limits& limits_;
  Error& error_;
  Vec<Token> tokens_;
  std::uint32_t at_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t loops_ = 0;  // open here, in this macro
  std::string_view tag_;     // the statement being parsed; "": an output
  Macro* macro_ = nullptr;
  Status status_ = Status::ok;
};

}  // namespace inlay::jinja
