// filters_text.cpp - filters that make texts.
#include "text/template/lexer.h"
#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/template/text_tools.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

Value letters(Renderer& r, Subject s, const Arguments& a, Letters letters) {
  const Text* text = r.bind(a, "filter", {}, nullptr) ? r.to_text(s) : nullptr;
  return text ? turn_letters(r, *text, letters) : Value();
}

Value marked(Renderer& r, const Text* text, bool markup) {
  Text* copy = text ? r.arena().make<Text>(*text) : nullptr;
  if (!copy) return r.out_of_memory();
  copy->markup = markup;
  return Value::of(copy);
}

}  // namespace

const Text* escape_markup(Renderer& r, const Text& text) {
  if (!r.work(1 + text.size / 16)) return nullptr;
  TextBuilder out(r.arena());
  for_runs(text, [&](std::string_view bytes, Origin origin) {
    for (const char c : bytes) {
      switch (c) {
        case '&': out.add("&amp;", origin); break;
        case '<': out.add("&lt;", origin); break;
        case '>': out.add("&gt;", origin); break;
        case '\'': out.add("&#39;", origin); break;
        case '"': out.add("&#34;", origin); break;
        default: out.add(c, origin);
      }
    }
  });
  const Value escaped = r.give(out);
  return r.failed() ? nullptr : escaped.text;
}

Value filter_upper(Renderer& r, Subject s, const Arguments& a) { return letters(r, s, a, Letters::upper); }
Value filter_lower(Renderer& r, Subject s, const Arguments& a) { return letters(r, s, a, Letters::lower); }
Value filter_title(Renderer& r, Subject s, const Arguments& a) {
  return letters(r, s, a, Letters::jinja_title);
}
Value filter_capitalize(Renderer& r, Subject s, const Arguments& a) {
  return letters(r, s, a, Letters::capitalize);
}

Value filter_string(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "string", {}, nullptr) ? r.give(r.to_text(s)) : Value();
}

Value filter_safe(Renderer& r, Subject s, const Arguments& a) {
  const Text* text = r.bind(a, "safe", {}, nullptr) ? r.to_text(s) : nullptr;
  return text ? marked(r, text, true) : Value();
}

Value filter_escape(Renderer& r, Subject s, const Arguments& a) {
  if (s.is_text() && s.text->markup) return s;
  return filter_forceescape(r, s, a);
}

Value filter_forceescape(Renderer& r, Subject s, const Arguments& a) {
  const Text* text = r.bind(a, "escape", {}, nullptr) ? r.to_text(s) : nullptr;
  const Text* escaped = text ? escape_markup(r, *text) : nullptr;
  return escaped ? marked(r, escaped, true) : Value();
}

Value filter_trim(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::none();
  if (!r.bind(a, "trim", {"chars"}, &p)) return {};
  const Text* text = r.to_text(s);
  const Text* which = p.is(Kind::none) || !text ? nullptr : r.bind_text(p, "trim");
  return text && !r.failed() ? strip(r, *text, which, true, true) : Value();
}

Value filter_replace(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::missing(), Value::missing(), Value::none()};
  if (!r.bind(a, "replace", {"old", "new", "count"}, p)) return {};
  if (p[1].is(Kind::missing)) return r.fail("replace() wants two texts");
  const Text* text = r.to_text(s);
  const Text* from = text ? r.to_text(p[0]) : nullptr;
  const Text* to = from ? r.to_text(p[1]) : nullptr;
  std::int64_t most = -1;
  if (!to || (!p[2].is(Kind::none) && !r.bind_whole(p[2], "replace", most))) return {};
  return replace(r, *text, *from, *to, most);
}

Value filter_center(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::of(std::int64_t{80});
  std::int64_t width = 0;
  if (!r.bind(a, "center", {"width"}, &p) || !r.bind_whole(p, "center", width)) return {};
  const Text* text = r.to_text(s);
  return text ? justify(r, *text, width, '^', ' ') : Value();
}

Value filter_format(Renderer& r, Subject s, const Arguments& a) {
  if (a.items.count && a.named.count) return r.fail("format wants either names or values");
  const Text* text = r.to_text(s);
  if (!text) return {};
  if (a.named.count) {
    Dict* dict = r.arena().make<Dict>();
    if (!dict) return r.out_of_memory();
    for (const NamedValue& named : a.named) {
      if (!dict->set(r.arena(), named.name, named.value)) return r.out_of_memory();
    }
    return percent_format(r, *text, Value::of(dict));
  }
  List* tuple = r.make_list(Form::tuple);
  for (const Value& item : a.items) r.push(tuple, item);
  return r.failed() ? Value() : percent_format(r, *text, Value::of(tuple));
}

Value filter_indent(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::of(std::int64_t{4}), Value::of(false), Value::of(false)};
  if (!r.bind(a, "indent", {"width", "first", "blank"}, p)) return {};
  const Text* text = r.bind_text(s, "indent");
  if (!text) return {};
  const Text* by = nullptr;
  if (p[0].is_text()) {
    by = p[0].text;
  } else {
    std::int64_t width = 0;
    if (!r.bind_whole(p[0], "indent", width)) return {};
    if (width > 10000) return r.fail("indent(): a width over 10000", Status::limit);
    TextBuilder spaces(r.arena());
    spaces.add_repeated(' ', static_cast<std::size_t>(width < 0 ? 0 : width));
    by = r.give(spaces).text;
  }
  const bool blank = r.truth(p[2]);
  TextBuilder ended(r.arena());
  ended.add(*text);
  ended.add('\n');
  const Value whole = r.give(ended);
  if (r.failed()) return {};
  const Value lines = split_lines(r, *whole.text, false);
  TextBuilder out(r.arena());
  for (std::uint32_t i = 0; !r.failed() && i < lines.list->items.count; ++i) {
    const Text& line = *lines.list->items[i].text;
    if (i) out.add('\n');
    if (i == 0 ? r.truth(p[1]) : blank || line.size) out.add(*by);
    out.add(line);
    if (!r.work_bytes(by->size + std::uint64_t{line.size})) return {};
  }
  return r.failed() ? Value() : r.give(out);
}

Value filter_truncate(Renderer& r, Subject s, const Arguments& a) {
  Value p[4] = {Value::of(std::int64_t{255}), Value::of(false), r.text("..."), Value::none()};
  if (!r.bind(a, "truncate", {"length", "killwords", "end", "leeway"}, p)) return {};
  const Text* text = r.bind_text(s, "truncate");
  const Text* end = text ? r.bind_text(p[2], "truncate") : nullptr;
  std::int64_t length = 0, leeway = 5;
  if (!end || !r.bind_whole(p[0], "truncate", length)) return {};
  if (!p[3].is(Kind::none) && !r.bind_whole(p[3], "truncate", leeway)) return {};
  const auto end_points = static_cast<std::int64_t>(count_points(end->view()));
  if (length < end_points || leeway < 0) return r.fail("truncate(): the length is below that of its end");
  if (!r.work_bytes(text->size)) return {};
  if (static_cast<std::int64_t>(count_points(text->view())) - leeway <= length) return s;
  std::size_t kept = byte_of_point(text->view(), static_cast<std::uint64_t>(length - end_points));
  if (!r.truth(p[1])) {
    const std::size_t space = inlay::slice(text->view(), 0, kept).rfind(' ');
    if (space != std::string_view::npos) kept = space;
  }
  TextBuilder out(r.arena());
  out.add(*text, 0, static_cast<std::uint32_t>(kept));
  out.add(*end);
  return r.give(out);
}

namespace {

bool add_quoted(Renderer& r, TextBuilder& out, const Value& value, bool in_query) {
  const Text* text = r.to_text(value);
  if (!text || !r.work(1 + text->size / 8)) return false;
  constexpr std::string_view plain = "_.-~";
  for_runs(*text, [&](std::string_view bytes, Origin origin) {
    for (const char c : bytes) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      char escape[8];
      if (letter || plain.find(c) != std::string_view::npos || (c == '/' && !in_query)) {
        out.add(c, origin);
      } else if (c == ' ' && in_query) {
        out.add('+', origin);
      } else {
        out.add({escape, print(escape, sizeof escape, "%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)))}, origin);
      }
    }
  });
  return true;
}

}  // namespace

Value filter_urlencode(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "urlencode", {}, nullptr)) return {};
  TextBuilder out(r.arena());
  const bool walks = s.is(Kind::dict) || s.is(Kind::list);
  if (!walks) return add_quoted(r, out, s, false) ? r.give(out) : Value();
  const Value pairs = s.is(Kind::dict) ? dict_items(r, s, a) : s;
  Vec<Value> items;
  if (!r.iterate(pairs, items)) return {};
  for (std::uint32_t i = 0; i < items.count; ++i) {
    Vec<Value> two;
    if (!r.iterate(items[i], two)) return {};
    if (two.count != 2) return r.fail("urlencode wants pairs");
    if (i) out.add('&');
    if (!add_quoted(r, out, two[0], true)) return {};
    out.add('=');
    if (!add_quoted(r, out, two[1], true)) return {};
  }
  return r.give(out);
}

Value filter_wordcount(Renderer& r, Subject s, const Arguments& a) {
  const Text* text = r.bind(a, "wordcount", {}, nullptr) ? r.to_text(s) : nullptr;
  if (!text || !r.work_bytes(text->size)) return {};
  std::int64_t count = 0;
  bool inside = false;
  for (const char c : text->view()) {
    if (static_cast<unsigned char>(c) >= 0x80) return r.fail("wordcount of texts that are not ASCII is not known");
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    count += word && !inside;
    inside = word;
  }
  return Value::of(count);
}

}  // namespace inlay::jinja
