// lexer_tags.cpp - names, numbers, strings and operators inside tags.
#include "text/template/lexer.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The end of digits with single underscores between them, from `at`.
std::size_t digits_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) {
    ++at;
    if (at + 1 < text.size() && text[at] == '_' && is_digit(text[at + 1])) ++at;
  }
  return at;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::string_view operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

}  // namespace

// A tag's end, unless brackets are open.
bool Lexer::read_end(Tag tag) {
  if (open_.count) return false;
  const std::string_view rest = slice(source_, at_, source_.size());
  const std::string_view close = tag == Tag::block ? "%}" : "}}";
  std::size_t end = 0;
  if (rest.starts_with(close)) {
    end = at_ + 2;
    const bool trims = tag == Tag::block && syntax_.trim_blocks;
    if (trims && end < source_.size() && source_[end] == '\n') ++end;
  } else if (rest.size() > 2 && slice(rest, 1, 3) == close && rest[0] == '-') {
    end = skip_space(at_ + 3);
  } else if (rest.size() > 2 && slice(rest, 1, 3) == close && rest[0] == '+' &&
             tag == Tag::block) {
    end = at_ + 3;
  }
  if (!end) return false;
  advance(end);
  return true;
}

Status Lexer::read_inside(Tag tag) {
  for (;;) {
    const std::uint32_t line = line_;
    if (at_ >= source_.size()) return bad("the template ends inside a tag");
    if (read_end(tag)) {
      const auto type = tag == Tag::block ? TokenType::block_end : TokenType::variable_end;
      return tokens_->push(arena_, {type, line, {}}) ? Status::ok : out_of_memory();
    }
    const char c = source_[at_];
    if (const std::size_t next = skip_space(at_); next > at_) advance(next);
    else if (is_digit(c)) INLAY_TRY(read_number());
    else if (is_name_byte(c)) INLAY_TRY(read_name());
    else if (c == '\'' || c == '"') INLAY_TRY(read_string(c));
    else INLAY_TRY(read_operator());
  }
}

Status Lexer::read_name() {
  std::size_t end = at_;
  while (end < source_.size() && is_name_byte(source_[end])) ++end;
  INLAY_TRY(add(TokenType::name, slice(source_, at_, end)));
  advance(end);
  return Status::ok;
}

Status Lexer::read_number() {
  const std::size_t whole = digits_end(source_, at_);
  std::size_t end = whole;
  const bool after_dot = at_ && source_[at_ - 1] == '.';
  if (!after_dot) {
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      end = digits_end(source_, end + 1);
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      std::size_t digits = end + 1;
      if (digits < source_.size() && (source_[digits] == '+' || source_[digits] == '-')) ++digits;
      if (digits < source_.size() && is_digit(source_[digits])) end = digits_end(source_, digits);
    }
  }
  const bool is_real = end > whole;
  if (!is_real && source_[at_] == '0' && whole == at_ + 1 && whole < source_.size()) {
    const char base = static_cast<char>(source_[whole] | 0x20);
    const int most = base == 'x' ? 16 : base == 'o' ? 8 : base == 'b' ? 2 : 0;
    std::size_t digit = whole + 1;
    while (most && digit < source_.size()) {
      const std::size_t from = digit + (source_[digit] == '_');
      if (from >= source_.size() || hex_value(source_[from]) < 0 || hex_value(source_[from]) >= most)
        break;
      digit = from + 1;
    }
    if (most && digit > whole + 1) end = digit;
  } else if (!is_real && source_[at_] == '0') {
    for (std::size_t i = at_; i < whole; ++i) {
      if (source_[i] != '0' && source_[i] != '_') return bad("a number begins with 0");
    }
  }
  INLAY_TRY(add(is_real ? TokenType::real : TokenType::integer, slice(source_, at_, end)));
  advance(end);
  return Status::ok;
}

Status Lexer::read_string(char quote) {
  std::size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) return bad("a string has no end");
  std::string_view text;
  INLAY_TRY(unescape(slice(source_, at_ + 1, end), text));
  INLAY_TRY(add(TokenType::string, text));
  advance(end + 1);
  return Status::ok;
}

// The escapes of Python's strings; \N{...} is not known.
Status Lexer::unescape(std::string_view raw, std::string_view& text) {
  text = raw;
  if (raw.find('\\') == std::string_view::npos) return Status::ok;
  char* bytes = arena_.make_array<char>(raw.size());
  if (!bytes) return out_of_memory();
  std::size_t size = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      bytes[size++] = raw[i];
      continue;
    }
    const char c = raw[++i];
    constexpr std::string_view names = "\\'\"abfnrtv";
    constexpr std::string_view meant = "\\'\"\a\b\f\n\r\t\v";
    if (const std::size_t known = names.find(c); known != std::string_view::npos) {
      bytes[size++] = meant[known];
      continue;
    }
    if (c == '\n') continue;
    std::uint32_t point = 0;
    std::size_t digits = 0;
    if (c >= '0' && c <= '7') {
      for (; digits < 3 && i < raw.size() && raw[i] >= '0' && raw[i] <= '7'; ++digits, ++i)
        point = 8 * point + static_cast<std::uint32_t>(raw[i] - '0');
      --i;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t wanted = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      for (; digits < wanted && i + 1 < raw.size() && hex_value(raw[i + 1]) >= 0; ++digits, ++i)
        point = 16 * point + static_cast<std::uint32_t>(hex_value(raw[i + 1]));
      if (digits < wanted) return bad("a string has a broken escape");
    } else if (c == 'N') {
      return bad("names of characters (\\N) are not known");
    } else {
      bytes[size++] = '\\';
      bytes[size++] = c;
      continue;
    }
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return bad("a string has an escape that is no character");
    }
    size += write_utf8(point, bytes + size);  // an escape is at least as long
  }
  text = {bytes, size};
  return Status::ok;
}

// Closing brackets must fit the ones that are open.
Status Lexer::balance(char c) {
  const char opened = c == ')' ? '(' : c == ']' ? '[' : c == '}' ? '{' : '\0';
  if (c == '(' || c == '[' || c == '{') {
    return open_.push(arena_, c) ? Status::ok : out_of_memory();
  }
  if (!opened) return Status::ok;
  if (!open_.count || open_.back() != opened) return bad("a closing bracket that fits no open one");
  --open_.count;
  return Status::ok;
}

Status Lexer::read_operator() {
  const std::string_view rest = slice(source_, at_, source_.size());
  for (const std::string_view op : operators) {
    if (!rest.starts_with(op)) continue;
    INLAY_TRY(balance(op[0]));
    INLAY_TRY(add(TokenType::op, op));
    advance(at_ + op.size());
    return Status::ok;
  }
  return bad("an unexpected character in a tag");
}

}  // namespace inlay::jinja
