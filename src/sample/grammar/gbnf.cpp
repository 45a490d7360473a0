// gbnf.cpp - recursive descent over the text, with a bound on its depth.
#include "sample/grammar/gbnf.h"

#include <algorithm>

#include "base/utf8.h"

namespace inlay::grammar {
namespace {

constexpr std::uint32_t max_depth = 200;
constexpr std::size_t max_bytes = std::size_t{4} << 20;

class Reader {
 public:
  Reader(std::string_view text, Rules& rules, Error& error)
      : text_(text), rules_(rules), error_(error), parts_(rules.allocator()) {}

  Status run();

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view word);
  Place place(std::size_t at) const;
  Status refuse(std::size_t at, const char* what) const;
  void skip_space(bool lines);
  std::string_view read_name();
  bool at_rule() const;
  Status read_rule();
  Status rule_of(std::string_view name, std::size_t at, RuleId& rule);
  Status read_choice(std::uint32_t depth, NodeId& node);
  Status read_sequence(std::uint32_t depth, NodeId& node);
  Status read_item(std::uint32_t depth, NodeId& node, bool& found);
  Status read_literal(NodeId& node);
  Status read_class(NodeId& node);
  Status read_token(NodeId& node);
  Status read_repeats(NodeId& node, std::uint32_t depth);
  Status read_count(std::uint32_t& count);
  Status read_char(std::uint32_t& point);
  Status read_hex(int digits, std::uint32_t& point);

  std::string_view text_;
  Rules& rules_;
  Error& error_;
  Array<NodeId> parts_;  // of the sequences and choices that are open
  std::size_t at_ = 0;
  mutable std::size_t counted_ = 0;  // of place()
  mutable Place counted_place_{1, 1};
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Counts on from the place that was asked for before, as most are a little behind that.
Place Reader::place(std::size_t at) const {
  if (at < counted_) counted_ = 0, counted_place_ = {1, 1};
  for (; counted_ < at && counted_ < text_.size(); ++counted_) {
    ++counted_place_.column;
    if (text_[counted_] == '\n') counted_place_ = {counted_place_.line + 1, 1};
  }
  return counted_place_;
}

Status Reader::refuse(std::size_t at, const char* what) const {
  const Place p = place(at);
  return fail(error_, Status::format, "grammar line {}, column {}: {}", p.line, p.column, what);
}

bool Reader::take(std::string_view word) {
  if (text_.size() - at_ < word.size() ||
      std::string_view(text_.data() + at_, word.size()) != word) {
    return false;
  }
  at_ += word.size();
  return true;
}

void Reader::skip_space(bool lines) {
  for (; !at_end(); ++at_) {
    const char c = text_[at_];
    if (c == '#') {
      while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      if (at_end() || !lines) return;
    } else if (c != ' ' && c != '\t' && !(lines && (c == '\n' || c == '\r'))) {
      return;
    }
  }
}

std::string_view Reader::read_name() {
  const std::size_t begin = at_;
  while (is_name(peek())) ++at_;
  return {text_.data() + begin, at_ - begin};
}

// A name and "::=" stand here.
bool Reader::at_rule() const {
  std::size_t i = at_;
  while (i < text_.size() && is_name(text_[i])) ++i;
  if (i == at_) return false;
  while (i < text_.size() && (text_[i] == ' ' || text_[i] == '\t')) ++i;
  return text_.size() - i >= 3 && text_[i] == ':' && text_[i + 1] == ':' && text_[i + 2] == '=';
}

Status Reader::rule_of(std::string_view name, std::size_t at, RuleId& rule) {
  rule = rules_.find(name);
  if (rule == no_node) rule = rules_.declare(name, place(at));
  return rules_.failed() ? rules_.status(error_) : Status::ok;
}

Status Reader::read_hex(int digits, std::uint32_t& point) {
  point = 0;
  for (int i = 0; i < digits; ++i, ++at_) {
    const char c = peek();
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return refuse(at_, "expected a hexadecimal digit");
    point = point << 4 | static_cast<std::uint32_t>(digit);
  }
  if (point > last_point) return refuse(at_, "no such character: above U+10FFFF");
  return Status::ok;
}

// One character of a text or a class.
Status Reader::read_char(std::uint32_t& point) {
  if (at_end()) return refuse(at_, "the text ends here");
  if (peek() != '\\') {
    const Utf8Step step = utf8_step({text_.data() + at_, text_.size() - at_});
    if (step.kind != Utf8::whole) return refuse(at_, "this is not UTF-8");
    point = step.point;
    at_ += step.length;
    return Status::ok;
  }
  const std::size_t begin = at_++;
  const char c = peek();
  ++at_;
  switch (c) {
    case 'x': return read_hex(2, point);
    case 'u': return read_hex(4, point);
    case 'U': return read_hex(8, point);
    case 't': point = '\t'; return Status::ok;
    case 'r': point = '\r'; return Status::ok;
    case 'n': point = '\n'; return Status::ok;
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
    case '^': point = static_cast<unsigned char>(c); return Status::ok;
    default: return refuse(begin, "unknown escape");
  }
}

Status Reader::read_literal(NodeId& node) {
  const std::size_t begin = at_++;
  Array<char> bytes(rules_.allocator());
  for (;;) {
    if (at_end()) return refuse(begin, "this text has no end");
    if (take("\"")) break;
    std::uint32_t point = 0;
    const std::size_t at = at_;
    INLAY_TRY(read_char(point));
    if (point >= 0xd800 && point < 0xe000) return refuse(at, "a surrogate is no character");
    char utf8[4];
    INLAY_TRY(bytes.append(std::span<const char>(utf8, write_utf8(point, utf8))));
  }
  node = rules_.literal({bytes.data(), bytes.size()});
  return Status::ok;
}

Status Reader::read_class(NodeId& node) {
  const std::size_t begin = at_++;
  Array<PointRange> ranges(rules_.allocator());
  const bool negated = take("^");
  for (;;) {
    if (at_end()) return refuse(begin, "this class has no end");
    if (take("]")) break;
    PointRange r{};
    const std::size_t at = at_;
    INLAY_TRY(read_char(r.low));
    r.high = r.low;
    if (peek() == '-' && peek(1) != ']') {
      ++at_;
      INLAY_TRY(read_char(r.high));
    }
    if (r.high < r.low) return refuse(at, "the range is empty: its ends are in the wrong order");
    INLAY_TRY(ranges.push(r));
  }
  if (ranges.empty() && !negated) return refuse(begin, "an empty class matches nothing");
  node = rules_.points(ranges.span(), negated);
  return Status::ok;
}

// <name>, <[id]>, and ! before them.
Status Reader::read_token(NodeId& node) {
  const std::size_t begin = at_;
  const bool negated = take("!");
  if (!take("<")) return refuse(at_, "expected < of a token");
  if (take("[")) {
    std::uint64_t id = 0;
    const std::size_t first = at_;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      id = id * 10 + static_cast<std::uint64_t>(peek() - '0');
      if (id > 0x7fffffff) return refuse(first, "no such token: the id is above 2147483647");
    }
    if (at_ == first || !take("]>")) return refuse(at_, "expected <[id]> with a decimal id");
    node = rules_.token(static_cast<std::int32_t>(id), negated);
    return Status::ok;
  }
  const std::size_t name = negated ? begin + 1 : begin;
  while (!at_end() && peek() != '>' && peek() != '\n') ++at_;
  if (!take(">")) return refuse(begin, "this token has no end");
  node = rules_.token(std::string_view(text_.data() + name, at_ - name), negated);
  return Status::ok;
}

Status Reader::read_count(std::uint32_t& count) {
  std::uint64_t value = 0;
  const std::size_t first = at_;
  for (; peek() >= '0' && peek() <= '9'; ++at_) {
    value = value * 10 + static_cast<std::uint64_t>(peek() - '0');
    if (value >= unbounded) return refuse(first, "the count is too large");
  }
  if (at_ == first) return refuse(at_, "expected a number");
  count = static_cast<std::uint32_t>(value);
  return Status::ok;
}

Status Reader::read_repeats(NodeId& node, std::uint32_t depth) {
  for (std::uint32_t times = 0;; ++times) {
    const std::size_t at = at_;
    std::uint32_t min = 0, max = unbounded;
    if (take("*")) {
    } else if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (take("{")) {
      skip_space(depth > 0);
      INLAY_TRY(read_count(min));
      max = min;
      skip_space(depth > 0);
      if (take(",")) {
        skip_space(depth > 0);
        max = unbounded;
        if (peek() != '}') INLAY_TRY(read_count(max));
        skip_space(depth > 0);
      }
      if (!take("}")) return refuse(at_, "expected } of a repetition");
      if (max < min) return refuse(at, "the repetition's bounds are in the wrong order");
    } else {
      return Status::ok;
    }
    if (times == max_depth) return refuse(at, "repetitions of repetitions, too many of them");
    node = rules_.repeat(node, min, max);
    skip_space(depth > 0);
  }
}

Status Reader::read_item(std::uint32_t depth, NodeId& node, bool& found) {
  found = true;
  const std::size_t begin = at_;
  const char c = peek();
  if (c == '"') return read_literal(node);
  if (c == '[') return read_class(node);
  if (c == '<' || c == '!') return read_token(node);
  if (c == '.') {
    ++at_;
    node = rules_.any_point();
    return Status::ok;
  }
  if (c == '(') {
    if (depth == max_depth) {
      const Place p = place(begin);
      return fail(error_, Status::limit, "grammar line {}, column {}: more than {} nested groups",
                  p.line, p.column, max_depth);
    }
    ++at_;
    skip_space(true);
    INLAY_TRY(read_choice(depth + 1, node));
    if (!take(")")) return refuse(begin, "this group has no end");
    return Status::ok;
  }
  if (is_name(c) && !at_rule()) {
    RuleId rule = 0;
    INLAY_TRY(rule_of(read_name(), begin, rule));
    node = rules_.rule(rule);
    return Status::ok;
  }
  if (c == '*' || c == '+' || c == '?' || c == '{') {
    return refuse(begin, "nothing stands before this repetition");
  }
  found = false;
  return Status::ok;
}

Status Reader::read_sequence(std::uint32_t depth, NodeId& node) {
  const std::size_t first = parts_.size();
  for (;;) {
    NodeId item = 0;
    bool found = false;
    INLAY_TRY(read_item(depth, item, found));
    if (!found) break;
    skip_space(depth > 0);
    INLAY_TRY(read_repeats(item, depth));
    if (rules_.failed()) return rules_.status(error_);
    INLAY_TRY(parts_.push(item));
  }
  node = rules_.sequence({parts_.data() + first, parts_.size() - first});
  while (parts_.size() > first) parts_.pop();
  return Status::ok;
}

Status Reader::read_choice(std::uint32_t depth, NodeId& node) {
  const std::size_t first = parts_.size();
  for (;;) {
    INLAY_TRY(read_sequence(depth, node));
    INLAY_TRY(parts_.push(node));
    if (!take("|")) break;
    skip_space(true);
  }
  node = rules_.choice({parts_.data() + first, parts_.size() - first});
  while (parts_.size() > first) parts_.pop();
  return Status::ok;
}

Status Reader::read_rule() {
  const std::size_t begin = at_;
  const std::string_view name = read_name();
  if (name.empty()) return refuse(begin, "expected the name of a rule");
  skip_space(false);
  if (!take("::=")) return refuse(at_, "expected ::=");
  skip_space(true);
  RuleId rule = 0;
  const Place here = place(begin);
  INLAY_TRY(rule_of(name, begin, rule));
  NodeId body = 0;
  INLAY_TRY(read_choice(0, body));
  skip_space(false);
  if (!at_end() && peek() != '\n' && peek() != '\r' && !at_rule()) {
    return refuse(at_, "this cannot stand here");
  }
  rules_.at(rule).place = here;
  rules_.define(rule, body);
  return rules_.failed() ? rules_.status(error_) : Status::ok;
}

Status Reader::run() {
  if (text_.size() > max_bytes) {
    return fail(error_, Status::limit, "grammar: {} bytes, at most {}", text_.size(), max_bytes);
  }
  for (skip_space(true); !at_end(); skip_space(true)) INLAY_TRY(read_rule());
  const RuleId root = rules_.find("root");
  if (root == no_node) return fail(error_, Status::format, "grammar: there is no rule 'root'");
  for (RuleId i = 0; i < rules_.rules().size(); ++i) {
    if (rules_.rules()[i].body != no_node) continue;
    const Place p = rules_.rules()[i].place;
    return fail(error_, Status::format, "grammar line {}, column {}: rule '{}' is not defined",
                p.line, p.column, Shown(rules_.name(i)));
  }
  rules_.set_root(root);
  return Status::ok;
}

}  // namespace

Status read_gbnf(std::string_view text, Rules& rules, Error& error) {
  const Status status = Reader(text, rules, error).run();
  return status == Status::memory ? fail_memory(error, "grammar") : status;
}

}  // namespace inlay::grammar
