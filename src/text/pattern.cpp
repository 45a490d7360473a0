// pattern.cpp - reads a pattern from left to right and writes what PCRE2 calls the same.
#include "text/pattern.h"

#include "text/utf8.h"

namespace inlay {
namespace {

// General categories; PCRE2 and Oniguruma agree on them.
constexpr std::string_view categories[] = {
    "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl",
    "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",
    "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cn", "Co", "Cs"};

// Scripts that vocabularies name. \p{sc:...}: the script itself, without its extensions.
constexpr std::string_view scripts[] = {
    "Arabic",   "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek",
    "Gujarati", "Gurmukhi", "Han",     "Hangul",   "Hebrew",     "Hiragana", "Kannada",
    "Katakana", "Khmer",    "Lao",     "Latin",    "Malayalam",  "Myanmar",  "Sinhala",
    "Tamil",    "Telugu",   "Thai",    "Tibetan"};

// Groups that mean the same to both.
constexpr std::string_view groups[] = {"?:", "?i:", "?=", "?!", "?<=", "?<!", "?>"};

template <std::size_t n>
bool is_one_of(const std::string_view (&list)[n], std::string_view text) {
  for (const std::string_view entry : list) {
    if (entry == text) return true;
  }
  return false;
}

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Translator {
 public:
  Translator(std::string_view from, Array<char>& to, Error& error)
      : from_(from), to_(to), error_(error) {}

  Status run() {
    to_.clear();
    if (from_.empty()) return refuse("an empty pattern");
    while (at_ < from_.size()) INLAY_TRY(in_class_ ? class_step() : step());
    return in_class_ ? refuse("a class without end") : Status::ok;
  }

 private:
  // The rest from here on.
  std::string_view rest() const { return slice(from_, at_, from_.size()); }
  char peek(std::size_t i) const { return at_ + i < from_.size() ? from_[at_ + i] : '\0'; }

  Status put(std::string_view text) {
    return is_error(to_.append({text.data(), text.size()})) ? fail_memory(error_, "a pattern")
                                                            : Status::ok;
  }
  // Writes `text` for the next `size` bytes.
  Status put(std::string_view text, std::size_t size) {
    at_ += size;
    return put(text);
  }
  Status copy(std::size_t size) { return put(slice(from_, at_, at_ + size), size); }
  Status refuse(std::string_view what) {
    return fail(error_, Status::unsupported, "pattern '{}': {} at byte {} is not supported",
                Shown(from_), Shown(what), at_);
  }

  Status step() {
    switch (peek(0)) {
      case '\\': return escape();
      case '(': return group();
      case '{': return count();
      case '^': return put("(?m:^)", 1);
      case '$': return put("(?m:$)", 1);
      case '.': return put("[^\\n]", 1);
      case '[': return open_class();
      case '\0': return refuse("a zero byte");
      default: return copy(1);
    }
  }

  Status open_class() {
    in_class_ = true;
    std::size_t size = peek(1) == '^' ? 2 : 1;
    if (peek(size) == ']') ++size;  // there it stands for itself
    return copy(size);
  }

  Status class_step() {
    const char c = peek(0);
    if (c == '\\') return escape();
    if (c == '[') return refuse("a set within a set");
    if (c == '&' && peek(1) == '&') return refuse("&&");
    if (c == '\0') return refuse("a zero byte");
    if (c == ']') in_class_ = false;
    return copy(1);
  }

  Status group() {
    if (peek(1) == '*') return refuse("(*");
    if (peek(1) != '?') return copy(1);
    for (const std::string_view kind : groups) {
      if (slice(from_, at_ + 1, from_.size()).starts_with(kind)) return copy(1 + kind.size());
    }
    // At the very start it holds for all alternatives in both.
    if (at_ == 0 && rest().starts_with("(?i)")) return copy(4);
    return refuse(rest().substr(0, 4));
  }

  // {n}, {n,}, {n,m}; anything else in braces is read in several ways.
  Status count() {
    std::size_t size = 1;
    while (is_digit(peek(size))) ++size;
    if (size == 1) return refuse("a brace that does not count");
    if (peek(size) == ',') ++size;
    while (is_digit(peek(size))) ++size;
    if (peek(size) != '}') return refuse("a brace that does not count");
    const char next = peek(size + 1);
    if (next == '+' || next == '?' || next == '*') return refuse("a quantifier after {}");
    return copy(size + 1);
  }

  Status escape() {
    const char c = peek(1);
    switch (c) {
      case 's': return spaces();
      case 'S': return in_class_ ? refuse("\\S in a class") : put("[^" INLAY_SPACE_CLASS "]", 2);
      case 'd': return put("\\p{Nd}", 2);
      case 'D': return put("\\P{Nd}", 2);
      case 'r':
      case 'n':
      case 't':
      case 'f': return copy(2);
      case 'v': return put("\\x{0B}", 2);
      case 'A':
      case 'z':
      case 'Z': return in_class_ ? refuse(slice(from_, at_, at_ + 2)) : copy(2);
      case 'x': return hexadecimal();
      case 'u': return four_digits();
      case 'p':
      case 'P': return property();
      default: break;
    }
    if (c == '\0') return refuse("a backslash at the end");
    if (is_letter(c) || is_digit(c)) return refuse(slice(from_, at_, at_ + 2));
    if (static_cast<unsigned char>(c) < 128) return copy(2);
    at_ += 1;  // a character that is no ASCII stands for itself
    return Status::ok;
  }

  Status spaces() {
    if (!in_class_) return put("[" INLAY_SPACE_CLASS "]", 2);
    INLAY_TRY(put(INLAY_SPACE_CLASS, 2));
    // After a set a '-' is itself; after the last character written here it would be a range.
    const bool is_dash = peek(0) == '-' && peek(1) != ']';
    return is_dash ? put("\\-", 1) : Status::ok;
  }

  // \xHH under 80, \x{H...}
  Status hexadecimal() {
    std::size_t size = 2;
    if (peek(2) == '{') {
      while (is_hex(peek(size + 1))) ++size;
      return peek(size + 1) == '}' && size > 2 ? copy(size + 2) : refuse("\\x");
    }
    const bool ascii = peek(2) >= '0' && peek(2) <= '7' && is_hex(peek(3));
    return ascii ? copy(4) : refuse("\\x of other than 00 to 7F");
  }

  Status four_digits() {
    for (std::size_t i = 2; i < 6; ++i) {
      if (!is_hex(peek(i))) return refuse("\\u without four digits");
    }
    INLAY_TRY(put("\\x{"));
    INLAY_TRY(put(slice(from_, at_ + 2, at_ + 6), 6));
    return put("}");
  }

  // \p{Name}, \P{Name}, \p{^Name}
  Status property() {
    const std::size_t end = from_.find('}', at_);
    if (peek(2) != '{' || end == std::string_view::npos) return refuse("\\p without {name}");
    const bool inverted = peek(3) == '^';
    const std::string_view name = slice(from_, at_ + (inverted ? 4 : 3), end);
    const bool is_script = is_one_of(scripts, name);
    if (!is_script && !is_one_of(categories, name)) return refuse(slice(from_, at_, end + 1));
    const bool negative = (peek(1) == 'P') != inverted;
    INLAY_TRY(put(negative ? "\\P{" : "\\p{"));
    if (is_script) INLAY_TRY(put("sc:"));
    INLAY_TRY(put(name));
    return put("}", end + 1 - at_);
  }

  std::string_view from_;
  Array<char>& to_;
  Error& error_;
  std::size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

Status translate_pattern(std::string_view from, Array<char>& to, Error& error) {
  return Translator(from, to, error).run();
}

}  // namespace inlay
