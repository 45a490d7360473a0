// other_methods.cpp - the methods of dictionaries, lists, loops and cyclers.
#include "text/template/lists.h"

#include <cmath>

namespace inlay::jinja {

Value dict_get(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::missing(), Value::none()};
  if (!r.bind(a, "get", {".key", ".default"}, p)) return {};
  if (p[0].is(Kind::missing)) return r.fail("get() wants a key");
  if (!r.is_hashable(p[0])) return {};
  const Pair* pair = s.dict->find(p[0]);
  return pair ? pair->value : p[1];
}

Value dict_copy(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "copy", {}, nullptr) || !r.work(s.dict->pairs.count)) return {};
  Dict* copy = r.arena().make<Dict>();
  if (!copy) return r.out_of_memory();
  for (const Pair& pair : s.dict->pairs) {
    if (!copy->set(r.arena(), pair.key, pair.value)) return r.out_of_memory();
  }
  return Value::of(copy);
}

Value dict_items(Renderer& r, Subject s, const Arguments& a) {
  List* list = r.bind(a, "items", {}, nullptr) ? r.make_list(Form::items) : nullptr;
  for (const Pair& pair : s.dict->pairs) {
    if (!r.push(list, r.pair(pair.key, pair.value))) return {};
  }
  return r.failed() ? Value() : Value::of(list);
}

Value dict_keys(Renderer& r, Subject s, const Arguments& a) {
  List* list = r.bind(a, "keys", {}, nullptr) ? r.make_list(Form::keys) : nullptr;
  for (const Pair& pair : s.dict->pairs) {
    if (!r.push(list, pair.key)) return {};
  }
  return r.failed() ? Value() : Value::of(list);
}

Value dict_values(Renderer& r, Subject s, const Arguments& a) {
  List* list = r.bind(a, "values", {}, nullptr) ? r.make_list(Form::values) : nullptr;
  for (const Pair& pair : s.dict->pairs) {
    if (!r.push(list, pair.value)) return {};
  }
  return r.failed() ? Value() : Value::of(list);
}

namespace {

bool has_list_methods(Renderer& r, Subject s, const char* name) {
  if (s.list->form <= Form::range) return true;
  r.fail_with("'{}' object has no method '{}'", Renderer::type_name(s), name);
  return false;
}

}  // namespace

Value list_copy(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "copy", {}, nullptr) || !has_list_methods(r, s, "copy")) return {};
  List* list = r.make_list();
  for (const Value& item : s.list->items) {
    if (!r.push(list, item)) return {};
  }
  return Value::of(list);
}

Value list_count(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  if (!r.bind(a, "count", {".value"}, &p) || !has_list_methods(r, s, "count")) return {};
  std::int64_t count = 0;
  for (const Value& item : s.list->items) count += r.equal(item, p);
  return r.failed() ? Value() : Value::of(count);
}

Value list_index(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  if (!r.bind(a, "index", {".value"}, &p) || !has_list_methods(r, s, "index")) return {};
  for (std::uint32_t i = 0; i < s.list->items.count; ++i) {
    if (r.equal(s.list->items[i], p)) return Value::of(static_cast<std::int64_t>(i));
  }
  return r.fail("index(): the value is not in the list");
}

Value real_is_integer(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "is_integer", {}, nullptr)) return {};
  return Value::of(std::floor(s.real) == s.real && std::fabs(s.real) < HUGE_VAL);
}

Value loop_cycle(Renderer& r, Subject s, const Arguments& a) {
  if (!a.items.count || a.named.count) return r.fail("no items for cycling given");
  return a.items[s.loop->index % a.items.count];
}

Value loop_changed(Renderer& r, Subject s, const Arguments& a) {
  List* now = r.make_list(Form::tuple);
  for (const Value& item : a.items) {
    if (!r.push(now, item)) return {};
  }
  if (!now) return {};
  Loop& loop = *s.loop;
  const bool same = loop.has_changed && r.equal(loop.changed, Value::of(now));
  loop.changed = Value::of(now);
  loop.has_changed = true;
  return Value::of(!same);
}

Value cycler_next(Renderer& r, Subject s, const Arguments& a) {
  if (s.cell->is_joiner || !r.bind(a, "next", {}, nullptr)) return r.fail("no method 'next'");
  Cell& cell = *s.cell;
  const Value item = cell.items[cell.at];
  cell.at = (cell.at + 1) % cell.items.count;
  return item;
}

Value cycler_reset(Renderer& r, Subject s, const Arguments& a) {
  if (s.cell->is_joiner || !r.bind(a, "reset", {}, nullptr)) return r.fail("no method 'reset'");
  s.cell->at = 0;
  return Value::none();
}

}  // namespace inlay::jinja
