// pattern.cpp - a recursive descent over a pattern that writes an automaton as it goes; what is
// repeated is copied.
#include "sample/schema/pattern.h"

#include "base/diagnostics.h"
#include "base/utf8.h"
#include "sample/schema/characters.h"
#include "sample/schema/nfa.h"

namespace inlay::schema {
namespace {

constexpr std::uint32_t max_depth = 100;
constexpr std::uint32_t max_pattern_states = 10'000;
constexpr std::uint32_t endless = 0xffffffffu;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Parser {
 public:
  Parser(std::string_view text, Nfa& nfa, char (&why)[256]) : text_(text), nfa_(nfa), why_(why) {}

  // Everything up to `end`, as one piece.
  Status parse(std::size_t begin, std::size_t end, Nfa::Piece& piece) {
    at_ = begin;
    end_ = end;
    INLAY_TRY(alternatives(piece));
    return at_ == end_ ? Status::ok : refuse("an unmatched ')'");
  }

 private:
  bool more() const { return at_ < end_; }
  char peek() const { return text_[at_]; }
  bool take(std::string_view word) {
    if (slice(text_, at_, at_ + std::min(word.size(), end_ - at_)) != word) return false;
    at_ += word.size();
    return true;
  }

  Status refuse(const char* what, Status status = Status::unsupported) {
    print(why_, sizeof why_, "{} at byte {} of the pattern", what, at_);
    return status;
  }

  Status fresh(Nfa::Piece& piece) {
    INLAY_TRY(nfa_.add_state(piece.begin));
    return nfa_.add_state(piece.end);
  }

  Status alternatives(Nfa::Piece& piece) {
    if (++depth_ > max_depth) return refuse("over 100 groups inside one another", Status::limit);
    INLAY_TRY(fresh(piece));
    do {
      Nfa::Piece part;
      INLAY_TRY(sequence(part));
      INLAY_TRY(nfa_.jump(piece.begin, part.begin));
      INLAY_TRY(nfa_.jump(part.end, piece.end));
    } while (take("|"));
    --depth_;
    return Status::ok;
  }

  Status sequence(Nfa::Piece& piece) {
    INLAY_TRY(nfa_.add_state(piece.begin));
    piece.end = piece.begin;
    while (more() && peek() != '|' && peek() != ')') INLAY_TRY(term(piece.end));
    return Status::ok;
  }

  // An atom with its quantifier, from state `at` on, which becomes the state behind it.
  Status term(Nfa::State& at) {
    const Nfa::Mark begin = nfa_.mark();
    Nfa::Piece first;
    bool is_assertion = false;
    INLAY_TRY(atom(first, is_assertion));
    const Nfa::Mark behind = nfa_.mark();
    std::uint32_t low = 1, high = 1;
    bool quantified = false;
    INLAY_TRY(quantifier(low, high, quantified));
    if (quantified && is_assertion) return refuse("a repeated assertion");
    const std::uint32_t copies = high == endless ? std::max(low, 1u) : high;
    Nfa::Piece piece = first;
    Nfa::State end;
    INLAY_TRY(nfa_.add_state(end));
    for (std::uint32_t i = 0; i < copies; ++i) {
      piece = first;
      if (i > 0) INLAY_TRY(nfa_.copy(begin, behind, piece));
      if (i >= low) INLAY_TRY(nfa_.jump(at, end));
      INLAY_TRY(nfa_.jump(at, piece.begin));
      at = piece.end;
    }
    if (high == endless) {
      INLAY_TRY(nfa_.jump(piece.end, piece.begin));
    }
    INLAY_TRY(nfa_.jump(at, end));
    at = end;
    return Status::ok;
  }

  Status quantifier(std::uint32_t& low, std::uint32_t& high, bool& quantified) {
    quantified = true;
    if (take("*")) {
      low = 0, high = endless;
    } else if (take("+")) {
      low = 1, high = endless;
    } else if (take("?")) {
      low = 0, high = 1;
    } else if (more() && peek() == '{') {
      ++at_;
      if (!count(low)) return refuse("a brace that is no quantifier");
      high = low;
      if (take(",") && !count(high)) high = endless;
      if (!take("}")) return refuse("a brace that is no quantifier");
      if (high < low) return refuse("a quantifier out of order");
      if (low > 20'000 || (high != endless && high > 20'000)) {
        return refuse("a quantifier over 20000", Status::limit);
      }
    } else {
      quantified = false;
      return Status::ok;
    }
    take("?");  // lazy: the same texts
    return Status::ok;
  }

  bool count(std::uint32_t& value) {
    if (!more() || !is_digit(peek())) return false;
    value = 0;
    for (; more() && is_digit(peek()); ++at_) {
      if (value < 100'000) value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
    }
    return true;
  }

  Status atom(Nfa::Piece& piece, bool& is_assertion) {
    if (take("^")) {
      is_assertion = true;
      INLAY_TRY(fresh(piece));
      return nfa_.jump_at_begin(piece.begin, piece.end);
    }
    if (take("$")) {
      is_assertion = true;
      INLAY_TRY(fresh(piece));
      return nfa_.jump_at_end(piece.begin, piece.end);
    }
    if (peek() == '(') return group(piece);
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') {
      return refuse("a quantifier after nothing");
    }
    Array<Range> set(nfa_.allocator());
    INLAY_TRY(peek() == '[' ? character_class(set) : one_character(set));
    INLAY_TRY(fresh(piece));
    return nfa_.read(piece.begin, set, piece.end);
  }

  Status group(Nfa::Piece& piece) {
    take("(");
    if (take("?")) {
      if (take("=") || take("!")) {
        return refuse("lookahead, which is understood only where an alternative begins,");
      }
      if (take("<=") || take("<!")) return refuse("lookbehind");
      if (take("<")) {
        while (more() && peek() != '>') ++at_;
        if (!take(">")) return refuse("a group's name without an end");
      } else if (!take(":")) {
        return refuse("a group of an unknown kind");
      }
    }
    INLAY_TRY(alternatives(piece));
    return take(")") ? Status::ok : refuse("a group without an end");
  }

  // One character that is no group and no class: itself, ".", or an escape.
  Status one_character(Array<Range>& set) {
    if (take(".")) {
      const Range dot[] = {{0, 9}, {11, 12}, {14, 0x2027}, {0x202a, 0xd7ff}, {0xe000, 0x10ffff}};
      return set.append(dot);
    }
    if (peek() == '\\') {
      std::uint32_t character = 0;
      bool is_set = false;
      INLAY_TRY(escape(set, character, is_set, false));
      return is_set ? Status::ok : set.push({character, character});
    }
    std::uint32_t character = 0;
    INLAY_TRY(literal(character));
    return set.push({character, character});
  }

  Status literal(std::uint32_t& character) {
    const Utf8Step step = utf8_step(slice(text_, at_, end_));
    if (step.kind != Utf8::whole) return refuse("a byte that is no character");
    character = step.point;
    at_ += step.length;
    return Status::ok;
  }

  Status hex(std::size_t digits, std::uint32_t& value) {
    value = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = more() ? hex_digit(peek()) : -1;
      if (digit < 0) return refuse("an escape with too few digits");
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return Status::ok;
  }

  Status unicode(std::uint32_t& character) {
    if (take("{")) {
      character = 0;
      for (; more() && hex_digit(peek()) >= 0; ++at_) {
        character = character * 16 + static_cast<std::uint32_t>(hex_digit(peek()));
        if (character > 0x10ffff) return refuse("a character over U+10FFFF");
      }
      return take("}") ? Status::ok : refuse("an escape without an end");
    }
    INLAY_TRY(hex(4, character));
    std::uint32_t low = 0;
    if (character >= 0xd800 && character < 0xdc00 && take("\\u")) {
      INLAY_TRY(hex(4, low));
      if (low < 0xdc00 || low > 0xdfff) return refuse("half a surrogate pair");
      character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    return character >= 0xd800 && character <= 0xdfff ? refuse("half a surrogate pair")
                                                      : Status::ok;
  }

  // A backslash and what follows: one character, or a set.
  Status escape(Array<Range>& set, std::uint32_t& character, bool& is_set, bool in_class) {
    ++at_;
    if (!more()) return refuse("a backslash at the end");
    const char c = text_[at_];
    switch (c) {
      case 'd':
      case 'w':
      case 's':
      case 'D':
      case 'W':
      case 'S':
      case 'p':
      case 'P': is_set = true; return named_set(c, set);
      case 't': character = 9; break;
      case 'n': character = 10; break;
      case 'v': character = 11; break;
      case 'f': character = 12; break;
      case 'r': character = 13; break;
      case '0':
        if (at_ + 1 < end_ && is_digit(text_[at_ + 1])) return refuse("an octal escape");
        character = 0;
        break;
      case 'b':
        if (!in_class) return refuse("\\b");
        character = 8;
        break;
      case 'c': {
        const char letter = at_ + 1 < end_ ? text_[at_ + 1] : ' ';
        if (!((letter | 32) >= 'a' && (letter | 32) <= 'z')) return refuse("\\c without a letter");
        character = static_cast<std::uint32_t>(letter & 31);
        ++at_;
        break;
      }
      case 'x': ++at_; return hex(2, character);
      case 'u': ++at_; return unicode(character);
      default:
        if (c >= '1' && c <= '9') return refuse("a backreference");
        if ((c | 32) >= 'a' && (c | 32) <= 'z') return refuse("an unknown escape");
        return literal(character);
    }
    ++at_;
    return Status::ok;
  }

  Status named_set(char name, Array<Range>& set) {
    ++at_;
    Array<Range> named(nfa_.allocator());
    if (name == 'p' || name == 'P') {
      if (!take("{")) return refuse("\\p without a brace");
      const std::size_t begin = at_;
      while (more() && peek() != '}') ++at_;
      const Status s = add_property(slice(text_, begin, at_), named);
      if (s == Status::unsupported) return refuse("an unknown property");
      INLAY_TRY(s);
      if (!take("}")) return refuse("a property without an end");
    } else {
      INLAY_TRY(add_class(static_cast<char>(name | 32), named));
    }
    tidy(named);
    if (name & 32) return set.append(named.span());
    return complement(named, set);
  }

  Status character_class(Array<Range>& set) {
    ++at_;
    const bool negated = take("^");
    Array<Range> members(nfa_.allocator());
    while (more() && peek() != ']') {
      std::uint32_t low = 0, high = 0;
      bool is_set = false, is_high_set = false;
      INLAY_TRY(class_atom(members, low, is_set));
      high = low;
      if (more() && peek() == '-' && at_ + 1 < end_ && text_[at_ + 1] != ']') {
        const std::size_t dash = at_++;
        if (is_set || text_[at_] == '\\') {
          // "[\w-x]": without the u flag the dash is itself, and people write it so.
          const std::size_t before = at_;
          if (!is_set) INLAY_TRY(class_atom(members, high, is_high_set));
          if (is_set || is_high_set) {
            at_ = is_set ? before : at_;
            INLAY_TRY(members.push({'-', '-'}));
          }
        } else {
          INLAY_TRY(class_atom(members, high, is_high_set));
        }
        if (!is_set && !is_high_set && high < low) {
          at_ = dash;
          return refuse("a range out of order");
        }
        if (is_high_set) high = low;
      }
      if (!is_set) INLAY_TRY(members.push({low, high}));
    }
    if (!take("]")) return refuse("a class without an end");
    tidy(members);
    if (negated) return complement(members, set);
    // Surrogates that a range runs over are no characters.
    for (const Range r : members) {
      for (const Range all : all_characters) {
        const std::uint32_t low = std::max(r.low, all.low), high = std::min(r.high, all.high);
        if (low <= high) INLAY_TRY(set.push({low, high}));
      }
    }
    return Status::ok;
  }

  Status class_atom(Array<Range>& members, std::uint32_t& character, bool& is_set) {
    if (peek() == '\\') return escape(members, character, is_set, true);
    return literal(character);
  }

  std::string_view text_;
  Nfa& nfa_;
  char (&why_)[256];
  std::size_t at_ = 0, end_ = 0;
  std::uint32_t depth_ = 0;
};

// ---- Alternatives of the whole pattern, and what they look ahead to
// ------------------------------

// The byte behind the group or class or character at `at`.
std::size_t behind(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  bool in_class = false;
  do {
    const char c = text[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth) {
      --depth;
    }
    ++at;
  } while (at < text.size() && (depth || in_class));
  return at < text.size() ? at : text.size();
}

// The next '|' that is in no group, or the end.
std::size_t find_bar(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '|') at = behind(text, at);
  return at;
}

bool looks_ahead(std::string_view text, std::size_t at) {
  const std::string_view here = slice(text, at, std::min(at + 3, text.size()));
  return here == "(?=" || here == "(?!";
}

Status build(std::string_view text, std::size_t begin, std::size_t end, bool from_begin,
             Automaton& out, char (&why)[256]) {
  Nfa nfa(out.allocator());
  Parser parser(text, nfa, why);
  Nfa::Piece piece;
  INLAY_TRY(parser.parse(begin, end, piece));
  // Anything before, unless the text must begin here, and anything behind.
  if (!from_begin) {
    Nfa::State before;
    INLAY_TRY(nfa.add_state(before));
    INLAY_TRY(nfa.read(before, all_characters, before));
    INLAY_TRY(nfa.jump(before, piece.begin));
    piece.begin = before;
  }
  Nfa::State after;
  INLAY_TRY(nfa.add_state(after));
  INLAY_TRY(nfa.jump(piece.end, after));
  INLAY_TRY(nfa.read(after, all_characters, after));
  piece.end = after;
  return nfa.determinise(piece, max_pattern_states, out);
}

// One alternative: "^(?!no)(?=yes)rest".
Status build_alternative(std::string_view text, std::size_t begin, std::size_t end, Automaton& out,
                         char (&why)[256]) {
  const bool anchored = begin < end && text[begin] == '^';
  std::size_t at = begin + (anchored ? 1 : 0);
  if (!looks_ahead(text, at)) return build(text, begin, end, false, out, why);
  if (!anchored) {
    print(why, sizeof why, "lookahead that does not follow '^' at byte {} of the pattern", at);
    return Status::unsupported;
  }
  std::size_t rest = at;
  while (rest < end && looks_ahead(text, rest)) rest = behind(text, rest);
  INLAY_TRY(build(text, rest, end, true, out, why));
  for (; at < rest; at = behind(text, at)) {
    Automaton ahead(out.allocator()), both(out.allocator());
    const std::size_t group_end = behind(text, at);
    if (text[group_end - 1] != ')') {
      print(why, sizeof why, "a group without an end at byte {} of the pattern", at);
      return Status::unsupported;
    }
    INLAY_TRY(build(text, at + 3, group_end - 1, true, ahead, why));
    INLAY_TRY(
        combine(out, ahead, text[at + 2] == '=' ? Both::intersection : Both::difference, both));
    out = std::move(both);
  }
  return Status::ok;
}

}  // namespace

Status parse_pattern(std::string_view pattern, Automaton& out, char (&why)[256]) {
  print(why, sizeof why, "the pattern needs over {} states", max_pattern_states);
  bool any = false;
  for (std::size_t at = 0; at <= pattern.size(); at = find_bar(pattern, at) + 1) {
    any = any || looks_ahead(pattern, at) ||
          (at < pattern.size() && pattern[at] == '^' && looks_ahead(pattern, at + 1));
  }
  if (!any) return build(pattern, 0, pattern.size(), false, out, why);
  bool first = true;
  for (std::size_t at = 0; at <= pattern.size(); first = false) {
    const std::size_t end = find_bar(pattern, at);
    Automaton part(out.allocator()), united(out.allocator());
    INLAY_TRY(build_alternative(pattern, at, end, part, why));
    if (first) {
      out = std::move(part);
    } else {
      INLAY_TRY(combine(out, part, Both::unite, united));
      out = std::move(united);
    }
    at = end + 1;
  }
  return Status::ok;
}

}  // namespace inlay::schema
