// scalars.cpp - what schemas say about null, booleans, numbers and strings, as formulas over tests.
#include <algorithm>

#include "sample/schema/compiler.h"
#include "sample/schema/formats.h"
#include "sample/schema/literals.h"
#include "sample/schema/pattern.h"

namespace inlay::schema {

using Kind = Document::Kind;

namespace {

constexpr std::uint32_t max_term_depth = 200;
constexpr std::uint32_t max_string_states = 60'000;
constexpr std::uint64_t max_numerator = 20'000;

}  // namespace

Status Compiler::claims_term(std::span<const Claim> claims, Type type, Scalars& s, Term& term) {
  term = Formula::yes;
  for (const Claim claim : claims) {
    Term part = 0;
    INLAY_TRY(scalar_term(claim, type, s, part));
    INLAY_TRY(s.formula.both(term, part, term));
    if (term == Formula::no) break;
  }
  return Status::ok;
}

Status Compiler::scalar_term(Claim claim, Type type, Scalars& s, Term& term) {
  if (claim.equals()) {
    const ValueId values[] = {claim.value()};
    INLAY_TRY(equal_term(values, claim.value(), type, s, term));
  } else {
    INLAY_TRY(schema_term(claim.value(), type, s, term));
  }
  return claim.negated() ? s.formula.negate(term, term) : Status::ok;
}

Status Compiler::schema_term(ValueId schema, Type type, Scalars& s, Term& term) {
  constexpr Term unfinished = 0xffffffffu;
  INLAY_TRY(step());
  INLAY_TRY(check_schema(schema));
  if (is(schema, Kind::boolean)) {
    term = document_[schema].truth ? Formula::yes : Formula::no;
    return Status::ok;
  }
  if (const Term* known = s.known.find(schema)) {
    term = *known;
    if (term != unfinished) return Status::ok;
    return refuse(Status::unsupported, schema, "a schema that refers to itself for one value");
  }
  INLAY_TRY(s.known.insert(schema, unfinished));
  if (++s.depth > max_term_depth) {
    return refuse(Status::limit, schema, "over {} schemas inside one another", max_term_depth);
  }
  term = Formula::yes;
  const ValueId only = old_draft_ ? member(schema, Word::ref) : no_value;
  for (ValueId m = document_[schema].first; m != no_value; m = document_[m].next) {
    if (only != no_value && m != only) continue;
    Term part = Formula::yes;
    if (words_[m] != Word::unknown) INLAY_TRY(keyword_term(words_[m], schema, m, type, s, part));
    INLAY_TRY(s.formula.both(term, part, term));
  }
  --s.depth;
  *s.known.find(schema) = term;
  return Status::ok;
}

Status Compiler::keyword_term(Word word, ValueId schema, ValueId keyword, Type type, Scalars& s,
                              Term& term) {
  INLAY_TRY(step());
  switch (word) {
    case Word::type: {
      Types types = 0;
      bool integer = false;
      INLAY_TRY(keyword_types(keyword, types, integer));
      term = types & bit(type) ? Formula::yes : Formula::no;
      if (term == Formula::no || type != Type::number || !integer) return Status::ok;
      NumberTest test{NumberTest::Kind::integer};
      return number_test(test, s, term);
    }
    case Word::constant: return equal_term({&keyword, 1}, keyword, type, s, term);
    case Word::enumeration: {
      INLAY_TRY(check_kind(keyword, Kind::array));
      Array<ValueId> values(allocator_);
      for (ValueId v = document_[keyword].first; v != no_value; v = document_[v].next) {
        INLAY_TRY(values.push(v));
      }
      return equal_term(values, keyword, type, s, term);
    }
    case Word::minimum:
    case Word::maximum:
    case Word::exclusive_minimum:
    case Word::exclusive_maximum:
      return type == Type::number ? bound_term(word, schema, keyword, s, term) : Status::ok;
    case Word::multiple_of: {
      if (type != Type::number) return Status::ok;
      NumberTest test{NumberTest::Kind::multiple};
      INLAY_TRY(number_of(keyword, test.bound));
      if (test.bound.is_zero() || test.bound.negative) {
        return refuse(Status::format, keyword, "expected a number over 0, schema has {}",
                      Shown(document_.text(keyword)));
      }
      std::uint64_t numerator = 0;
      if (!to_fraction(test.bound, numerator, test.scale) || numerator > max_numerator) {
        return refuse(Status::unsupported, keyword,
                      "multiples of a number with other digits than the first {}: {}",
                      max_numerator, Shown(document_.text(keyword)));
      }
      test.numerator = static_cast<std::uint32_t>(numerator);
      return number_test(test, s, term);
    }
    case Word::min_length:
    case Word::max_length: {
      if (type != Type::string) return Status::ok;
      StringTest test;
      test.is_length = true;
      INLAY_TRY(count_of(keyword, word == Word::min_length ? test.low : test.high));
      return string_test(test, s, term);
    }
    case Word::pattern: {
      if (type != Type::string) return Status::ok;
      StringTest test;
      std::string_view text;
      INLAY_TRY(text_of(keyword, text));
      INLAY_TRY(pattern_automaton(keyword, text, test.texts));
      return string_test(test, s, term);
    }
    case Word::format: {
      if (type != Type::string || !options_.check_formats || !is(keyword, Kind::string)) {
        return Status::ok;
      }
      StringTest test;
      INLAY_TRY(format_automaton(keyword, test.texts));
      return test.texts ? string_test(test, s, term) : Status::ok;
    }
    default: return applicator_term(word, schema, keyword, type, s, term);
  }
}

Status Compiler::applicator_term(Word word, ValueId schema, ValueId keyword, Type type, Scalars& s,
                                 Term& term) {
  Term part = 0;
  ValueId target = no_value;
  switch (word) {
    case Word::ref:
    case Word::dynamic_ref:
    case Word::recursive_ref:
      INLAY_TRY(reference(keyword, word == Word::dynamic_ref, target));
      return schema_term(target, type, s, term);
    case Word::all_of:
    case Word::any_of:
      INLAY_TRY(check_kind(keyword, Kind::array));
      term = word == Word::all_of ? Formula::yes : Formula::no;
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        INLAY_TRY(schema_term(c, type, s, part));
        INLAY_TRY(word == Word::all_of ? s.formula.both(term, part, term)
                                       : s.formula.either(term, part, term));
      }
      return Status::ok;
    case Word::one_of: return one_of_term(keyword, type, s, term);
    case Word::negation:
      INLAY_TRY(schema_term(keyword, type, s, term));
      return s.formula.negate(term, term);
    case Word::condition: {
      const ValueId then = member(schema, Word::consequence);
      const ValueId otherwise = member(schema, Word::alternative);
      if (then == no_value && otherwise == no_value) return Status::ok;
      Term test = 0, no = 0, yes = Formula::yes, other = Formula::yes;
      INLAY_TRY(schema_term(keyword, type, s, test));
      INLAY_TRY(s.formula.negate(test, no));
      if (then != no_value) INLAY_TRY(schema_term(then, type, s, yes));
      if (otherwise != no_value) INLAY_TRY(schema_term(otherwise, type, s, other));
      INLAY_TRY(s.formula.both(test, yes, yes));
      INLAY_TRY(s.formula.both(no, other, other));
      return s.formula.either(yes, other, term);
    }
    default: return Status::ok;
  }
}

// Exactly one: none so far, one so far, going through the list.
Status Compiler::one_of_term(ValueId keyword, Type type, Scalars& s, Term& term) {
  INLAY_TRY(check_kind(keyword, Kind::array));
  Term none = Formula::yes, one = Formula::no;
  for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
    Term holds = 0, fails = 0, first = 0, still = 0;
    INLAY_TRY(schema_term(c, type, s, holds));
    INLAY_TRY(s.formula.negate(holds, fails));
    INLAY_TRY(s.formula.both(none, holds, first));
    INLAY_TRY(s.formula.both(one, fails, still));
    INLAY_TRY(s.formula.either(first, still, one));
    INLAY_TRY(s.formula.both(none, fails, none));
  }
  term = one;
  return Status::ok;
}

// ---- Tests --------------------------------------------------------------------------------------

Status Compiler::number_test(const NumberTest& test, Scalars& s, Term& term) {
  INLAY_TRY(s.formula.test(static_cast<std::uint32_t>(s.numbers.size()), term));
  return s.numbers.push(test);
}

Status Compiler::string_test(const StringTest& test, Scalars& s, Term& term) {
  INLAY_TRY(s.formula.test(static_cast<std::uint32_t>(s.strings.size()), term));
  return s.strings.push(test);
}

Status Compiler::bound_term(Word word, ValueId schema, ValueId keyword, Scalars& s, Term& term) {
  // Draft 4: exclusiveMinimum is a flag of minimum.
  if (is(keyword, Kind::boolean) && word >= Word::exclusive_minimum) return Status::ok;
  const bool lower = word == Word::minimum || word == Word::exclusive_minimum;
  bool exclusive = word == Word::exclusive_minimum || word == Word::exclusive_maximum;
  const ValueId flag = member(schema, lower ? Word::exclusive_minimum : Word::exclusive_maximum);
  if (is(flag, Kind::boolean) && document_[flag].truth) exclusive = true;
  NumberTest test{NumberTest::Kind::below};
  INLAY_TRY(number_of(keyword, test.bound));
  test.inclusive = lower == exclusive;
  INLAY_TRY(number_test(test, s, term));
  return lower ? s.formula.negate(term, term) : Status::ok;
}

// Equal to one of these values.
Status Compiler::equal_term(std::span<const ValueId> values, ValueId where, Type type, Scalars& s,
                            Term& term) {
  term = Formula::no;
  Array<std::string_view> texts(allocator_);
  Array<Decimal> decimals(allocator_);
  for (const ValueId v : values) {
    const Document::Value& value = document_[v];
    if (type == Type::null && value.kind == Kind::null) term = Formula::yes;
    if (value.kind == Kind::boolean && type == (value.truth ? Type::yes : Type::no)) {
      term = Formula::yes;
    }
    if (type == Type::string && value.kind == Kind::string) {
      INLAY_TRY(texts.push(document_.text(v)));
    }
    if (type == Type::number && value.kind == Kind::number) {
      Decimal number;
      INLAY_TRY(number_of(v, number));
      INLAY_TRY(decimals.push(number));
    }
  }
  if (texts.empty() && decimals.empty()) return Status::ok;
  Automaton* list = nullptr;
  INLAY_TRY(new_automaton(list));
  const Status made =
      type == Type::string ? literals(texts, *list) : listed_numbers(decimals, spelling_, *list);
  if (is_error(made)) return too_large(made, where, "a list of values");
  if (type == Type::string) {
    StringTest test;
    test.texts = list;
    return string_test(test, s, term);
  }
  NumberTest test{NumberTest::Kind::listed};
  test.list = list;
  return number_test(test, s, term);
}

Status Compiler::new_automaton(Automaton*& out) {
  out = create<Automaton>(allocator_, allocator_);
  if (!out) return Status::memory;
  const Status pushed = automata_.push(out);
  if (is_error(pushed)) destroy(allocator_, out);
  return pushed;
}

Status Compiler::pattern_automaton(ValueId pattern, std::string_view text, const Automaton*& out) {
  if (const std::uint32_t* known = by_pattern_.find(pattern)) {
    out = automata_[*known];
    return Status::ok;
  }
  Automaton* made = nullptr;
  INLAY_TRY(new_automaton(made));
  const auto index = static_cast<std::uint32_t>(automata_.size() - 1);
  char why[256];
  const Status parsed = parse_pattern(text, *made, why);
  if (is_error(parsed)) return refuse(parsed, pattern, "{}", std::string_view(why));
  INLAY_TRY(step(made->states()));
  out = made;
  return by_pattern_.insert(pattern, index);
}

Status Compiler::format_automaton(ValueId keyword, const Automaton*& out) {
  out = nullptr;
  // All uses of a format share one automaton.
  const std::uint64_t key = hash_of(document_.text(keyword)) | std::uint64_t{1} << 63;
  if (const std::uint32_t* known = by_pattern_.find(key)) {
    out = automata_[*known];
    return Status::ok;
  }
  Format format = Format::unknown;
  Automaton* made = nullptr;
  INLAY_TRY(new_automaton(made));
  const auto index = static_cast<std::uint32_t>(automata_.size() - 1);
  const Status found = find_format(document_.text(keyword), options_.spelling, format, *made);
  if (is_error(found)) return too_large(found, keyword, "a format");
  if (format == Format::unsupported) {
    return refuse(Status::unsupported, keyword,
                  "no automaton knows the format '{}' (formats can be left unchecked)",
                  Shown(document_.text(keyword)));
  }
  if (format == Format::unknown) return Status::ok;
  out = made;
  return by_pattern_.insert(key, index);
}

// ---- From formulas to automata and nodes --------------------------------------------------------

Status Compiler::string_automaton(Scalars& s, Term term, ValueId where, Automaton& out) {
  Array<const Automaton*> parts(allocator_);
  std::uint64_t work = 1;
  for (const StringTest& test : s.strings) {
    Automaton* length = nullptr;
    if (test.is_length) {
      INLAY_TRY(new_automaton(length));
      const Status made = length_between(test.low, test.high, *length);
      if (is_error(made)) return too_large(made, where, "a length beside other tests");
    }
    INLAY_TRY(parts.push(length ? length : test.texts));
    work += parts.back()->states();
  }
  INLAY_TRY(step(work));
  const Status made = combine(parts, s.formula, term, max_string_states, out);
  if (is_error(made)) return too_large(made, where, "what is said about strings");
  return step(out.states());
}

namespace {

// A test as numbers.
Status spell(const NumberTest& test, Array<std::uint32_t>& out) {
  const Decimal& bound = test.bound;
  const std::uint32_t words[] = {static_cast<std::uint32_t>(test.kind),
                                 test.inclusive,
                                 bound.negative,
                                 bound.count,
                                 static_cast<std::uint32_t>(bound.exponent + Decimal::max_exponent),
                                 test.numerator,
                                 test.scale};
  INLAY_TRY(out.append(words));
  for (int i = 0; i < bound.count; ++i) {
    INLAY_TRY(out.push(static_cast<std::uint32_t>(bound.digits[i])));
  }
  return Status::ok;
}

}  // namespace

// Sets of numbers that are asked for again are not made again, unless they have lists of values.
Status Compiler::number_automaton(Scalars& s, Term term, ValueId where, const Automaton*& out) {
  Array<std::uint32_t> key(allocator_);
  bool fresh = true, keeps = true;
  std::uint32_t id = 0;
  INLAY_TRY(key.push(static_cast<std::uint32_t>(spelling_)));
  INLAY_TRY(s.formula.spell(term, key));
  for (const NumberTest& test : s.numbers) {
    keeps = keeps && test.kind != NumberTest::Kind::listed;
    INLAY_TRY(spell(test, key));
  }
  if (keeps) INLAY_TRY(number_sets_.intern(key, id, &fresh));
  if (keeps && fresh) INLAY_TRY(numbers_.push(nullptr));
  if (!fresh) out = numbers_[id];
  if (!fresh && !out) return too_large(Status::limit, where, "what is said about numbers");
  constexpr std::uint64_t work_of_exponents = 16;  // for each state
  if (fresh) {
    Automaton* made = nullptr;
    INLAY_TRY(new_automaton(made));
    const Status status = numbers(s.numbers, s.formula, term, spelling_, *made);
    if (is_error(status)) return too_large(status, where, "what is said about numbers");
    if (keeps) numbers_[id] = made;
    out = made;
    if (spelling_ == Spelling::any) INLAY_TRY(step(work_of_exponents * made->states()));
  }
  return step(out->states());
}

// The lengths for which `term` holds, where only lengths are asked for.
Status Compiler::find_lengths(Scalars& s, Term term, Array<Range>& lengths) {
  Array<std::uint32_t> borders(allocator_);
  Array<std::uint8_t> passed(allocator_);
  INLAY_TRY(borders.push(0));
  for (const StringTest& test : s.strings) {
    INLAY_TRY(borders.push(test.low));
    if (test.high != Automaton::none) INLAY_TRY(borders.push(test.high + 1));
  }
  std::sort(borders.begin(), borders.end());
  INLAY_TRY(passed.resize(s.strings.size()));
  bool open = false;
  for (std::size_t i = 0; i < borders.size(); ++i) {
    if (i > 0 && borders[i] == borders[i - 1]) continue;
    for (std::size_t t = 0; t < s.strings.size(); ++t) {
      passed[t] = s.strings[t].low <= borders[i] && borders[i] <= s.strings[t].high;
    }
    const bool holds = s.formula.holds(term, passed);
    if (holds && !open) INLAY_TRY(lengths.push({borders[i], Automaton::none}));
    if (!holds && open) lengths.back().high = borders[i] - 1;
    open = holds;
  }
  return Status::ok;
}

bool Compiler::only_lengths(const Scalars& s) {
  return std::all_of(s.strings.begin(), s.strings.end(),
                     [](const StringTest& test) { return test.is_length; });
}

// Characters are counted: no automaton grows with the length.
Status Compiler::length_node(Scalars& s, Term term, NodeId& node) {
  Array<Range> lengths(allocator_);
  Array<NodeId> parts(allocator_);
  INLAY_TRY(find_lengths(s, term, lengths));
  for (const Range r : lengths) {
    const NodeId string[] = {rules_.literal("\""), rules_.repeat(any_character_, r.low, r.high),
                             rules_.literal("\"")};
    const bool any = r.low == 0 && r.high == Automaton::none;
    INLAY_TRY(parts.push(any ? any_string_ : rules_.sequence(string)));
  }
  node = rules_.choice(parts);
  return Status::ok;
}

Status Compiler::string_node(Scalars& s, Term term, ValueId where, NodeId& node) {
  if (only_lengths(s)) return length_node(s, term, node);
  Automaton texts(allocator_);
  INLAY_TRY(string_automaton(s, term, where, texts));
  // Escapes of every character make a large automaton ten times as large.
  Speller plain(rules_, Spelling::plain);
  const bool is_large = texts.states() > 2'000 && spelling_ == Spelling::any;
  const Status made = (is_large ? plain : speller_).quoted(texts, node);
  return is_error(made) ? too_large(made, where, "what is said about strings") : made;
}

Status Compiler::names_automaton(std::span<const Claim> claims, ValueId where,
                                 const Automaton*& out) {
  Scalars s(allocator_);
  Term term = 0;
  Automaton* made = nullptr;
  INLAY_TRY(claims_term(claims, Type::string, s, term));
  INLAY_TRY(new_automaton(made));
  INLAY_TRY(string_automaton(s, term, where, *made));
  out = made;
  return Status::ok;
}

}  // namespace inlay::schema
