// lexer.h - a template's text to tokens, with the white space control of Jinja.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/diagnostics.h"
#include "text/template/arena.h"
#include "text/template/limits.h"

namespace inlay::jinja {

enum class TokenType : std::uint8_t {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,  // unescaped
  integer,
  real,
  op,  // spelled in `text`
  end,
};

struct Token {
  TokenType type = TokenType::end;
  std::uint32_t line = 0;
  std::string_view text;
  bool is(std::string_view op) const { return type == TokenType::op && text == op; }
  bool is_name(std::string_view name) const { return type == TokenType::name && text == name; }
};

struct Syntax {
  bool trim_blocks = true;    // the first newline after a block tag is left out
  bool lstrip_blocks = true;  // so is white space from the line's start to a block tag
};

class Lexer {
 public:
  Lexer(Arena& arena, Syntax syntax, Error& error)
      : arena_(arena), syntax_(syntax), error_(error) {}

  // Tokens point into the arena. Errors: FORMAT with the line, MEMORY, LIMIT.
  Status run(std::string_view text, Vec<Token>& tokens);

 private:
  enum class Tag : std::uint8_t { none, variable, block, comment, raw };

  Status normalize(std::string_view text);
  Status read_data();
  Status read_tag(Tag tag);
  Status read_inside(Tag tag);
  Status read_comment();
  Status read_raw();
  Status read_string(char quote);
  Status unescape(std::string_view raw, std::string_view& text);
  Status read_number();
  Status read_operator();
  Status balance(char c);
  Status read_name();
  bool read_end(Tag tag);
  Tag find_tag(std::size_t from, std::size_t& at) const;
  std::size_t raw_begin_end(std::size_t at) const;
  std::size_t raw_end(std::size_t at, std::size_t& sign, std::size_t& end) const;
  std::size_t skip_space(std::size_t at) const;
  std::string_view strip_before(std::string_view data, char sign, bool is_variable) const;
  void advance(std::size_t to);
  Status add(TokenType type, std::string_view text);
  Status out_of_memory();
  Status bad(std::string_view what);

  Arena& arena_;
  Syntax syntax_;
  Error& error_;
  Vec<Token>* tokens_ = nullptr;
  Vec<char> open_;  // brackets
  std::string_view source_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool line_starting_ = true;
};

// The white space of Python's str.strip and of \s.
bool is_python_space(char32_t c);
std::size_t space_before(std::string_view text);  // bytes left when its end is stripped
std::size_t space_after(std::string_view text);   // bytes of space at its start

}  // namespace inlay::jinja
