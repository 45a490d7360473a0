// operators.cpp - arithmetic and comparisons as Python does them.
#include <cmath>
#include <cstring>

#include "text/template/numbers.h"
#include "text/template/renderer.h"

namespace inlay::jinja {
namespace {

std::string_view spelling(Op op) {
  constexpr std::string_view spelled[] = {
      "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  return spelled[static_cast<int>(op)];
}

}  // namespace

Value Renderer::not_supported(Op op, const Value& a, const Value& b) {
  if (a.is(Kind::undefined)) return undefined_error(a);
  if (b.is(Kind::undefined)) return undefined_error(b);
  return fail_with("'{}' is not supported between '{}' and '{}'", spelling(op), type_name(a),
                   type_name(b));
}

Value Renderer::binary(Op op, const Value& a, const Value& b) {
  if (failed()) return {};
  if (a.is_number() && b.is_number()) return arithmetic(op, a, b);
  if (op == Op::add) return add(a, b);
  if (op == Op::modulo && a.is_text()) return percent_format(*this, *a.text, b);
  if (op == Op::multiply) {
    if (b.is_whole()) return repeat(a, b.whole());
    if (a.is_whole()) return repeat(b, a.whole());
  }
  return not_supported(op, a, b);
}

Value Renderer::arithmetic(Op op, const Value& a, const Value& b) {
  const bool divides = op == Op::divide || op == Op::floor_divide || op == Op::modulo;
  if (divides && b.number() == 0) return fail("division by zero");
  const bool whole =
      a.is_whole() && b.is_whole() && op != Op::divide && !(op == Op::power && b.whole() < 0);
  return whole ? whole_arithmetic(op, a.whole(), b.whole())
               : real_arithmetic(op, a.number(), b.number());
}

Value Renderer::whole_arithmetic(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool fits = true;
  switch (op) {
    case Op::add: fits = add_whole(a, b, result); break;
    case Op::subtract: fits = subtract_whole(a, b, result); break;
    case Op::multiply: fits = multiply_whole(a, b, result); break;
    case Op::power: fits = power_whole(a, b, result); break;
    case Op::floor_divide:
    case Op::modulo: {
      fits = !(a == INT64_MIN && b == -1);
      if (!fits) break;
      const bool down = a % b != 0 && (a < 0) != (b < 0);
      result = op == Op::modulo ? a % b + (down ? b : 0) : a / b - down;
      break;
    }
    default: return {};
  }
  return fits ? Value::of(result) : fail("an integer that does not fit 64 bits");
}

Value Renderer::real_arithmetic(Op op, double a, double b) {
  switch (op) {
    case Op::add: return Value::of(a + b);
    case Op::subtract: return Value::of(a - b);
    case Op::multiply: return Value::of(a * b);
    case Op::divide: return Value::of(a / b);
    case Op::modulo: return Value::of(floor_modulo(a, b));
    case Op::floor_divide: {
      const double rest = floor_modulo(a, b);
      const double whole = (a - rest) / b;
      const double floored = std::floor(whole);
      return Value::of(whole - floored > 0.5 ? floored + 1 : floored);
    }
    default: break;
  }
  // Powers: whole exponents only.
  if (b != std::floor(b) || std::fabs(b) > 1024) return fail("a power that is no small integer");
  if (a == 0 && b < 0) return fail("division by zero");
  double power = 1;
  for (int i = 0; i < static_cast<int>(std::fabs(b)); ++i) power *= a;
  return Value::of(b < 0 ? 1 / power : power);
}

Value Renderer::add_texts(const Text& a, const Text& b) {
  if (!work_bytes(a.size + std::uint64_t{b.size})) return {};
  const bool markup = a.markup || b.markup;
  const Text* left = markup && !a.markup ? escape_markup(*this, a) : &a;
  const Text* right = markup && !b.markup ? escape_markup(*this, b) : &b;
  if (!left || !right) return {};
  TextBuilder out(arena_);
  out.add(*left);
  out.add(*right);
  const Text* sum = out.finish();
  if (sum && markup) const_cast<Text*>(sum)->markup = true;  // ours alone until now
  return give(sum);
}

Value Renderer::add(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return add_texts(*a.text, *b.text);
  const bool lists = a.is(Kind::list) && b.is(Kind::list) && a.list->form == b.list->form &&
                     (a.list->form == Form::list || a.list->form == Form::tuple);
  if (!lists) return not_supported(Op::add, a, b);
  List* sum = make_list(a.list->form);
  for (const List* part : {a.list, b.list}) {
    for (const Value& item : part->items) {
      if (!push(sum, item)) return {};
    }
  }
  return Value::of(sum);
}

Value Renderer::repeat(const Value& a, std::int64_t count) {
  if (count < 0) count = 0;
  const auto times = static_cast<std::uint64_t>(count);
  if (a.is_text()) {
    if (times > limits_.value_bytes / (a.text->size + 1)) {
      return fail("a text that is repeated too often", Status::limit);
    }
    if (!work_bytes(times * a.text->size) || !work(a.text->size ? times : 0)) return {};
    TextBuilder out(arena_);
    for (std::uint64_t i = 0; i < times && a.text->size; ++i) out.add(*a.text);
    return give(out);
  }
  const bool is_list =
      a.is(Kind::list) && (a.list->form == Form::list || a.list->form == Form::tuple);
  if (!is_list) return not_supported(Op::multiply, a, Value::of(count));
  List* list = make_list(a.list->form);
  for (std::uint64_t i = 0; i < times && a.list->items.count; ++i) {
    for (const Value& item : a.list->items) {
      if (!push(list, item)) return {};
    }
  }
  return failed() ? Value() : Value::of(list);
}

Value Renderer::compare(Op op, const Value& a, const Value& b) {
  if (failed()) return {};
  switch (op) {
    case Op::equal: return Value::of(equal(a, b));
    case Op::not_equal: return Value::of(!equal(a, b));
    case Op::less: return Value::of(less(a, b));
    case Op::greater: return Value::of(less(b, a));
    case Op::less_equal: return Value::of(less(a, b) || equal(a, b));
    case Op::greater_equal: return Value::of(less(b, a) || equal(a, b));
    case Op::in: return Value::of(contains(b, a));
    default: return Value::of(!contains(b, a));
  }
}

bool Renderer::equal(const Value& a, const Value& b) {
  const Depth depth(*this);
  if (!depth || !work(1)) return false;
  if (a.is_text() && b.is_text()) {
    return work_bytes(a.text->size < b.text->size ? a.text->size : b.text->size) &&
           a.view() == b.view();
  }
  if (a.kind == Kind::list && b.kind == Kind::list && a.list != b.list) {
    const List &x = *a.list, &y = *b.list;
    if (x.form != y.form || x.form == Form::generator || x.items.count != y.items.count) {
      return false;
    }
    for (std::uint32_t i = 0; i < x.items.count; ++i) {
      if (!equal(x.items[i], y.items[i])) return false;
    }
    return true;
  }
  if (a.kind == Kind::dict && b.kind == Kind::dict && a.dict != b.dict) {
    if (a.dict->pairs.count != b.dict->pairs.count) return false;
    for (const Pair& pair : a.dict->pairs) {
      const Pair* other = b.dict->find(pair.key);
      if (!other || !equal(pair.value, other->value)) return false;
    }
    return true;
  }
  return same_key(a, b);
}

bool Renderer::less(const Value& a, const Value& b) {
  const Depth depth(*this);
  if (!depth || !work(1)) return false;
  if (a.is_whole() && b.is_whole()) return a.whole() < b.whole();
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.is_text() && b.is_text()) return work_bytes(a.text->size) && a.view() < b.view();
  const bool lists = a.is(Kind::list) && b.is(Kind::list) && a.list->form == b.list->form &&
                     (a.list->form == Form::list || a.list->form == Form::tuple);
  if (!lists) {
    not_supported(Op::less, a, b);
    return false;
  }
  const Vec<Value>&x = a.list->items, &y = b.list->items;
  for (std::uint32_t i = 0; i < x.count && i < y.count; ++i) {
    if (!equal(x[i], y[i])) return less(x[i], y[i]);
    if (failed()) return false;
  }
  return x.count < y.count;
}

bool Renderer::is_hashable(const Value& value) {
  const bool bad = value.is(Kind::dict) || (value.is(Kind::list) && value.list->form == Form::list);
  if (bad) fail_with("unhashable type: '{}'", type_name(value));
  if (value.is_text()) work_bytes(value.text->size);
  return !bad && !failed();
}

std::size_t Renderer::find(std::string_view whole, std::string_view part, std::size_t from) {
  constexpr std::size_t none = std::string_view::npos;
  if (part.size() > whole.size() || from > whole.size() - part.size()) return none;
  if (part.empty()) return from;
  std::uint64_t compared = 0;
  std::size_t at = from, found = none;
  while (found == none && at + part.size() <= whole.size()) {
    const void* first =
        std::memchr(whole.data() + at, part[0], whole.size() - part.size() + 1 - at);
    if (!first) {
      at = whole.size();
      break;
    }
    at = static_cast<std::size_t>(static_cast<const char*>(first) - whole.data());
    std::size_t same = 1;
    while (same < part.size() && whole[at + same] == part[same]) ++same;
    compared += same;
    if (same == part.size())
      found = at;
    else if (compared > 65536 && !work_bytes(compared))
      break;
    if (compared > 65536) compared = 0;
    ++at;
  }
  return work_bytes(compared + (at - from)) ? found : none;
}

bool Renderer::contains(const Value& whole, const Value& part) {
  if (failed()) return false;
  switch (whole.kind) {
    case Kind::undefined: return false;
    case Kind::text: {
      if (part.is(Kind::undefined)) return undefined_error(part), false;
      if (!part.is_text()) {
        fail_with("'in <string>' wants a str, not '{}'", type_name(part));
        return false;
      }
      return find(whole.view(), part.view(), 0) != std::string_view::npos;
    }
    case Kind::dict: return is_hashable(part) && whole.dict->find(part);
    case Kind::list: {
      List& list = *whole.list;
      const bool once = list.form == Form::generator;
      for (std::uint32_t i = once ? list.next : 0; i < list.items.count && !failed(); ++i) {
        if (once) list.next = i + 1;
        if (equal(list.items[i], part)) return true;
      }
      return false;
    }
    default: fail_with("'{}' object is not iterable", type_name(whole)); return false;
  }
}

// Merge sort: stable, and no comparison more than needed however they come out.
bool Renderer::sort(Vec<Value>& values, Vec<Value>& keys, bool reverse) {
  const std::uint32_t count = values.count;
  Vec<Value> other_values, other_keys;
  if (!other_values.reserve(arena_, count + 1) || !other_keys.reserve(arena_, count + 1)) {
    return out_of_memory(), false;
  }
  other_values.count = other_keys.count = count;
  for (std::uint32_t width = 1; width < count; width *= 2) {
    for (std::uint32_t low = 0; low < count; low += 2 * width) {
      const std::uint32_t middle = low + width < count ? low + width : count;
      const std::uint32_t high = middle + width < count ? middle + width : count;
      for (std::uint32_t a = low, b = middle, to = low; to < high; ++to) {
        const bool second =
            a == middle ||
            (b < high && (reverse ? less(keys[a], keys[b]) : less(keys[b], keys[a])));
        if (failed()) return false;
        const std::uint32_t from = second ? b++ : a++;
        other_values[to] = values[from];
        other_keys[to] = keys[from];
      }
    }
    const Vec<Value> v = values, k = keys;
    values = other_values;
    keys = other_keys;
    other_values = v;
    other_keys = k;
  }
  return true;
}

}  // namespace inlay::jinja
