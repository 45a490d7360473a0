// filters_number.cpp - filters that make numbers, and sizes in words.
#include <cmath>

#include "text/template/lists.h"
#include "text/template/numbers.h"

namespace inlay::jinja {
namespace {

// int() of a real; false: it has no integer of 64 bits.
bool to_whole(double value, std::int64_t& whole) {
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return false;
  whole = static_cast<std::int64_t>(value);
  return true;
}

// float() of numbers and texts.
bool to_real(const Value& value, double& real) {
  if (value.is_number()) real = value.number();
  return value.is_number() || (value.is_text() && read_real(value.view(), real));
}

// To a multiple of 10^zeros, of 10 or more, halves to the even one.
Value round_whole(Renderer& r, std::int64_t value, int zeros) {
  if (zeros > 18) {
    constexpr std::int64_t half = 5'000'000'000'000'000'000;  // 10^19 does not fit
    const bool fits = zeros > 19 || (value >= -half && value <= half);
    return fits ? Value::of(std::int64_t{0}) : r.fail("an integer that does not fit 64 bits");
  }
  std::int64_t unit = 1;
  for (int i = 0; i < zeros; ++i) unit *= 10;
  std::int64_t count = value / unit;
  const std::int64_t rest = value % unit, half = unit / 2;
  const bool up = rest > half || (rest == half && count % 2 != 0);
  const bool down = rest < -half || (rest == -half && count % 2 != 0);
  count += up - down;
  return r.binary(Op::multiply, Value::of(count), Value::of(unit));
}

}  // namespace

Value filter_abs(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "abs", {}, nullptr)) return {};
  if (s.is(Kind::real)) return Value::of(std::fabs(s.real));
  if (!s.is_whole()) return r.fail_with("abs of '{}'", Renderer::type_name(s));
  return s.whole() < 0 ? r.binary(Op::subtract, Value::of(std::int64_t{0}), s)
                       : Value::of(s.whole());
}

Value filter_int(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::of(std::int64_t{0}), Value::of(std::int64_t{10})};
  std::int64_t base = 10, whole = 0;
  if (!r.bind(a, "int", {"default", "base"}, p) || !r.bind_whole(p[1], "int", base)) return {};
  if (s.is(Kind::undefined)) return r.attribute(s, "int");
  if (s.is_whole()) return Value::of(s.whole());
  if (s.is_text() && base >= 2 && base <= 36 &&
      read_integer(s.view(), static_cast<int>(base), whole)) {
    return Value::of(whole);
  }
  double real = 0;
  if (!to_real(s, real)) return p[0];
  if (std::isnan(real) || std::isinf(real)) {
    return s.is(Kind::real) && std::isinf(real) ? r.fail("infinity has no integer") : p[0];
  }
  return to_whole(real, whole) ? Value::of(whole) : r.fail("an integer that does not fit 64 bits");
}

Value filter_float(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::of(0.0);
  if (!r.bind(a, "float", {"default"}, &p)) return {};
  if (s.is(Kind::undefined)) return r.attribute(s, "float");
  double real = 0;
  return to_real(s, real) ? Value::of(real) : p;
}

Value filter_round(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::of(std::int64_t{0}), r.text("common")};
  std::int64_t digits = 0;
  if (!r.bind(a, "round", {"precision", "method"}, p) || !r.bind_whole(p[0], "round", digits))
    return {};
  if (s.is(Kind::undefined)) return r.attribute(s, "round");
  const Text* method = r.bind_text(p[1], "round");
  if (!method) return {};
  if (!s.is_number()) return r.fail_with("round of '{}'", Renderer::type_name(s));
  if (digits < -300 || digits > 300) return r.fail("round(): a precision over 300");
  const int places = static_cast<int>(digits);
  if (method->view() == "common") {
    if (!s.is_whole()) return Value::of(round_to(s.real, places));
    return places >= 0 ? Value::of(s.whole()) : round_whole(r, s.whole(), -places);
  }
  const bool up = method->view() == "ceil";
  if (!up && method->view() != "floor")
    return r.fail("round(): the method is common, ceil or floor");
  double unit = 1;
  for (int i = 0; i < std::abs(places); ++i) unit *= 10;
  if (places < 0) unit = 1 / unit;
  const double scaled = s.number() * unit;
  const double whole = up ? std::ceil(scaled) : std::floor(scaled);
  return Value::of(whole / unit);
}

Value filter_filesizeformat(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::of(false);
  double bytes = 0;
  if (!r.bind(a, "filesizeformat", {"binary"}, &p)) return {};
  if (!to_real(s, bytes)) return r.fail("filesizeformat wants a number");
  const bool binary = r.truth(p);
  const double base = binary ? 1024 : 1000;
  TextBuilder out(r.arena());
  Layout layout;
  if (bytes == 1) return r.text("1 Byte");
  if (bytes < base) {
    std::int64_t whole = 0;
    if (!to_whole(bytes, whole)) return r.fail("an integer that does not fit 64 bits");
    write_integer(out, whole, layout);
    out.add(" Bytes");
    return r.give(out);
  }
  constexpr std::string_view letters = "kMGTPEZY";
  double unit = base * base;
  std::size_t i = 0;
  for (; i + 1 < letters.size() && !(bytes < unit); ++i) unit *= base;
  layout.type = 'f';
  layout.precision = 1;
  write_real(out, base * bytes / unit, layout);
  out.add(' ');
  out.add(binary && i == 0 ? 'K' : letters[i]);
  out.add(binary ? "iB" : "B");
  return r.give(out);
}

Value filter_length(Renderer& r, Subject s, const Arguments& a) {
  std::uint64_t length = 0;
  if (!r.bind(a, "length", {}, nullptr) || !r.length(s, length)) return {};
  return Value::of(static_cast<std::int64_t>(length));
}

Value filter_sum(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::none(), Value::of(std::int64_t{0})};
  Vec<Value> items;
  if (!r.bind(a, "sum", {"attribute", "start"}, p) || !r.iterate(s, items)) return {};
  Value sum = p[1];
  if (sum.is_text()) return r.fail("sum() does not add texts");
  for (const Value& item : items) {
    const Value one = p[0].is(Kind::none) ? item : item_at_path(r, item, p[0], Value::none());
    sum = r.binary(Op::add, sum, one);
    if (r.failed()) return {};
  }
  return sum;
}

}  // namespace inlay::jinja
