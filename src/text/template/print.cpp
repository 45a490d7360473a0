// print.cpp - str() and repr() of values.
#include "text/template/numbers.h"
#include "text/template/renderer.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

// What repr writes as an escape: controls, formats, separators, private and no characters.
bool is_printable(char32_t c) {
  constexpr struct {
    char32_t first, last;
  } hidden[] = {{0, 0x1f},          {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},
                {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x1680, 0x1680},
                {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},
                {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfeff, 0xfeff},   {0xfff0, 0xfffb},
                {0xfffe, 0xffff},   {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff}, {0xe0000, 0xe00ff},
                {0xe01f0, 0x10ffff}};
  for (const auto& range : hidden) {
    if (c <= range.last) return c < range.first;
  }
  return true;
}

bool repr_text(const Text& text, TextBuilder& out) {
  const std::string_view whole = text.view();
  const bool has_single = whole.find('\'') != std::string_view::npos;
  const bool has_double = whole.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  if (text.markup) out.add("Markup(");
  out.add(quote);
  for_runs(text, [&](std::string_view bytes, Origin origin) {
    std::size_t from = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      const Utf8Step step = utf8_step({bytes.data() + at, bytes.size() - at});
      const char32_t c = step.point;
      char escape[16];
      std::size_t size = 0;
      if (c == static_cast<unsigned char>(quote) || c == '\\') {
        size = print(escape, sizeof escape, "\\{}", static_cast<char>(c));
      } else if (c == '\n' || c == '\r' || c == '\t') {
        size = print(escape, sizeof escape, "\\{}", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
      } else if (!is_printable(c)) {
        const auto code = static_cast<std::uint32_t>(c);
        size = c < 0x100     ? print(escape, sizeof escape, "\\x{:02x}", code)
               : c < 0x10000 ? print(escape, sizeof escape, "\\u{:04x}", code)
                             : print(escape, sizeof escape, "\\U{:08x}", code);
      }
      if (size) {
        out.add(inlay::slice(bytes, from, at), origin);
        out.add({escape, size}, origin);
        from = at + step.length;
      }
      at += step.length;
    }
    out.add(inlay::slice(bytes, from, bytes.size()), origin);
  });
  const bool added = out.add(quote);
  return text.markup ? out.add(')') : added;
}

}  // namespace

bool Renderer::print(const Value& value, TextBuilder& out) {
  if (failed()) return false;
  if (value.is(Kind::undefined)) return true;
  if (!value.is_text()) return repr(value, out);
  if (!work_bytes(value.text->size)) return false;
  if (!out.add(*value.text)) out_of_memory();
  return !failed();
}

const Text* Renderer::to_text(const Value& value) {
  if (value.is_text()) return failed() ? nullptr : value.text;
  TextBuilder out(arena_);
  if (!print(value, out)) return nullptr;
  const Value text = give(out);
  return failed() ? nullptr : text.text;
}

bool Renderer::repr(const Value& value, TextBuilder& out) {
  const Depth depth(*this);
  if (!depth || !work(1)) return false;
  char bytes[64];
  bool added = true;
  switch (value.kind) {
    case Kind::undefined: added = out.add("Undefined"); break;
    case Kind::none: added = out.add("None"); break;
    case Kind::boolean: added = out.add(value.boolean ? "True" : "False"); break;
    case Kind::integer:
      added = out.add({bytes, inlay::print(bytes, sizeof bytes, "{}", value.integer)});
      break;
    case Kind::real: added = out.add({bytes, write_real(value.real, bytes)}); break;
    case Kind::text:
      if (!work(1 + value.text->size / 8)) return false;
      added = repr_text(*value.text, out);
      break;
    case Kind::list: return repr_list(*value.list, out);
    case Kind::dict: return repr_dict(*value.dict, out);
    case Kind::space: return out.add("<Namespace ") && repr_dict(*value.dict, out) && out.add('>');
    case Kind::function:
      if (!value.function->macro) return fail("a function has no text"), false;
      added = out.add("<Macro '") && out.add(value.function->name) && out.add("'>");
      break;
    case Kind::loop:
      added = out.add({bytes, inlay::print(bytes, sizeof bytes, "<LoopContext {}/{}>",
                                           value.loop->index + 1, value.loop->items.count)});
      break;
    default: return fail_with("a '{}' has no text", type_name(value)), false;
  }
  if (!added) out_of_memory();
  return !failed();
}

bool Renderer::repr_list(const List& list, TextBuilder& out) {
  if (list.form == Form::generator) return fail("a generator has no text; use |list"), false;
  if (list.form == Form::range) {
    char bytes[96];
    const std::size_t size =
        list.step == 1 ? inlay::print(bytes, sizeof bytes, "range({}, {})", list.start, list.stop)
                       : inlay::print(bytes, sizeof bytes, "range({}, {}, {})", list.start,
                                      list.stop, list.step);
    return out.add({bytes, size}) || (out_of_memory(), false);
  }
  const bool is_view = list.form >= Form::keys;
  if (list.form == Form::keys) out.add("dict_keys(");
  if (list.form == Form::values) out.add("dict_values(");
  if (list.form == Form::items) out.add("dict_items(");
  out.add(list.form == Form::tuple ? '(' : '[');
  for (std::uint32_t i = 0; i < list.items.count; ++i) {
    if (i) out.add(", ");
    if (!repr(list.items[i], out)) return false;
  }
  if (list.form == Form::tuple && list.items.count == 1) out.add(',');
  bool added = out.add(list.form == Form::tuple ? ')' : ']');
  if (is_view) added = out.add(')');
  if (!added) out_of_memory();
  return !failed();
}

bool Renderer::repr_dict(const Dict& dict, TextBuilder& out) {
  out.add('{');
  for (std::uint32_t i = 0; i < dict.pairs.count; ++i) {
    if (i) out.add(", ");
    if (!repr(dict.pairs[i].key, out)) return false;
    out.add(": ");
    if (!repr(dict.pairs[i].value, out)) return false;
  }
  if (!out.add('}')) out_of_memory();
  return !failed();
}

}  // namespace inlay::jinja
