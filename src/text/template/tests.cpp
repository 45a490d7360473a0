// tests.cpp - the tests behind `is`.
#include "text/template/lists.h"
#include "text/template/text_tools.h"

namespace inlay::jinja {
namespace {

Value plain(Renderer& r, const Arguments& a, bool holds) {
  return r.bind(a, "test", {}, nullptr) ? Value::of(holds) : Value();
}

Value compared(Renderer& r, Subject s, const Arguments& a, Op op) {
  Value p = Value::missing();
  if (!r.bind(a, "test", {"other"}, &p)) return {};
  return p.is(Kind::missing) ? r.fail("the test wants an argument") : r.compare(op, s, p);
}

Value remainder(Renderer& r, Subject s, const Value& by, std::int64_t wanted) {
  const Value rest = r.binary(Op::modulo, s, by);
  return r.failed() ? Value() : Value::of(r.equal(rest, Value::of(wanted)));
}

Value cased(Renderer& r, Subject s, const Arguments& a, Applied test) {
  const Text* text = r.to_text(s);
  return text ? test(r, Value::of(text), a) : Value();
}

}  // namespace

Value test_boolean(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::boolean));
}
Value test_callable(Renderer& r, Subject s, const Arguments& a) {
  const bool joiner = s.is(Kind::cell) && s.cell->is_joiner;
  // Undefined values have a __call__ that fails.
  return plain(r, a, s.is(Kind::function) || s.is(Kind::loop) || s.is(Kind::undefined) || joiner);
}
Value test_defined(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, !s.is(Kind::undefined));
}
Value test_undefined(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::undefined));
}
Value test_none(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::none));
}
Value test_true(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::boolean) && s.boolean);
}
Value test_false(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::boolean) && !s.boolean);
}
Value test_integer(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::integer));
}
Value test_float(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::real));
}
Value test_number(Renderer& r, Subject s, const Arguments& a) { return plain(r, a, s.is_number()); }
Value test_string(Renderer& r, Subject s, const Arguments& a) { return plain(r, a, s.is_text()); }
Value test_mapping(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is(Kind::dict));
}
Value test_escaped(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a, s.is_text() && s.text->markup);
}

Value test_iterable(Renderer& r, Subject s, const Arguments& a) {
  return plain(r, a,
               s.is_text() || s.is(Kind::list) || s.is(Kind::dict) || s.is(Kind::undefined) ||
                   s.is(Kind::loop));
}

// What has a length and items by number or key.
Value test_sequence(Renderer& r, Subject s, const Arguments& a) {
  const bool list = s.is(Kind::list) && s.list->form <= Form::range;
  return plain(r, a, s.is_text() || list || s.is(Kind::dict) || s.is(Kind::undefined));
}

Value test_odd(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "odd", {}, nullptr) ? remainder(r, s, Value::of(std::int64_t{2}), 1) : Value();
}
Value test_even(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "even", {}, nullptr) ? remainder(r, s, Value::of(std::int64_t{2}), 0) : Value();
}
Value test_divisibleby(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  return r.bind(a, "divisibleby", {"num"}, &p) ? remainder(r, s, p, 0) : Value();
}

Value test_eq(Renderer& r, Subject s, const Arguments& a) { return compared(r, s, a, Op::equal); }
Value test_ne(Renderer& r, Subject s, const Arguments& a) {
  return compared(r, s, a, Op::not_equal);
}
Value test_lt(Renderer& r, Subject s, const Arguments& a) { return compared(r, s, a, Op::less); }
Value test_le(Renderer& r, Subject s, const Arguments& a) {
  return compared(r, s, a, Op::less_equal);
}
Value test_gt(Renderer& r, Subject s, const Arguments& a) { return compared(r, s, a, Op::greater); }
Value test_ge(Renderer& r, Subject s, const Arguments& a) {
  return compared(r, s, a, Op::greater_equal);
}
Value test_in(Renderer& r, Subject s, const Arguments& a) { return compared(r, s, a, Op::in); }

Value test_sameas(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  if (!r.bind(a, "sameas", {"other"}, &p)) return {};
  if (s.kind != p.kind) return Value::of(false);
  if (s.is_number() || s.is_text()) return Value::of(r.equal(s, p));
  return Value::of(s.is(Kind::none) || s.list == p.list);
}

Value test_lower(Renderer& r, Subject s, const Arguments& a) {
  return cased(r, s, a, text_islower);
}
Value test_upper(Renderer& r, Subject s, const Arguments& a) {
  return cased(r, s, a, text_isupper);
}

Value test_filter(Renderer& r, Subject s, const Arguments& a) {
  return r.is_hashable(s) ? plain(r, a, s.is_text() && find_filter(s.view()) != unknown) : Value();
}
Value test_test(Renderer& r, Subject s, const Arguments& a) {
  return r.is_hashable(s) ? plain(r, a, s.is_text() && find_test(s.view()) != unknown) : Value();
}

}  // namespace inlay::jinja
