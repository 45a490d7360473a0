// filters_select.cpp - map, select, reject and their forms by attribute.
#include "text/template/lists.h"

namespace inlay::jinja {
namespace {

// Arguments without the first `skipped`.
Arguments rest_of(const Arguments& a, std::uint32_t skipped) {
  Arguments rest = a;
  rest.items.items += skipped;
  rest.items.count -= skipped;
  rest.items.room = rest.items.count;
  return rest;
}

Value choose(Renderer& r, Subject s, const Arguments& a, bool keeps, bool by_attribute) {
  Vec<Value> items;
  const std::uint32_t own = by_attribute;
  if (a.items.count < own) return r.fail("the filter wants the name of an attribute");
  if (r.truth(s) && !r.iterate(s, items)) return {};  // nothing of none, 0 and the like
  List* chosen = r.make_list(Form::generator);
  const Text* name = nullptr;
  if (a.items.count > own && !(name = r.bind_text(a.items[own], "select"))) return {};
  const std::uint32_t test = name ? find_test(name->view()) : unknown;
  const Arguments rest = rest_of(a, name ? own + 1 : own);
  for (const Value& item : items) {
    const Value part = by_attribute ? item_at_path(r, item, a.items[0], Value::none()) : item;
    if (r.failed()) return {};
    const bool holds = r.truth(name ? r.apply_test(test, name->view(), part, rest) : part);
    if (r.failed()) return {};
    if (holds == keeps && !r.push(chosen, item)) return {};
  }
  return r.failed() ? Value() : Value::of(chosen);
}

Value map_attribute(Renderer& r, const Vec<Value>& items, const Arguments& a) {
  Value path, otherwise = Value::none();
  for (const NamedValue& named : a.named) {
    if (named.name == "attribute") path = named.value;
    else if (named.name == "default") otherwise = named.value;
    else return r.fail_with("map() takes no argument '{}' here", Shown(named.name));
  }
  List* mapped = r.make_list(Form::generator);
  for (const Value& item : items) {
    if (!r.push(mapped, item_at_path(r, item, path, otherwise))) return {};
  }
  return r.failed() ? Value() : Value::of(mapped);
}

}  // namespace

Value filter_map(Renderer& r, Subject s, const Arguments& a) {
  Vec<Value> items;
  if (r.truth(s) && !r.iterate(s, items)) return {};
  bool by_attribute = false;
  for (const NamedValue& named : a.named) by_attribute |= named.name == "attribute";
  if (!a.items.count && by_attribute) return map_attribute(r, items, a);
  if (!a.items.count) return r.fail("map wants a filter or an attribute");
  const Text* name = r.bind_text(a.items[0], "map");
  if (!name) return {};
  const std::uint32_t filter = find_filter(name->view());
  const Arguments rest = rest_of(a, 1);
  List* mapped = r.make_list(Form::generator);
  for (const Value& item : items) {
    const Renderer::Depth depth(r);  // map may map
    if (!depth || !r.push(mapped, r.apply_filter(filter, name->view(), item, rest))) return {};
  }
  return r.failed() ? Value() : Value::of(mapped);
}

Value filter_select(Renderer& r, Subject s, const Arguments& a) { return choose(r, s, a, true, false); }
Value filter_reject(Renderer& r, Subject s, const Arguments& a) { return choose(r, s, a, false, false); }
Value filter_selectattr(Renderer& r, Subject s, const Arguments& a) { return choose(r, s, a, true, true); }
Value filter_rejectattr(Renderer& r, Subject s, const Arguments& a) { return choose(r, s, a, false, true); }

}  // namespace inlay::jinja
