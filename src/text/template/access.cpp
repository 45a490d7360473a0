// access.cpp - attributes, items, slices, lengths and the walk over values.
#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/template/renderer.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

const char* owner_name(const Value& value) {
  switch (value.kind) {
    case Kind::none: return "None";
    case Kind::text: return "str object";
    case Kind::dict: return "dict object";
    case Kind::boolean: return "bool object";
    case Kind::integer: return "int object";
    case Kind::real: return "float object";
    case Kind::space: return "namespace";
    case Kind::loop: return "loop";
    case Kind::list: return value.list->form == Form::list ? "list object" : "sequence";
    default: return "object";
  }
}

}  // namespace

bool Renderer::truth(const Value& value) {
  switch (value.kind) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean:
    case Kind::integer: return value.whole() != 0;
    case Kind::real: return value.real != 0;
    case Kind::text: return value.text->size != 0;
    case Kind::list: return value.list->form == Form::generator || value.list->items.count != 0;
    case Kind::dict: return value.dict->pairs.count != 0;
    default: return true;
  }
}

bool Renderer::length(const Value& value, std::uint64_t& length) {
  if (failed()) return false;
  length = 0;
  switch (value.kind) {
    case Kind::undefined: return true;
    case Kind::text: length = count_points(value.view()); return work(1 + value.text->size / 16);
    case Kind::dict: length = value.dict->pairs.count; return true;
    case Kind::loop: length = value.loop->items.count; return true;
    case Kind::list:
      length = value.list->items.count;
      if (value.list->form != Form::generator) return true;
      break;
    default: break;
  }
  fail_with("object of type '{}' has no len()", type_name(value));
  return false;
}

bool Renderer::iterate(const Value& value, Vec<Value>& items) {
  if (failed()) return false;
  const auto add = [&](const Value& item) {
    if (!items.push(arena_, item)) out_of_memory();
    return !failed();
  };
  switch (value.kind) {
    case Kind::undefined: return true;
    case Kind::list: {
      List& list = *value.list;
      const bool once = list.form == Form::generator;
      const std::uint32_t from = once ? list.next : 0;
      if (once) list.next = list.items.count;
      if (!work(list.items.count - from)) return false;
      items = list.items;  // a walk never changes items
      items.items += from;
      items.count -= from;
      items.room = items.count;
      return true;
    }
    case Kind::dict:
      if (!work(value.dict->pairs.count)) return false;
      for (const Pair& pair : value.dict->pairs) {
        if (!add(pair.key)) return false;
      }
      return true;
    case Kind::text: {
      const Text& text = *value.text;
      if (!work(text.size)) return false;
      for (std::uint32_t at = 0; at < text.size;) {
        const auto size =
            static_cast<std::uint32_t>(utf8_step({text.data + at, text.size - at}).length);
        const Value item = slice(text, at, at + size);
        if (failed() || !add(item)) return false;
        at += size;
      }
      return true;
    }
    default: fail_with("'{}' object is not iterable", type_name(value)); return false;
  }
}

// A method of this value; undefined: it has none.
Value Renderer::method(const Value& of, std::string_view name) {
  const Applied apply = find_method(of.kind, name);
  if (!apply) return {};
  Function* function = arena_.make<Function>();
  if (!function) return out_of_memory();
  function->name = name;
  function->apply = apply;
  function->self = of;
  return Value::of(function);
}

// x.name: a method or attribute, else x['name'].
Value Renderer::attribute(const Value& of, std::string_view name) {
  if (failed()) return {};
  if (of.is(Kind::undefined)) return undefined_error(of);
  if (of.is(Kind::loop)) return loop_attribute(*of.loop, name);
  if (of.is(Kind::cell) && !of.cell->is_joiner && name == "current") {
    return of.cell->items[of.cell->at];
  }
  if (of.is(Kind::function) && of.function->macro && name == "name") return text(of.function->name);
  if (const Value found = method(of, name); failed() || !found.is(Kind::undefined)) return found;
  if (of.is(Kind::dict) || of.is(Kind::space)) {
    if (const Pair* pair = of.dict->find(name)) return pair->value;
  }
  return absent(name, owner_name(of));
}

// x[key]: an item, else a method or attribute of that name.
Value Renderer::item(const Value& of, const Value& key) {
  if (failed()) return {};
  if (of.is(Kind::undefined)) return undefined_error(of);
  if (of.is(Kind::dict)) {
    const bool no_key = key.is(Kind::dict) || (key.is(Kind::list) && key.list->form == Form::list);
    if (key.is_text() && !work_bytes(key.text->size)) return {};
    if (const Pair* pair = no_key ? nullptr : of.dict->find(key)) return pair->value;
  }
  const bool is_sequence = of.is(Kind::list) && of.list->form <= Form::range;
  if (key.is_whole() && (is_sequence || of.is_text())) {
    std::uint64_t count = 0;
    if (!length(of, count)) return {};
    std::int64_t at = key.whole();
    if (at < 0) at += static_cast<std::int64_t>(count);
    if (at < 0 || at >= static_cast<std::int64_t>(count)) return absent("[index]", owner_name(of));
    if (is_sequence) return of.list->items[static_cast<std::size_t>(at)];
    const std::uint32_t begin = byte_of_point(of.view(), static_cast<std::uint64_t>(at));
    const Utf8Step step = utf8_step({of.text->data + begin, of.text->size - begin});
    return slice(*of.text, begin, begin + step.length);
  }
  if (!key.is_text()) return absent("[key]", owner_name(of));
  if (of.is(Kind::space)) return attribute(of, key.view());
  if (const Value found = method(of, key.view()); failed() || !found.is(Kind::undefined)) {
    return found;
  }
  return absent(key.view(), owner_name(of));
}

namespace {

// One end of a slice as Python clips it.
std::int64_t clip(std::int64_t end, std::int64_t count, bool backwards) {
  if (end < 0) end += count;
  if (end < 0) return backwards ? -1 : 0;
  if (end >= count) return backwards ? count - 1 : count;
  return end;
}

}  // namespace

Value Renderer::part(const Value& of, const Value& start, const Value& stop, const Value& step) {
  if (of.is(Kind::undefined)) return undefined_error(of);
  const bool is_sequence = of.is(Kind::list) && of.list->form <= Form::range;
  if (!is_sequence && !of.is_text()) {
    return fail_with("'{}' object cannot be sliced", type_name(of));
  }
  for (const Value* end : {&start, &stop, &step}) {
    if (!end->is_whole() && !end->is(Kind::none)) return fail("slice ends must be integers");
  }
  std::uint64_t size = 0;
  if (!length(of, size)) return {};
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t by = step.is(Kind::none) ? 1 : step.whole();
  if (by == 0) return fail("a slice with step 0");
  const bool back = by < 0;
  std::int64_t from =
      start.is(Kind::none) ? (back ? count - 1 : 0) : clip(start.whole(), count, back);
  const std::int64_t to =
      stop.is(Kind::none) ? (back ? -1 : count) : clip(stop.whole(), count, back);
  if (of.is_text() && by == 1) {
    if (from >= to) return text("");
    const std::uint32_t begin = byte_of_point(of.view(), static_cast<std::uint64_t>(from));
    const std::string_view rest{of.text->data + begin, of.text->size - begin};
    return slice(*of.text, begin,
                 begin + byte_of_point(rest, static_cast<std::uint64_t>(to - from)));
  }
  Vec<Value> items;
  if (!iterate(of, items)) return {};
  List* list = make_list(of.is_text() || of.list->form == Form::range ? Form::list : of.list->form);
  for (; back ? from > to : from < to; from += by) {
    if (!push(list, items[static_cast<std::size_t>(from)])) return {};
    if (back ? by < to - from : by > to - from) break;
  }
  if (failed() || !of.is_text()) return failed() ? Value() : Value::of(list);
  TextBuilder out(arena_);
  for (const Value& item : list->items) out.add(*item.text);
  return give(out);
}

Value Renderer::loop_attribute(Loop& loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto count = static_cast<std::int64_t>(loop.items.count);
  if (name == "index") return Value::of(index + 1);
  if (name == "index0") return Value::of(index);
  if (name == "revindex") return Value::of(count - index);
  if (name == "revindex0") return Value::of(count - index - 1);
  if (name == "first") return Value::of(index == 0);
  if (name == "last") return Value::of(index + 1 == count);
  if (name == "length") return Value::of(count);
  if (name == "depth") return Value::of(static_cast<std::int64_t>(loop.depth));
  if (name == "depth0") return Value::of(static_cast<std::int64_t>(loop.depth) - 1);
  if (name == "previtem") return index ? loop.items[loop.index - 1] : absent("previtem", "loop");
  if (name == "nextitem") {
    return index + 1 < count ? loop.items[loop.index + 1] : absent("nextitem", "loop");
  }
  if (const Value found = method(Value::of(&loop), name); !found.is(Kind::undefined)) return found;
  return absent(name, "loop");
}

}  // namespace inlay::jinja
