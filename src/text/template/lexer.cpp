// lexer.cpp - text between tags, comments and raw blocks; what stands in tags: lexer_tags.cpp.
#include "text/template/lexer.h"

#include <cstring>

#include "text/utf8.h"

namespace inlay::jinja {

bool is_python_space(char32_t c) { return is_space(c) || (c >= 0x1c && c <= 0x1f); }

std::size_t space_after(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Step step = utf8_step({text.data() + at, text.size() - at});
    if (step.kind != Utf8::whole || !is_python_space(step.point)) break;
    at += step.length;
  }
  return at;
}

std::size_t space_before(std::string_view text) {
  std::size_t end = text.size();
  while (end) {
    std::size_t begin = end - 1;
    while (begin && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) --begin;
    const Utf8Step step = utf8_step({text.data() + begin, end - begin});
    if (step.kind != Utf8::whole || !is_python_space(step.point)) break;
    end = begin;
  }
  return end;
}

Status Lexer::out_of_memory() {
  if (!arena_.at_limit()) return fail_memory(error_, "chat template");
  return fail(error_, Status::limit, "chat template: its tree is over {} bytes", arena_.limit());
}

Status Lexer::bad(std::string_view what) {
  return fail(error_, Status::format, "chat template: line {}: {}", line_, what);
}

Status Lexer::add(TokenType type, std::string_view text) {
  return tokens_->push(arena_, {type, line_, text}) ? Status::ok : out_of_memory();
}

void Lexer::advance(std::size_t to) {
  for (std::size_t i = at_; i < to; ++i) line_ += source_[i] == '\n';
  if (to > at_) line_starting_ = source_[to - 1] == '\n';
  at_ = to;
}

// Every newline becomes \n, one at the end goes.
Status Lexer::normalize(std::string_view text) {
  char* bytes = arena_.make_array<char>(text.size());
  if (!bytes) return out_of_memory();
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_return = text[i] == '\r';
    if (is_return && i + 1 < text.size() && text[i + 1] == '\n') continue;
    bytes[size++] = is_return ? '\n' : text[i];
  }
  if (size && bytes[size - 1] == '\n') --size;
  source_ = {bytes, size};
  const std::size_t valid = utf8_valid_prefix(source_);
  if (valid == size) return Status::ok;
  advance(valid);
  return bad("the text is no valid UTF-8");
}

Status Lexer::run(std::string_view text, Vec<Token>& tokens) {
  tokens_ = &tokens;
  INLAY_TRY(normalize(text));
  while (at_ < source_.size()) INLAY_TRY(read_data());
  return add(TokenType::end, {});
}

Lexer::Tag Lexer::find_tag(std::size_t from, std::size_t& at) const {
  for (at = from; at + 1 < source_.size(); ++at) {
    if (source_[at] != '{') continue;
    switch (source_[at + 1]) {
      case '{': return Tag::variable;
      case '#': return Tag::comment;
      case '%': return raw_begin_end(at) ? Tag::raw : Tag::block;
      default: break;
    }
  }
  at = source_.size();
  return Tag::none;
}

// What is left of the data before a tag with this sign.
std::string_view Lexer::strip_before(std::string_view data, char sign, bool is_variable) const {
  if (sign == '-') return slice(data, 0, space_before(data));
  if (sign == '+' || !syntax_.lstrip_blocks || is_variable) return data;
  const std::size_t newline = data.rfind('\n');
  const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
  if (line == 0 && !line_starting_) return data;
  const std::string_view rest = slice(data, line, data.size());
  return space_after(rest) == rest.size() ? slice(data, 0, line) : data;
}

Status Lexer::read_data() {
  std::size_t at = 0;
  const Tag tag = find_tag(at_, at);
  std::string_view data = slice(source_, at_, at);
  if (tag == Tag::none) {
    INLAY_TRY(add(TokenType::data, data));
    at_ = at;
    return Status::ok;
  }
  const char sign = at + 2 < source_.size() ? source_[at + 2] : '\0';
  data = strip_before(data, sign, tag == Tag::variable);
  if (!data.empty()) INLAY_TRY(add(TokenType::data, data));
  advance(at);
  return read_tag(tag);
}

Status Lexer::read_tag(Tag tag) {
  if (tag == Tag::raw) {
    advance(raw_begin_end(at_));
    return read_raw();
  }
  const std::size_t sign = at_ + 2;
  const bool has_sign = sign < source_.size() && (source_[sign] == '-' || source_[sign] == '+');
  if (tag == Tag::comment) {
    advance(sign + has_sign);
    return read_comment();
  }
  INLAY_TRY(add(tag == Tag::block ? TokenType::block_begin : TokenType::variable_begin,
                slice(source_, at_, sign)));
  advance(sign + has_sign);
  return read_inside(tag);
}

std::size_t Lexer::skip_space(std::size_t at) const {
  return at + space_after(slice(source_, at, source_.size()));
}

Status Lexer::read_comment() {
  const std::size_t end = source_.find("#}", at_);
  if (end == std::string_view::npos) return bad("missing end of comment tag");
  std::size_t next = end + 2;
  const char sign = end > at_ ? source_[end - 1] : '\0';
  if (sign == '-') next = skip_space(next);
  else if (sign != '+' && syntax_.trim_blocks && next < source_.size() && source_[next] == '\n')
    ++next;
  advance(next);
  return Status::ok;
}

// The end of "{% raw %}" at `at`; 0: it is none.
std::size_t Lexer::raw_begin_end(std::size_t at) const {
  at += 2;
  if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
  at = skip_space(at);
  if (!slice(source_, at, source_.size()).starts_with("raw")) return 0;
  at = skip_space(at + 3);
  const std::string_view rest = slice(source_, at, source_.size());
  if (rest.starts_with("%}")) return at + 2;
  return rest.starts_with("-%}") ? skip_space(at + 3) : 0;
}

// "{% endraw %}" at or after `at`: where it begins; npos: nowhere.
std::size_t Lexer::raw_end(std::size_t at, std::size_t& sign, std::size_t& end) const {
  for (;; ++at) {
    at = source_.find("{%", at);
    if (at == std::string_view::npos) return at;
    sign = at + 2;
    std::size_t word = sign;
    if (word < source_.size() && (source_[word] == '-' || source_[word] == '+')) ++word;
    word = skip_space(word);
    if (!slice(source_, word, source_.size()).starts_with("endraw")) continue;
    word = skip_space(word + 6);
    const std::string_view rest = slice(source_, word, source_.size());
    if (rest.starts_with("-%}")) {
      end = skip_space(word + 3);
    } else if (rest.starts_with("+%}")) {
      end = word + 3;
    } else if (rest.starts_with("%}")) {
      end = word + 2;
      if (syntax_.trim_blocks && end < source_.size() && source_[end] == '\n') ++end;
    } else {
      continue;
    }
    return at;
  }
}

Status Lexer::read_raw() {
  std::size_t sign = 0, end = 0;
  const std::size_t at = raw_end(at_, sign, end);
  if (at == std::string_view::npos) return bad("missing end of raw directive");
  const std::string_view data = strip_before(slice(source_, at_, at), source_[sign], false);
  if (!data.empty()) INLAY_TRY(add(TokenType::data, data));
  advance(end);
  return Status::ok;
}

}  // namespace inlay::jinja
