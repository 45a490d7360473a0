// filters_list.cpp - filters over lists and dictionaries.
#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/template/text_tools.h"
#include "text/utf8.h"

namespace inlay::jinja {

// item.path.of.names, integers in it as numbers; a default stands for what is undefined.
Value item_at_path(Renderer& r, const Value& item, const Value& path, const Value& otherwise) {
  if (!path.is_text()) {
    const Value found = r.item(item, path);
    return found.is(Kind::undefined) && !otherwise.is(Kind::none) ? otherwise : found;
  }
  Value at = item;
  const std::string_view whole = path.view();
  for (std::size_t from = 0; from <= whole.size() && !r.failed();) {
    std::size_t to = from;
    bool digits = true;
    for (; to < whole.size() && whole[to] != '.'; ++to)
      digits &= whole[to] >= '0' && whole[to] <= '9';
    std::int64_t index = 0;
    const std::string_view name = inlay::slice(whole, from, to);
    const bool is_index = digits && read_integer(name, 10, index);
    at = r.item(at, is_index ? Value::of(index) : r.slice(*path.text, from, to));
    if (at.is(Kind::undefined) && !otherwise.is(Kind::none)) at = otherwise;
    from = to + 1;
  }
  return at;
}

namespace {

// A list of these items, which the walk of an iterable shares with it.
bool copy(Renderer& r, const Vec<Value>& items, Vec<Value>& own) {
  if (!own.reserve(r.arena(), items.count + 1)) return r.out_of_memory(), false;
  for (const Value& item : items) own.push(r.arena(), item);
  return r.work(items.count);
}

// What sort and the like compare: the item or a part of it, texts in lower case.
Value sort_key(Renderer& r, const Value& item, const Value& path, bool case_sensitive) {
  const Value key = path.is(Kind::none) ? item : item_at_path(r, item, path, Value::none());
  return key.is_text() && !case_sensitive ? turn_letters(r, *key.text, Letters::lower) : key;
}

// The keys of |sort are lists, one part for each path between commas: equal parts are not compared.
Value sort_keys_of(Renderer& r, const Value& item, const Value& path, bool case_sensitive) {
  List* parts = r.make_list();
  if (!path.is_text())
    return r.push(parts, sort_key(r, item, path, case_sensitive)) ? Value::of(parts) : Value();
  for (std::size_t from = 0, to = 0; to < path.text->size; from = to + 1) {
    to = path.view().find(',', from);
    if (to == std::string_view::npos) to = path.text->size;
    if (!r.push(parts, sort_key(r, item, r.slice(*path.text, from, to), case_sensitive))) return {};
  }
  return r.failed() ? Value() : Value::of(parts);
}

bool sort_keys(Renderer& r, const Vec<Value>& items, const Value& path, bool case_sensitive,
               bool as_lists, Vec<Value>& keys) {
  for (const Value& item : items) {
    const Value key = as_lists ? sort_keys_of(r, item, path, case_sensitive)
                               : sort_key(r, item, path, case_sensitive);
    if (r.failed()) return false;
    if (!keys.push(r.arena(), key)) return r.out_of_memory(), false;
  }
  return true;
}

Value as_list(Renderer& r, const Vec<Value>& items, Form form) {
  List* list = r.make_list(form);
  if (!list) return {};
  list->items = items;
  return Value::of(list);
}

Value extreme(Renderer& r, Subject s, const Arguments& a, bool largest) {
  Value p[2] = {Value::of(false), Value::none()};
  Vec<Value> items, keys;
  if (!r.bind(a, "min", {"case_sensitive", "attribute"}, p) || !r.iterate(s, items)) return {};
  if (!items.count) return r.absent("first item", "empty sequence");
  for (const Value& item : items) {
    if (!keys.push(r.arena(), sort_key(r, item, p[1], r.truth(p[0])))) return r.out_of_memory();
  }
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < items.count && !r.failed(); ++i) {
    if (largest ? r.less(keys[best], keys[i]) : r.less(keys[i], keys[best])) best = i;
  }
  return r.failed() ? Value() : items[best];
}

}  // namespace

Value filter_default(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {r.text(""), Value::of(false)};
  if (!r.bind(a, "default", {"default_value", "boolean"}, p)) return {};
  return s.is(Kind::undefined) || (r.truth(p[1]) && !r.truth(s)) ? p[0] : s;
}

Value filter_attr(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  if (!r.bind(a, "attr", {"name"}, &p)) return {};
  const Text* name = r.bind_text(p, "attr");
  if (!name) return {};
  if (s.is(Kind::dict)) {  // an attribute is no item
    const Applied apply = find_method(Kind::dict, name->view());
    return apply ? r.attribute(s, name->view()) : r.absent(name->view(), "dict object");
  }
  return r.attribute(s, name->view());
}

Value filter_list(Renderer& r, Subject s, const Arguments& a) {
  Vec<Value> items, own;
  if (!r.bind(a, "list", {}, nullptr) || !r.iterate(s, items) || !copy(r, items, own)) return {};
  return as_list(r, own, Form::list);
}

Value filter_items(Renderer& r, Subject s, const Arguments& a) {
  if (s.is(Kind::undefined)) return as_list(r, {}, Form::generator);
  if (!s.is(Kind::dict)) return r.fail("items wants a mapping");
  const Value items = dict_items(r, s, a);
  if (!r.failed()) items.list->form = Form::generator;
  return items;
}

Value filter_join(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {r.text(""), Value::none()};
  Vec<Value> items, parts;
  if (!r.bind(a, "join", {"d", "attribute"}, p) || !r.iterate(s, items)) return {};
  const Text* separator = r.to_text(p[0]);
  if (!separator || p[1].is(Kind::none))
    return separator ? join(r, items, *separator, false) : Value();
  for (const Value& item : items) {
    if (!parts.push(r.arena(), item_at_path(r, item, p[1], Value::none())))
      return r.out_of_memory();
  }
  return r.failed() ? Value() : join(r, parts, *separator, false);
}

Value filter_first(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "first", {}, nullptr)) return {};
  if (s.is(Kind::list) && s.list->form == Form::generator) {
    List& list = *s.list;
    if (list.next < list.items.count) return list.items[list.next++];
    return r.absent("first item", "empty sequence");
  }
  Vec<Value> items;
  if (!r.iterate(s, items)) return {};
  return items.count ? items[0] : r.absent("first item", "empty sequence");
}

Value filter_last(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "last", {}, nullptr)) return {};
  if (s.is(Kind::list) && s.list->form == Form::generator)
    return r.fail("a generator cannot be reversed");
  Vec<Value> items;
  if (!r.iterate(s, items)) return {};
  return items.count ? items.back() : r.absent("last item", "empty sequence");
}

Value filter_reverse(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "reverse", {}, nullptr)) return {};
  Vec<Value> items, own;
  if (!r.iterate(s, items)) return {};
  for (std::uint32_t i = items.count; i > 0; --i) {
    if (!own.push(r.arena(), items[i - 1])) return r.out_of_memory();
  }
  if (!s.is_text()) return as_list(r, own, Form::generator);
  TextBuilder out(r.arena());
  for (const Value& item : own) out.add(*item.text);
  return r.give(out);
}

Value filter_sort(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::of(false), Value::of(false), Value::none()};
  Vec<Value> items, own, keys;
  if (!r.bind(a, "sort", {"reverse", "case_sensitive", "attribute"}, p) || !r.iterate(s, items) ||
      !copy(r, items, own) || !sort_keys(r, own, p[2], r.truth(p[1]), true, keys) ||
      !r.sort(own, keys, r.truth(p[0]))) {
    return {};
  }
  return as_list(r, own, Form::list);
}

Value filter_dictsort(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::of(false), r.text("key"), Value::of(false)};
  if (!r.bind(a, "dictsort", {"case_sensitive", "by", "reverse"}, p)) return {};
  const Text* by = r.bind_text(p[1], "dictsort");
  if (!by) return {};
  if (!s.is(Kind::dict))
    return s.is(Kind::undefined) ? r.attribute(s, "items") : r.fail("dictsort wants a mapping");
  const bool by_value = by->view() == "value";
  if (!by_value && by->view() != "key") return r.fail("dictsort(): sorts by key or value");
  const Value items = dict_items(r, s, {});
  Vec<Value> own, keys;
  if (r.failed() || !copy(r, items.list->items, own) ||
      !sort_keys(r, own, Value::of(std::int64_t{by_value}), r.truth(p[0]), false, keys) ||
      !r.sort(own, keys, r.truth(p[2]))) {
    return {};
  }
  return as_list(r, own, Form::list);
}

Value filter_min(Renderer& r, Subject s, const Arguments& a) { return extreme(r, s, a, false); }
Value filter_max(Renderer& r, Subject s, const Arguments& a) { return extreme(r, s, a, true); }

Value filter_unique(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::of(false), Value::none()};
  Vec<Value> items, keys, kept;
  if (!r.bind(a, "unique", {"case_sensitive", "attribute"}, p) || !r.iterate(s, items)) return {};
  Dict seen;
  for (const Value& item : items) {
    const Value key = sort_key(r, item, p[1], r.truth(p[0]));
    if (r.failed() || !r.is_hashable(key)) return {};
    if (seen.find(key)) continue;
    if (!seen.set(r.arena(), key, Value::none()) || !kept.push(r.arena(), item))
      return r.out_of_memory();
  }
  return as_list(r, kept, Form::generator);
}

Value filter_batch(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::missing(), Value::none()};
  std::int64_t size = 0;
  Vec<Value> items;
  if (!r.bind(a, "batch", {"linecount", "fill_with"}, p) || !r.bind_whole(p[0], "batch", size) ||
      !r.iterate(s, items)) {
    return {};
  }
  if (size < 1 || size > 100000) return r.fail("batch(): lines of 1 to 100000 items");
  List* lines = r.make_list(Form::generator);
  List* line = nullptr;
  for (std::uint32_t i = 0; i < items.count; ++i) {
    if (i % size == 0 && !r.push(lines, Value::of(line = r.make_list()))) return {};
    if (!r.push(line, items[i])) return {};
  }
  while (line && !p[1].is(Kind::none) && line->items.count < size) {
    if (!r.push(line, p[1])) return {};
  }
  return r.failed() ? Value() : Value::of(lines);
}

Value filter_slice(Renderer& r, Subject s, const Arguments& a) {
  Value p[2] = {Value::missing(), Value::none()};
  std::int64_t count = 0;
  Vec<Value> items;
  if (!r.bind(a, "slice", {"slices", "fill_with"}, p) || !r.bind_whole(p[0], "slice", count) ||
      !r.iterate(s, items)) {
    return {};
  }
  if (count < 1 || count > 100000) return r.fail("slice(): 1 to 100000 slices");
  const auto slices = static_cast<std::uint32_t>(count);
  List* all = r.make_list(Form::generator);
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < slices; ++i) {
    List* slice = r.make_list();
    const bool longer = i < items.count % slices;
    for (std::uint32_t n = items.count / slices + longer; n > 0; --n) {
      if (!r.push(slice, items[at++])) return {};
    }
    if (!p[1].is(Kind::none) && !longer && !r.push(slice, p[1])) return {};
    if (!r.push(all, Value::of(slice))) return {};
  }
  return r.failed() ? Value() : Value::of(all);
}

// [(grouper, [items])], sorted; printed as pairs.
Value filter_groupby(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::missing(), Value::none(), Value::of(false)};
  Vec<Value> items, own, keys;
  if (!r.bind(a, "groupby", {"attribute", "default", "case_sensitive"}, p) ||
      !r.iterate(s, items) || !copy(r, items, own)) {
    return {};
  }
  const bool sensitive = r.truth(p[2]);
  for (const Value& item : own) {
    Value key = item_at_path(r, item, p[0], p[1]);
    if (key.is_text() && !sensitive) key = turn_letters(r, *key.text, Letters::lower);
    if (!keys.push(r.arena(), key)) return r.out_of_memory();
  }
  if (r.failed() || !r.sort(own, keys, false)) return {};
  List* groups = r.make_list();
  List* group = nullptr;
  for (std::uint32_t i = 0; i < own.count; ++i) {
    if (i == 0 || !r.equal(keys[i - 1], keys[i])) {
      const Value name = sensitive ? keys[i] : item_at_path(r, own[i], p[0], p[1]);
      group = r.make_list();
      if (!group || !r.push(groups, r.pair(name, Value::of(group)))) return {};
    }
    if (!r.push(group, own[i])) return {};
  }
  return r.failed() ? Value() : Value::of(groups);
}

}  // namespace inlay::jinja
