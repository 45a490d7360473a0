// regex.cpp - a pattern becomes a small tree, then nodes: the edges of the text are known only from
// above, since an alternative without anchor may begin anywhere.
#include "sample/grammar/regex.h"

#include <algorithm>

#include "base/utf8.h"
#include "sample/grammar/nfa.h"
#include "sample/grammar/regex_classes.h"

namespace inlay::grammar {
namespace {

constexpr std::uint32_t max_depth = 200;
constexpr std::size_t max_bytes = std::size_t{1} << 18;

enum class Part : std::uint8_t { text, sequence, choice, repeat, begin, end };

struct Tree {
  Part part;
  bool anchored;        // ^ or $ in it
  std::uint32_t first;  // text: the node; parents: in kids
  std::uint32_t count;
  std::uint32_t min, max;
};

// What stands at a side of a part: more of the pattern, the edge of the text (where an anchor says
// nothing new), or any text.
enum class Side : std::uint8_t { inner, edge, open };

class Regex {
 public:
  Regex(Rules& rules, std::string_view pattern, const RegexOptions& options, Error& error)
      : rules_(rules),
        text_(pattern),
        options_(options),
        error_(error),
        trees_(rules.allocator()),
        kids_(rules.allocator()),
        open_(rules.allocator()) {}

  Status run(NodeId& node) {
    if (text_.size() > max_bytes) {
      return fail(error_, Status::limit, "regex: {} bytes, at most {}", text_.size(), max_bytes);
    }
    std::uint32_t tree = 0;
    INLAY_TRY(read_choice(0, tree));
    if (!at_end()) return refuse(at_, Status::format, "a ) without its (");
    INLAY_TRY(any_text(any_));
    const Side side = options_.whole ? Side::edge : Side::open;
    INLAY_TRY(emit(tree, side, side, node));
    return rules_.failed() ? rules_.status(error_) : Status::ok;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view word) {
    if (text_.size() - at_ < word.size() ||
        std::string_view(text_.data() + at_, word.size()) != word) {
      return false;
    }
    at_ += word.size();
    return true;
  }
  Status refuse(std::size_t at, Status status, const char* what) const {
    return fail(error_, status, "regex: byte {}: {}", at, what);
  }
  Status add(Tree tree, std::uint32_t& id) {
    id = static_cast<std::uint32_t>(trees_.size());
    return trees_.push(tree);
  }
  // Of the parts in open_ from `first` on.
  Status add_parent(Part part, std::size_t first, std::uint32_t& id) {
    Tree tree{part,
              false,
              static_cast<std::uint32_t>(kids_.size()),
              static_cast<std::uint32_t>(open_.size() - first),
              0,
              0};
    for (std::size_t i = first; i < open_.size(); ++i) {
      tree.anchored = tree.anchored || trees_[open_[i]].anchored;
      INLAY_TRY(kids_.push(open_[i]));
    }
    while (open_.size() > first) open_.pop();
    return add(tree, id);
  }

  Status read_choice(std::uint32_t depth, std::uint32_t& tree);
  Status read_sequence(std::uint32_t depth, std::uint32_t& tree);
  Status read_atom(std::uint32_t depth, std::uint32_t& tree);
  Status read_group(std::uint32_t depth, std::uint32_t& tree);
  Status read_repeats(std::uint32_t& tree);
  bool read_bounds(std::uint32_t& min, std::uint32_t& max);
  Status read_class(std::uint32_t& tree);
  Status read_class_part(Array<PointRange>& ranges, std::uint32_t& point, bool& single);
  Status read_escape(Array<PointRange>& ranges, std::uint32_t& point, bool& single, bool in_class);
  Status read_property(bool negated, Array<PointRange>& ranges);
  bool read_hex(int digits, std::uint32_t& value);
  Status read_unicode(std::uint32_t& point);
  Status read_raw(std::uint32_t& point);
  Status add_points(std::span<const PointRange> ranges, bool negated, std::uint32_t& tree);
  Status points(std::span<const PointRange> ranges, bool negated, NodeId& node);
  Status any_text(NodeId& node);
  Status emit(std::uint32_t tree, Side left, Side right, NodeId& node);
  Status emit_sequence(const Tree& tree, Side left, Side right, NodeId& node);

  Rules& rules_;
  std::string_view text_;
  const RegexOptions& options_;
  Error& error_;
  Array<Tree> trees_;
  Array<std::uint32_t> kids_;
  Array<std::uint32_t> open_;  // parts of parents that are being read
  NodeId any_ = 0;             // any text
  std::size_t at_ = 0;
};

Status Regex::points(std::span<const PointRange> ranges, bool negated, NodeId& node) {
  Array<PointRange> sorted(rules_.allocator());
  INLAY_TRY(normalize_ranges(ranges, negated, sorted));
  node = options_.points ? options_.points(options_.user, rules_, sorted.span())
                         : rules_.points(sorted.span());
  return Status::ok;
}

Status Regex::any_text(NodeId& node) {
  NodeId one = 0;
  INLAY_TRY(points({}, true, one));
  node = rules_.repeat(one, 0, unbounded);
  return Status::ok;
}

Status Regex::add_points(std::span<const PointRange> ranges, bool negated, std::uint32_t& tree) {
  NodeId node = 0;
  INLAY_TRY(points(ranges, negated, node));
  return add({Part::text, false, node, 0, 0, 0}, tree);
}

bool Regex::read_hex(int digits, std::uint32_t& value) {
  value = 0;
  for (int i = 0; i < digits; ++i) {
    const char c = peek(static_cast<std::size_t>(i));
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  at_ += static_cast<std::size_t>(digits);
  return true;
}

// Behind \u.
Status Regex::read_unicode(std::uint32_t& point) {
  const std::size_t begin = at_ - 2;
  if (take("{")) {
    point = 0;
    std::uint32_t digit = 0, digits = 0;
    while (read_hex(1, digit)) {
      point = point << 4 | digit;
      if (++digits > 8 || point > last_point) {
        return refuse(begin, Status::format, "no such character");
      }
    }
    if (digits == 0 || !take("}")) return refuse(begin, Status::format, "expected \\u{hex}");
    return Status::ok;
  }
  if (!read_hex(4, point)) return refuse(begin, Status::format, "expected \\u and 4 digits");
  std::uint32_t low = 0;
  if (point >= 0xd800 && point < 0xdc00 && peek() == '\\' && peek(1) == 'u') {
    const std::size_t back = at_;
    at_ += 2;
    if (read_hex(4, low) && low >= 0xdc00 && low < 0xe000) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else {
      at_ = back;
    }
  }
  return Status::ok;
}

Status Regex::read_raw(std::uint32_t& point) {
  const Utf8Step step = utf8_step({text_.data() + at_, text_.size() - at_});
  if (step.kind != Utf8::whole) return refuse(at_, Status::format, "this is not UTF-8");
  point = step.point;
  at_ += step.length;
  return Status::ok;
}

// Behind \p or \P.
Status Regex::read_property(bool negated, Array<PointRange>& ranges) {
  const std::size_t begin = at_ - 2;
  if (!take("{")) return refuse(begin, Status::format, "expected { behind \\p");
  const std::size_t first = at_;
  while (!at_end() && peek() != '}') ++at_;
  const std::string_view name(text_.data() + first, at_ - first);
  if (!take("}")) return refuse(begin, Status::format, "this \\p{ has no end");
  bool known = false;
  Array<PointRange> found(rules_.allocator()), wanted(rules_.allocator());
  INLAY_TRY(add_category(name, found, known));
  if (!known) {
    return fail(error_, Status::unsupported, "regex: byte {}: property {} is not known", begin,
                Shown(name));
  }
  INLAY_TRY(normalize_ranges(found.span(), negated, wanted));
  return ranges.append(wanted.span());
}

// At a backslash. `single`: one character, in `point`; else ranges were added.
Status Regex::read_escape(Array<PointRange>& ranges, std::uint32_t& point, bool& single,
                          bool in_class) {
  const std::size_t begin = at_++;
  single = true;
  if (at_end()) return refuse(begin, Status::format, "the pattern ends with a backslash");
  const char c = peek();
  if (std::span<const PointRange> shorthand; find_shorthand(c, shorthand)) {
    ++at_;
    single = false;
    Array<PointRange> wanted(rules_.allocator());
    INLAY_TRY(normalize_ranges(shorthand, c < 'a', wanted));
    return ranges.append(wanted.span());
  }
  if ((c >= '1' && c <= '9') || c == 'k') {
    return refuse(begin, Status::unsupported, "backreferences are not regular");
  }
  if ((c == 'b' || c == 'B') && !in_class) {
    return refuse(begin, Status::unsupported, "word boundaries (\\b, \\B) are not supported");
  }
  if (static_cast<unsigned char>(c) >= 0x80) return read_raw(point);
  ++at_;
  switch (c) {
    case 't': point = '\t'; return Status::ok;
    case 'n': point = '\n'; return Status::ok;
    case 'r': point = '\r'; return Status::ok;
    case 'f': point = '\f'; return Status::ok;
    case 'v': point = '\v'; return Status::ok;
    case 'b': point = '\b'; return Status::ok;
    case '0':
      if (peek() >= '0' && peek() <= '9') break;
      point = 0;
      return Status::ok;
    case 'c':
      point = static_cast<unsigned char>(peek());
      if (!((point | 0x20) >= 'a' && (point | 0x20) <= 'z')) break;
      ++at_;
      point &= 0x1f;
      return Status::ok;
    case 'x':
      if (!read_hex(2, point)) break;
      return Status::ok;
    case 'u': return read_unicode(point);
    case 'p':
    case 'P': single = false; return read_property(c == 'P', ranges);
    default:
      point = static_cast<unsigned char>(c);
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) break;
      return Status::ok;
  }
  return refuse(begin, Status::format, "unknown escape");
}

Status Regex::read_class_part(Array<PointRange>& ranges, std::uint32_t& point, bool& single) {
  if (peek() == '\\') return read_escape(ranges, point, single, true);
  single = true;
  return read_raw(point);
}

Status Regex::read_class(std::uint32_t& tree) {
  const std::size_t begin = at_++;
  const bool negated = take("^");
  Array<PointRange> ranges(rules_.allocator());
  while (!take("]")) {
    if (at_end()) return refuse(begin, Status::format, "this class has no end");
    const std::size_t at = at_;
    PointRange r{};
    bool single = false, also = false;
    INLAY_TRY(read_class_part(ranges, r.low, single));
    if (peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size() && single) {
      const std::size_t dash = at_++;
      INLAY_TRY(read_class_part(ranges, r.high, also));
      if (!also) {  // a-\d: the dash is itself
        INLAY_TRY(ranges.push({'-', '-'}));
        INLAY_TRY(ranges.push({r.low, r.low}));
        static_cast<void>(dash);
        continue;
      }
      if (r.high < r.low) return refuse(at, Status::format, "a range in the wrong order");
      INLAY_TRY(ranges.push(r));
    } else if (single) {
      INLAY_TRY(ranges.push({r.low, r.low}));
    }
  }
  return add_points(ranges.span(), negated, tree);
}

Status Regex::read_group(std::uint32_t depth, std::uint32_t& tree) {
  const std::size_t begin = at_++;
  if (depth == max_depth) return refuse(begin, Status::limit, "more than 200 nested groups");
  if (take("?")) {
    if (peek() == '=' || peek() == '!' || (peek() == '<' && (peek(1) == '=' || peek(1) == '!'))) {
      return refuse(begin, Status::unsupported, "lookaround is not supported");
    }
    if (take("<")) {
      while (!at_end() && peek() != '>') ++at_;
      if (!take(">")) return refuse(begin, Status::format, "this name has no end");
    } else if (!take(":")) {
      return refuse(begin, Status::unsupported, "this kind of group is not supported");
    }
  }
  INLAY_TRY(read_choice(depth + 1, tree));
  return take(")") ? Status::ok : refuse(begin, Status::format, "this group has no end");
}

Status Regex::read_atom(std::uint32_t depth, std::uint32_t& tree) {
  const char c = peek();
  if (c == '(') return read_group(depth, tree);
  if (c == '[') return read_class(tree);
  if (c == '^' || c == '$') {
    ++at_;
    return add({c == '^' ? Part::begin : Part::end, true, 0, 0, 0, 0}, tree);
  }
  std::uint32_t min = 0, max = 0;
  const std::size_t begin = at_;
  if (c == '*' || c == '+' || c == '?' || (c == '{' && read_bounds(min, max))) {
    return refuse(begin, Status::format, "nothing stands before this quantifier");
  }
  if (c == '.') {
    ++at_;
    constexpr PointRange lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
    return add_points(lines, true, tree);
  }
  Array<PointRange> ranges(rules_.allocator());
  std::uint32_t point = 0;
  bool single = true;
  if (c == '\\') {
    INLAY_TRY(read_escape(ranges, point, single, false));
  } else {
    INLAY_TRY(read_raw(point));
  }
  if (single) INLAY_TRY(ranges.push({point, point}));
  return add_points(ranges.span(), false, tree);
}

// {2} {2,} {2,5}; anything else is text, as in ECMA-262's annex B.
bool Regex::read_bounds(std::uint32_t& min, std::uint32_t& max) {
  std::size_t i = at_ + 1;
  const auto number = [&](std::uint32_t& value) {
    std::uint64_t n = 0;
    const std::size_t first = i;
    for (; i < text_.size() && text_[i] >= '0' && text_[i] <= '9'; ++i) {
      n = std::min<std::uint64_t>(n * 10 + static_cast<std::uint64_t>(text_[i] - '0'),
                                  unbounded - 1);
    }
    value = static_cast<std::uint32_t>(n);
    return i > first;
  };
  if (!number(min)) return false;
  max = min;
  if (i < text_.size() && text_[i] == ',') {
    ++i;
    if (!number(max)) max = unbounded;
  }
  if (i >= text_.size() || text_[i] != '}') return false;
  at_ = i + 1;
  return true;
}

Status Regex::read_repeats(std::uint32_t& tree) {
  for (std::uint32_t times = 0;; ++times) {
    const std::size_t at = at_;
    std::uint32_t min = 0, max = unbounded;
    if (take("*")) {
    } else if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (peek() != '{' || !read_bounds(min, max)) {
      return Status::ok;
    }
    if (times > 0) return refuse(at, Status::format, "a quantifier behind a quantifier");
    take("?");  // lazy: the same texts match
    if (max < min) return refuse(at, Status::format, "a quantifier's bounds in the wrong order");
    if (trees_[tree].anchored) {
      return refuse(at, Status::unsupported, "an anchor inside a repetition");
    }
    const auto first = static_cast<std::uint32_t>(kids_.size());
    INLAY_TRY(kids_.push(tree));
    INLAY_TRY(add({Part::repeat, false, first, 1, min, max}, tree));
  }
}

Status Regex::read_sequence(std::uint32_t depth, std::uint32_t& tree) {
  const std::size_t first = open_.size();
  while (!at_end() && peek() != '|' && peek() != ')') {
    INLAY_TRY(read_atom(depth, tree));
    INLAY_TRY(read_repeats(tree));
    INLAY_TRY(open_.push(tree));
    if (rules_.failed()) return rules_.status(error_);
  }
  return add_parent(Part::sequence, first, tree);
}

Status Regex::read_choice(std::uint32_t depth, std::uint32_t& tree) {
  const std::size_t first = open_.size();
  do {
    INLAY_TRY(read_sequence(depth, tree));
    INLAY_TRY(open_.push(tree));
  } while (take("|"));
  return add_parent(Part::choice, first, tree);
}

Status Regex::emit_sequence(const Tree& tree, Side left, Side right, NodeId& node) {
  std::uint32_t begin = tree.first, end = tree.first + tree.count;
  while (begin < end && trees_[kids_[begin]].part == Part::begin && left != Side::inner) {
    left = Side::edge;
    ++begin;
  }
  while (begin < end && trees_[kids_[end - 1]].part == Part::end && right != Side::inner) {
    right = Side::edge;
    --end;
  }
  Array<NodeId> nodes(rules_.allocator());
  // Any text before and behind, unless an anchor inside the first or last part decides.
  const bool first_decides = begin < end && trees_[kids_[begin]].anchored;
  const bool last_decides = begin < end && trees_[kids_[end - 1]].anchored;
  if (left == Side::open && !first_decides) INLAY_TRY(nodes.push(any_));
  for (std::uint32_t i = begin; i < end; ++i) {
    NodeId part = 0;
    const Side l = i == begin && first_decides ? left : Side::inner;
    const Side r = i + 1 == end && last_decides ? right : Side::inner;
    INLAY_TRY(emit(kids_[i], l, r, part));
    INLAY_TRY(nodes.push(part));
  }
  const bool said = begin == end && left == Side::open;  // any text, once
  if (right == Side::open && !last_decides && !said) INLAY_TRY(nodes.push(any_));
  node = rules_.sequence(nodes.span());
  return Status::ok;
}

Status Regex::emit(std::uint32_t id, Side left, Side right, NodeId& node) {
  const Tree tree = trees_[id];
  switch (tree.part) {
    case Part::text: node = tree.first; return Status::ok;
    case Part::begin:
    case Part::end:
      return fail(error_, Status::unsupported, "regex: an anchor in the middle of a pattern");
    case Part::sequence: return emit_sequence(tree, left, right, node);
    case Part::repeat: {
      NodeId body = 0;
      INLAY_TRY(emit(kids_[tree.first], Side::inner, Side::inner, body));
      node = rules_.repeat(body, tree.min, tree.max);
      return Status::ok;
    }
    case Part::choice: break;
  }
  Array<NodeId> nodes(rules_.allocator());
  for (std::uint32_t i = 0; i < tree.count; ++i) {
    INLAY_TRY(emit(kids_[tree.first + i], left, right, node));
    INLAY_TRY(nodes.push(node));
  }
  node = rules_.choice(nodes.span());
  return Status::ok;
}

}  // namespace

Status add_regex(Rules& rules, std::string_view pattern, const RegexOptions& options, NodeId& node,
                 Error& error) {
  node = rules.never();
  const Status status = Regex(rules, pattern, options, error).run(node);
  return status == Status::memory ? fail_memory(error, "regex") : status;
}

Status read_regex(std::string_view pattern, Rules& rules, Error& error) {
  NodeId node = 0;
  INLAY_TRY(add_regex(rules, pattern, {}, node, error));
  const RuleId root = rules.declare("regex");
  rules.define(root, node);
  rules.set_root(root);
  return rules.status(error);
}

}  // namespace inlay::grammar
