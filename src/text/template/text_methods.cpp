// text_methods.cpp - the methods of str.
#include "text/template/lexer.h"
#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/template/text_tools.h"
#include "text/utf8.h"

namespace inlay::jinja {

constexpr std::size_t nowhere = std::string_view::npos;

Value text_upper(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "upper", {}, nullptr) ? turn_letters(r, *s.text, Letters::upper) : Value();
}
Value text_lower(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "lower", {}, nullptr) ? turn_letters(r, *s.text, Letters::lower) : Value();
}
Value text_capitalize(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "capitalize", {}, nullptr) ? turn_letters(r, *s.text, Letters::capitalize)
                                              : Value();
}
Value text_title(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "title", {}, nullptr) ? turn_letters(r, *s.text, Letters::title) : Value();
}
Value text_swapcase(Renderer& r, Subject s, const Arguments& a) {
  return r.bind(a, "swapcase", {}, nullptr) ? turn_letters(r, *s.text, Letters::swap) : Value();
}

namespace {

Value strip_method(Renderer& r, Subject s, const Arguments& a, bool left, bool right) {
  Value which = Value::none();
  if (!r.bind(a, "strip", {".chars"}, &which)) return {};
  if (which.is(Kind::none)) return strip(r, *s.text, nullptr, left, right);
  const Text* characters = r.bind_text(which, "strip");
  return characters ? strip(r, *s.text, characters, left, right) : Value();
}

}  // namespace

Value text_strip(Renderer& r, Subject s, const Arguments& a) {
  return strip_method(r, s, a, true, true);
}
Value text_lstrip(Renderer& r, Subject s, const Arguments& a) {
  return strip_method(r, s, a, true, false);
}
Value text_rstrip(Renderer& r, Subject s, const Arguments& a) {
  return strip_method(r, s, a, false, true);
}

Value text_replace(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::missing(), Value::missing(), Value::missing()};
  if (!r.bind(a, "replace", {".old", ".new", ".count"}, p)) return {};
  const Text* from = r.bind_text(p[0], "replace");
  const Text* to = r.bind_text(p[1], "replace");
  std::int64_t most = -1;
  if (!from || !to || !r.bind_whole(p[2], "replace", most)) return {};
  return replace(r, *s.text, *from, *to, most);
}

namespace {

// Words between white space, at most `most` cuts.
Value split_spaces(Renderer& r, const Text& text, std::int64_t most) {
  List* parts = r.make_list();
  std::size_t at = space_after(text.view());
  while (at < text.size) {
    std::size_t end = at;
    if (most == 0) {
      end = text.size;
    } else {
      while (end < text.size && !space_after(inlay::slice(text.view(), end, text.size)))
        end += utf8_length(inlay::slice(text.view(), end, text.size));
    }
    if (!r.work_bytes(8 * (end - at)) || !r.push(parts, r.slice(text, at, end))) return {};
    at = most == 0 ? text.size : end + space_after(inlay::slice(text.view(), end, text.size));
    if (most > 0) --most;
  }
  return r.failed() ? Value() : Value::of(parts);
}

Value rsplit_spaces(Renderer& r, const Text& text, std::int64_t most) {
  Vec<Value> parts;
  std::size_t end = space_before(text.view());
  while (end > 0) {
    std::size_t begin = end;
    if (most == 0) {
      begin = 0;
    } else {
      while (begin && space_before(inlay::slice(text.view(), 0, begin)) == begin) --begin;
      while (begin < end && (static_cast<unsigned char>(text.data[begin]) & 0xc0) == 0x80) ++begin;
    }
    const Value part = r.slice(text, begin, end);
    if (!r.work_bytes(8 * (end - begin)) || !parts.push(r.arena(), part)) return r.out_of_memory();
    end = most == 0 ? 0 : space_before(inlay::slice(text.view(), 0, begin));
    if (most > 0) --most;
  }
  List* list = r.make_list();
  for (std::uint32_t i = parts.count; i > 0; --i) {
    if (!r.push(list, parts[i - 1])) return {};
  }
  return r.failed() ? Value() : Value::of(list);
}

Value split_at(Renderer& r, const Text& text, const Text& separator, std::int64_t most) {
  List* parts = r.make_list();
  std::size_t at = 0;
  for (; most != 0; --most) {
    const std::size_t found = r.find(text.view(), separator.view(), at);
    if (found == nowhere) break;
    if (!r.push(parts, r.slice(text, at, found))) return {};
    at = found + separator.size;
  }
  return r.push(parts, r.slice(text, at, text.size)) ? Value::of(parts) : Value();
}

// The last place of `part`; nowhere: there is none.
std::size_t find_last(Renderer& r, std::string_view whole, std::string_view part) {
  if (part.size() > whole.size()) return nowhere;
  std::uint64_t compared = 0;
  for (std::size_t at = whole.size() - part.size() + 1; at > 0; --at) {
    std::size_t same = 0;
    while (same < part.size() && whole[at - 1 + same] == part[same]) ++same;
    if (same == part.size()) return r.work_bytes(compared + same) ? at - 1 : nowhere;
    compared += same + 1;
    if (compared <= 65536) continue;
    if (!r.work_bytes(compared)) return nowhere;
    compared = 0;
  }
  r.work_bytes(compared);
  return nowhere;
}

Value rsplit_at(Renderer& r, const Text& text, const Text& separator, std::int64_t most) {
  Vec<Value> parts;
  std::size_t end = text.size;
  for (; most != 0; --most) {
    const std::size_t found = find_last(r, inlay::slice(text.view(), 0, end), separator.view());
    if (found == nowhere || r.failed()) break;
    if (!parts.push(r.arena(), r.slice(text, found + separator.size, end)))
      return r.out_of_memory();
    end = found;
  }
  List* list = r.make_list();
  r.push(list, r.slice(text, 0, end));
  for (std::uint32_t i = parts.count; i > 0; --i) r.push(list, parts[i - 1]);
  return r.failed() ? Value() : Value::of(list);
}

Value split_method(Renderer& r, Subject s, const Arguments& a, bool from_right) {
  Value p[2] = {Value::none(), Value::missing()};
  std::int64_t most = -1;
  if (!r.bind(a, "split", {"sep", "maxsplit"}, p) || !r.bind_whole(p[1], "split", most)) return {};
  if (p[0].is(Kind::none)) {
    return from_right ? rsplit_spaces(r, *s.text, most) : split_spaces(r, *s.text, most);
  }
  const Text* separator = r.bind_text(p[0], "split");
  if (!separator) return {};
  if (!separator->size) return r.fail("split(): the separator is empty");
  return from_right ? rsplit_at(r, *s.text, *separator, most)
                    : split_at(r, *s.text, *separator, most);
}

Value partition(Renderer& r, const Text& text, std::size_t found, std::size_t size,
                bool from_right) {
  List* parts = r.make_list(Form::tuple);
  const Value empty = r.text("");
  if (found == nowhere) {
    r.push(parts, from_right ? empty : Value::of(&text));
    r.push(parts, empty);
    r.push(parts, from_right ? Value::of(&text) : empty);
  } else {
    r.push(parts, r.slice(text, 0, found));
    r.push(parts, r.slice(text, found, found + size));
    r.push(parts, r.slice(text, found + size, text.size));
  }
  return r.failed() ? Value() : Value::of(parts);
}

Value partition_method(Renderer& r, Subject s, const Arguments& a, bool from_right) {
  Value p = Value::missing();
  if (!r.bind(a, "partition", {".sep"}, &p)) return {};
  const Text* separator = r.bind_text(p, "partition");
  if (!separator) return {};
  if (!separator->size) return r.fail("partition(): the separator is empty");
  const std::size_t found = from_right ? find_last(r, s.view(), separator->view())
                                       : r.find(s.view(), separator->view(), 0);
  return partition(r, *s.text, found, separator->size, from_right);
}

}  // namespace

Value text_split(Renderer& r, Subject s, const Arguments& a) {
  return split_method(r, s, a, false);
}
Value text_rsplit(Renderer& r, Subject s, const Arguments& a) {
  return split_method(r, s, a, true);
}
Value text_partition(Renderer& r, Subject s, const Arguments& a) {
  return partition_method(r, s, a, false);
}
Value text_rpartition(Renderer& r, Subject s, const Arguments& a) {
  return partition_method(r, s, a, true);
}

Value text_splitlines(Renderer& r, Subject s, const Arguments& a) {
  Value keep = Value::of(false);
  return r.bind(a, "splitlines", {"keepends"}, &keep) ? split_lines(r, *s.text, r.truth(keep))
                                                      : Value();
}

Value text_join(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  Vec<Value> items;
  if (!r.bind(a, "join", {".iterable"}, &p) || !r.iterate(p, items)) return {};
  return join(r, items, *s.text, true);
}

namespace {

// What of `text` lies between the optional characters start and end; false: nothing fits.
bool clip(Renderer& r, const Text& text, const Value& start, const Value& end, std::size_t& from,
          std::size_t& to) {
  const auto count = static_cast<std::int64_t>(count_points(text.view()));
  std::int64_t first = 0, last = count;
  if (!start.is(Kind::none) && !r.bind_whole(start, "find", first)) return false;
  if (!end.is(Kind::none) && !r.bind_whole(end, "find", last)) return false;
  if (first < 0) first = first + count < 0 ? 0 : first + count;
  if (last < 0) last = last + count < 0 ? 0 : last + count;
  if (last > count) last = count;
  if (first > last || !r.work_bytes(text.size)) return false;
  from = byte_of_point(text.view(), static_cast<std::uint64_t>(first));
  to = byte_of_point(text.view(), static_cast<std::uint64_t>(last));
  return true;
}

Value find_method(Renderer& r, Subject s, const Arguments& a, bool last, bool must) {
  Value p[3] = {Value::missing(), Value::none(), Value::none()};
  if (!r.bind(a, "find", {".sub", ".start", ".end"}, p)) return {};
  const Text* part = r.bind_text(p[0], "find");
  if (!part) return {};
  std::size_t from = 0, to = 0, found = nowhere;
  if (clip(r, *s.text, p[1], p[2], from, to)) {
    const std::string_view inside = inlay::slice(s.view(), 0, to);
    found = last ? find_last(r, inside, part->view()) : r.find(inside, part->view(), from);
    if (found != nowhere && found < from) found = nowhere;
  }
  if (found != nowhere) {
    return Value::of(static_cast<std::int64_t>(count_points(inlay::slice(s.view(), 0, found))));
  }
  return must ? r.fail("index(): the text is not found") : Value::of(std::int64_t{-1});
}

Value edge_method(Renderer& r, Subject s, const Arguments& a, bool at_end) {
  Value p[3] = {Value::missing(), Value::none(), Value::none()};
  const char* who = at_end ? "endswith" : "startswith";
  if (!r.bind(a, who, {".prefix", ".start", ".end"}, p)) return {};
  std::size_t from = 0, to = 0;
  const bool fits = clip(r, *s.text, p[1], p[2], from, to);
  Vec<Value> parts;
  if (p[0].is(Kind::list) && p[0].list->form == Form::tuple)
    parts = p[0].list->items;
  else if (!parts.push(r.arena(), p[0]))
    return r.out_of_memory();
  for (const Value& one : parts) {
    const Text* part = r.bind_text(one, who);
    if (!part || !r.work_bytes(part->size)) return {};
    const std::string_view inside = inlay::slice(s.view(), from, to);
    if (!fits) continue;
    if (at_end ? inside.ends_with(part->view()) : inside.starts_with(part->view())) {
      return Value::of(true);
    }
  }
  return r.failed() ? Value() : Value::of(false);
}

Value remove_method(Renderer& r, Subject s, const Arguments& a, bool at_end) {
  Value p = Value::missing();
  const Text* part =
      r.bind(a, "removeprefix", {".prefix"}, &p) ? r.bind_text(p, "removeprefix") : nullptr;
  if (!part || !r.work_bytes(part->size)) return {};
  const bool there = at_end ? s.view().ends_with(part->view()) : s.view().starts_with(part->view());
  if (!there) return s;
  return at_end ? r.slice(*s.text, 0, s.text->size - part->size)
                : r.slice(*s.text, part->size, s.text->size);
}

}  // namespace

Value text_find(Renderer& r, Subject s, const Arguments& a) {
  return find_method(r, s, a, false, false);
}
Value text_rfind(Renderer& r, Subject s, const Arguments& a) {
  return find_method(r, s, a, true, false);
}
Value text_index(Renderer& r, Subject s, const Arguments& a) {
  return find_method(r, s, a, false, true);
}
Value text_rindex(Renderer& r, Subject s, const Arguments& a) {
  return find_method(r, s, a, true, true);
}
Value text_startswith(Renderer& r, Subject s, const Arguments& a) {
  return edge_method(r, s, a, false);
}
Value text_endswith(Renderer& r, Subject s, const Arguments& a) {
  return edge_method(r, s, a, true);
}
Value text_removeprefix(Renderer& r, Subject s, const Arguments& a) {
  return remove_method(r, s, a, false);
}
Value text_removesuffix(Renderer& r, Subject s, const Arguments& a) {
  return remove_method(r, s, a, true);
}

Value text_count(Renderer& r, Subject s, const Arguments& a) {
  Value p[3] = {Value::missing(), Value::none(), Value::none()};
  if (!r.bind(a, "count", {".sub", ".start", ".end"}, p)) return {};
  const Text* part = r.bind_text(p[0], "count");
  std::size_t from = 0, to = 0;
  if (!part) return {};
  if (!clip(r, *s.text, p[1], p[2], from, to)) {
    return r.failed() ? Value() : Value::of(std::int64_t{0});
  }
  const std::string_view inside = inlay::slice(s.view(), from, to);
  if (!part->size) return Value::of(static_cast<std::int64_t>(count_points(inside)) + 1);
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = r.find(inside, part->view(), at)) != nowhere; at += part->size) {
    ++count;
  }
  return r.failed() ? Value() : Value::of(count);
}

Value text_format(Renderer& r, Subject s, const Arguments& a) {
  return brace_format(r, *s.text, a);
}

namespace {

Value justify_method(Renderer& r, Subject s, const Arguments& a, char align) {
  Value p[2] = {Value::missing(), Value::missing()};
  std::int64_t width = 0;
  if (!r.bind(a, "center", {".width", ".fillchar"}, p)) return {};
  if (p[0].is(Kind::missing)) return r.fail("center() wants a width");
  if (!r.bind_whole(p[0], "center", width)) return {};
  char32_t fill = ' ';
  if (!p[1].is(Kind::missing)) {
    const Text* text = r.bind_text(p[1], "center");
    if (!text) return {};
    if (count_points(text->view()) != 1) return r.fail("a fill is one character");
    fill = utf8_step(text->view()).point;
  }
  return justify(r, *s.text, width, align, fill);
}

template <class Test>
Value all_method(Renderer& r, Subject s, const Arguments& a, Test test) {
  if (!r.bind(a, "is...", {}, nullptr) || !r.work_bytes(s.text->size)) return {};
  for (const char c : s.view()) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return r.fail("character classes of texts that are not ASCII are not known here");
    }
  }
  return Value::of(s.text->size != 0 && test(s.view()));
}

template <class Test>
bool all(std::string_view text, Test test) {
  for (const char c : text) {
    if (!test(c)) return false;
  }
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

Value text_center(Renderer& r, Subject s, const Arguments& a) {
  return justify_method(r, s, a, '^');
}
Value text_ljust(Renderer& r, Subject s, const Arguments& a) {
  return justify_method(r, s, a, '<');
}
Value text_rjust(Renderer& r, Subject s, const Arguments& a) {
  return justify_method(r, s, a, '>');
}

Value text_zfill(Renderer& r, Subject s, const Arguments& a) {
  Value p = Value::missing();
  std::int64_t width = 0;
  if (!r.bind(a, "zfill", {".width"}, &p) || !r.bind_whole(p, "zfill", width)) return {};
  if (width > Layout::most_width) return r.fail("a width over 100000", Status::limit);
  const auto points = static_cast<std::int64_t>(count_points(s.view()));
  const bool sign = s.text->size && (s.text->data[0] == '-' || s.text->data[0] == '+');
  TextBuilder out(r.arena());
  out.add(*s.text, 0, sign);
  if (width > points) out.add_repeated('0', static_cast<std::size_t>(width - points));
  out.add(*s.text, sign, s.text->size);
  return r.give(out);
}

Value text_isalnum(Renderer& r, Subject s, const Arguments& a) {
  return all_method(r, s, a, [](std::string_view text) {
    return all(text, [](char c) { return is_digit(c) || is_lower(c) || is_upper(c); });
  });
}
Value text_isalpha(Renderer& r, Subject s, const Arguments& a) {
  return all_method(r, s, a, [](std::string_view text) {
    return all(text, [](char c) { return is_lower(c) || is_upper(c); });
  });
}
Value text_isdigit(Renderer& r, Subject s, const Arguments& a) {
  return all_method(r, s, a, [](std::string_view text) { return all(text, is_digit); });
}
Value text_islower(Renderer& r, Subject s, const Arguments& a) {
  return all_method(r, s, a, [](std::string_view text) {
    return all(text, [](char c) { return !is_upper(c); }) &&
           !all(text, [](char c) { return !is_lower(c); });
  });
}
Value text_isupper(Renderer& r, Subject s, const Arguments& a) {
  return all_method(r, s, a, [](std::string_view text) {
    return all(text, [](char c) { return !is_lower(c); }) &&
           !all(text, [](char c) { return !is_upper(c); });
  });
}
Value text_isspace(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "isspace", {}, nullptr) || !r.work_bytes(s.text->size)) return {};
  return Value::of(s.text->size != 0 && space_after(s.view()) == s.text->size);
}
Value text_isascii(Renderer& r, Subject s, const Arguments& a) {
  if (!r.bind(a, "isascii", {}, nullptr) || !r.work_bytes(s.text->size)) return {};
  return Value::of(all(s.view(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

}  // namespace inlay::jinja
