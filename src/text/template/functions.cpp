// functions.cpp - the functions that templates call by name.
#include "text/template/lists.h"
#include "text/template/numbers.h"

namespace inlay::jinja {
namespace {

constexpr std::int64_t longest_range = 100000;  // of Jinja's sandbox

Value make_dict(Renderer& r, const Arguments& a, std::string_view who, Kind kind) {
  Dict* dict = r.arena().make<Dict>();
  if (!dict) return r.out_of_memory();
  if (a.items.count > 1) return r.fail_with("{}() takes at most one argument", who);
  if (a.items.count && a.items[0].is(Kind::dict)) {
    if (!r.work(a.items[0].dict->pairs.count)) return {};
    for (const Pair& pair : a.items[0].dict->pairs) {
      if (!dict->set(r.arena(), pair.key, pair.value)) return r.out_of_memory();
    }
  } else if (a.items.count) {
    Vec<Value> pairs;
    if (!r.iterate(a.items[0], pairs)) return {};
    for (const Value& item : pairs) {
      Vec<Value> two;
      if (!r.iterate(item, two)) return {};
      if (two.count != 2) return r.fail_with("{}() wants pairs", who);
      if (!r.is_hashable(two[0])) return {};
      if (!dict->set(r.arena(), two[0], two[1])) return r.out_of_memory();
    }
  }
  for (const NamedValue& named : a.named) {
    if (!dict->set(r.arena(), named.name, named.value)) return r.out_of_memory();
  }
  return Value::of(dict, kind);
}

}  // namespace

Value function_dict(Renderer& r, Subject, const Arguments& a) {
  return make_dict(r, a, "dict", Kind::dict);
}

Value function_namespace(Renderer& r, Subject, const Arguments& a) {
  return make_dict(r, a, "namespace", Kind::space);
}

Value function_range(Renderer& r, Subject, const Arguments& a) {
  if (a.named.count || !a.items.count || a.items.count > 3) return r.fail("range() takes 1 to 3 integers");
  std::int64_t p[3] = {0, 0, 1};
  for (std::uint32_t i = 0; i < a.items.count; ++i) {
    if (!r.bind_whole(a.items[i], "range", p[i])) return {};
  }
  if (a.items.count == 1) p[1] = p[0], p[0] = 0;
  const std::int64_t step = p[2];
  if (step == 0) return r.fail("range(): the step is 0");
  std::int64_t span = 0;
  const bool fits = step > 0 ? subtract_whole(p[1], p[0], span) : subtract_whole(p[0], p[1], span);
  const std::uint64_t by = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = span <= 0 && fits ? 0 : (static_cast<std::uint64_t>(span) + by - 1) / by;
  if (!fits || count > static_cast<std::uint64_t>(longest_range)) {
    return r.fail("range() over 100000 numbers", Status::limit);
  }
  List* list = r.make_list(Form::range);
  if (!list) return {};
  list->start = p[0];
  list->stop = p[1];
  list->step = step;
  std::int64_t at = p[0];
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!r.push(list, Value::of(at))) return {};
    if (i + 1 < count) at += step;
  }
  return Value::of(list);
}

// The template refuses what it was given.
Value function_raise_exception(Renderer& r, Subject, const Arguments& a) {
  Value message = Value::missing();
  if (!r.bind(a, "raise_exception", {"message"}, &message)) return {};
  const Text* text = r.to_text(message.is(Kind::missing) ? Value() : message);
  return text ? r.fail(Shown(text->view()).view(), Status::argument) : Value();
}

Value function_cycler(Renderer& r, Subject, const Arguments& a) {
  if (!a.items.count || a.named.count) return r.fail("cycler() wants items");
  Cell* cell = r.arena().make<Cell>();
  if (!cell) return r.out_of_memory();
  cell->items = a.items;
  return Value::of(cell);
}

Value function_joiner(Renderer& r, Subject, const Arguments& a) {
  Value separator = Value::missing();
  if (!r.bind(a, "joiner", {"sep"}, &separator)) return {};
  if (separator.is(Kind::missing)) separator = r.text(", ");
  Cell* cell = r.arena().make<Cell>();
  if (!cell || !cell->items.push(r.arena(), separator)) return r.out_of_memory();
  cell->is_joiner = true;
  return Value::of(cell);
}

}  // namespace inlay::jinja
