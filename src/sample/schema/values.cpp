// values.cpp - the values of keywords, checked where they are read; and nodes that all rules share.
#include <iterator>

#include "sample/schema/compiler.h"
#include "sample/schema/literals.h"

namespace inlay::schema {

using Kind = Document::Kind;

namespace {

constexpr std::string_view type_names[] = {"null",   "boolean", "number", "integer",
                                           "string", "array",   "object"};
constexpr Types type_bits[] = {bit(Type::null),   bit(Type::no) | bit(Type::yes),
                               bit(Type::number), bit(Type::number),
                               bit(Type::string), bit(Type::array),
                               bit(Type::object)};

std::string_view kind_name(Kind kind) {
  constexpr std::string_view names[] = {"null",     "a boolean", "a number",
                                        "a string", "an array",  "an object"};
  return names[static_cast<int>(kind)];
}

// A text as JSON writes it between quotes, with as few escapes as can be.
Status quote(std::string_view text, Array<char>& out) {
  constexpr std::string_view letters = "btn.fr", digits = "0123456789abcdef";
  INLAY_TRY(out.push('"'));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') INLAY_TRY(out.push('\\'));
    if (byte >= 0x20) {
      INLAY_TRY(out.push(c));
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
      INLAY_TRY(out.push('\\'));
      INLAY_TRY(out.push(letters[byte - 8u]));
    } else {
      const char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
      INLAY_TRY(out.append(escape));
    }
  }
  return out.push('"');
}

}  // namespace

Status Compiler::check_kind(ValueId keyword, Kind kind) {
  if (is(keyword, kind)) return Status::ok;
  return refuse(Status::format, keyword, "expected {}, schema has {}", kind_name(kind),
                kind_name(document_.kind(keyword)));
}

Status Compiler::check_schema(ValueId schema) {
  if (is(schema, Kind::object) || is(schema, Kind::boolean)) return Status::ok;
  return refuse(Status::format, schema, "expected a schema, which is an object or a boolean");
}

bool Compiler::is_false(Claim claim) const {
  return !claim.equals() && is(claim.value(), Kind::boolean) &&
         document_[claim.value()].truth == claim.negated();
}

Status Compiler::text_of(ValueId keyword, std::string_view& text) {
  INLAY_TRY(check_kind(keyword, Kind::string));
  text = document_.text(keyword);
  return Status::ok;
}

Status Compiler::number_of(ValueId keyword, Decimal& number) {
  INLAY_TRY(check_kind(keyword, Kind::number));
  if (!is_error(parse_decimal(document_.text(keyword), number))) return Status::ok;
  return refuse(Status::limit, keyword, "a number of over {} digits or beyond 1e{}",
                Decimal::max_digits, Decimal::max_exponent);
}

Status Compiler::count_of(ValueId keyword, std::uint32_t& count) {
  Decimal number;
  INLAY_TRY(number_of(keyword, number));
  if (to_count(number, count)) return Status::ok;
  return refuse(Status::format, keyword, "expected a count of up to {}, schema has {}", 0x7fffffff,
                Shown(document_.text(keyword)));
}

Status Compiler::keyword_types(ValueId keyword, Types& types, bool& integer) {
  types = 0;
  bool number = false;
  integer = false;
  const auto add = [&](ValueId name) {
    INLAY_TRY(check_kind(name, Kind::string));
    for (std::size_t i = 0; i < std::size(type_names); ++i) {
      if (document_.text(name) != type_names[i]) continue;
      types |= type_bits[i];
      integer = integer || type_names[i] == "integer";
      number = number || type_names[i] == "number";
      return Status::ok;
    }
    return refuse(Status::format, name, "'{}' is no type", Shown(document_.text(name)));
  };
  if (is(keyword, Kind::array)) {
    for (ValueId t = document_[keyword].first; t != no_value; t = document_[t].next) {
      INLAY_TRY(add(t));
    }
  } else {
    INLAY_TRY(add(keyword));
  }
  integer = integer && !number;
  return Status::ok;
}

Status Compiler::reference(ValueId keyword, bool dynamic, ValueId& target) {
  if (const std::uint32_t* known = targets_.find(keyword)) {
    target = *known;
    return Status::ok;
  }
  INLAY_TRY(check_kind(keyword, Kind::string));
  INLAY_TRY(references_.resolve(keyword, dynamic, target, error_));
  INLAY_TRY(check_schema(target));
  return targets_.insert(keyword, target);
}

// ---- Shared nodes -------------------------------------------------------------------------------

Status Compiler::make_fixed_nodes() {
  const NodeId blanks[] = {rules_.repeat(rules_.literal(" "), 0, 20)};
  grammar::ByteSet spaces;
  for (const char c : {' ', '\t', '\n', '\r'}) spaces.add(static_cast<std::uint32_t>(c));
  NodeId before = rules_.empty(), after_colon = rules_.empty();
  space_ = outer_space_ = rules_.empty();
  if (options_.space == Space::any) {
    space_ = rules_.repeat(rules_.bytes(spaces), 0, grammar::unbounded);
    before = outer_space_ = after_colon = space_;
  } else if (options_.space == Space::bounded) {
    space_ = rules_.choice(rules_.optional(rules_.literal(" ")),
                           rules_.sequence(rules_.literal("\n"), blanks[0]));
    after_colon = rules_.optional(rules_.literal(" "));
  }
  const NodeId comma[] = {before, rules_.literal(","), space_};
  const NodeId colon[] = {before, rules_.literal(":"), after_colon};
  comma_ = rules_.sequence(comma);
  colon_ = rules_.sequence(colon);
  INLAY_TRY(speller_.character(all_characters, any_character_));
  const NodeId string[] = {rules_.literal("\""),
                           rules_.repeat(any_character_, 0, grammar::unbounded),
                           rules_.literal("\"")};
  any_string_ = rules_.sequence(string);
  Formula formula(allocator_);
  Automaton number(allocator_);
  INLAY_TRY(numbers({}, formula, Formula::yes, options_.spelling, number));
  return speller_.bare(number, any_number_);
}

Compiler::NodeId Compiler::in_brackets(char open, NodeId inside, char close) {
  const NodeId parts[] = {rules_.literal({&open, 1}), space_, inside, space_,
                          rules_.literal({&close, 1})};
  return rules_.sequence(parts);
}

Status Compiler::keep_text(std::string_view text, std::string_view& kept) {
  Array<char>* copy = create<Array<char>>(allocator_, allocator_);
  if (!copy) return Status::memory;
  Status status = texts_.push(copy);
  if (is_error(status)) {
    destroy(allocator_, copy);
    return status;
  }
  INLAY_TRY(copy->append({text.data(), text.size()}));
  kept = {copy->data(), copy->size()};
  return Status::ok;
}

Status Compiler::key_node(std::string_view key, NodeId& node) {
  if (const std::uint32_t* known = key_nodes_.find(key)) {
    node = *known;
    return Status::ok;
  }
  if (options_.spelling == Spelling::plain) {
    Array<char> quoted(allocator_);
    INLAY_TRY(quote(key, quoted));
    node = rules_.literal({quoted.data(), quoted.size()});
  } else {
    Automaton text(allocator_);
    INLAY_TRY(literals({&key, 1}, text));
    INLAY_TRY(speller_.quoted(text, node));
  }
  return key_nodes_.insert(key, node);
}

}  // namespace inlay::schema
